"""Realms that are killed again and again, that come back with much to keep, and whose clocks are wrong."""

from statistics import median
from typing import Final

from tests.faults.large_realm import Size, imports, large_realm
from tests.faults.mixed_load import Mixed
from tests.faults.realm_kit import world
from tests.soak.part import Outcome, Part, Soak

EXAMINED: Final = 25
"""After so many kills `doctor` looks at everything."""

LARGE: Final = Size(entries=1_000_000, users=50_000, groups=1_000, queued=100_000)
TOLD: Final = 4_000
"""Answers before each kill."""
SOON: Final = 1.0
"""Seconds within which a realm is to be ready; of several starts, as others use the machine too."""


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
        starts, alone = [], []
        for _ in range(soak.rounds):
            large.kill(TOLD)
            alone.append(imports())
            starts.append(large.start())
            large.check()
        large.examine()
    own = [one.processor - processor for one, (_, processor) in zip(starts, alone, strict=True)]
    outcome.figures |= {
        "entries, users, groups": f"{LARGE.entries + large.said:,}, {LARGE.users:,}, {LARGE.groups:,}",
        "waiting for a realm that is no more": f"{LARGE.queued:,}",
        "left in the write-ahead log": f"{max(one.log_bytes for one in starts) / 2**20:.1f} MiB at most",
        "from exec until ready": _seconds([one.ready for one in starts]),
        "from exec until the first answer": _seconds([one.answered for one in starts]),
        "of that, imports alone": _seconds([seconds for seconds, _ in alone]),
        "processor time until ready": _seconds([one.processor for one in starts]),
        "of that, without imports": _seconds(own),
    }
    assert min(one.ready for one in starts) < SOON, f"no start takes less than {SOON:g} s"


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
}
