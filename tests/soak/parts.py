"""What happens to three realms under a steady load, and what comes of it."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from tests.faults.realm_flows import Flow, history, texts
from tests.faults.realm_kit import NAMES, World
from tests.wire.dialling import paused

PACE: Final = 40
"""Messages a second of each flow."""
LONG: Final = 600.0
"""Seconds within which all must be settled."""
ENOUGH: Final = 300
"""So many messages of a flow may still be unsaid: a realm that comes back has no more to catch up with."""

NOTICED: Final = 15.0
"""Seconds after which a silent peer is known to be one, at the latest."""


@dataclass
class Outcome:
    """A line of the table."""

    what: str
    seconds: float = 0.0
    """How long it went on."""
    settled: float = 0.0
    """How long it took then until everything was delivered."""
    said: int = 0
    queued: int = 0
    """How many were answered as queued."""
    lost: int = 0
    doubled: int = 0
    notes: list[str] = field(default_factory=list)
    error: str = ""


class Going:
    """Three realms under load."""

    def __init__(self, three: World, chance: random.Random) -> None:
        self.three, self.chance = three, chance
        self.across = three.all_ways()
        self.local = [three.flow(name, name) for name in NAMES]
        self._before = monotonic()
        self._due = 0.0
        three.meanwhile = self._more

    def on(self, seconds: float) -> None:
        """Let it go on for so long."""
        until = monotonic() + seconds
        self.three.run(lambda: monotonic() >= until, "time passes", LONG)

    def settle(self) -> float:
        """Say no more, and wait until all is delivered; the seconds that this took."""
        self.three.meanwhile = lambda: None
        began = monotonic()
        self.three.settle(LONG)
        return monotonic() - began

    def _more(self) -> None:
        now = monotonic()
        self._due += (now - self._before) * PACE
        self._before = now
        count, self._due = int(self._due), self._due % 1
        for flow in self.three.flows:
            if len(flow.commands) - flow.said < ENOUGH:
                flow.more(count)


def frozen(going: Going, outcome: Outcome, seconds: float, _kills: int) -> None:
    """SIGSTOP of one realm; users of the others, and those two among each other, go on."""
    three = going.three
    others = [flow for flow in three.flows if "pusat" not in (flow.realm, flow.target)]
    going.on(3)
    waits = [len(flow.waits) for flow in others]
    queued = sum(flow.queued() for flow in others)
    with paused(three.pusat.pid):
        going.on(seconds)
        waiting = three.row("kampus", "pusat")["queued"]
        outcome.notes.append(f"{waiting:,} waited at kampus for it")
        assert three.is_down("kampus", "pusat") or seconds < NOTICED, "nobody has noticed"
    taken = [wait for flow, before in zip(others, waits, strict=True) for wait in flow.waits[before:]]
    assert sum(flow.queued() for flow in others) == queued, "others were told `queued`"
    outcome.notes.append(f"{len(taken):,} answers to others meanwhile, the slowest in {max(taken) * 1e3:.0f} ms")
    going.on(3)


def killed(going: Going, outcome: Outcome, _seconds: float, kills: int) -> None:
    """kill -9 of one, two or all, or a restart, again and again."""
    done: Counter[str] = Counter()
    while done.total() < kills:
        kill_some(going, done)
    outcome.notes.append(_listed(done))


def flapping(going: Going, outcome: Outcome, seconds: float, _kills: int) -> None:
    """The network between two of them is cut, silent, slow and whole again, each direction by itself."""
    until, done = monotonic() + seconds, Counter[str]()
    while monotonic() < until:
        flap(going, done)
    mend(going)
    outcome.notes.append(_listed(done))


def everything(going: Going, outcome: Outcome, seconds: float, kills: int) -> None:
    """Kills on a network that flaps."""
    until, done = monotonic() + seconds, Counter[str]()
    while monotonic() < until:
        flap(going, done)
        if going.chance.random() < 0.4 and done["killed"] < kills:
            kill_some(going, done)
    mend(going)
    outcome.notes.append(_listed(done))


Part = Callable[[Going, Outcome, float, int], None]
PARTS: Final[dict[str, Part]] = {"frozen": frozen, "killed": killed, "flapping": flapping, "everything": everything}


def play(name: str, three: World, chance: random.Random, seconds: float, kills: int) -> Outcome:
    """Play one part, and count."""
    outcome = Outcome(name)
    going = Going(three, chance)
    began = monotonic()
    try:
        PARTS[name](going, outcome, seconds, kills)
        outcome.seconds = monotonic() - began
        outcome.settled = going.settle()
        count(three, outcome)
        three.check()
    except AssertionError as error:
        outcome.error = str(error)
    return outcome


def kill_some(going: Going, done: Counter[str]) -> None:
    """End some realms after a while, and start them again after another."""
    three, chance = going.three, going.chance
    going.on(chance.uniform(0.1, 1.5))
    names = chance.sample(NAMES, k=chance.choices((1, 2, 3), (7, 2, 1))[0])
    if chance.random() < 0.2:
        three.stop(*names)
        done["stopped"] += len(names)
    else:
        three.kill(*names)
        done["killed"] += len(names)
    going.on(chance.uniform(0, 1.0))
    three.start(*names)


def flap(going: Going, done: Counter[str]) -> None:
    """One change of the network."""
    chance = going.chance
    proxy = chance.choice(going.three.proxies)
    what = chance.choice(("cut", "held", "slow", "healed", "healed"))
    proxy.heal()
    if what == "cut":
        proxy.cut()
    elif what == "held":
        proxy.hold()
    elif what == "slow":
        proxy.slow(chance.choice((5_000, 50_000)))
    done[what] += 1
    going.on(chance.uniform(0.1, 4.0))


def mend(going: Going) -> None:
    """The network is whole again."""
    for proxy in going.three.proxies:
        proxy.heal()


def count(three: World, outcome: Outcome) -> None:
    """How many messages there were, and what became of them at the other end."""
    for flow in three.flows:
        outcome.said += flow.said
        outcome.queued += flow.queued()
        for to_group in (False, True):
            came = Counter(_came(three, flow, to_group=to_group))
            due = Counter(texts(flow.arriving(), to_group=to_group))
            outcome.lost += (due - came).total()
            outcome.doubled += (came - due).total()


def _listed(done: Counter[str]) -> str:
    return ", ".join(f"{what} {count} times" for what, count in sorted(done.items()))


def _came(three: World, flow: Flow, *, to_group: bool) -> list[str]:
    conversation = flow.group if to_group else flow.private
    entries = history(three.ears[flow.target], conversation)
    return [entry["message"] for entry in entries if entry["from"] == flow.user]
