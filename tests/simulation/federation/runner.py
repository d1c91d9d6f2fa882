"""Runs many histories of several realms: `python -m tests.simulation.federation.runner SEED HISTORIES`."""

import sys
from collections import Counter
from collections.abc import Iterable

from tests.simulation.federation.history import FederatedHistory
from tests.simulation.federation.store import Databases
from tests.simulation.runner import main, memory_folder, without_collector


def run_histories(seeds: Iterable[int]) -> Counter[str]:
    """Run the history of each seed; what happened in all of them. Raises BrokenError with the seed that fails."""
    counts: Counter[str] = Counter()
    with memory_folder() as folder:
        databases = Databases(folder)
    with without_collector() as collect:
        for seed in seeds:
            history = FederatedHistory(seed, databases)
            try:
                history.run()
            finally:
                history.close()
            counts += history.world.counts
            collect()
    return counts


if __name__ == "__main__":
    sys.exit(main(run_histories, int(sys.argv[1]), int(sys.argv[2])))
