"""Files that come from a browser, and wait in the tab's folder until the realm has them."""

import asyncio
import errno
import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable
from enum import Enum, auto
from pathlib import Path
from typing import IO, Final

from client.errors import LocalFileError
from client.local import in_thread
from client.model.attached import Loss, Parcel
from client.ui.pace import STALL_S, Pace
from client.ui.space import Space, counted

MAX_FILE: Final = 4 << 30
"""Bytes of one file; the realm has a limit of its own."""
MAX_HELD: Final = 8 << 30
"""Bytes of all files of one tab that wait here."""
AT_ONCE: Final = 20
"""Files of one tab that wait here."""
BLOCK: Final = 1 << 20
"""Bytes that are written at once."""
QUIET_S: Final = 1.0
"""Seconds after which what is gathered is written, though it is no block."""
BEGIN_S: Final = 300.0
"""Seconds in which a page begins with another file, while it sends none: it sends one after the other."""
FULL: Final = (errno.ENOSPC, errno.EDQUOT)

log = logging.getLogger(__name__)


class State(Enum):
    """Where a file is on its way here."""

    EXPECTED = auto()
    """Its page has not begun to send it."""
    COMING = auto()
    HERE = auto()
    LOST = auto()
    """It will never be here: `loss` says why."""
    REMOVED = auto()
    """Nobody wants to send it any more: it was sent, or given up."""


class LostError(LocalFileError):
    """A file that was to be sent will never be whole here."""

    def __init__(self, name: str, loss: Loss) -> None:
        super().__init__(f"the file {name!r} did not come here whole")
        self.loss = loss


def nobody() -> None:
    """Nobody wants to know."""


class Spool(Parcel):
    """One file. It is removed when nobody wants to send it any more, unless it is the person's own."""

    def __init__(
        self, path: Path, name: str, size: int, space: Space | None = None, turned: Callable[[], None] = nobody
    ) -> None:
        """`space` has promised the room for it; `turned` is called when it begins to come, and when it does no more."""
        super().__init__(name, size)
        self.path = path
        self.code = secrets.token_urlsafe(24)
        """Who knows it may bring the file, once."""
        self.state = State.EXPECTED
        self._space = space
        self._turned = turned
        self._ended = asyncio.Event()
        self._coming: asyncio.Task[bytes | None] | None = None
        """What waits for more of it."""

    @classmethod
    def of_own(cls, path: Path, name: str, size: int) -> "Spool":
        """A file of the person at this machine, which is sent from where it is, and stays there."""
        spool = cls(path, name, size)
        spool.held, spool.state = size, State.HERE
        spool._ended.set()
        return spool

    @property
    def takes_room(self) -> bool:
        """Whether it is on the disk, or is to be: until the last byte of what comes was turned away."""
        return self._space is not None

    @property
    def is_wanted(self) -> bool:
        """Whether it may still be sent."""
        return self.state in (State.EXPECTED, State.COMING, State.HERE)

    async def take(self, parts: AsyncIterator[bytes], changed: Callable[[], None]) -> None:
        """Write what comes; `changed` is called as it grows.

        Raises LocalFileError where it is not just `size` bytes, is not wanted (any more) or cannot be written, and
        whatever `parts` raises.
        """
        if self.state is not State.EXPECTED:
            raise self._unwanted()
        self.state = State.COMING
        self._turned()
        try:
            await self._fill(parts, changed)
        except OSError as error:
            self.lose(Loss.NO_ROOM if error.errno in FULL else Loss.BROKEN)
            log.error("%s cannot be written: %s", self.path, error.strerror)
            raise LocalFileError(f"{self.path} cannot be written: {error.strerror}") from error
        except BaseException:
            self.lose(Loss.CUT)
            raise
        finally:
            if self.state is State.COMING:
                self.state = State.HERE
                self._ended.set()
            else:
                self._drop()
            self._turned()
            changed()

    async def whole(self) -> Path:
        """Where it is, once all of it is here; raises LostError where it will never be."""
        await self._ended.wait()
        if self.state is not State.HERE:
            raise LostError(self.name, self.loss or Loss.CUT)
        return self.path

    def lose(self, why: Loss) -> None:
        """It will never be whole here, or is no more."""
        if self.is_wanted:
            self.loss = why
            self._end(State.LOST)

    def remove(self) -> None:
        """Nobody wants to send it any more."""
        if self.state is not State.REMOVED:
            self._end(State.REMOVED)

    def _end(self, state: State) -> None:
        before, self.state = self.state, state
        self._ended.set()
        if before is State.EXPECTED and self._space is not None:
            self._space.give_back(self.size)
            self._space = None
        elif before is State.HERE:
            self._drop()
        elif before is State.COMING and self._coming is not None:
            self._coming.cancel()  # whoever takes it tidies up

    def _drop(self) -> None:
        space, self._space = self._space, None
        if space is not None:
            space.drop(self.path, self.size, self.held)

    def _unwanted(self) -> LocalFileError:
        return LocalFileError(f"the file {self.name!r} is not wanted any more")

    async def _fill(self, parts: AsyncIterator[bytes], changed: Callable[[], None]) -> None:
        file = await in_thread(self._create)
        try:
            await self._write(file, parts, changed)
        finally:
            await in_thread(file.close)
        if self.state is not State.COMING:
            raise self._unwanted()

    def _create(self) -> IO[bytes]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb", 0)

    async def _write(self, file: IO[bytes], parts: AsyncIterator[bytes], changed: Callable[[], None]) -> None:
        gathered, pace = bytearray(), Pace(self.name)
        try:
            while (part := await self._next(parts, pace, QUIET_S if gathered else STALL_S)) is not None:
                gathered += part
                pace.moved(len(part))
                if self.held + len(gathered) > self.size:
                    raise LocalFileError(f"the file {self.name!r} is longer than was said")
                if gathered and (len(gathered) >= BLOCK or not part):
                    with pace.halted():
                        await self._add(file, gathered)
                    changed()
        finally:
            await self._wait_no_more()
        await self._add(file, gathered)
        if self.held < self.size:
            raise LocalFileError(f"the file {self.name!r} is shorter than was said")

    async def _next(self, parts: AsyncIterator[bytes], pace: Pace, patience: float) -> bytes | None:
        """What comes next, or nothing where that takes longer; None where no more will come.

        It is not waited for where the file is given up meanwhile.
        """
        if self.state is State.COMING and self._coming is None:
            self._coming = asyncio.ensure_future(_next_of(parts))
        if self._coming is not None:
            await asyncio.wait({self._coming}, timeout=pace.patience(patience))
        if self.state is not State.COMING or self._coming is None:
            raise self._unwanted()
        if not self._coming.done():
            return b""
        coming, self._coming = self._coming, None
        return coming.result()

    async def _wait_no_more(self) -> None:
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)

    async def _add(self, file: IO[bytes], gathered: bytearray) -> None:
        rest = memoryview(bytes(gathered))
        while rest:
            rest = rest[await in_thread(file.write, rest) :]
        self.held += len(gathered)
        if self._space is not None:
            self._space.fill(len(gathered))
        gathered.clear()


