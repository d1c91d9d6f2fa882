"""By how much a realm's memory has grown since it held next to nothing of what others sent.

That tells of what no socket shows: what libzmq holds of messages that are not whole, and of connections that have
ended. No sender can hide it.
"""

import os
import sys
from typing import Final

import structlog

from realm.settings import Hashing

GROWN: Final = 256 << 20
"""Bytes."""
BACK: Final = GROWN * 3 // 4
"""Where it is no more than this again, it was no sender who has it, or he has lost it."""

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
log: Final = structlog.get_logger()


class Resident:
    """What the process has, of which `mark` is what it had when next to nothing was held. Linux alone tells."""

    def __init__(self, hashing: Hashing | None = None) -> None:
        """`hashing` is how passwords are hashed, where they are: that takes memory too, and gives it back."""
        self.is_short = False
        """Whether it has grown by so much that nobody is to be let in."""
        self._statm = os.open("/proc/self/statm", os.O_RDONLY) if sys.platform == "linux" else -1
        """Open for good: there may be no descriptor left when it is wanted most."""
        self.mark = self.now()
        self._hashing = 0
        """Bytes that passwords may take."""
        if hashing is not None:
            self.adopt(hashing)

    def close(self) -> None:
        """Give the descriptor back."""
        if self._statm >= 0:
            os.close(self._statm)

    def adopt(self, hashing: Hashing) -> None:
        """Go by other settings from now on. As many hashes as there may be take so much before any is done."""
        self._hashing = hashing.workers * hashing.memory_kib << 10

    def now(self) -> int:
        """Bytes."""
        return int(os.pread(self._statm, 256, 0).split()[1]) * _PAGE if self._statm >= 0 else 0

    def see(self, *, nothing_held: bool) -> None:
        """See whether it is short now."""
        now = self.now()
        grown = now - self.mark - self._hashing
        if nothing_held:
            self.mark, self.is_short = now, False
        elif self.is_short:
            self.is_short = grown > BACK
        elif grown > GROWN:
            self.is_short = True
            log.warning("memory is short", grown=now - self.mark)
