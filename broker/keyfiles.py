"""A realm's key pair on disk. Whoever holds the file is the realm."""

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

import zmq

from realm.store.folder import KEY

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyFileError(Exception):
    """The key file cannot be used; the message says why and what to do."""


class KeyPair(NamedTuple):
    """A CURVE key pair, both in Z85 (40 characters)."""

    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"KeyPair({self.public.decode()})"


def load(folder: Path, *, create: bool) -> KeyPair:
    """The pair in `folder`/realm.key; with `create` it is made (0600) where there is none.

    Raises KeyFileError where the file is missing, unreadable, open to others, or holds no key.
    """
    path = folder / KEY
    if not path.exists():
        if not create:
            raise KeyFileError(
                f"the key file {path} is missing: put it back from a backup, or say --new-key "
                "(then all who know this realm must be told its new key)"
            )
        _create(path)
    try:
        if path.stat().st_mode & _OTHERS:
            raise KeyFileError(f"others can read the key file {path}: say chmod 600 {path}")
        secret = path.read_text(encoding="ascii").strip().encode()
        return KeyPair(zmq.curve_public(secret), secret)
    except PermissionError as error:
        raise KeyFileError(
            f"the key file {path} is not this user's to read: say this as the user who runs the realm"
        ) from error
    except (OSError, ValueError, zmq.ZMQError) as error:
        raise KeyFileError(
            f"the key file {path} holds no key: put the realm's own back from a backup ({error})"
        ) from error


def _create(path: Path) -> None:
    """Write a new secret so that there is never half a file, and never one that others can read."""
    _, secret = zmq.curve_keypair()
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
