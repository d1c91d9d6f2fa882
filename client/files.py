"""Small private files, written as a whole or not at all."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from client.errors import KeyringError

T = TypeVar("T")


def read_json(path: Path, kind: type[T]) -> T | None:
    """What the file holds, or None where there is none; raises KeyringError where it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise KeyringError(f"{path} is damaged: {error}") from error
    except OSError as error:
        raise KeyringError(f"{path} cannot be read: {error.strerror}") from error


def write_json(path: Path, content: object) -> None:
    """Replace the file at once, readable by its owner alone; raises KeyringError where that fails."""
    try:
        draft = _draft(path, content)
        try:
            draft.replace(path)
        except OSError:
            draft.unlink()
            raise
    except OSError as error:
        raise KeyringError(f"{path} cannot be written: {error.strerror}") from error


def create_json(path: Path, content: object) -> bool:
    """Write the file unless it exists: of several at once, one wins. Raises KeyringError."""
    try:
        draft = _draft(path, content)
        try:
            path.hardlink_to(draft)  # unlike a rename, this fails where the file exists
        except FileExistsError:
            return False
        finally:
            draft.unlink()
    except OSError as error:
        raise KeyringError(f"{path} cannot be written: {error.strerror}") from error
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep others out who would read, change and write the file at the same time; raises KeyringError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open_lock(path.with_name(f".{path.name}.lock"))
    except OSError as error:
        raise KeyringError(f"{path} cannot be written: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def open_lock(path: Path) -> IO[str]:
    """A file to be locked, for its owner alone: who can read it can lock it. Raises OSError."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), "w")


def remove(path: Path) -> None:
    """Remove the file, if it is there; raises KeyringError where that cannot be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise KeyringError(f"{path} cannot be removed: {error.strerror}") from error


def _draft(path: Path, content: object) -> Path:
    """A file beside `path`, mode 0600, flushed to disk."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(content)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
