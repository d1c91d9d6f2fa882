"""How a fault that is put in on purpose is caught."""

from collections import Counter
from collections.abc import Callable, Iterable

import pytest

from realm.store.interface import DamagedError, StoreError
from tests.simulation.history import BrokenError

Run = Callable[[Iterable[int]], Counter[str]]


def caught_by(run: Run, at_most: int, words: tuple[str, ...], first: int = 0) -> None:
    """Run histories from number `first` on until one breaks, which must say one of these; so many at most.

    `first` saves the time of those that hold. A change elsewhere may have others break: look for them from 0 on.
    """
    for seed in range(first, first + at_most):
        why = broken(run, seed)
        if why is not None:
            assert any(one in why for one in words), why
            print(f"caught in history {seed}: {why}")
            return
    pytest.fail(f"not caught in histories {first} to {first + at_most - 1}")


def broken(run: Run, seed: int) -> str | None:
    """What is wrong with a history, None where it holds."""
    try:
        run([seed])
    except (BrokenError, StoreError, DamagedError) as error:  # a realm whose store has failed stops
        return str(error)
    return None
