"""A realm under test: its folder filled, its process started, its key read from the front door."""

from pathlib import Path
from typing import Final

import zmq

from tests.bench.bare import Context, Socket
from tests.bench.people import REALM, User
from tests.bench.wire import Keys, ask, await_welcome, connect, pack, subscribe, unpack
from tests.realm_process import FAST_HASHING, RealmProcess

UNLIMITED: Final = f"[limits]\nsession_per_second = {10**9}\nsession_burst = {10**9}\n"
SHIPPED: Final = ""


class Realm:
    """A running realm, to be used as a context manager; `folder / REALM` is its data."""

    def __init__(self, context: Context, folder: Path, limits: str = UNLIMITED) -> None:
        folder.mkdir(exist_ok=True)
        self._context = context
        self._process = RealmProcess(folder, REALM, limits + FAST_HASHING, "--new-key")
        try:
            self._process.start()
            self.pid = self._process.pid
            self.commands = self._process.commands
            self.key = self._card_key()
        except BaseException:
            self._stop()
            raise

    def __enter__(self) -> "Realm":
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()

    def dial(self, keys: Keys) -> Socket:
        """A connection to the commands port."""
        return connect(self._context, zmq.DEALER, self._process.commands, self.key, keys)

    def talk(self, everybody: list[User]) -> list[Socket]:
        """A commands connection for each, all of them in use already."""
        dialled = [self.dial(user.keys) for user in everybody]
        for user, socket in zip(everybody, dialled, strict=True):
            ask(socket, pack("resume", tokenId=user.token))
        return dialled

    def listen(self, everybody: list[User]) -> list[Socket]:
        """A push connection for each, all of them welcomed."""
        port = self._process.push
        sockets = [subscribe(self._context, port, self.key, user.keys, [user.topic]) for user in everybody]
        await_welcome(sockets)
        return sockets

    def resident_bytes(self) -> int:
        """Memory of the process that is in RAM now."""
        return self._process.resident_bytes()

    def _card_key(self) -> bytes:
        with connect(self._context, zmq.DEALER, self._process.door, None, None) as door:
            door.send(pack("identity"))
            return str(unpack(door.recv())["key"]).encode()

    def _stop(self) -> None:
        if self._process.process is not None:
            self._process.stop()
