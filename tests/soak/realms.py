"""What happens to three realms under a steady load, and what comes of it."""

import random
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Final

from tests.faults.realm_flows import Flow, history, texts
from tests.faults.realm_kit import NAMES, World, world
from tests.soak.part import Outcome, Part, Soak
from tests.wire.dialling import paused

PACE: Final = 40
"""Messages a second of each flow."""
LONG: Final = 600.0
"""Seconds within which all must be settled."""
ENOUGH: Final = 300
"""So many messages of a flow may still be unsaid: a realm that comes back has no more to catch up with."""

NOTICED: Final = 15.0
"""Seconds after which a silent peer is known to be one, at the latest."""


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


def frozen(going: Going, soak: Soak, outcome: Outcome) -> None:
    """SIGSTOP of one realm; users of the others, and those two among each other, go on."""
    three = going.three
    others = [flow for flow in three.flows if "pusat" not in (flow.realm, flow.target)]
    going.on(3)
    waits = [len(flow.waits) for flow in others]
    queued = sum(flow.queued() for flow in others)
    with paused(three.pusat.pid):
        going.on(soak.seconds)
        outcome.figures["waited for it at one realm"] = f"{three.row('kampus', 'pusat')['queued']:,}"
        assert three.is_down("kampus", "pusat") or soak.seconds < NOTICED, "nobody has noticed"
    taken = [wait for flow, before in zip(others, waits, strict=True) for wait in flow.waits[before:]]
    outcome.figures["answers to others meanwhile"] = f"{len(taken):,}, the slowest in {max(taken) * 1e3:.0f} ms"
    told = sum(flow.queued() for flow in others) - queued
    assert not told, f"others were told `queued`, {told:,} times"
    going.on(3)


def killed(going: Going, soak: Soak, outcome: Outcome) -> None:
    """kill -9 of one, two or all, or a restart, again and again."""
    done: Counter[str] = Counter()
    while done.total() < soak.rounds:
        kill_some(going, done)
    _list(done, outcome)


def flapping(going: Going, soak: Soak, outcome: Outcome) -> None:
    """The network between two of them is cut, silent, slow and whole again, each direction by itself."""
    until, done = monotonic() + soak.seconds, Counter[str]()
    while monotonic() < until:
        flap(going, done)
    mend(going)
    _list(done, outcome)


def everything(going: Going, soak: Soak, outcome: Outcome) -> None:
    """Kills on a network that flaps."""
    until, done = monotonic() + soak.seconds, Counter[str]()
    while monotonic() < until:
        flap(going, done)
        if going.chance.random() < 0.4 and done["killed"] < soak.rounds:
            kill_some(going, done)
    mend(going)
    _list(done, outcome)


Happening = Callable[[Going, Soak, Outcome], None]


def _part(happening: Happening, what: str, rounds: int = 1) -> Part:
    def play(soak: Soak, outcome: Outcome) -> None:
        with world(soak.folder) as three:
            _play(happening, three, soak, outcome)

    return Part(f"three realms, 9 flows of {PACE} messages a second among them: {what}", play, rounds=rounds)


PARTS: Final = {
    "realms-frozen": _part(frozen, "one is stopped, and goes on"),
    "realms-killed": _part(killed, "one, two or all are ended by kill -9, or restarted", rounds=30),
    "realms-flapping": _part(flapping, "the network is cut, silent, slow and whole again, each way by itself"),
    "realms-everything": _part(everything, "kill -9 on such a network", rounds=30),
}


def _play(happening: Happening, three: World, soak: Soak, outcome: Outcome) -> None:
    going = Going(three, soak.chance)
    happening(going, soak, outcome)
    outcome.figures["until all was delivered"] = f"{going.settle():.1f} s"
    _count(three, outcome)
    three.check()


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


def _count(three: World, outcome: Outcome) -> None:
    """How many messages there were, and what became of them at the other end."""
    said = queued = lost = doubled = 0
    for flow in three.flows:
        said += flow.said
        queued += flow.queued()
        for to_group in (False, True):
            came = Counter(_came(three, flow, to_group=to_group))
            due = Counter(texts(flow.arriving(), to_group=to_group))
            lost += (due - came).total()
            doubled += (came - due).total()
    outcome.figures |= {"messages": f"{said:,}", "answered as queued": f"{queued:,}"}
    outcome.figures |= {"lost": f"{lost:,}", "doubled": f"{doubled:,}"}
    assert not lost, f"{lost:,} lost"
    assert not doubled, f"{doubled:,} doubled"


def _list(done: Counter[str], outcome: Outcome) -> None:
    outcome.figures |= {f"times {what}": f"{count:,}" for what, count in sorted(done.items())}


def _came(three: World, flow: Flow, *, to_group: bool) -> list[str]:
    conversation = flow.group if to_group else flow.private
    entries = history(three.ears[flow.target], conversation)
    return [entry["message"] for entry in entries if entry["from"] == flow.user]
