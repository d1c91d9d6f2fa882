"""Whoever is given hostile frames without sockets, and what came out of it.

Each is a world that is begun anew after some frames, and then looked at as a whole. `attack` goes on with one for as
long as it is told to.
"""

import gc
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest import mock

import psutil

from realm.turn import Turns
from schemas.errors import Code
from tests.hostile.mutation import lied, mutated

MIB: Final = 1 << 20
DOCUMENTED: Final = {str(code) for code in Code} - {"internal_error"}
"""What a realm may say of whatever comes in."""
GROWN: Final = 128 * MIB
"""What this process may grow by while it is at it: what the largest of its worlds took. Nothing of a frame is kept."""
HONEST: Final = 0.2
"""So many frames are left as they are: else nothing would ever come of one."""
LIED: Final = 0.4
"""So many are well-formed, with values that nobody would say who means it."""


@dataclass
class Tally:
    """What came out of an attack."""

    frames: int = 0
    worlds: int = 0
    came: Counter[str] = field(default_factory=Counter)
    """What was answered: OK, a code, a word of a link; or what became of it at a client."""
    slowest_ms: float = 0.0
    """Of processor, for one frame to be read, or for a turn that has up to four."""
    slowest: str = ""
    grown: int = 0
    """Bytes, resident, since the first world was over."""

    def took(self, seconds: float, what: str) -> None:
        """See whether this was the slowest."""
        if seconds * 1000 > self.slowest_ms:
            self.slowest_ms, self.slowest = seconds * 1000, what

    def figures(self) -> dict[str, str]:
        """For the table."""
        told = {"frames": f"{self.frames:,}", "worlds, each looked at as a whole": f"{self.worlds:,}"}
        told |= {f"answers: {what}": f"{count:,}" for what, count in self.came.most_common()}
        told["slowest slice of processor"] = f"{self.slowest_ms:.1f} ms ({self.slowest})"
        return told | {"grown": f"{self.grown / MIB:.1f} MiB of {GROWN // MIB} allowed"}


class Victim(ABC):
    """A world that is given frames."""

    LIFE: int
    """Frames until it is begun anew."""

    def __init__(self, chance: Random, tally: Tally) -> None:
        self.chance, self.tally = chance, tally

    @abstractmethod
    def take(self) -> int:
        """Give it something; how many frames. Raises AssertionError where what comes out is not documented."""

    @abstractmethod
    def holds(self) -> None:
        """Look at the whole. Raises AssertionError where something is not as it must be."""

    def spoil(self, frame: bytes, others: Sequence[bytes] = ()) -> bytes:
        """The frame as it comes in, changed mostly."""
        way = self.chance.random()
        if way < HONEST:
            return frame
        return lied(frame, self.chance) if way < HONEST + LIED else mutated(frame, self.chance, others)

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Say how much processor it took."""
        began = time.thread_time()
        yield
        self.tally.took(time.thread_time() - began, what)


Begin = Callable[[ExitStack, Path, Random, Tally], Victim]


def attack(begin: Begin, chance: Random, over: Callable[[Tally], bool]) -> Tally:
    """Go on until it is over, world after world."""
    tally, process, before = Tally(), psutil.Process(), 0
    while not over(tally):
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory()))
            victim, until = begin(stack, folder, chance, tally), 0
            until = tally.frames + victim.LIFE
            while tally.frames < until and not over(tally):
                tally.frames += victim.take()
            victim.holds()
        gc.collect()
        tally.worlds += 1
        resident = process.memory_info().rss
        before = before or resident
        tally.grown = max(tally.grown, resident - before)
        assert tally.grown < GROWN, f"grown by {tally.grown / MIB:.1f} MiB"
    return tally


@contextmanager
def timing(tally: Tally) -> Iterator[None]:
    """Every turn of any realm meanwhile is timed."""
    take = Turns.take

    def timed(self: Turns, now: int, inputs: Sequence[Any]) -> Any:
        began = time.thread_time()
        try:
            return take(self, now, inputs)
        finally:
            tally.took(time.thread_time() - began, "a turn")

    with mock.patch.object(Turns, "take", timed):
        yield
