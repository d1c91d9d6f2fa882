"""What runs towards browsers: how much at once, and for as long as somebody reads it.

A file on its way holds some three megabytes here, for as long as its reader likes; a small picture holds little, and a
room asks for many of them in one moment. So files beyond a bound are refused, and small pictures wait for each other.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from starlette.types import Receive

from client.ui.tickets import Look, Purpose, Save

AT_ONCE: Final = 8
"""Files of one tab; a browser asks for six."""
IN_ALL: Final = 256
"""The same for all tabs."""
SMALL_LANES: Final = 8
"""Small pictures of one tab that are fetched at once; the others wait."""
SMALL: Final = 200
"""Small pictures of one tab, with those that wait."""
SMALL_IN_ALL: Final = 2_000
TOO_MANY, FULL = 429, 503


class Crowd:
    """How many files, and small pictures, run in the whole process."""

    def __init__(self) -> None:
        self.files = 0
        self.small = 0


class Running:
    """Those of one tab. They end with its connection: `end`."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._lanes = asyncio.Semaphore(SMALL_LANES)
        self._tasks: dict[asyncio.Task[None], Purpose] = {}

    @property
    def is_saving(self) -> bool:
        """Whether a browser is saving a file: it needs no page for that."""
        return any(isinstance(purpose, Save) for purpose in self._tasks.values())

    def refusal(self, purpose: Purpose) -> int:
        """The status of HTTP by which one more is to be refused; 0 where it may run."""
        small = sum(map(_is_small, self._tasks.values()))
        if _is_small(purpose):
            return TOO_MANY if small >= SMALL else FULL if self._crowd.small >= SMALL_IN_ALL else 0
        return TOO_MANY if len(self._tasks) - small >= AT_ONCE else FULL if self._crowd.files >= IN_ALL else 0

    async def run(self, purpose: Purpose, work: Coroutine[Any, Any, None], receive: Receive) -> None:
        """Do it until its end, or until the browser has left or the tab wants no more of it; raises what it raises."""
        giving = asyncio.ensure_future(self._in_lane(work) if _is_small(purpose) else work)
        leaving = asyncio.ensure_future(has_left(receive))
        self._tasks[giving] = purpose
        self._count(purpose, 1)
        try:
            await asyncio.wait({giving, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (giving, leaving):
                task.cancel()
            try:
                await asyncio.gather(giving, leaving, return_exceptions=True)
            finally:
                del self._tasks[giving]
                self._count(purpose, -1)
        work.close()  # it may have had no lane yet
        if not giving.cancelled() and (error := giving.exception()) is not None:
            raise error

    def end(self) -> None:
        """Give nothing on."""
        for task in self._tasks:
            task.cancel()

    async def _in_lane(self, work: Coroutine[Any, Any, None]) -> None:
        async with self._lanes:
            await work

    def _count(self, purpose: Purpose, more: int) -> None:
        if _is_small(purpose):
            self._crowd.small += more
        else:
            self._crowd.files += more


async def has_left(receive: Receive) -> None:
    """Return when the browser listens no more."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _is_small(purpose: Purpose) -> bool:
    return isinstance(purpose, Look) and purpose.small
