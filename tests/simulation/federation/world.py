"""Several realms on one virtual network: what can go wrong between them, and what must happen now and then."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TypeVar

from tests.simulation.network import World

T = TypeVar("T")


class Fault(StrEnum):
    """What can go wrong between realms, beside what the network does to every frame."""

    PARTITION = "partition"
    SILENT_RECONNECT = "silent reconnect"
    LINK_LOST = "link lost"
    CLOCK_JUMP = "clock set a day off"
    RESTORE = "restore from an older backup"
    CRASH_IDLE = "crash between turns"
    CRASH_BEFORE_COMMIT = "crash before the commit"
    CRASH_AFTER_COMMIT = "crash after the commit"
    CRASH_WHILE_ACTING = "crash while acting"
    STOP = "stopped and started"
    IMPOSTOR = "impostor at the door"
    LONG_CUT = "cut off for longer than rows are kept"
    HUNG = "hung, with its connections open"
    FULL_DISK = "full disk of a realm"


class Seldom(StrEnum):
    """What has to happen if the rules about it are to be tried."""

    QUEUED = "answered as queued"
    TAKEN = "answered when taken"
    REFUSED = "refused within the wait"
    BOUNCED = "bounced"
    REPEATED = "repeated by its sender"
    QUEUE_FULL = "queue full"
    NOTICED = "restore noticed"
    ADDED = "realm added"
    NOT_ADDED = "realm not added"
    FETCHED = "fetched by realm"
    FILE_THERE = "file held where an entry names it"
    NO_ANSWER = "no answer in time"
    UNAVAILABLE = "sender told that nothing can be stored"
    NOT_NOW = "envelope answered with an error"
    FORGOTTEN = "row forgotten after its time"
    TOO_LATE = "restore too late for a forgotten row"
    PEER_FORGOTTEN = "realm forgotten by an operator"
    ADDED_AGAIN = "realm added by an operator"
    GIVEN_BACK = "given back, as its realm was forgotten"
    GIVEN_BACK_AND_TAKEN = "given back, though its realm had taken it"
    ERASED = "user erased by an operator"
    WITHDRAWN = "withdrawn, as its sender was erased"
    ERASED_AND_TAKEN = "taken by another realm, and its sender erased"
    LATE_FOR_ERASED = "bounced, as its recipient was erased"
    ENDED = "sessions ended by an operator"
    NO_LOGIN = "login refused, as the user was disabled"
    BACK = "logged in again"
    TOLD_OF_NONE = "sender told that there is no such realm"
    RELOADED = "settings changed while a realm ran"
    FULL_ANEW = "queue full by a limit that was changed"
    NO_ROOM = "upload refused, as its user may have no more"
    REMOVED = "removed after its time"
    LOGGED_OUT = "session ended by its user"
    PASSWORD_CHANGED = "other sessions ended by a new password"
    REPLACED = "session replaced by a new login"
    STAYED_DEAD = "ended session tried in all ways"
    LEFT = "group left"
    PUT_OUT = "removed from a group by its admin"
    JOINED_AGAIN = "group joined again"
    NOT_MEMBER = "sender told to be no member"
    HEARD = "heard by all who are in the group"


class Rarely(StrEnum):
    """What does not happen in every hundred histories, and has to in a thousand."""

    LOST_WITH_BOTH = "lost by a restore, and forgotten by who had sent it"
    CAME_AGAIN = "taken again after retention had removed it, and its answer was forgotten"
    SAID_AGAIN = "repeated by its sender after retention had removed it"


class Dice(random.Random):
    """Falls fast: what is drawn most often costs a third, and that a side in 2**40 comes too often does not matter."""

    def randint(self, a: int, b: int) -> int:
        return a + int(self.random() * (b - a + 1))

    def choice(self, seq: Sequence[T]) -> T:  # type: ignore[override]  # what is drawn from here is a sequence
        return seq[int(self.random() * len(seq))]


class RealmsWorld(World):
    """The network between realms: it can be cut between any two."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.dice = Dice(self.seed)
        self.cut: Counter[tuple[str, str]] = Counter()
        self._numbers = 0

    def next_number(self) -> int:
        """A number of a connection, never given twice."""
        self._numbers += 1
        return self._numbers

    def is_cut(self, one: str, other: str) -> bool:
        """Whether nothing gets from the one to the other now."""
        return self.cut[(one, other) if one < other else (other, one)] > 0

    def carry_between(self, one: str, other: str, arrive: Callable[[], None]) -> None:
        """Send something; what meets a cut, on its way or at its end, is lost."""
        if self.is_cut(one, other):
            return
        self.carry(lambda: None if self.is_cut(one, other) else arrive())

    def partition(self, one: str, other: str, ms: int) -> None:
        """Cut the network between two realms for a time."""
        pair = min(one, other), max(one, other)
        self.count(Fault.PARTITION)
        self.cut[pair] += 1

        def heal() -> None:
            self.cut[pair] -= 1

        self.later(ms, heal)

    def leap(self, ms: int) -> None:
        """Let time pass in which nothing happens: what is on its way arrives after it."""
        self.now += ms
        self._due[:] = [(at + ms, number, what) for at, number, what in self._due]
