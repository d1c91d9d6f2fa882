"""A file that is being written beside the place where it is to be, by one process, and for nobody else to read."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from realm.keeping.archive import KeepingError


@contextmanager
def part_of(target: Path, what: str) -> Iterator[tuple[Path, BinaryIO]]:
    """A file (0600) beside the target, which only this process writes; where that fails it is gone afterwards.

    One that was left by who was killed is taken over; one of another user is not, who could read what comes into it.
    Raises KeepingError, in which `what` is what is being written, and OSError.
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
            raise KeepingError(f"another {what} is just being written to {target}: wait until it is done") from None
        if not _has(path, found):
            raise KeepingError(f"another {what} has just been written to {target}: see whether it will do")
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
