"""Files of this machine: one that is read to be sent, and one that is written as it comes."""

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from client.errors import AnswerError, LocalFileError
from client.filenames import local_name
from schemas.errors import Code

BLOCK: Final = 4 * 1024 * 1024
"""Bytes that are read at once to be hashed."""
PART: Final = ".bagan-part"
COPIES: Final = 1_000
"""How many names are tried before there is no free one."""

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many."""


class Hasher(Protocol):
    """What `hashlib` makes."""

    def update(self, data: bytes, /) -> None:
        """Take in more."""


async def in_thread(work: Callable[..., T], *args: Any) -> T:
    """Do it in a thread. Who is cancelled meanwhile goes only when the thread is ready: its file may then be closed."""
    running = asyncio.get_running_loop().run_in_executor(None, partial(work, *args))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait({running})
        if not running.cancelled():
            running.exception()  # nobody else asks for it
        raise


class _OpenFile:
    """A file that is open, for work in threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._fd = -1

    def read(self, offset: int, length: int) -> bytes:
        """So many bytes from there; raises LocalFileError where they are not there."""
        data = b""
        try:
            while len(data) < length and (more := os.pread(self._fd, length - len(data), offset + len(data))):
                data = data + more if data else more
        except OSError as error:
            raise unusable(self.path, "read", error) from error
        if len(data) < length:
            raise LocalFileError(f"{self.path} has become shorter while it was read")
        return data

    async def feed(self, hasher: Hasher, length: int, progress: Progress) -> None:
        """Hash so many bytes from the start, in blocks; `progress` is told before each of them."""
        for offset in range(0, length, BLOCK):
            progress(offset, length)
            await in_thread(self._feed, hasher, offset, min(BLOCK, length - offset))

    def _feed(self, hasher: Hasher, offset: int, length: int) -> None:
        hasher.update(self.read(offset, length))

    def close(self) -> None:
        """Close it; twice does no harm."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Source(_OpenFile):
    """A file to be sent; its first `size` bytes, whatever is written behind them later."""

    def open(self) -> None:
        """Raises NoSuchFileError where it is missing, unreadable, or no plain file (a folder, a device, a pipe)."""
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would wait for a writer
            told = os.fstat(self._fd)
        except (OSError, ValueError) as error:
            raise AnswerError.of(Code.FILE_NOT_FOUND) from error
        if not stat.S_ISREG(told.st_mode):
            raise AnswerError.of(Code.FILE_NOT_FOUND)
        self.size = told.st_size


class PartFile(_OpenFile):
    """A file as far as it has come, in `part_path` beside its place. No other one writes the same.

    In a folder it gets the name that its sender has given it; where a name is taken, the next free one: `foto (2).jpg`.
    """

    def __init__(self, target: Path, name: str, digest: bytes) -> None:
        super().__init__(target)
        self._name = local_name(name)
        self._digest = digest
        self._number = 0
        self._first_place = target
        """The place beside which it is written; it ends at another if this one is taken meanwhile."""

    def open(self) -> None:
        """Take up what is there of before: its first `size` bytes. Raises LocalFileError."""
        try:
            if self.path.is_dir():
                self.path /= self._name
            self._take_place()
        except (OSError, ValueError) as error:
            raise unusable(self.path, "written", error) from error

    def add(self, data: bytes, hasher: Hasher) -> None:
        """Write more at its end, and hash it; raises LocalFileError."""
        try:
            rest = memoryview(data)
            while rest:
                written = os.pwrite(self._fd, rest, self.size)
                self.size += written
                rest = rest[written:]
        except OSError as error:
            raise unusable(self._place, "written", error) from error
        hasher.update(data)

    def cut(self, size: int) -> None:
        """Keep only its first `size` bytes; raises LocalFileError."""
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            raise unusable(self._place, "written", error) from error
        self.size = size

    def finish(self) -> Path:
        """Put it in its place, which nothing else has, once it is on the disk; raises LocalFileError."""
        try:
            os.fsync(self._fd)  # or a power cut could leave its name without its content
            if not _is_at(self._fd, self._part):  # somebody has removed it: what is there now is another one's
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            while not self._link():
                self._next_place()
        except OSError as error:
            raise unusable(self._place, "written", error) from error
        finally:
            self.close()
        return self._place

    def close(self) -> None:
        """Close it; what has come stays for the next time, if it is anything."""
        if self._fd >= 0 and not self.size and _is_at(self._fd, self._part):
            with contextlib.suppress(OSError):  # an empty file that stays does no harm
                self._part.unlink()
        super().close()

    @property
    def _place(self) -> Path:
        if self._number < 2:
            return self.path
        return self.path.with_name(f"{self.path.stem} ({self._number}){self.path.suffix}")

    @property
    def _part(self) -> Path:
        return part_path(self._first_place, self._digest)

    def _take_place(self) -> None:
        """The first name that is free, and of which no other part is being written."""
        while True:
            self._next_place()
            if _is_taken(self._place):
                continue
            self._first_place = self._place
            if self._lock():
                return

    def _next_place(self) -> None:
        self._number += 1
        if self._number > COPIES:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    def _lock(self) -> bool:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
            self._fd = os.open(self._part, flags, 0o666)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            super().close()
            if error.errno in (errno.EWOULDBLOCK, errno.ELOOP, errno.EISDIR, errno.ENXIO):
                return False
            raise
        told = os.fstat(self._fd)
        if not (stat.S_ISREG(told.st_mode) and _is_at(self._fd, self._part)):
            super().close()
            return False
        if told.st_nlink > 1:  # whoever put it in its place was stopped in between: it is somebody's file now
            self._part.unlink()
            super().close()
            return self._lock()
        self.size = told.st_size
        return True

    def _link(self) -> bool:
        """Whether the place was free; the file has it now."""
        try:
            os.link(self._part, self._place, follow_symlinks=False)
        except FileExistsError:
            return False
        except OSError:  # a file system without links
            return self._rename()
        with contextlib.suppress(OSError):  # it has its name
            self._part.unlink()
        return True

    def _rename(self) -> bool:
        """The same, by an empty file that has the place until then."""
        try:
            reserved = os.open(self._place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            return False
        try:
            self._part.replace(self._place)
        except OSError:
            if _is_at(reserved, self._place):
                self._place.unlink()
            raise
        finally:
            os.close(reserved)
        return True


def part_path(place: Path, digest: bytes) -> Path:
    """Where the content of this digest is written until it is whole, and nothing else: no `local_name` is hidden."""
    of = hashlib.sha256(digest + os.fsencode(place.name)).hexdigest()
    return place.with_name(f".{of[:16]}{PART}")


def unusable(path: Path, what: str, error: Exception) -> LocalFileError:
    """What a person is told of a file that cannot be read or written."""
    reason = error.strerror if isinstance(error, OSError) else "this is no name of a file"
    return LocalFileError(f"{path} cannot be {what}: {reason}")


def _is_taken(path: Path) -> bool:
    """Whether anything has the name, a link to nowhere too; raises OSError where nothing can have it."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _is_at(fd: int, path: Path) -> bool:
    """Whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(fd), path.lstat())
    except FileNotFoundError:
        return False
