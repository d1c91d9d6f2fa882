"""Runs many histories: `python -m tests.simulation.runner SEED HISTORIES`."""

import gc
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from math import inf
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from realm.store.interface import StoreError
from tests.simulation.history import BrokenError, SimulatedHistory

SHARED_MEMORY = Path("/dev/shm")
CHUNK: Final = 25
"""So many histories one process runs before it says how they went."""

Play = Callable[[int], Counter[str]]
"""Runs the history of a seed; what happened in it. Raises BrokenError where something did not hold."""
Stage = Callable[[], AbstractContextManager[Play]]
"""What histories are run on, one after the other."""


@dataclass
class Ran:
    """What came of many histories."""

    histories: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    """What happened in those that held."""
    failed: dict[int, str] = field(default_factory=dict)
    """The seeds of the others, and what did not hold there."""
    cpu_seconds: float = 0.0

    def add(self, other: "Ran") -> None:
        """Count another's in."""
        self.histories += other.histories
        self.counts += other.counts
        self.failed |= other.failed
        self.cpu_seconds += other.cpu_seconds


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


@contextmanager
def one_realm() -> Iterator[Play]:
    """Histories of one realm and several devices."""
    with memory_folder() as folder:

        def play(seed: int) -> Counter[str]:
            history = SimulatedHistory(seed, folder / str(seed))
            history.run()
            history.close()
            return history.world.counts

        yield play


def run_histories(seeds: Iterable[int]) -> Counter[str]:
    """Run the history of each seed; what happened in all of them. Raises BrokenError with the seed that fails."""
    return run_on(one_realm, seeds)


def run_on(stage: Stage, seeds: Iterable[int]) -> Counter[str]:
    """Run the history of each seed until one fails; what happened in all of them. Raises what it raised."""
    counts: Counter[str] = Counter()
    with stage() as play:
        for seed in seeds:
            counts += play(seed)
    return counts


def run_all(stage: Stage, seeds: Sequence[int], failing: Callable[[str], None], seconds: float = inf) -> Ran:
    """Run the history of each seed, on all cores. `failing` is told of each that fails at once, and the rest go on.

    After so many seconds no more are begun.
    """
    ran, until = Ran(), time.monotonic() + seconds
    with ProcessPoolExecutor(mp_context=get_context("forkserver")) as pool:
        try:
            chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
            begun = [pool.submit(_run_chunk, stage, chunk) for chunk in chunks]
            for done in as_completed(begun):
                if done.cancelled():
                    continue
                part = done.result()
                for _, why in sorted(part.failed.items()):
                    failing(why)
                ran.add(part)
                if time.monotonic() >= until:
                    for one in reversed(begun):  # so those that are done are the first
                        one.cancel()
        finally:
            pool.shutdown(cancel_futures=True)
    return ran


def _run_chunk(stage: Stage, seeds: Sequence[int]) -> Ran:
    ran, began = Ran(), time.process_time()
    with stage() as play:
        for seed in seeds:
            ran.histories += 1
            try:
                ran.counts += play(seed)
            except (BrokenError, StoreError) as error:  # a realm whose store has failed stops
                ran.failed[seed] = f"seed {seed}: {str(error).removeprefix(f'seed {seed}: ')}"
            except Exception:  # noqa: BLE001 - whatever it is, the history of that seed has shown it
                ran.failed[seed] = f"seed {seed}: {traceback.format_exc()}"
    ran.cpu_seconds = time.process_time() - began
    return ran


def say_failed(why: str) -> None:
    """Say on stderr what does not hold."""
    print(f"FAILED: {why}", file=sys.stderr, flush=True)


def main(stage: Stage, first: int, histories: int) -> int:
    """Run histories and say what happened; each that fails at once, on stderr. The exit code: 1 where one failed."""
    ran = run_all(stage, range(first, first + histories), say_failed)
    for what, count in sorted(ran.counts.items()):
        sys.stdout.write(f"{count:10,}  {what}\n")
    sys.stdout.write(f"{ran.cpu_seconds:10,.0f}  seconds of {os.cpu_count()} processors\n")
    sys.stdout.write(f"{histories - len(ran.failed):10,}  histories held\n")
    if ran.failed:
        sys.stdout.write(f"{len(ran.failed):10,}  failed: seeds {', '.join(map(str, sorted(ran.failed)))}\n")
    return 1 if ran.failed else 0


if __name__ == "__main__":
    sys.exit(main(one_realm, int(sys.argv[1]), int(sys.argv[2])))
