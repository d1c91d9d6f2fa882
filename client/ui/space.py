"""Room on this machine's disk for files that wait here: one for the process, so that none of it is promised twice."""

import logging
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

IN_ALL: Final = 32 << 30
"""Bytes of all files of all tabs that wait here."""
SPARED: Final = 1 << 30
"""Bytes of the disk that are left free."""
PART_OF_ONE: Final = 4
"""A tab gets at most a quarter of what is free, so that something is left for others whoever comes first."""
LEAST: Final = 1 << 20
"""Bytes that a file counts for at least: empty ones take room too."""

log = logging.getLogger(__name__)


class Space:
    """What was promised counts until the file is gone, whether it has come by then or not.

    Files are removed in a thread: for a large one that takes a while.
    """

    def __init__(self, folder: Path, in_all: int = IN_ALL) -> None:
        """`folder` is above all files; it need not be there yet."""
        self._folder = folder
        self._in_all = in_all
        self._lock = threading.Lock()
        self._promised = 0
        self._written = 0
        self._removing: ThreadPoolExecutor | None = None

    def promise(self, size: int) -> bool:
        """Keep room for a file of so many bytes; False where there is not so much."""
        if counted(size) > self._in_all - self._promised or size > self._free_on_disk():
            return False
        with self._lock:
            self._promised += counted(size)
        return True

    def share(self, held: int) -> int:
        """Most bytes that one tab may have in all, which has so many: a part of what there would be without it."""
        return max(0, held + min(self._in_all - self._promised, self._free_on_disk())) // PART_OF_ONE

    def _free_on_disk(self) -> int:
        """Bytes of the disk that may still be promised."""
        there = next(folder for folder in (self._folder, *self._folder.parents) if folder.exists())
        free = shutil.disk_usage(there).free
        with self._lock:
            return free - (self._promised - self._written) - SPARED

    def fill(self, count: int) -> None:
        """So many bytes of what was promised are on the disk now."""
        with self._lock:
            self._written += count

    def give_back(self, size: int, held: int = 0) -> None:
        """A file for which there was room is not wanted, and nothing of it is on the disk: `held` bytes were."""
        with self._lock:
            self._promised -= counted(size)
            self._written -= held

    def drop(self, path: Path, size: int, held: int) -> None:
        """Remove a file soon, and give its room back then."""
        if self._removing is None:
            self._removing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="removing")
        self._removing.submit(self._drop, path, size, held)

    def settle(self) -> None:
        """Return when all that was dropped is removed."""
        if self._removing is not None:
            self._removing.shutdown()
            self._removing = None

    def _drop(self, path: Path, size: int, held: int) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.error("%s cannot be removed: %s", path, error.strerror)
        self.give_back(size, held)


def counted(size: int) -> int:
    """What a file of so many bytes counts for."""
    return max(size, LEAST)
