"""Runs many histories of several realms: `python -m tests.simulation.federation.runner SEED HISTORIES`."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tests.simulation.federation.history import FederatedHistory
from tests.simulation.federation.store import Databases
from tests.simulation.runner import Play, main, memory_folder, run_on, without_collector


@contextmanager
def several_realms() -> Iterator[Play]:
    """Histories of two to five realms."""
    with memory_folder() as folder:
        databases = Databases(folder)
    with without_collector() as collect:

        def play(seed: int) -> Counter[str]:
            history = FederatedHistory(seed, databases)
            try:
                history.run()
            finally:
                history.close()
            collect()
            return history.world.counts

        yield play


def run_histories(seeds: Iterable[int]) -> Counter[str]:
    """Run the history of each seed; what happened in all of them. Raises BrokenError with the seed that fails."""
    return run_on(several_realms, seeds)


if __name__ == "__main__":
    sys.exit(main(several_realms, int(sys.argv[1]), int(sys.argv[2])))
