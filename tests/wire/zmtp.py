"""A peer that speaks raw ZMTP over plain TCP, and so may say what libzmq would never let a client say."""

import select
import socket
import struct
from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
MORE, LONG, COMMAND = 1, 2, 4
PATIENCE_S = 20.0


class ConnectionEndedError(Exception):
    """The other side closed or reset the connection."""


def greeting(mechanism: bytes = b"NULL", *, version: bytes = b"\x03\x01") -> bytes:
    """The 64 bytes with which a ZMTP 3 peer begins."""
    return SIGNATURE + version + mechanism.ljust(20, b"\0") + bytes(32)


def header(size: int, flags: int = 0) -> bytes:
    """What stands before a frame of `size` bytes, whether or not so many follow."""
    if size > 0xFF:
        return struct.pack(">BQ", flags | LONG, size)
    return struct.pack(">BB", flags, size)


def frame(body: bytes, flags: int = 0) -> bytes:
    """A frame as it goes over the wire."""
    return header(len(body), flags) + body


def command(name: bytes, body: bytes = b"") -> bytes:
    """A ZMTP command."""
    return frame(bytes([len(name)]) + name + body, COMMAND)


def ready(socket_type: bytes = b"DEALER", identity: bytes = b"") -> bytes:
    """The NULL mechanism's READY; `identity` is the routing id that the peer claims."""
    return command(b"READY", properties({b"Socket-Type": socket_type, b"Identity": identity}))


def properties(told: dict[bytes, bytes]) -> bytes:
    """The metadata that a handshake ends with."""
    return b"".join(bytes([len(key)]) + key + struct.pack(">I", len(said)) + said for key, said in told.items())


class RawPeer:
    """One TCP connection to a ZeroMQ socket; use it in a `with`."""

    def __init__(self, port: int, host: str = "127.0.0.1", source: str = "") -> None:
        self._tcp = socket.create_connection((host, port), timeout=PATIENCE_S, source_address=(source, 0))
        self._tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def source(self) -> int:
        """The port from which it came."""
        return int(self._tcp.getsockname()[1])

    def close(self) -> None:
        """End the connection; twice is harmless."""
        self._tcp.close()

    def reset(self) -> None:
        """End it with a reset: what was not sent yet is lost."""
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def write(self, data: bytes) -> None:
        """Send bytes as they are; raise ConnectionEndedError where nobody takes them any more."""
        try:
            self._tcp.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ConnectionEndedError from error

    def write_until_end(self, pieces: Iterable[bytes]) -> None:
        """Send these until the other side ends the connection; raise TimeoutError where it does not, all being said."""
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                readable, writable, _ = select.select([self._tcp], [self._tcp], [], PATIENCE_S)
                if not readable and not writable:
                    raise TimeoutError
                try:
                    if readable and not self._tcp.recv(65_536):
                        return
                    rest = rest[self._tcp.send(rest) if writable else 0 :]
                except (BrokenPipeError, ConnectionResetError):
                    return
        self.wait_for_end()

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes; raise ConnectionEndedError where they do not come."""
        data = bytearray()
        while len(data) < size:
            try:
                more = self._tcp.recv(size - len(data))
            except ConnectionResetError as error:
                raise ConnectionEndedError from error
            if not more:
                raise ConnectionEndedError
            data += more
        return bytes(data)

    def has_data(self) -> bool:
        """Whether something has come that was not yet read."""
        return bool(select.select([self._tcp], [], [], 0)[0])

    def read_frame(self) -> tuple[int, bytes]:
        """The flags and the body of the next frame."""
        flags = self.read(1)[0]
        size = struct.unpack(">Q", self.read(8))[0] if flags & LONG else self.read(1)[0]
        return flags, self.read(size)

    def shake_hands(self, socket_type: bytes = b"DEALER", identity: bytes = b"") -> None:
        """Do the whole NULL handshake; raise ConnectionEndedError where the other side will not have it."""
        self.write(greeting())
        self.read(64)
        self.write(ready(socket_type, identity))
        flags, body = self.read_frame()
        if not (flags & COMMAND and body.startswith(b"\x05READY")):
            raise ConnectionEndedError

    def ask(self, body: bytes = b"?") -> bytes:
        """Send one message of one frame and return the body of the answer's last frame."""
        self.write(frame(body))
        return self.next_answer()

    def next_answer(self) -> bytes:
        """The body of the last frame of the next message."""
        flags, answer = self.read_frame()
        while flags & (MORE | COMMAND):
            flags, answer = self.read_frame()
        return answer

    def wait_for_end(self) -> None:
        """Read until the other side closes the connection; raise TimeoutError where it does not."""
        try:
            while True:
                self.read(1)
        except ConnectionEndedError:
            return


def stranger(port: int, source: str = "") -> RawPeer:
    """A peer without a key that has shaken hands."""
    with ExitStack() as stack:
        peer = stack.enter_context(RawPeer(port, source=source))
        peer.shake_hands()
        stack.pop_all()
    return peer
