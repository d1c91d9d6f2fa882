"""The client's own folder: its key pair, the pins, and the last session with each realm."""

import os
from pathlib import Path
from typing import Final

import msgspec
import platformdirs
import zmq

from client.errors import KeyringError
from client.files import create_json, read_json, remove, write_json
from client.pins import Pins, is_key
from client.session import Login

HOME_VARIABLE: Final = "BAGAN_HOME"


class KeyPair(msgspec.Struct, frozen=True):
    """A CURVE key pair, in Z85. Sessions belong to it: a token is worth nothing without the secret half."""

    public: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public!r}, …)"


def new_key_pair() -> KeyPair:
    """A key pair of its own for every client."""
    public, secret = zmq.curve_keypair()
    return KeyPair(public.decode("ascii"), secret.decode("ascii"))


def default_folder() -> Path:
    """$BAGAN_HOME, or the platform's folder for settings of programs."""
    return Path(os.environ.get(HOME_VARIABLE) or platformdirs.user_config_path("bagan"))


class Keyring:
    """The folder, made when something is first written to it. Files are 0600, replaced as a whole."""

    def __init__(self, folder: Path | None = None, pins: Pins | None = None) -> None:
        """`pins` are those that several keyrings share; otherwise they are in the folder too."""
        self.folder = folder or default_folder()
        self.pins = pins or Pins(self.folder / "pins.json")

    def keys(self) -> KeyPair:
        """The client's long-lived key pair, made at the first call.

        Raises KeyringError where the file is damaged, readable by others, or cannot be written.
        """
        path = self.folder / "key.json"
        keys = self._read_keys(path)
        if keys is None:
            create_json(path, new_key_pair())
            keys = self._read_keys(path)  # another process may have been first
        if keys is None or not _is_pair(keys):
            raise KeyringError(f"{path} does not hold a key pair")
        return keys

    def login(self, realm: str) -> Login | None:
        """The last session with a realm, whose name has been checked."""
        return read_json(self._session(realm), Login)

    def remember(self, realm: str, login: Login) -> None:
        """Keep a session as the last one with this realm."""
        write_json(self._session(realm), login)

    def forget(self, realm: str) -> None:
        """Keep no session with this realm."""
        remove(self._session(realm))

    def forget_all(self) -> None:
        """Keep no session with any realm."""
        for path in self.folder.glob("session-*.json"):
            remove(path)

    def _session(self, realm: str) -> Path:
        return self.folder / f"session-{realm}.json"

    @staticmethod
    def _read_keys(path: Path) -> KeyPair | None:
        keys = read_json(path, KeyPair)
        if keys is not None and os.name == "posix" and path.stat().st_mode & 0o077:
            raise KeyringError(f"{path} can be read by others: chmod 600 it, or remove it to get a new key")
        return keys


def _is_pair(keys: KeyPair) -> bool:
    if not (is_key(keys.public) and is_key(keys.secret)):
        return False
    return zmq.curve_public(keys.secret.encode("ascii")).decode("ascii") == keys.public
