"""What the loop counts of its own work: plain numbers, added to in passing, and read by nobody but the loop."""

import time
from bisect import bisect_left
from collections import Counter, deque
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final

from realm.effects import Reply
from realm.store.interface import Store, Tx
from schemas import commands
from schemas.codec import Malformed
from schemas.commands import name_of
from schemas.errors import Refusal
from schemas.federation import Envelope, LinkAck
from schemas.figures import Replied, Spread
from schemas.names import Name

SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
INPUTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
SLICE_S: Final = 5
"""Messages are counted by so many seconds,"""
HOUR_S: Final = 3_600
"""for so long."""
MESSAGES: Final = (
    commands.Send,
    commands.SendGroup,
    commands.SendFile,
    commands.SendGroupFile,
    commands.SendPrivateRealm,
    commands.SendGroupRealm,
    commands.SendFileRealm,
    commands.SendGroupFileRealm,
    Envelope,
)


class Histogram:
    """How large values were."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0
        """All of them together."""

    def add(self, value: float) -> None:
        """There is one more."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def seen(self) -> Spread:
        """As it is told."""
        return Spread(list(self._bounds), list(self._counts), self.total)


class Recent:
    """How a count has grown of late."""

    def __init__(self) -> None:
        self._ends: deque[tuple[int, int]] = deque(maxlen=HOUR_S // SLICE_S + 2)
        """The count at the end of each slice of time in which anything happened."""

    def note(self, now: float, count: int) -> None:
        """So it stands now."""
        at = int(now) // SLICE_S
        if self._ends and self._ends[-1][0] == at:
            self._ends[-1] = at, count
        elif not self._ends or self._ends[-1][1] != count:
            self._ends.append((at, count))

    def grown(self, now: float, within_s: int) -> int:
        """By how much it has grown within so many seconds, to the slice."""
        since = (int(now) - within_s) // SLICE_S
        before = next((count for at, count in reversed(self._ends) if at < since), 0)
        return self._ends[-1][1] - before if self._ends else 0


class Counts:
    """All of them. Adding to one takes a fraction of what an encode takes."""

    def __init__(self) -> None:
        self.replied: Counter[tuple[type, str]] = Counter()
        """By the type of what was answered, and the code of the error."""
        self.turns = Histogram(SECONDS)
        self.inputs = Histogram(INPUTS)
        self.commits = Histogram(SECONDS)
        self.failed = 0
        self._recent = Recent()

    def reply(self, effect: Reply) -> None:
        """An answer goes out."""
        answer = effect.answer
        if type(answer) is LinkAck:
            self.replied[Envelope, ""] += answer.upto - answer.after
        else:
            self.replied[type(effect.request.body), answer.code if type(answer) is Refusal else ""] += 1

    def turn(self, began: float, now: float, inputs: int) -> None:
        """A turn is over; times by `time.perf_counter`."""
        self.turns.add(now - began)
        self.inputs.add(inputs)
        self._recent.note(now, self._messages())

    def grown(self, now: float, within_s: int) -> int:
        """How many messages came within so many seconds."""
        return self._recent.grown(now, within_s)

    def answers(self) -> list[Replied]:
        """As they are told: names of commands that there are, and codes of errors that there are."""
        return [
            Replied("" if kind is Malformed else name_of(kind), code, count)
            for (kind, code), count in self.replied.items()
        ]

    def _messages(self) -> int:
        replied = self.replied
        return sum(replied[kind, ""] for kind in MESSAGES)


class TimedStore:
    """A store whose commits are timed; for the rest the one below."""

    def __init__(self, store: Store, commits: Histogram) -> None:
        self._store = store
        self._commits = commits

    @property
    def realm(self) -> Name:
        """See `Store.realm`."""
        return self._store.realm

    @property
    def epoch(self) -> int:
        """See `Store.epoch`."""
        return self._store.epoch

    def transaction(self, *, writable: bool = True) -> "TimedTransaction":
        """See `Store.transaction`."""
        return TimedTransaction(self._store.transaction(writable=writable), self._commits)

    def close(self) -> None:
        """See `Store.close`."""
        self._store.close()


class TimedTransaction:
    """A transaction whose commit is timed; no generator, as each turn has one."""

    __slots__ = ("_commits", "_transaction")

    def __init__(self, transaction: AbstractContextManager[Tx], commits: Histogram) -> None:
        self._transaction = transaction
        self._commits = commits

    def __enter__(self) -> Tx:
        return self._transaction.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        began = time.perf_counter()
        self._transaction.__exit__(kind, error, at)
        if kind is None:
            self._commits.add(time.perf_counter() - began)
