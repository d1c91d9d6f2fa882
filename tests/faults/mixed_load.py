"""Everything at once between three realms, and kill -9 in the middle of it: what is said, and what must hold after."""

import random
import signal
from collections.abc import Callable
from itertools import groupby
from statistics import median

from tests.faults.denied import CLOSED, Denied
from tests.faults.file_flows import FileFlow
from tests.faults.realm_flows import Flow, Map, Talker, same, texts
from tests.faults.realm_kit import NAMES, World
from tests.scenarios.operator_kit import operate
from tests.wire.player_actor import Actor
from tests.wire.stranger import follows

BURST = 200
"""So much each of those that are cut off begins to say at once before its realm is killed, and"""
ANSWERED = 250
"""at most so much of that, of each realm, was answered before."""
AT_LEAST = 100
"""Commands without an answer at each kill."""
BESIDE = 12
"""What the others say in each round."""
FILES = 2
"""And how many files are sent by each of those who send any."""
PATIENCE = 120.0
HOW_MANY = (6, 3, 1)
"""How often one, two or all of them are killed."""


class Tail:
    """A conversation, read on from where it was read to before, as somebody sees it."""

    def __init__(self, actor: Actor, conversation: str) -> None:
        self.entries: list[Map] = []
        self._actor, self._conversation = actor, conversation
        self._chain = bytes(32)

    def read(self) -> list[Map]:
        """All entries; those that are new follow on those before, by number and by chain."""
        more = True
        while more:
            asked = {"cmd": "history", "conversation": self._conversation, "after": len(self.entries)}
            [page] = self._actor.ask([asked])
            assert page["status"] == "OK", page
            more = page["more"]
            for entry in page["entries"]:
                assert entry["seq"] == len(self.entries) + 1, f"{self._conversation} has a gap before {entry['seq']}"
                assert follows(self._chain, entry), f"the chain of {self._conversation} breaks at {entry['seq']}"
                self._chain = entry["chain"]
                self.entries.append({key: entry[key] for key in ("id", "from", "chain", "message") if key in entry})
        return self.entries


