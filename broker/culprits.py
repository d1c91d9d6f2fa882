"""Names in the log, once a minute each, who harms others or only itself. Nobody can fill the log that way."""

from collections.abc import Callable
from typing import Final

import structlog

from realm.limits import Buckets

log: Final = structlog.get_logger()


class Culprits:
    """Those who were named lately."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._named = Buckets(1 / 60, 1)

    def name(self, what: str, **who: str) -> None:
        """Log `what` with those fields, unless that was done within the last minute."""
        if not self._named.take(f"{what} {who}", self._now()):
            log.warning(what, **who)
