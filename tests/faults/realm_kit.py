"""Three realms that know each other, load between them, and what must hold whatever happened to them.

What goes from kampus to pusat and back passes through proxies; timur and the two others reach each other directly.
"""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import zmq

from tests.faults.proxy import HERE, Proxy
from tests.faults.realm_flows import EAR, GROUP, Flow, Map, Talker, history, same, texts
from tests.realm_process import FAST_HASHING, NO_LIMITS, RealmProcess
from tests.wire.player import read_card
from tests.wire.player_actor import Actor

NAMES = ("kampus", "pusat", "timur")
TO_PUSAT, TO_KAMPUS = "127.0.0.2", "127.0.0.3"
"""Where the proxies are: kampus dials pusat there, and pusat kampus."""
WINDOW = 48
PATIENCE = 90.0
"""Seconds; longer than anything takes. Whoever waits so long has been forgotten."""
LOOK_MS = 50


class World:
    """The realms, their people, and what those say."""

    def __init__(
        self, folder: Path, stack: ExitStack, window: int = WINDOW, make: Callable[..., RealmProcess] = RealmProcess
    ) -> None:
        """`make` is given a folder, a name and settings."""
        self.window = window
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.realms = {name: make(folder, name, NO_LIMITS + FAST_HASHING) for name in NAMES}
        self.kampus, self.pusat, self.timur = self.realms.values()
        for realm in self.realms.values():
            realm.options = ("--log-format", "json")
            stack.callback(end, realm)
        self.kampus.options += ("--advertise", f"{TO_KAMPUS}:{self.kampus.door}")
        stack.callback(self.context.destroy, linger=0)
        self.to_pusat = Proxy(TO_PUSAT, (self.pusat.door, self.pusat.commands))
        stack.callback(self.to_pusat.close)
        self.to_kampus = Proxy(TO_KAMPUS, (self.kampus.door, self.kampus.commands))
        stack.callback(self.to_kampus.close)
        self.people: list[Actor] = []
        self.flows: list[Flow] = []
        self.starts: list[float] = []
        """Seconds from the start of each realm that was started again until it said that it is ready."""
        self.beside: list[Talker] = []
        """Others who talk, and are no flows."""
        self.ears: dict[str, Actor] = {}
        self.fetched: Counter[tuple[str, str, str]] = Counter()
        """What `getrealminbox` has given: realm, realm of the sender, entry."""
        self.said_beside: set[tuple[str, str, str]] = set()
        """The same of what was said by others than the flows."""
        self.meanwhile: Callable[[], None] = lambda: None
        """Done again and again while something is waited for."""
        for realm in self.realms.values():
            realm.start()
            self.ears[realm.name] = self.person(realm.name, EAR)
            self.ask(realm.name, "addgroup", group=GROUP)
        self._introduce()

    @property
    def talkers(self) -> list[Talker]:
        """All who talk."""
        return [*self.flows, *self.beside]

    @property
    def proxies(self) -> tuple[Proxy, Proxy]:
        return self.to_pusat, self.to_kampus

    def person(self, realm: str, name: str) -> Actor:
        """A new user."""
        card = read_card(self.context, f"tcp://{HERE}:{self.realms[realm].door}")
        actor = Actor(self.context, card, HERE, f"{name}@{realm}")
        self.people.append(actor)
        account = {"username": name, "password": "surabaya", "country": "Inggris", "name": name.title()}
        [answer] = actor.ask([{"cmd": "register", **account}])
        assert answer["status"] == "OK", answer
        return actor

    def flow(self, realm: str, target: str, count: int = 0) -> Flow:
        """Somebody new at `realm` who talks to `target`."""
        flow = Flow(self.person(realm, f"{realm}-{target}-{len(self.flows)}"), target)
        if not flow.crosses:
            [answer] = flow.actor.ask([{"cmd": "joingroup", "group": GROUP}])
            assert answer["status"] == "OK", answer
        flow.more(count)
        self.flows.append(flow)
        return flow

    def all_ways(self, count: int = 0) -> list[Flow]:
        """A flow from each realm to each other."""
        return [self.flow(one, other, count) for one in NAMES for other in NAMES if one != other]

    def ask(self, at: str, cmd: str, /, **arguments: Any) -> Map:
        """What a realm answers to its own user."""
        answers = self.ears[at].ask([{"cmd": cmd, **arguments}])
        assert answers, f"{at} does not answer {cmd}"
        assert answers[0]["status"] == "OK", answers
        return answers[0]

    def row(self, realm: str, peer: str) -> Map:
        """What a realm says of a peer."""
        [row] = [row for row in self.ask(realm, "realms")["realms"] if row["realm"] == peer]
        return dict(row)

    def is_down(self, realm: str, peer: str) -> bool:
        return "down_since" in self.row(realm, peer)

    def is_up(self, realm: str, peer: str) -> bool:
        return bool(self.row(realm, peer)["connected"])

    def run(self, until: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Let all talk and be answered, until something is so."""
        give_up = monotonic() + patience
        while not until():
            if monotonic() > give_up:
                raise AssertionError(f"{what}: not in time; {self}")
            self.step()

    def step(self) -> None:
        """Say what may be said now, and wait a little for an answer."""
        poller = zmq.Poller()
        talkers = self.talkers
        for one in talkers:
            one.say(self.window)
            if one.open:
                poller.register(one.actor.dealer, zmq.POLLIN)
        ready = dict(poller.poll(LOOK_MS))
        for one in talkers:
            if one.open and one.actor.dealer in ready:
                one.hear()
        self.meanwhile()

    def run_until_answered(self, *flows: Flow, patience: float = PATIENCE) -> None:
        """Until all that these (or all) have to say is answered."""
        self.run(lambda: all(flow.done for flow in flows or self.flows), "all is answered", patience)

    def run_for(self, answers: int, *flows: Flow) -> None:
        """Until so many more answers came to these flows."""
        before = sum(len(flow.answers) for flow in flows)
        self.run(lambda: sum(len(flow.answers) for flow in flows) >= before + answers, f"{answers} more answers")

    def kill(self, *names: str) -> None:
        """SIGKILL, of several at once; their users notice."""
        for name in names:
            self.realms[name].send_signal(signal.SIGKILL)
        for name in names:
            self.realms[name].kill()
        self._hang_up(names)

    def stop(self, *names: str) -> None:
        """SIGTERM: it ends well, and who waited has had an answer, unless it is on its way."""
        for name in names:
            assert self.realms[name].stop() == 0, self.realms[name].log()[-2_000:]
        self._hang_up(names)

    def start(self, *names: str) -> None:
        """Start it again; its users say again what was not answered."""
        began = monotonic()
        for name in names:
            self.realms[name].launch()
        for name in names:
            self.realms[name].await_ready()
            self.starts.append(monotonic() - began)
        for one in self.talkers:
            if one.realm in names:
                one.call_again()

    def settle(self, patience: float = PATIENCE) -> None:
        """Until all is said and answered, and nothing waits for a peer any more."""
        self.run_until_answered(patience=patience)
        pairs = [(one, other) for one in NAMES for other in NAMES if one != other]
        self.run(lambda: all(self.row(*pair)["queued"] == 0 for pair in pairs), "all is delivered", patience)

    def check(self, *, hostile: bool = False) -> None:
        """Everything arrived once and in order, chains verify, own copies are there once, nothing went wrong inside.

        Nobody was cut either, as far as nobody was hostile.
        """
        for flow in self.flows:
            self.check_flow(flow)
        for name, realm in self.realms.items():
            for other in NAMES:
                if other != name:
                    self._check_realm_inbox(name, other)
            log = realm.log()
            assert "internal error" not in log
            assert hostile or "too much held" not in log, "nobody here is cut"

    def check_flow(self, flow: Flow) -> None:
        """What one has said is there at both ends, once and in order."""
        self._check_sender(flow)
        self._check_recipient(flow)

    def logged(self, realm: str, event: str) -> list[Map]:
        """What a realm's log says under that name."""
        lines = [line for line in self.realms[realm].log().splitlines() if f'"{event}"' in line]
        return [line for line in map(_decoded, lines) if line.get("event") == event]

    def __str__(self) -> str:
        flows = [f"{one.realm}→{one.target} {len(one.answers)}/{one.said}/{len(one.commands)}" for one in self.flows]
        rows = []
        for name, realm in self.realms.items():
            seen = self.ask(name, "realms")["realms"] if realm.running else []
            rows += [f"{name}: {row['realm']} {row['queued']} queued, {row}" for row in seen]
        return "\n".join(["answered/said/wanted " + ", ".join(flows), *rows])

    def _introduce(self) -> None:
        self.ask("kampus", "addrealm", realm="pusat", address=TO_PUSAT, port=self.pusat.door)
        for other in (self.kampus, self.pusat):
            self.ask("timur", "addrealm", realm=other.name, address=HERE, port=other.door)
        pairs = [(one, other) for one in NAMES for other in NAMES if one != other]
        self.run(lambda: all(self.is_up(*pair) for pair in pairs), "all realms answer each other")

    def _hang_up(self, names: tuple[str, ...]) -> None:
        for one in self.talkers:
            if one.realm in names:
                one.hang_up()

    def _check_sender(self, flow: Flow) -> None:
        for conversation, to_group in ((flow.private, False), (flow.sent, True)):
            own = [entry for entry in history(flow.actor, conversation) if entry["from"] == flow.user]
            same(
                [entry["message"] for entry in own],
                texts(flow.kept(), to_group=to_group),
                f"own copies in {conversation}",
            )
            assert not [entry for entry in own if entry.get("queued")], "what has arrived is shown as queued"

    def _check_recipient(self, flow: Flow) -> None:
        for conversation, to_group in ((flow.private, False), (flow.group, True)):
            came = [one for one in history(self.ears[flow.target], conversation) if one["from"] == flow.user]
            same(
                [entry["message"] for entry in came],
                texts(flow.arriving(), to_group=to_group),
                f"what came in {conversation}",
            )

    def _check_realm_inbox(self, name: str, other: str) -> None:
        more = True
        while more:
            page = self.ask(name, "getrealminbox", realm=other)
            more = page["more"]
            assert {entry["from"].partition("@")[2] for entry in page["messages"]} <= {other}
            self.fetched.update((name, other, entry["id"]) for entry in page["messages"])
        flows = [flow for flow in self.flows if (flow.realm, flow.target) == (other, name)]
        due = {(name, other, command["entry"]) for flow in flows for command in flow.arriving()}
        due |= {one for one in self.said_beside if one[:2] == (name, other)}
        fetched = {one: count for one, count in self.fetched.items() if one[:2] == (name, other)}
        assert fetched == dict.fromkeys(due, 1), f"getrealminbox {other} at {name} is not complete"


def end(realm: RealmProcess) -> None:
    """Whatever became of it."""
    if realm.running:
        realm.kill()


def _decoded(line: str) -> Map:
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


@contextmanager
def world(folder: Path, window: int = WINDOW, make: Callable[..., RealmProcess] = RealmProcess) -> Iterator[World]:
    """A world that ends with the block."""
    with ExitStack() as stack:
        yield World(folder, stack, window, make)


@pytest.fixture
def three(tmp_path: Path) -> Iterator[World]:
    """Three realms that know each other."""
    with world(tmp_path) as made:
        yield made
