"""The one folder that a realm lives in."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realm.store.interface import StoreError


class LockedError(StoreError):
    """Another process has the folder."""


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Make the folder (0700) where there is none, and hold its lock: one process a folder.

    Raises StoreError where it cannot be made or written, and LockedError where another process holds it.
    """
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        lock = os.fdopen(os.open(folder / "lock", os.O_WRONLY | os.O_CREAT, 0o600), "w")  # who can read it can lock it
    except OSError as error:
        raise StoreError(f"the folder {folder} cannot be used ({error.strerror}): choose another --data") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LockedError(f"another realm already runs on {folder}: stop it, or choose another --data") from None
        yield folder
