"""Files that come from a browser, and wait in the tab's folder until the realm has them."""

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import IO, Final

from client.errors import LocalFileError
from client.local import in_thread
from client.model.attached import Loss, Parcel

MAX_FILE: Final = 4 << 30
"""Bytes of one file; the realm has a limit of its own."""
MAX_HELD: Final = 8 << 30
"""Bytes of all files of one tab that wait here."""
SPARED: Final = 1 << 30
"""Bytes of the disk that are left free."""
AT_ONCE: Final = 20
"""Files of one tab that wait here."""
BLOCK: Final = 1 << 20
"""Bytes that are written at once."""
STALL_S: Final = 60.0
"""Seconds without anything of a file: its page is gone."""


class Spool(Parcel):
    """One file. It is removed when nobody wants to send it any more, unless it is the person's own."""

    def __init__(self, path: Path, name: str, size: int) -> None:
        super().__init__(name, size)
        self.path = path
        self._begun = False
        self._ended = asyncio.Event()
        self._owned = True

    @classmethod
    def of_own(cls, path: Path, name: str, size: int) -> "Spool":
        """A file of the person at this machine, which is sent from where it is, and stays there."""
        spool = cls(path, name, size)
        spool.held, spool._owned = size, False
        spool._ended.set()
        return spool

    async def take(self, parts: AsyncIterator[bytes], changed: Callable[[], None]) -> None:
        """Write what comes; `changed` is called as it grows.

        Raises LocalFileError where it is not just `size` bytes, was removed meanwhile or cannot be written, and
        whatever `parts` raises.
        """
        self._begun = True
        try:
            file = await in_thread(self._create)
            try:
                await self._write(file, parts, changed)
            finally:
                await in_thread(file.close)
        except OSError as error:
            self.lose(Loss.NO_ROOM)
            raise LocalFileError(f"{self.path} cannot be written: {error.strerror}") from error
        except BaseException:
            self.lose(Loss.CUT)
            raise
        finally:
            self._ended.set()
            changed()

    async def whole(self) -> Path:
        """Where it is, once all of it is here; raises LocalFileError where it will never be."""
        await self._ended.wait()
        if self.loss is not None:
            raise LocalFileError(f"the file {self.name!r} did not come here whole")
        return self.path

    def lose(self, why: Loss) -> None:
        """It will never be whole here."""
        self.loss = self.loss or why
        self._ended.set()
        if self._owned:
            self.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Nobody wants to send it any more."""
        self.lose(Loss.CUT)

    def page_left(self) -> None:
        """What the page has not begun to send will not come."""
        if not self._begun and not self._ended.is_set():
            self.lose(Loss.CUT)

    def _create(self) -> IO[bytes]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb", 0)

    async def _write(self, file: IO[bytes], parts: AsyncIterator[bytes], changed: Callable[[], None]) -> None:
        gathered = bytearray()
        while (part := await _next(parts)) is not None:
            gathered += part
            if self.held + len(gathered) > self.size:
                raise LocalFileError(f"the file {self.name!r} is longer than was said")
            if len(gathered) >= BLOCK:
                await self._add(file, gathered, changed)
        await self._add(file, gathered, changed)
        if self.held < self.size:
            raise LocalFileError(f"the file {self.name!r} is shorter than was said")

    async def _add(self, file: IO[bytes], gathered: bytearray, changed: Callable[[], None]) -> None:
        if self.loss is not None:
            self.path.unlink(missing_ok=True)  # it was removed before it was made
            raise LocalFileError(f"the file {self.name!r} is not wanted any more")
        rest = memoryview(bytes(gathered))
        while rest:
            rest = rest[await in_thread(file.write, rest) :]
        self.held += len(gathered)
        gathered.clear()
        changed()


async def _next(parts: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(STALL_S):
            return await anext(parts, None)
    except TimeoutError as error:
        raise LocalFileError("a file does not come on") from error


class Spools:
    """The files of one tab that wait here, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Spool] = []

    def make(self, name: str, size: int) -> Spool:
        """Room for a file of so many bytes; where there is none for it, it is lost at once."""
        spool = Spool(self._folder / secrets.token_hex(16), name, size)
        waiting = [one for one in self._made if one.loss is None]
        if size > MAX_FILE:
            spool.lose(Loss.TOO_LARGE)
        elif len(waiting) >= AT_ONCE or size + sum(one.size for one in waiting) > MAX_HELD or not self._fits(size):
            spool.lose(Loss.NO_ROOM)
        self._made = [*waiting, spool]
        return spool

    def page_left(self) -> None:
        """The page that had chosen them is gone."""
        for spool in self._made:
            spool.page_left()

    def clear(self) -> None:
        """Remove all of them."""
        for spool in self._made:
            spool.remove()
        self._made = []
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fits(self, size: int) -> bool:
        there = next(folder for folder in (self._folder, *self._folder.parents) if folder.exists())
        return shutil.disk_usage(there).free - size >= SPARED
