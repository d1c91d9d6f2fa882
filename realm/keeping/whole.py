"""What is written for an operator: there whole and on disk, or not at all, with a sentence that says why."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from realm.store.folder import FULL, sync
from realm.store.interface import StoreFullError

_READ_ONLY: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FULL_DISK: Final = "the disk that {} is on is full: make room there, or choose another place; nothing was left of it"


class KeepingError(Exception):
    """What an operator wants done with a folder or a file cannot be done; the message says why and what to do."""


@contextmanager
def new_file(target: Path, *, overwrite: bool = False) -> Iterator[tuple[Path, BinaryIO]]:
    """A file (0600), open for reading and writing, and where it is meanwhile, which only this process writes.

    Afterwards it is flushed and has its name; where that fails nothing of it stays. One that is there already is
    replaced with `overwrite` alone. Raises KeepingError with what to do.
    """
    _check_target(target, overwrite=overwrite)
    with written_to(target.parent), _part_of(target) as (part, file):
        _check_target(target, overwrite=overwrite)  # it may have come meanwhile
        yield part, file
        file.flush()
        os.fsync(file.fileno())
        part.rename(target)
        sync(target.parent)


@contextmanager
def written_to(place: Path) -> Iterator[None]:
    """Say in words why something cannot be written below a folder."""
    try:
        yield
    except StoreFullError as error:
        raise KeepingError(_FULL_DISK.format(place)) from error
    except OSError as error:
        if error.errno in FULL:
            raise KeepingError(_FULL_DISK.format(place)) from error
        if error.errno in _READ_ONLY:
            raise KeepingError(f"nothing may be written to {place} by this user: choose another place") from error
        if isinstance(error, FileNotFoundError):
            raise KeepingError(f"there is no folder {place}: make it, or choose another place") from error
        raise KeepingError(f"{place} cannot be written to ({error.strerror or error}): choose another place") from error


def _check_target(target: Path, *, overwrite: bool) -> None:
    if target.is_dir():
        raise KeepingError(f"{target} is a folder: say a file, which need not be there yet")
    if target.exists() and not target.is_file():
        raise KeepingError(f"{target} is no plain file: say another")
    if target.exists() and not overwrite:
        raise KeepingError(f"{target} is there already: say another file, or --overwrite to replace it")


@contextmanager
def _part_of(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A file (0600) beside the target, which only this process writes; where that fails it is gone afterwards.

    One that was left by who was killed is taken over; one of another user is not, who could read what comes into it.
    """
    path = target.with_name(f"{target.name}.part")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise KeepingError(f"{path} is no plain file: remove it")
        if found.st_uid != os.geteuid() or found.st_nlink > 1:
            raise KeepingError(f"{path} is another user's, or has another name too: remove it, or choose another place")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise KeepingError(f"another command is just writing {target}: wait until it is done") from None
        if not _has(path, found):
            raise KeepingError(f"another command has just written {target}: see whether it will do")
        os.fchmod(descriptor, 0o600)
        file.truncate(0)
        try:
            yield path, file
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _has(path: Path, found: os.stat_result) -> bool:
    """Whether the file still has this name: else who had the lock before has given it another."""
    try:
        now = path.lstat()
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) == (found.st_dev, found.st_ino)
