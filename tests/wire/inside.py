"""What reaches a realm by the socket in its folder, as somebody writes it who knows no code of ours."""

import itertools
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from tests.realm_process import RealmProcess
from tests.wire.dialling import PATIENCE_MS, Map, packed, unpacked


class Operator:
    """A connection: each frame is its length in 4 bytes, and so many bytes."""

    def __init__(self, path: str) -> None:
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(PATIENCE_MS / 1_000)
        self.connection.connect(path)
        self._ids = itertools.count(1)

    def close(self) -> None:
        self.connection.close()

    def say(self, frame: bytes) -> None:
        self.connection.sendall(len(frame).to_bytes(4, "big") + frame)

    def post(self, cmd: str, **arguments: Any) -> int:
        """Send a command without waiting, and return its id."""
        call = next(self._ids)
        self.say(packed(cmd=cmd, id=call, **arguments))
        return call

    def answer(self) -> Map:
        """The next answer; raises ConnectionError where the realm has hung up."""
        return unpacked(self._exactly(int.from_bytes(self._exactly(4), "big")))

    def ask(self, cmd: str, **arguments: Any) -> Map:
        """The answer to one command, whatever it says."""
        call = self.post(cmd, **arguments)
        answer = self.answer()
        assert answer["id"] == call, answer
        return answer

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self.connection.recv(size - len(found))
            if not more:
                raise ConnectionError("the realm has hung up")
            found += more
        return found


class Inside:
    """A realm as its operator reaches it; the path of its folder may be long."""

    def __init__(self, realm: RealmProcess, ending: ExitStack) -> None:
        self._ending = ending
        folder = os.open(realm.data, os.O_RDONLY)
        ending.callback(os.close, folder)
        self.path = f"/proc/self/fd/{folder}/operator"

    def operator(self) -> Operator:
        """One more connection."""
        operator = Operator(self.path)
        self._ending.callback(operator.close)
        return operator

    def peers(self) -> Map:
        """What the realm says when its operator asks, on a connection of their own."""
        caller = self.operator()
        answer = caller.ask("operator.peers")
        caller.close()
        return answer


@contextmanager
def inside(realm: RealmProcess) -> Iterator[Inside]:
    """The way in, and the end of all that came by it."""
    with ExitStack() as ending:
        yield Inside(realm, ending)