class Mixed:
    """Who talks in three realms, and the rounds of kills that they go through."""

    def __init__(self, three: World, chance: random.Random) -> None:
        self.three, self.chance = three, chance
        three.window = BURST
        self.flows = [*three.all_ways(), *(three.flow(name, name) for name in NAMES)]
        for name in NAMES:
            three.ask(name, "addgroup", group=CLOSED)
        ways = [("kampus", "pusat"), ("pusat", "kampus"), ("timur", "timur"), ("pusat", "timur")]
        self.files = [FileFlow(three.person(here, f"files-{there}"), there) for here, there in ways]
        self.denied = [Denied(three.person(here, f"denied-{there}"), there) for here, there in ways if here != there]
        three.beside += [*self.files, *self.denied]
        self.in_flight: list[int] = []
        """At each kill: the commands that were sent to those who were killed, and not answered."""
        self.kills = 0
        """Processes that were killed."""
        self.meanwhile: Callable[[tuple[str, ...]], None] = lambda _killed: None
        """Done while those are down."""
        self._tails: dict[tuple[Actor, str], Tail] = {}
        self._compared: dict[tuple[str, str], int] = {}

    def kill(self, *names: str) -> None:
        """Kill some, or these, under load, start them again, and let all be answered and looked at."""
        three, chance = self.three, self.chance
        killed = names or tuple(chance.sample(NAMES, k=chance.choices((1, 2, 3), HOW_MANY)[0]))
        self._say_more(())
        before = sum(len(flow.answers) for flow in self.flows)
        some = chance.randrange(1, len(self.flows) * BESIDE // 2)
        three.run(lambda: sum(len(flow.answers) for flow in self.flows) >= before + some, "some is answered")
        while self._freeze_in_the_middle(killed) < AT_LEAST:
            for name in killed:
                three.realms[name].send_signal(signal.SIGCONT)
        three.kill(*killed)
        self.kills += len(killed)
        self.in_flight.append(self._in_flight(killed))
        assert self.in_flight[-1] >= AT_LEAST, f"{self.in_flight[-1]} commands were in flight when {killed} ended"
        for _ in range(chance.randrange(6)):
            three.step()
        self.meanwhile(killed)
        three.start(*killed)
        self._finish()

    def _freeze_in_the_middle(self, killed: tuple[str, ...]) -> int:
        """Stop them at some moment of a burst; how many commands have no answer then.

        On a busy machine a realm may have answered all of it before anybody here has looked.
        """
        self._say_more(killed)
        cut_off = [flow for flow in self.flows if flow.realm in killed]
        due = sum(len(flow.answers) for flow in cut_off) + self.chance.randrange(ANSWERED * len(killed))
        self.three.run(lambda: sum(len(flow.answers) for flow in cut_off) >= due, "some of the burst is answered")
        for name in killed:
            self.three.realms[name].send_signal(signal.SIGSTOP)
        for one in self.three.talkers:
            one.hear()
        return self._in_flight(killed)

    def _in_flight(self, killed: tuple[str, ...]) -> int:
        return sum(one.in_flight for one in self._talkers if one.realm in killed)

    def go_on(self) -> None:
        """All say something more, and are answered; nobody is killed."""
        self._say_more(())
        self._finish()

    def _finish(self) -> None:
        self.three.run(lambda: all(one.done for one in self._talkers), "all is answered", PATIENCE)
        self.look()

    def look(self) -> None:
        """Every OK is there once, in order, where it was said to be; what arrived is no more than was said."""
        for flow in self.flows:
            for conversation, to_group in ((flow.private, False), (flow.sent, True)):
                own = self._from(flow, flow.actor, conversation, to_group=to_group)
                assert own == len(texts(flow.kept(), to_group=to_group)), f"{conversation} has {own} of {flow.user}"
            for conversation, to_group in ((flow.private, False), (flow.group, True)):
                self._from(flow, self.three.ears[flow.target], conversation, to_group=to_group)
            self._as_told(flow)

    def end(self) -> None:
        """Nothing waits any more: look at everything, from both ends and from its beginning, and in the folders."""
        self.check()
        self.examine()

    def check(self) -> None:
        """The same, but for the folders."""
        three = self.three
        three.settle(PATIENCE)
        for one in self.files:
            one.check(three.ears[one.target])
            if one.crosses:
                three.said_beside |= {(one.target, one.realm, given.entry) for given in one.files}
        for denied in self.denied:
            denied.check(three.ears[denied.realm])
        three.check()

    def examine(self) -> None:
        """`doctor` finds nothing, and reads every byte of every file."""
        for realm in self.three.realms.values():
            code, lines, errors = operate(realm.data, "doctor", "--full", "--config", realm.config)
            assert (code, errors) == (0, ""), (realm.name, lines, errors)

    @property
    def commands(self) -> int:
        """All that were said; a message that was repeated counts once."""
        said: int = sum(flow.said for flow in (*self.flows, *self.denied))
        return said + sum(one.commands for one in self.files)

    @property
    def oks(self) -> int:
        """How many were answered OK."""
        said: int = sum(
            answer["status"] == "OK" for flow in (*self.flows, *self.denied) for answer in flow.answers.values()
        )
        return said + sum(one.answered for one in self.files)

    def figures(self) -> dict[str, str]:
        """What came out."""
        three, flows = self.three, (*self.flows, *self.denied)
        refused = sum(answer["status"] != "OK" for flow in flows for answer in flow.answers.values())
        starts, in_flight = sorted(three.starts), self.in_flight
        return {
            "moments of a kill": f"{len(self.in_flight):,}",
            "processes killed": f"{self.kills:,}",
            "commands": f"{self.commands:,}",
            "answered OK": f"{self.oks:,}, of which {sum(flow.queued() for flow in flows):,} as queued",
            "refused": f"{refused:,}",
            "files": f"{sum(len(one.answers) for one in self.files):,}",
            "commands in flight at a kill": f"{min(in_flight):,} at least, {median(in_flight):,.0f} in the median",
            "from exec until ready": f"{median(starts):.2f} s in the median, {starts[-1]:.2f} s at most",
        }

    @property
    def _talkers(self) -> list[Talker]:
        return [*self.flows, *self.files, *self.denied]

    def _say_more(self, killed: tuple[str, ...]) -> None:
        for flow in self.flows:
            flow.more(BURST if flow.realm in killed else 0 if killed else BESIDE)
        if not killed:
            for files in self.files:
                files.more(FILES)
            for denied in self.denied:
                denied.more(BESIDE)

    def _tail(self, actor: Actor, conversation: str) -> Tail:
        return self._tails.setdefault((actor, conversation), Tail(actor, conversation))

    def _from(self, flow: Flow, actor: Actor, conversation: str, *, to_group: bool) -> int:
        """How much somebody has of a flow; of that what is new is what comes next."""
        came = [entry for entry in self._tail(actor, conversation).read() if entry["from"] == flow.user]
        key = f"{flow.user} {actor.user}", conversation
        start = self._compared.get(key, 0)
        due = texts(flow.arriving(), to_group=to_group)[start : len(came)]
        same([entry["message"] for entry in came[start:]], due, f"{conversation} as {actor.user} sees it")
        self._compared[key] = len(came)
        return len(came)

    def _as_told(self, flow: Flow) -> None:
        """What was answered is there under the number, the name and the chain that the answer said."""
        key = flow.user, "answers"
        start = self._compared.get(key, 0)
        told = [flow.answers[number] for number in range(start, flow.said)]
        for conversation, answers in groupby(sorted(told, key=_place), lambda answer: answer["conversation"]):
            entries = self._tail(flow.actor, conversation).entries
            for answer in answers:
                entry = entries[answer["seq"] - 1]
                assert (entry["id"], entry["chain"]) == (answer["entry"], answer["chain"]), answer
        self._compared[key] = flow.said


def _place(answer: Map) -> tuple[str, int]:
    return answer["conversation"], answer["seq"]
