"""Watches the write-ahead log, which grows for as long as SQLite cannot copy it home: of that SQLite says nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from realm.store.database import FILE, NOT_HOME, long_log

LOOK_MS: Final = 1_000
TELL_MS: Final = 60_000
log: Final = structlog.get_logger()


class LogWatch:
    """See the module."""

    def __init__(self, folder: Path, now: Callable[[], int]) -> None:
        """`now` gives ms of a clock that nobody sets."""
        self._database = folder / FILE
        self._now = now
        self._look_at = 0

    def __call__(self) -> None:
        """To be called often: it looks once a second at most, and logs once a minute while the log is too long."""
        now = self._now()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_MS
        try:
            size = long_log(self._database)
        except OSError:  # of a disk that gives no bytes the store speaks itself
            return
        if size:
            self._look_at = now + TELL_MS
            log.warning("write-ahead log grows", bytes=size, advice=NOT_HOME)
