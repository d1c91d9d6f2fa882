"""Realms that are killed again and again, that come back with much to keep, and whose clocks are wrong."""

from typing import Final

from tests.faults.mixed_load import Mixed
from tests.faults.realm_kit import world
from tests.soak.part import Outcome, Part, Soak

EXAMINED: Final = 25
"""After so many kills `doctor` looks at everything."""


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


PARTS: Final = {
    "crashes-killed": Part(
        "three realms that exchange texts, group messages and files, and refuse some: one, two or all are ended by"
        " kill -9 with at least 100 commands in flight, come back, and are asked again",
        killed,
        rounds=200,
    ),
}
