"""A network and a clock that are only numbers: what is sent arrives later, twice, changed in order, or never."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """What can go wrong; each is counted when it happens."""

    DROP = "drop"
    DOUBLE = "double"
    DELAY = "delay"
    REORDER = "reorder"
    FORGE = "forge"
    POWER_CUT = "power cut"
    CRASH_IDLE = "crash between turns"
    CRASH_BEFORE_COMMIT = "crash before the commit"
    CRASH_AFTER_COMMIT = "crash after the commit"
    CRASH_WHILE_ACTING = "crash while acting"
    CRASH_IN_A_FILE_JOB = "crash in a file job"
    FULL_DISK = "full disk"


class Seldom(StrEnum):
    """What the realm does now and then, and has to do if the rules about it are to be tried."""

    SWEPT = "swept"
    EXPIRED_UPLOAD = "upload expired"
    EXPIRED_FILE = "unsent file expired"
    DISCARDED = "upload discarded"
    REMOVED = "blob removed"
    RETURNED = "blob returned that was to be removed"
    READ = "bytes downloaded"
    KNOWN = "upload of what the user has"


@dataclass
class World:
    """Virtual time in ms, what is due when, and the dice. The same seed gives the same history."""

    seed: int
    now: int = 1_790_000_000_000
    faulty: bool = True
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._number = 0

    def later(self, delay: int, what: Callable[[], None]) -> None:
        """Do something `delay` ms from now."""
        self._number += 1
        heapq.heappush(self._due, (self.now + delay, self._number, what))

    def run_until(self, end: int) -> None:
        """Let time pass."""
        due = self._due
        while due and due[0][0] <= end:
            at, _, what = heapq.heappop(due)
            if at > self.now:
                self.now = at
            what()
        self.now = max(self.now, end)

    def chance(self, probability: float) -> bool:
        """Whether a fault of this probability happens now; never once all is healed."""
        return self.faulty and self.dice.random() < probability

    def count(self, what: str) -> None:
        self.counts[what] += 1

    def carry(self, arrive: Callable[[], None]) -> None:
        """Send something over the network."""
        delay = self.dice.randint(1, 5)
        if self.chance(0.05):
            self.count(Fault.DROP)
            return
        if self.chance(0.05):
            self.count(Fault.DOUBLE)
            self.later(delay + self.dice.randint(0, 300), arrive)
        if self.chance(0.05):
            self.count(Fault.REORDER)
            delay += self.dice.randint(5, 40)
        elif self.chance(0.02):
            self.count(Fault.DELAY)
            delay += self.dice.randint(1_000, 30_000)
        self.later(delay, arrive)