async def _next_of(parts: AsyncIterator[bytes]) -> bytes | None:
    while (part := await anext(parts, None)) == b"":
        pass
    return part


class Spools:
    """The files of one tab that wait here, in `folder`; `changed` is called where one is lost by itself."""

    def __init__(self, folder: Path, space: Space, changed: Callable[[], None] = nobody) -> None:
        self._folder = folder
        self._space = space
        self._changed = changed
        self._made: list[Spool] = []
        self._late: asyncio.TimerHandle | None = None

    def make(self, name: str, size: int) -> Spool:
        """Room for a file of so many bytes, which is to come soon; where there is none for it, it is lost at once."""
        self._made = [one for one in self._made if one.takes_room]
        path, loss = self._folder / secrets.token_hex(16), None
        if size > MAX_FILE:
            loss = Loss.TOO_LARGE
        elif not (self._may_hold(size) and self._space.promise(size)):
            loss = Loss.NO_ROOM
        if loss is not None:
            lost = Spool(path, name, size)
            lost.lose(loss)
            return lost
        self._made.append(Spool(path, name, size, self._space, self._turned))
        self._turned()
        return self._made[-1]

    def _may_hold(self, size: int) -> bool:
        if len(self._made) >= AT_ONCE or size + sum(one.size for one in self._made) > MAX_HELD:
            return False
        held = sum(counted(one.size) for one in self._made)
        return held + counted(size) <= self._space.share(held)

    def find(self, code: str) -> Spool | None:
        """The file that may be brought, or given up, by this code: one that is here is nobody's to bring."""
        coming = (State.EXPECTED, State.COMING)
        return next((one for one in self._made if one.state in coming and one.code == code), None)

    @property
    def are_wanted(self) -> bool:
        """Whether any may still be sent."""
        return any(one.is_wanted for one in self._made)

    def page_left(self) -> None:
        """The page that had chosen them is gone: what it has not begun to send will not come."""
        for spool in self._made:
            if spool.state is State.EXPECTED:
                spool.lose(Loss.CUT)
        self._changed()

    def clear(self) -> None:
        """None of them will be sent any more."""
        for spool in self._made:
            spool.lose(Loss.CUT)
        self._turned()

    def _turned(self) -> None:
        """The page has begun with a file, or is through with one: from here on it has time to begin with another."""
        if self._late is not None:
            self._late.cancel()
            self._late = None
        states = {one.state for one in self._made}
        if State.EXPECTED in states and State.COMING not in states:
            self._late = asyncio.get_running_loop().call_later(BEGIN_S, self.page_left)
