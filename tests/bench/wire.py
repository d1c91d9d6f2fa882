"""The client's side of the wire, as cheap as it gets: frames packed beforehand, answers counted unread."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final, NamedTuple

import msgpack
import zmq

from schemas.limits import HEARTBEAT_MS
from tests.bench.bare import Context, Socket
from tests.bench.meter import BenchError

HOST: Final = "tcp://127.0.0.1"
TIMEOUT_MS: Final = 10_000
FIRST_TIMEOUT_MS: Final = 30_000
"""How long a crowd that connects at once may wait for its welcome."""
OK: Final = b"\xa6status\xa2OK"
ID: Final = 7
TEXT: Final = "The quick brown fox jumps over the lazy dog, then writes one hundred bytes of text to a dear friend."

_ULID: Final = b"01J8ZZZZZZ"


class Keys(NamedTuple):
    """A CURVE key pair in Z85."""

    public: bytes
    secret: bytes

    @classmethod
    def fresh(cls) -> "Keys":
        """A new pair."""
        return cls(*zmq.curve_keypair())


def connect(context: Context, kind: int, port: int, server: bytes | None, own: Keys | None) -> Socket:
    """A socket on its way to a port of this machine; without `server` in the clear."""
    new = context.socket(kind)
    new.linger = 0
    new.rcvtimeo = TIMEOUT_MS
    new.sndhwm = new.rcvhwm = 0
    # As clients do (`client/dial.py`), but for their timeout: thousands in one thread go through all timers then.
    new.heartbeat_ivl, new.heartbeat_timeout = HEARTBEAT_MS, 0
    if server is not None and own is not None:
        new.curve_serverkey = server
        new.curve_publickey, new.curve_secretkey = own
    new.connect(f"{HOST}:{port}")
    return new


def subscribe(context: Context, port: int, server: bytes, own: Keys, topics: list[bytes]) -> Socket:
    """A SUB socket; the server greets it under the last of the topics."""
    new = connect(context, zmq.SUB, port, server, own)
    for topic in topics:
        new.subscribe(topic)
    return new


def await_welcome(listeners: list[Socket]) -> None:
    """Return when each has been greeted. Raises BenchError where one is not."""
    for listener in listeners:
        if not listener.poll(FIRST_TIMEOUT_MS):
            raise BenchError("a subscription was not accepted")
        listener.recv_multipart()


def pack(cmd: str, **arguments: object) -> bytes:
    """The frame of a command."""
    return bytes(msgpack.packb({"cmd": cmd, "id": ID, **arguments}))


def unpack(frame: bytes) -> dict[str, Any]:
    """A map that came in."""
    return dict(msgpack.unpackb(frame))


def ask(socket: Socket, frame: bytes) -> dict[str, Any]:
    """Send a command and wait for its answer. Raises BenchError where it is not OK."""
    socket.send(frame)
    if not socket.poll(FIRST_TIMEOUT_MS):
        raise BenchError("no answer")
    answer = unpack(socket.recv())
    if answer["status"] != "OK":
        raise BenchError(f"{answer['code']}: {answer['message']}")
    return answer


def ask_bare(socket: Socket) -> None:
    """Send something to a bare server and wait until it comes back."""
    socket.send(b"?")
    if not socket.poll(FIRST_TIMEOUT_MS):
        raise BenchError("no echo")
    socket.recv()


def repeatable(frame_without_entry: bytes) -> Iterator[bytes]:
    """The same send again and again, each under a ULID of its own."""
    head, rest = frame_without_entry[0], frame_without_entry[1:]
    if not 0x80 <= head < 0x8F:
        raise BenchError("a send of 15 fields or more")
    start = bytes([head + 1]) + rest + b"\xa5entry\xba" + _ULID
    return (start + b"%016d" % number for number in count())
