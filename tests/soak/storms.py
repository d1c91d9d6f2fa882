"""What many do at once to a realm, and what others who talk notice of it.

Those who talk are a process of their own, at a steady pace; a round has them alone first and then with the storm, so
that both are measured in the same minute. The storm's clients, the realm and those who talk share this machine: what
the clients compute (as many handshakes as the realm) counts against the realm here, as it would not elsewhere.
"""

import time
from collections.abc import Callable
from typing import Final

from tests.bench.meter import median, quantile
from tests.faults import storms
from tests.faults.bare_chat import BareChat
from tests.faults.storm_crowd import Crowd
from tests.faults.storm_kit import CONNECTION, MIB, PAGE, SLACK, Memory, Site, nothing_lost, room_for, site
from tests.faults.talkers import Talkers, Waits
from tests.soak.part import Outcome, Part, Soak

CROWD: Final = 1_000
IDLE: Final = 2_000
TALKING: Final = 50
EVERY: Final = 0.25
"""Seconds between two messages of one of those who talk: 200 a second in all."""
ALONE_S: Final = 5.0
IDLE_S: Final = 3 * storms.HEARTBEAT_S
"""At least so long are those there who do nothing: all say `sync` and PING more than once, in the same moments."""
SETTLED_S: Final = 4.0
"""After so long nothing is left to tidy up of the thousands who have gone: what others wait then they wait alone."""
MESSAGES: Final = 5
"""What each of the crowd says at once."""
TIMED: Final = 4_000
"""For how many libzmq keeps a timer."""
PINGING: Final = 20
"""How many more have it go through all of them,"""
PINGING_S: Final = 8.0
"""and for how many seconds."""
PAGES: Final = 4
TIMES: Final = 3.0
"""The p99 of others is to stay within so many times of what it is without the storm."""
_SHARED: Final = (
    "the storm's clients, libzmq's one thread for input and output and those who talk share this machine's cores; "
    "see what they wait at the binding alone"
)


class Watch:
    """Those who talk, with and without a storm; and what the realm has in memory."""

    def __init__(self, here: Site, talkers: Talkers, bound: int) -> None:
        """`bound` in bytes: what the realm may grow by in a storm."""
        self._here, self._talkers, self._bound = here, talkers, bound
        self.alone: list[Waits] = []
        self.meanwhile: list[Waits] = []
        self.between: list[Waits] = []
        self.grown: list[int] = []

    def during(self, storm: Callable[[], object]) -> None:
        """A round: nobody but those who talk, and then the storm too."""
        self.quiet()
        self.storm(storm)

    def quiet(self) -> None:
        """Nobody but those who talk."""
        time.sleep(SETTLED_S)  # what comes meanwhile is measured too, and is of no round
        self.between.append(self._talkers.cut())
        time.sleep(ALONE_S)  # so long is measured
        self.alone.append(self._talkers.cut())

    def storm(self, storm: Callable[[], object]) -> None:
        """The storm too."""
        memory = Memory(self._here.realm.pid)
        self.between.append(self._talkers.cut())
        storm()
        self.meanwhile.append(self._talkers.cut())
        self.grown.append(memory.within(self._bound))

    def tell(self, outcome: Outcome, *, excused: str = "") -> None:
        """What came out; to be called when those who talk have ended.

        `excused` says why others may wait longer than is wanted; without it that is a failure.
        """
        rounds = [*self.alone, *self.meanwhile, *self.between, self._talkers.rest]
        said = sum(len(one.answered) for one in rounds)
        nothing_lost(rounds)
        outcome.figures |= {
            "others' messages": f"{said:,}, each answered OK and heard once",
            "others alone, from word to push": _both(self.alone),
            "others meanwhile": _both(self.meanwhile),
            "memory grew by then": f"{max(self.grown) / MIB:.0f} MiB at most; bound {self._bound / MIB:.0f} MiB",
        }
        times = median([_p99(one) / _p99(alone) for one, alone in zip(self.meanwhile, self.alone, strict=True)])
        outcome.figures["others' p99, times that of the same round alone"] = f"{times:.1f}; at most {TIMES:g} is asked"
        if times > TIMES:
            outcome.short = f"others' p99 is {times:.1f} times that alone, not within {TIMES:g}: {excused}"
        assert excused or times <= TIMES, f"others waited {times:.1f} times as long"


