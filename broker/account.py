"""What of that which a connection was given still waits, by what the system says of it."""

import time
from typing import Final

from broker.sockets import UNREAD_PUSHES
from broker.tcp import Counted

WINDOW_S: Final = 1.0
"""Over so long, at the least, the pace is seen at which somebody reads."""
BUCKETS: Final = 4
BUCKET: Final = UNREAD_PUSHES // BUCKETS
"""Messages: the last so many, of each of so many buckets, and those that have begun the next."""


class Account:
    """Of one connection. What is given belongs to the thread that sends, all else to the one that looks."""

    __slots__ = ("_at", "_beside", "_buckets", "_count", "_seen", "given", "is_lossy", "pace")

    def __init__(self) -> None:
        self.given = 0
        """Bytes that were handed to libzmq."""
        self.is_lossy = False
        """Whether libzmq may drop what it says that it has taken. Then it keeps no more than `UNREAD_PUSHES`."""
        self.pace = 0.0
        """Bytes a second that were read lately."""
        self._beside = 0
        """Bytes that the other side has got beside those, of handshakes and heartbeats; less what was dropped."""
        self._buckets = [0] * (BUCKETS + 1)
        """Bytes of the last messages, the newest first."""
        self._count = 0
        self._at = time.monotonic()
        """When the pace was seen,"""
        self._seen = (0, 0)
        """and what was given, and acknowledged, by then."""

    def give(self, size: int) -> None:
        """A message is sent now. Not after that: what is acknowledged before it is known would seem to come beside."""
        self.given += size
        if self._count == BUCKET:
            self._buckets = [0, *self._buckets[:BUCKETS]]
            self._count = 0
        self._buckets[0] += size
        self._count += 1

    def take_back(self, size: int) -> None:
        """It could not be sent."""
        self.given -= size
        self._buckets[0] -= size
        self._count -= 1

    def waits(self, counted: Counted) -> int:
        """Bytes that do, here or on the way. `counted` was asked before."""
        return self._waits(self.given, counted)

    def _waits(self, given: int, counted: Counted) -> int:
        waits = given + self._beside - counted.acked
        if self.is_lossy:
            waits = min(waits, sum(self._buckets) + counted.queued)
        return max(0, waits)

    def look(self, counted: Counted) -> int:
        """See anew what waits, and set it right: where the system has nothing to send, nothing does of before."""
        now, given = time.monotonic(), self.given
        waits = self._waits(given, counted)  # more may be given meanwhile: that is not to be counted twice
        if now - self._at >= WINDOW_S:
            given_before, acked_before = self._seen
            if not counted.queued:
                waits = min(waits, max(0, given - given_before))
            self.pace = (counted.acked - acked_before) / (now - self._at)
            self._at, self._seen = now, (given, counted.acked)
        self._beside = waits + counted.acked - given
        return waits
