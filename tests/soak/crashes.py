"""Realms that are killed again and again, that come back with much to keep, and whose clocks are wrong."""

from collections.abc import Iterable
from statistics import median
from typing import Final

from tests.faults.clocked import ClockedRealm
from tests.faults.large_realm import Size, imports, large_realm
from tests.faults.mixed_load import Mixed
from tests.faults.realm_kit import NAMES, world
from tests.faults.wrong_clocks import Clocks
from tests.soak.part import Outcome, Part, Soak

EXAMINED: Final = 25
"""After so many kills `doctor` looks at everything."""

LARGE: Final = Size(entries=1_000_000, users=50_000, groups=1_000, queued=100_000)
TOLD: Final = 4_000
"""Answers before each kill."""
SOON: Final = 1.0
"""Seconds in which, in the median, a realm is to be ready where it need not wait for a processor that others have."""

IDLE_EVERY: Final = 10
IDLE_S: Final = 3.0
IDLE_MOST: Final = 0.2
"""Of a core: idle links say hello now and then."""


def killed(soak: Soak, outcome: Outcome) -> None:
    """kill -9 of one, two or all of three realms, again and again."""
    with world(soak.folder) as three:
        mixed = Mixed(three, soak.chance)
        try:
            for number in range(1, soak.rounds + 1):
                mixed.kill()
                if number % EXAMINED == 0:
                    mixed.examine()
            mixed.end()
        finally:
            if mixed.in_flight:
                outcome.figures |= mixed.figures()


def started(soak: Soak, outcome: Outcome) -> None:
    """A realm with much to keep is killed while people talk, and started."""
    with large_realm(soak.folder, LARGE) as large:
        starts, importing = [], []
        for _ in range(soak.rounds):
            large.kill(TOLD)
            importing.append(imports())
            starts.append(large.start())
            large.check()
        large.examine()
    unhindered = [one.ready - one.waited for one in starts]
    asked = f"less than {SOON:g} s in the median is asked"
    own = [one.processor - processor for one, (_, processor) in zip(starts, importing, strict=True)]
    outcome.figures |= {
        "entries, users, groups": f"{LARGE.entries + large.said:,}, {LARGE.users:,}, {LARGE.groups:,}",
        "waiting for a realm that is no more": f"{LARGE.queued:,}",
        "left in the write-ahead log": f"{max(one.log_bytes for one in starts) / 2**20:.1f} MiB at most",
        "from exec until ready": _seconds([one.ready for one in starts]),
        "the same without waiting for a processor that others had": f"{_seconds(unhindered)}; {asked}",
        "from exec until the first answer": _seconds([one.answered for one in starts]),
        "of that, imports alone": _seconds([seconds for seconds, _ in importing]),
        "processor time until ready": _seconds([one.processor for one in starts]),
        "of that, without imports": _seconds(own),
    }
    assert median(unhindered) < SOON, f"a start takes {median(unhindered):.2f} s in the median, not less than {SOON:g}"


def clocks(soak: Soak, outcome: Outcome) -> None:
    """Clocks are set a day forward, back and right, while realms run and while they are killed."""
    chance, idle = soak.chance, [0.0]
    with world(soak.folder, make=ClockedRealm) as three:
        mixed = Mixed(three, chance)
        wrong = Clocks(mixed)

        def jump(names: Iterable[str]) -> None:
            for name in names:
                wrong.set(name, chance.choice((-1, 0, 1)))

        mixed.meanwhile = jump
        for number in range(soak.rounds):
            jump(chance.sample(NAMES, k=chance.randint(1, len(NAMES))))
            wrong.go_on()
            if number % 2:
                mixed.kill()
                wrong.go_on()
            else:
                name = NAMES[number // 2 % len(NAMES)]
                wrong.set(name, 1)
                wrong.guess(name, 0, -1)
            if number % IDLE_EVERY == 0:
                idle.append(wrong.idle_share(IDLE_S))
        wrong.set_right(NAMES)
        mixed.check()
    outcome.figures |= {
        **mixed.figures(),
        "times a clock was set": f"{wrong.jumps:,} while its realm ran, {wrong.beside:,} while it was down",
        "pushes that came after it": f"{wrong.heard:,}",
        "of a core, with nothing said": f"{max(idle):.1%} at most",
    }
    assert max(idle) < IDLE_MOST, f"an idle realm takes {max(idle):.0%} of a core"


def _seconds(took: list[float]) -> str:
    return f"{min(took):.2f} s at least, {median(took):.2f} s in the median, {max(took):.2f} s at most"


PARTS: Final = {
    "crashes-killed": Part(
        "three realms that exchange texts, group messages and files, and refuse some: one, two or all are ended by"
        " kill -9 with at least 100 commands in flight, come back, and are asked again",
        killed,
        rounds=200,
    ),
    "crashes-start": Part(
        f"a realm with {LARGE.entries:,} entries and {LARGE.queued:,} messages for one that is no more"
        " is ended by kill -9 while people talk, and started",
        started,
        rounds=10,
    ),
    "crashes-clock": Part(
        "three realms under the same load, whose clocks are set a day forward, back and right again, while they run and"
        " while they are down after kill -9",
        clocks,
        rounds=40,
    ),
}