def arrivals(soak: Soak, outcome: Outcome) -> None:
    """All connect, resume, subscribe and say something at once; then all leave at once."""
    took: list[float] = []
    with site(soak.folder, CROWD, TALKING) as here:
        with Crowd(here) as crowd, here.talkers(EVERY) as talkers:
            watch = Watch(here, talkers, 2 * CROWD * CONNECTION + SLACK)
            for _ in range(soak.rounds):
                watch.during(lambda: took.append(storms.arrive(crowd, MESSAGES)))
                crowd.talk()
                crowd.check()
                storms.leave(crowd)
        _seconds(outcome, "until the last was served", took)
        outcome.figures["said by the crowd"] = f"{soak.rounds * CROWD * (MESSAGES + 1):,}, each there and pushed once"
        watch.tell(outcome, excused=_SHARED)
    _bare(soak, outcome, CROWD, lambda crowd: storms.arrive(crowd, MESSAGES), after=storms.leave)


def departures(soak: Soak, outcome: Outcome) -> None:
    """All who listen end their connections at once."""
    took: list[float] = []
    with site(soak.folder, IDLE, TALKING) as here:
        with Crowd(here) as crowd, here.talkers(EVERY) as talkers:
            watch = Watch(here, talkers, SLACK)
            for _ in range(soak.rounds):
                storms.arrive(crowd, 0)
                watch.during(lambda: took.append(storms.leave(crowd)))
        _seconds(outcome, "until the realm had none of them", took)
        watch.tell(outcome, excused=_SHARED)
    _bare(soak, outcome, IDLE, storms.leave, before=lambda crowd: storms.arrive(crowd, 0))


def idle(soak: Soak, outcome: Outcome) -> None:
    """2,000 are there, with a session, both connections and a heartbeat."""
    with site(soak.folder, IDLE, TALKING) as here:
        memory, grown = Memory(here.realm.pid), list[int]()
        with here.talkers(EVERY) as talkers:
            watch = Watch(here, talkers, SLACK)
            for _ in range(soak.rounds):
                watch.quiet()
                with Crowd(here) as crowd:
                    storms.arrive(crowd, 0)
                    grown.append(memory.grown())
                    watch.storm(lambda: storms.be_idle(crowd, max(IDLE_S, soak.seconds / soak.rounds)))
                    storms.leave(crowd)
        outcome.figures["memory of an idle client"] = f"{grown[0] / IDLE / 1024:.0f} KiB, two connections and a session"
        # Later waves find a heap with holes, which does not shrink; so the bound is that of the first.
        outcome.figures["realm's memory grew by, with all of a wave there"] = f"{max(grown) / MIB:.0f} MiB at most"
        assert grown[0] < 2 * IDLE * CONNECTION + SLACK, f"{grown[0] / MIB:.0f} MiB for {IDLE:,} clients"
        watch.tell(outcome)


def returns(soak: Soak, outcome: Outcome) -> None:
    """The realm is killed while all talk, and starts again; all come back at once."""
    came: list[storms.Return] = []
    with site(soak.folder, CROWD, 2) as here, Crowd(here) as crowd:
        storms.arrive(crowd, 1)
        for _ in range(soak.rounds):
            came.append(storms.come_back(here, crowd, MESSAGES, soak.chance.randrange(CROWD, 3 * CROWD)))
            grown = Memory(here.realm.pid).grown()
            crowd.talk()
            crowd.check()
        assert grown < 2 * CROWD * CONNECTION + SLACK
    outcome.figures["commands under way at the kill"] = f"{min(one.unanswered for one in came):,} at least"
    _seconds(outcome, "from its start until it was ready, everybody dialling", [one.start for one in came])
    _seconds(
        outcome, "from then until the last had resumed, listened and held the newest", [one.caught_up for one in came]
    )
    said = CROWD * (1 + soak.rounds * (MESSAGES + 1))
    outcome.figures["said by the crowd"] = f"{said:,}, each there once, and pushed once or known at the return"


def handshakes(soak: Soak, outcome: Outcome) -> None:
    """A thousand connections that stop somewhere in their handshake, on all ports."""
    took: list[float] = []

    def storm() -> None:
        with storms.half_open(here, CROWD) as peers:
            took.append(storms.cut(peers))

    with site(soak.folder, CROWD, TALKING) as here:
        with here.talkers(EVERY) as talkers:
            watch = Watch(here, talkers, CROWD * CONNECTION + SLACK)
            for _ in range(soak.rounds):
                watch.during(storm)
        _seconds(outcome, "until the realm had cut them all", took)
        watch.tell(outcome)


