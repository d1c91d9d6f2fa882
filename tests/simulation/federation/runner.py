"""Runs many histories of several realms: `python -m tests.simulation.federation.runner SEED HISTORIES`."""

import shutil
import sys
from collections import Counter
from collections.abc import Iterable

from realm.store import database
from tests.simulation.federation.history import FederatedHistory
from tests.simulation.runner import main, memory_folder


def run_histories(seeds: Iterable[int]) -> Counter[str]:
    """Run the history of each seed; what happened in all of them. Raises BrokenError with the seed that fails."""
    counts: Counter[str] = Counter()
    with memory_folder() as folder:
        template = folder / "template"
        connection = database.open_database(template)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        for seed in seeds:
            place = folder / str(seed)
            place.mkdir()
            history = FederatedHistory(seed, place, template)
            try:
                history.run()
            finally:
                history.close()
            shutil.rmtree(place)
            counts += history.world.counts
    return counts


if __name__ == "__main__":
    sys.exit(main(run_histories, int(sys.argv[1]), int(sys.argv[2])))
