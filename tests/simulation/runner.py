"""Runs many histories: `python -m tests.simulation.runner SEED HISTORIES`."""

import gc
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.simulation.history import BrokenError, SimulatedHistory

SHARED_MEMORY = Path("/dev/shm")
CHUNK = 25


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A temporary folder, in memory where the system has such a place."""
    place = str(SHARED_MEMORY) if SHARED_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place, prefix="bagan-simulation-") as folder:
        yield Path(folder)


@contextmanager
def without_collector() -> Iterator[Callable[[], object]]:
    """Do without the garbage collector, which takes a tenth of a history's time; give what collects between two."""
    gc.collect()
    gc.freeze()  # what is there already need not be looked through each time
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.enable()
        gc.unfreeze()


def run_histories(seeds: Iterable[int]) -> Counter[str]:
    """Run the history of each seed; what happened in all of them. Raises BrokenError with the seed that fails."""
    counts: Counter[str] = Counter()
    with memory_folder() as folder:
        for seed in seeds:
            history = SimulatedHistory(seed, folder / str(seed))
            history.run()
            history.close()
            counts += history.world.counts
    return counts


def main(run: Callable[[Iterable[int]], Counter[str]], first: int, histories: int) -> int:
    """Run histories on all cores and say what happened; 1 where one failed."""
    counts: Counter[str] = Counter()
    starts = range(first, first + histories, CHUNK)
    chunks = [range(start, min(start + CHUNK, first + histories)) for start in starts]
    try:
        with ProcessPoolExecutor() as pool:
            for part in pool.map(run, chunks):
                counts += part
    except BrokenError as broken:
        sys.stderr.write(f"{broken}\n")
        return 1
    for what, count in sorted(counts.items()):
        sys.stdout.write(f"{count:10,}  {what}\n")
    sys.stdout.write(f"{histories:10,}  histories held\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(run_histories, int(sys.argv[1]), int(sys.argv[2])))
