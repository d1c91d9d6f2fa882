"""How much of what is large is read of anybody.

To refuse a frame of a million tiny values takes 9 ms; libzmq brings the next one sooner. So who says such frames
without end, on many connections, would have libzmq hold more and more. What a key may have read is therefore bounded,
and what all may who have no session and are no peer, together; beyond that a frame is refused unread, which takes
microseconds, so that what libzmq holds is emptied faster than it fills.
"""

from collections.abc import Callable
from typing import Final

from realm.core import Core
from realm.limits import Bucket, Buckets

FREE: Final = 4_096
"""Bytes: a frame that is no longer is read, whoever says it. Nobody without a session has more to say."""
PER_SECOND: Final = 32 << 20
"""Bytes of longer frames of a key, of commands alone: what comes with them, as file bytes do, is not read.

Above what a user may say by `session_per_second`, and a realm stores of what a peer says."""
AT_ONCE: Final = 64 << 20
"""Four windows of a peer's largest messages."""
STRANGERS_PER_SECOND: Final = 4 << 20
STRANGERS_AT_ONCE: Final = 8 << 20
WRONG: Final = 8
"""So many times does what is no command count."""


class Reading:
    """What was read lately."""

    def __init__(self, core: Core, now: Callable[[], int]) -> None:
        """`now` in ms."""
        self._core = core
        self._now = now
        self._known = Buckets(PER_SECOND, AT_ONCE)
        self._strangers = Bucket(STRANGERS_AT_ONCE, now())

    def wait(self, key: str, size: int) -> int:
        """Take note that a frame of so many bytes is read, and return 0; or the ms until it may be."""
        if size <= FREE:
            return 0
        if self._is_known(key):
            return self._known.take(key, self._now(), size)
        return self._strangers.take(size, STRANGERS_PER_SECOND, STRANGERS_AT_ONCE, self._now())

    def was_wrong(self, key: str, size: int) -> None:
        """What was read was no command."""
        if size <= FREE:
            return
        if self._is_known(key):
            self._known.charge(key, (WRONG - 1) * size)
        else:
            self._strangers.charge((WRONG - 1) * size)

    def _is_known(self, key: str) -> bool:
        return self._core.has_session(key) or self._core.memory.peers.by_key(key) is not None
