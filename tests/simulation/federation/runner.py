"""Runs many histories of several realms: `python -m tests.simulation.federation.runner SEED HISTORIES`."""

import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

from realm.store import database
from tests.simulation.federation.history import BrokenError, FederatedHistory
from tests.simulation.runner import CHUNK, memory_folder


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


def main(first: int, histories: int) -> int:
    """Run histories on all cores and say what happened; 1 where one failed."""
    counts: Counter[str] = Counter()
    starts = range(first, first + histories, CHUNK)
    chunks = [range(start, min(start + CHUNK, first + histories)) for start in starts]
    try:
        with ProcessPoolExecutor() as pool:
            for part in pool.map(run_histories, chunks):
                counts += part
    except BrokenError as broken:
        sys.stderr.write(f"{broken}\n")
        return 1
    for what, count in sorted(counts.items()):
        sys.stdout.write(f"{count:10,}  {what}\n")
    sys.stdout.write(f"{histories:10,}  histories held\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
