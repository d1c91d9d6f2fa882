"""How fast what comes from a browser, or goes there, has to be: whatever stalls holds what others need."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

from client.errors import LocalFileError

STALL_S: Final = 60.0
"""Seconds without anything of a file: its page is gone, or nobody reads it."""
SLOWEST: Final = (1 << 20) / STALL_S
"""Bytes in a second, on average."""
CREDIT_S: Final = 300.0
"""Seconds for which nothing more need come of a file that came fast until then."""


class Pace:
    """Whether a file comes fast enough: all that comes gives it time, as far as that is not too much."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._until = self._last + STALL_S

    def moved(self, count: int) -> None:
        """So many bytes have come."""
        if count:
            self._last = self._loop.time()
            self._until = min(self._until + count / SLOWEST, self._last + CREDIT_S)

    @contextlib.contextmanager
    def halted(self) -> Iterator[None]:
        """While this lasts it is not the page that is waited for."""
        began = self._loop.time()
        yield
        passed = self._loop.time() - began
        self._last += passed
        self._until += passed

    def patience(self, most: float) -> float:
        """Seconds to wait for more, so many at most; raises LocalFileError where that has been too long already."""
        left = min(self._until, self._last + STALL_S) - self._loop.time()
        if left <= 0:
            raise LocalFileError(f"the file {self._name!r} does not come on")
        return min(left, most)