def pings(soak: Soak, outcome: Outcome) -> None:
    """Thousands at the front door have libzmq keep timers, and some go on and on to end them."""
    said: list[int] = []

    def storm() -> None:
        said.append(storms.ping(here, PINGING, PINGING_S))

    with site(soak.folder, CROWD, TALKING) as here:
        with here.talkers(EVERY) as talkers:
            watch = Watch(here, talkers, TIMED * CONNECTION + SLACK)
            for _ in range(soak.rounds):
                watch.quiet()
                with storms.timed(here, TIMED):
                    watch.storm(storm)
        outcome.figures["PINGs a second"] = f"{median(said) / PINGING_S:,.0f}"
        watch.tell(outcome)


def pages(soak: Soak, outcome: Outcome) -> None:
    """All ask for the largest pages at once."""
    took: list[float] = []
    with site(soak.folder, CROWD, TALKING, filled=True) as here, Crowd(here) as crowd:
        with here.talkers(EVERY) as talkers:
            storms.arrive(crowd, 0)
            watch = Watch(here, talkers, CROWD * PAGE + SLACK)
            for _ in range(soak.rounds):
                watch.during(lambda: took.append(storms.ask_for_pages(here, crowd, PAGES)))
        _seconds(outcome, f"until all had their {CROWD * PAGES:,} pages of 256 KiB", took)
        watch.tell(outcome)


def _bare(
    soak: Soak,
    outcome: Outcome,
    count: int,
    storm: Callable[[Crowd], object],
    *,
    before: Callable[[Crowd], object] = lambda _crowd: None,
    after: Callable[[Crowd], object] = lambda _crowd: None,
) -> None:
    """The same storm at the binding alone, as often: what others wait there is not for the realm to mend."""
    alone, meanwhile = list[Waits](), list[Waits]()
    with room_for(count), BareChat(count, TALKING) as bare, Crowd(bare) as crowd, bare.talkers(EVERY) as talkers:
        for _ in range(soak.rounds):
            before(crowd)
            time.sleep(SETTLED_S)  # as above
            talkers.cut()
            time.sleep(ALONE_S)  # so long is measured
            alone.append(talkers.cut())
            storm(crowd)
            meanwhile.append(talkers.cut())
            after(crowd)
    times = median([_p99(one) / _p99(quiet) for one, quiet in zip(meanwhile, alone, strict=True)])
    outcome.figures |= {
        "binding alone (ROUTER, XPUB, CURVE, nothing behind), without the storm": _both(alone),
        "binding alone in the same storm": f"{_both(meanwhile)}; {times:.1f} times the p99",
    }


def _p99(waits: Waits) -> float:
    return quantile(waits.heard, 0.99)


def _both(rounds: list[Waits]) -> str:
    p50, p99 = (median([quantile(one.heard, share) for one in rounds]) for share in (0.5, 0.99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms (medians of {len(rounds)} rounds)"


def _seconds(outcome: Outcome, what: str, took: list[float]) -> None:
    outcome.figures[what] = f"{median(took):.1f} s, at most {max(took):.1f} s"


_OTHERS: Final = f"while {TALKING} others talk"
PARTS: Final = {
    "storm-arrivals": Part(
        f"{CROWD:,} clients connect, resume, subscribe and say {MESSAGES} things each at once, {_OTHERS}",
        arrivals,
        rounds=5,
    ),
    "storm-departures": Part(f"{IDLE:,} who listen end their connections at once, {_OTHERS}", departures, rounds=5),
    "storm-idle": Part(f"{IDLE:,} are there with a heartbeat and nothing else, {_OTHERS}", idle, rounds=5),
    "storm-return": Part(f"kill -9 while {CROWD:,} talk; all come back at once", returns, rounds=5),
    "storm-handshakes": Part(
        f"{CROWD:,} connections stop somewhere in their handshake, on all ports, {_OTHERS}", handshakes, rounds=5
    ),
    "storm-pings": Part(
        f"{TIMED:,} strangers at the front door announce PINGs, and {PINGING} say thousands a second, {_OTHERS}",
        pings,
        rounds=5,
    ),
    "storm-pages": Part(f"{CROWD:,} ask for {PAGES} of the largest pages each at once, {_OTHERS}", pages, rounds=5),
}
