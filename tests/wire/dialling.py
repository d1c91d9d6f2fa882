"""Sockets of clients, with or without CURVE, and what libzmq reports of their connections."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgpack
import psutil
import zmq
from zmq.utils.monitor import recv_monitor_message

Map = dict[str, Any]
PATIENCE_MS = 30_000
"""Longer than anything takes; whoever waits so long has been forgotten."""

REFUSED = (
    zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
"""What libzmq reports of a connection that is not let in, as a mask."""


class SilenceError(AssertionError):
    """An answer or an event did not come."""


@dataclass(frozen=True)
class Keys:
    """A CURVE key pair."""

    public: bytes
    secret: bytes = field(repr=False)


def new_keys() -> Keys:
    return Keys(*zmq.curve_keypair())


def packed(**fields: object) -> bytes:
    return bytes(msgpack.packb(fields))


def unpacked(frame: bytes) -> Map:
    answer = msgpack.unpackb(frame)
    assert isinstance(answer, dict)
    return answer


class Sockets:
    """Opens sockets, and closes them all."""

    def __init__(self) -> None:
        self.context = zmq.Context()
        self.server_key = b""
        self._opened: list[zmq.Socket[bytes]] = []

    def close(self) -> None:
        self.context.destroy(linger=0)
        self._opened.clear()

    def socket(self, kind: int) -> zmq.Socket[bytes]:
        """A socket that lives until `close`, if nobody closes it earlier."""
        opened = self.context.socket(kind)
        opened.linger = 0
        opened.sndhwm = opened.rcvhwm = 0
        self._opened.append(opened)
        return opened

    def dial(self, kind: int, port: int, keys: Keys | None = None, *, source: str = "", **options: Any) -> "Dialled":
        """Connect to `port`, without CURVE where `keys` is None; `source` is the address to dial from."""
        dialled = self.socket(kind)
        if keys is not None:
            dialled.curve_publickey, dialled.curve_secretkey = keys.public, keys.secret
            dialled.curve_serverkey = self.server_key
        for name, value in options.items():
            setattr(dialled, name, value)
        monitor: zmq.Socket[bytes] = dialled.get_monitor_socket()
        self._opened.append(monitor)
        dialled.connect(f"tcp://{source + ':0;' if source else ''}127.0.0.1:{port}")
        return Dialled(dialled, monitor)


@dataclass(frozen=True)
class Dialled:
    """A socket and what libzmq reports of its one connection."""

    socket: zmq.Socket[bytes]
    monitor: zmq.Socket[bytes]

    def wait(self, wanted: int) -> int:
        """Wait for one of the events in the mask `wanted`, and say which it was."""
        while self.monitor.poll(PATIENCE_MS):
            if (event := self.reported()) & wanted:
                return event
        raise SilenceError(f"none of the events {wanted:#x}")

    def reported(self) -> int:
        """The next event."""
        return int(recv_monitor_message(self.monitor)["event"])

    def close(self) -> None:
        self.socket.disable_monitor()
        self.monitor.close()
        self.socket.close()


def received(dialled: zmq.Socket[bytes]) -> list[bytes]:
    """The frames of the next message."""
    if not dialled.poll(PATIENCE_MS):
        raise SilenceError("no answer")
    return dialled.recv_multipart()


@contextmanager
def paused(process: int) -> Iterator[None]:
    """Stop a process; what is sent to it meanwhile finds it all at once when it goes on."""
    os.kill(process, signal.SIGSTOP)
    try:
        while psutil.Process(process).status() != psutil.STATUS_STOPPED:
            os.sched_yield()
        yield
    finally:
        os.kill(process, signal.SIGCONT)
