"""Names in the log, once a minute each, who harms others or only itself. Nobody can fill the log that way.

Keys and connections cost nothing, so whoever has no session is named by address, and all together a few times a minute.
"""

import threading
from collections.abc import Callable
from typing import Final

import structlog

from realm.limits import Buckets

AT_MOST: Final = 20
"""Lines of one kind in a minute."""
log: Final = structlog.get_logger()


class Culprits:
    """Those who were named lately. For all threads."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._named = Buckets(1 / 60, 1)
        self._lock = threading.Lock()
        self._events = Buckets(AT_MOST / 60, AT_MOST)

    def name(self, what: str, who: str, **fields: str) -> None:
        """Log `what` with the fields, unless it was said of `who` within the last minute, or of too many."""
        now = self._now()
        with self._lock:
            is_new = not self._named.take(f"{what} {who}", now) and not self._events.take(what, now)
        if is_new:
            log.warning(what, **fields)
