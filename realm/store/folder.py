"""The one folder that a realm lives in: what is where in it, and its lock.

The database is `realm.store.database.FILE`; `uploads/` has what has come so far of files, by the id of the upload.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from realm.store.interface import StoreError

KEY: Final = "realm.key"
"""The realm's secret key, Z85."""
THUMB: Final = ".thumb"
"""What the name of a thumbnail has behind that of its blob."""
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The errors of a disk that is full, or of which no more may be had."""


def blob_name(digest: bytes) -> str:
    """Where a blob is, below a realm's folder as in a backup."""
    shown = digest.hex()
    return f"blobs/{shown[:2]}/{shown}"


def sync(path: Path) -> None:
    """Have a file's content, or a folder's names, on disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LockedError(StoreError):
    """Another process has the folder."""


_BARRED: Final = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Make the folder (0700) where there is none, and hold its lock: one process a folder.

    Raises StoreError where it cannot be made or written, and LockedError where another process holds it.
    """
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        lock = os.fdopen(os.open(folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w")  # who can read it can lock it
    except OSError as error:
        do = (
            "see why nothing may be written to it (ls -l, mount, dmesg)"
            if error.errno in _BARRED
            else "choose another --data"
        )
        raise StoreError(f"the folder {folder} cannot be used ({error.strerror}): {do}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LockedError(f"another realm already runs on {folder}: stop it, or choose another --data") from None
        yield folder
