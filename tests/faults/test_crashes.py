"""kill -9 under everything at once; the long form is `python -m tests.soak --only crashes-killed`."""

import random

from tests.faults.mixed_load import Mixed
from tests.faults.realm_kit import World, three

__all__ = ["three"]


def test_killed_under_mixed_load(three: World) -> None:
    """One realm and two at once: texts, groups, files and refusals, here and between realms."""
    mixed = Mixed(three, random.Random(8))
    mixed.kill("pusat")
    mixed.kill("kampus", "timur")
    mixed.end()
