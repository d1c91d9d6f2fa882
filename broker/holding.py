"""What libzmq holds of what came and was not taken yet, with a bound in bytes.

Its own bound (`rcvhwm`) counts whole messages of a connection: a message whose parts never end is not whole, and whole
ones may be as large as a frame. And whoever resets a connection that has reached it can end the process: see
`sockets.py`. So it is not used. Instead a thread asks the system what each connection has got (`tcpi_bytes_received`,
Linux 4.1 and later; elsewhere nothing is known, and nobody is cut). Less what was taken from it, that is held for it. A
connection for which more than `MOST` is held is cut, and if it is more than `MOST_OF_ALL` for all, those for which the
most is held. What was not whole is gone with them.
"""

import ctypes
import os
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from typing import Final, NamedTuple

import structlog
import zmq
from zmq.utils.monitor import recv_monitor_message

from broker import outgoing
from broker.clock import steady_ms
from broker.culprits import Culprits
from broker.sockets import NOBLOCK, Socket

MOST: Final = 32 << 20
"""Bytes of one connection: twice a window of a peer's largest messages, eight times one of chunks of a file.

Heartbeats are never taken, so a connection is cut after months of them, and dials again."""
MOST_OF_ALL: Final = 256 << 20
"""Bytes of all of them."""
LOOK_S: Final = 0.1
"""So often is looked, at most; where there are thousands, as often as takes `SHARE` of a processor."""
SHARE: Final = 0.02
SHORT: Final = 255
"""Of the longest body on the wire whose header takes 2 bytes; others take 9 (RFC 23)."""


class Kind(NamedTuple):
    """Of connections."""

    seal: int
    """Bytes that a frame is longer by on the wire, before its header."""
    weight: int
    """By which bytes on the wire count: in memory an empty frame takes 64."""


CLEAR: Final = Kind(0, 32)
SEALED: Final = Kind(33, 1)
"""By CURVE: MESSAGE, a nonce, the flags and a MAC (RFC 26)."""

_RECEIVED_AT: Final = 128
"""Where `tcpi_bytes_received` is in `struct tcp_info`, which only ever grows at its end (include/uapi/linux/tcp.h)."""
_INFO: Final = 136
log: Final = structlog.get_logger()


IDLE_MS: Final = 1_000
"""So often is seen whether there are connections, where there were none."""


class _Connection:
    """One that was accepted, or made."""

    __slots__ = ("before", "inode", "kind", "took")

    def __init__(self, inode: int, before: int, kind: Kind) -> None:
        self.inode = inode
        """By which its descriptor is told from a later one with the same number."""
        self.before = before
        """Bytes that it had got before anything was counted. The thread's."""
        self.took = 0
        """Bytes that were taken from it since. Theirs who take them."""
        self.kind = kind


class Holding:
    """Of the connections to and from some sockets."""

    def __init__(self, listening: dict[Socket, Kind]) -> None:
        """Begin to watch these. Raises zmq.ZMQError where it cannot."""
        self.cut = 0
        """Connections that were cut."""
        self._can_ask = sys.platform == "linux"
        self._listening = list(listening if self._can_ask else ())
        self._connections: dict[int, _Connection] = {}
        """By descriptor; some are there no more."""
        self._culprits = Culprits(steady_ms)
        self._system = ctypes.CDLL(None)
        self._told, self._end = os.pipe()
        self._reports = {outgoing.watch(one, zmq.EVENT_ACCEPTED): listening[one] for one in self._listening}
        self._thread = threading.Thread(target=self._watch, name="holding", daemon=True)
        self._thread.start()

    def began(self, descriptor: int, kind: Kind) -> None:
        """A connection was made, and is watched too. From any thread."""
        if not self._can_ask:
            return
        received = self._received(descriptor) or 0
        with suppress(OSError):  # it has gone already
            self._connections[descriptor] = _Connection(os.fstat(descriptor).st_ino, received, kind)

    def took(self, frames: list[zmq.Frame]) -> None:
        """Frames that came were taken in. From the thread that takes in what comes on their connection.

        Their bytes on the wire are counted exactly: fewer, and what is held would seem to grow for ever; more, and who
        says much could hide what it has held.
        """
        try:
            connection = self._connections.get(int(frames[-1].get(zmq.SRCFD)))
        except zmq.ZMQError:
            return
        if connection is not None:
            for frame in frames:
                body = len(frame) + connection.kind.seal
                connection.took += body + (2 if body <= SHORT else 9)

    def close(self) -> None:
        """Watch no longer. Before the sockets are closed, and by whom they belong to."""
        os.write(self._end, b"!")
        self._thread.join()
        for one, reports in zip(self._listening, self._reports, strict=True):
            outgoing.unwatch(one, reports)
        os.close(self._end)
        os.close(self._told)

    def _watch(self) -> None:
        poller, until = zmq.Poller(), time.monotonic()
        for source in (*self._reports, self._told):
            poller.register(source, zmq.POLLIN)
        while True:
            wait = IDLE_MS if not self._connections else max(0, int(1000 * (until - time.monotonic())))
            if any(source == self._told for source, _ in poller.poll(wait)):
                return
            for reports, kind in self._reports.items():
                self._hear(reports, kind)
            began = time.monotonic()
            if began >= until:
                self._look()
                until = began + max(LOOK_S, (time.monotonic() - began) / SHARE)

    def _hear(self, reports: Socket, kind: Kind) -> None:
        """Count those that were accepted."""
        with suppress(zmq.Again):
            while True:
                self.began(int(recv_monitor_message(reports, NOBLOCK)["value"]), kind)

    def _look(self) -> None:
        """Cut those for which too much is held."""
        held: list[tuple[int, int]] = []
        for descriptor, connection in list(self._connections.items()):
            took, received = connection.took, self._received(descriptor)
            if received is None:
                del self._connections[descriptor]
                continue
            holds = received - connection.before - took
            if holds < 0:  # some came before this connection was heard of
                connection.before += holds
            else:
                held.append((holds * connection.kind.weight, descriptor))
        of_all = sum(holds for holds, _ in held)
        for holds, descriptor in sorted(held, reverse=True):
            if holds <= MOST and of_all <= MOST_OF_ALL:
                return
            of_all -= holds
            self._cut(descriptor, self._connections.pop(descriptor))

    def _received(self, descriptor: int) -> int | None:
        """Bytes that a connection has got; None where there is no such connection.

        By the system's own call: an object of Python's would close a descriptor that is not its own.
        """
        info, size = ctypes.create_string_buffer(_INFO), ctypes.c_uint32(_INFO)
        if (
            self._system.getsockopt(descriptor, socket.IPPROTO_TCP, socket.TCP_INFO, info, ctypes.byref(size))
            or size.value < _INFO
        ):
            return None
        (received,) = struct.unpack_from("=Q", info, _RECEIVED_AT)
        return int(received)

    def _cut(self, descriptor: int, connection: _Connection) -> None:
        with suppress(OSError):  # it has gone already
            copy = os.dup(descriptor)
            if os.fstat(copy).st_ino != connection.inode:
                os.close(copy)
                return
            with socket.socket(fileno=copy) as there:
                address = str(there.getpeername()[0])
                self.cut += 1
                there.shutdown(socket.SHUT_RDWR)
            self._culprits.name("too much held", address, address=address)
