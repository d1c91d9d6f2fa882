"""Seeded histories of a realm that is killed anywhere, on a network that does anything, with the client's own repair.

`make simulate SEED=… HISTORIES=…` runs more of them; a seed that fails replays exactly.
"""

from collections import Counter
from pathlib import Path

import pytest

from schemas.commands import name_of
from tests.simulation.history import COMMANDS_SAID, CRASHES, SimulatedHistory
from tests.simulation.network import Fault, Seldom
from tests.simulation.runner import memory_folder, run_histories

HISTORIES = 504
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_nothing_is_lost_doubled_or_shown_to_others(part: int) -> None:
    each = HISTORIES // PARTS
    counts = run_histories(range(part * each, (part + 1) * each))
    missing = [what for what in (*(name_of(command) for command in COMMANDS_SAID), *Fault, *Seldom) if not counts[what]]
    assert missing == [], f"never happened: {missing}"


def test_the_same_seed_gives_the_same_history() -> None:
    def run() -> tuple[Counter[str], int]:
        with memory_folder() as folder:
            history = SimulatedHistory(7, folder / "realm")
            history.run()
            return history.world.counts, history.world.now

    assert run() == run()


def test_every_history_is_long_and_has_crashes(tmp_path: Path) -> None:
    history = SimulatedHistory(11, tmp_path / "realm")
    history.run()
    assert history.commands >= 200
    assert history.crashes >= CRASHES


@pytest.mark.parametrize("seed", [34, 3290])
def test_histories_that_failed_once_hold(seed: int) -> None:
    """34: a removal that was not flushed came back with the power. 3290: a late page began above the first news."""
    run_histories([seed])
