"""Takes in what came, and bounds in bytes what libzmq holds of it until then.

libzmq's own bound (`rcvhwm`) counts whole messages of a connection: a message whose parts never end is not whole, and
whole ones may be as large as a frame. And whoever resets a connection that has reached it can end the process: see
`sockets.py`. So it is not used. Instead a thread asks the system what each connection has got (`tcpi_bytes_received`,
Linux 4.1 and later; elsewhere nothing is known, and nobody is cut). Less what was taken from it, that is held for it.

A connection for which more than its kind may have is held is cut, and if it is more than `MOST_OF_ALL` for all, those
for which the most is held. Whole messages of one that has ended are still held until they are taken; where they are
more than `MOST_OF_ENDED`, nobody new is let in (`is_full`). What comes between two looks is on top of all that.
"""

import ctypes
import os
import socket
import struct
import sys
import threading
import time
from collections import Counter, deque
from contextlib import suppress
from typing import Final, NamedTuple

import structlog
import zmq
from zmq.utils.monitor import recv_monitor_message

from broker import outgoing
from broker.clock import steady_ms
from broker.culprits import Culprits
from broker.sockets import NOBLOCK, Socket, cut

MOST_OF_ALL: Final = 256 << 20
"""Bytes of all connections, weighed by their kind."""
MOST_OF_ENDED: Final = 64 << 20
"""The same of those that have ended."""
HEARTBEATS: Final = 16
"""Bytes a second that are never taken: what both sides say to see that the other is there takes 5."""
HANDSHAKE: Final = 2_048
"""Bytes before the first message, at most."""
LOOK_S: Final = 0.1
"""So often is looked, at most; where there are thousands, as often as takes `SHARE` of a processor,"""
SHARE: Final = 0.02
LONGEST_S: Final = 1.0
"""but no more seldom."""
PARTS: Final = 256
"""Of a message, with its route, that are kept to be refused; no honest one has more than 4."""
DROPPED_AT_ONCE: Final = 2_000
"""Parts of a message that has more are dropped in one call: a few ms."""
SHORT: Final = 255
"""Of the longest body on the wire whose header takes 2 bytes; others take 9 (RFC 23)."""

_RECEIVED_AT: Final = 128
"""Where `tcpi_bytes_received` is in `struct tcp_info`, which only ever grows at its end (include/uapi/linux/tcp.h)."""
_INFO: Final = 136
log: Final = structlog.get_logger()


class Kind(NamedTuple):
    """Of connections."""

    seal: int
    """Bytes by which a frame is longer on the wire, before its header."""
    most: int
    """Bytes on the wire that may be held of one."""
    weight: int
    """By which these count among those of all: an empty frame takes at least 64 in memory, whatever it was there."""


CLEAR: Final = Kind(0, 64 << 10, 32)
"""For one question and its answer, at a front door."""
SEALED: Final = Kind(33, 32 << 20, 1)
"""By CURVE (RFC 26): MESSAGE, a nonce, flags and a MAC. `most` is twice a window of a peer's largest messages, eight
times one of chunks of a file."""


class _Connection:
    """One that was accepted, or made."""

    __slots__ = ("inode", "is_cut", "kind", "of_others", "received", "since", "source", "took")

    def __init__(self, inode: int, kind: Kind, source: Socket | None) -> None:
        self.inode = inode
        """By which its descriptor is told from a later one with the same number."""
        self.source = source
        """What it was accepted on."""
        self.kind = kind
        self.since = time.monotonic()
        self.took = 0
        """Bytes that were taken from it. Theirs who take them; all else is the thread's."""
        self.received = 0
        """Bytes that it had got when it was last looked at."""
        self.of_others = 0
        """Bytes in `took` that were of another, which had this descriptor before."""
        self.is_cut = False

    def held(self, now: float) -> int:
        """Bytes on the wire; `now` by the monotonic clock."""
        heartbeats = HANDSHAKE + HEARTBEATS * (now - self.since)
        return max(0, int(self.received + self.of_others - self.took - heartbeats))


class Holding:
    """Of the connections of some sockets."""

    def __init__(self) -> None:
        self.cut = 0
        """Connections that were cut."""
        self.is_full = False
        """Whether so much is held of connections that have ended that nobody is to be let in."""
        self._can_ask = sys.platform == "linux"
        self._connections: dict[int, _Connection] = {}
        """By descriptor; some are there no more."""
        self._replaced: deque[_Connection] = deque()
        """Those that have ended, as another has their descriptor."""
        self._ended: Counter[Socket] = Counter()
        """What is held of those that have ended, bytes on the wire. The thread's."""
        self._late: Counter[Socket] = Counter()
        """What was taken of those since the start, and"""
        self._known_late: Counter[Socket] = Counter()
        """how much of that the thread has seen."""
        self._kinds: dict[Socket, Kind] = {}
        """Of the connections of what listens."""
        self._empty: set[Socket] = set()
        """Of which nothing was held, since it was last looked."""
        self._culprits = Culprits(steady_ms)
        self._system = ctypes.PyDLL(None)  # which keeps the interpreter's lock: a call takes less than to have it again
        self._told, self._end = os.pipe()
        self._reports: dict[Socket, tuple[Socket, Kind]] = {}
        self._thread = threading.Thread(target=self._watch, name="holding", daemon=True)

    def start(self, listening: dict[Socket, Kind]) -> None:
        """Watch what is accepted on these, and what `began` tells. Raises zmq.ZMQError where it cannot."""
        for one, kind in listening.items() if self._can_ask else ():
            self._reports[one] = outgoing.watch(one, zmq.EVENT_ACCEPTED), kind
        self._thread.start()

    def close(self) -> None:
        """Watch no longer. Before the sockets are closed, and by whom they belong to."""
        os.write(self._end, b"!")
        if self._thread.ident is not None:
            self._thread.join()
        for one, (reports, _) in self._reports.items():
            outgoing.unwatch(one, reports)
        os.close(self._end)
        os.close(self._told)

    def began(self, descriptor: int, kind: Kind, source: Socket | None = None) -> None:
        """There is this connection, of a socket that listens or, without `source`, of one of ours. From any thread."""
        if not self._can_ask:
            return
        with suppress(OSError):  # it has gone already
            inode = os.fstat(descriptor).st_ino
            before = self._connections.get(descriptor)
            if before is not None and before.inode == inode:
                return
            self._connections[descriptor] = _Connection(inode, kind, source)
            if source is not None:
                self._kinds[source] = kind
            if before is not None:
                self._replaced.append(before)

    def receive(self, source: Socket, *, routed: bool = False) -> list[zmq.Frame]:
        """Take in the next message, or raise zmq.Again where there is none. `routed`: the first frame is a route.

        Nothing is returned of one that has more than `PARTS`: its connection is cut, and the parts are dropped, some
        with each call. Frame by frame, which takes half the time of pyzmq's own loop over them.
        """
        frames: list[zmq.Frame] = []
        if source.getsockopt(zmq.RCVMORE):
            return self._drop(source)
        try:
            frame = source.recv(NOBLOCK, copy=False)
        except zmq.Again:
            if source in self._ended:
                self._empty.add(source)
            raise
        frames.append(frame)
        while frame.more:
            frame = source.recv(NOBLOCK, copy=False)
            frames.append(frame)
            if len(frames) > PARTS:
                self._took(source, frames[routed:])
                cut(frame)
                return self._drop(source) if frame.more else []
        self._took(source, frames[routed:])
        return frames

    def receive_frame(self, source: Socket) -> zmq.Frame:
        """Take in the next frame, or raise zmq.Again where there is none."""
        try:
            frame = source.recv(NOBLOCK, copy=False)
        except zmq.Again:
            if source in self._ended:
                self._empty.add(source)
            raise
        self._took(source, [frame])
        return frame

    def _drop(self, source: Socket) -> list[zmq.Frame]:
        dropped: list[zmq.Frame] = []
        while len(dropped) < DROPPED_AT_ONCE and (not dropped or dropped[-1].more):
            dropped.append(source.recv(NOBLOCK, copy=False))
        self._took(source, dropped)
        return []

    def _took(self, source: Socket, frames: list[zmq.Frame]) -> None:
        """Count their bytes on the wire, exactly.

        Fewer, and what is held would seem to grow for ever; more, and who says much could hide what is held of it.
        """
        try:
            connection = self._connections.get(int(frames[-1].get(zmq.SRCFD)))
        except zmq.ZMQError:  # libzmq says this itself
            return
        kind = self._kinds.get(source, SEALED) if connection is None else connection.kind
        size = 0
        for frame in frames:
            body = len(frame) + kind.seal
            size += body + (2 if body <= SHORT else 9)
        if connection is not None:
            connection.took += size
        elif source in self._kinds:
            self._late[source] += size

    def _watch(self) -> None:
        poller, until = zmq.Poller(), time.monotonic()
        for source in (*(reports for reports, _ in self._reports.values()), self._told):
            poller.register(source, zmq.POLLIN)
        while True:
            wait = LONGEST_S if not self._connections else max(0.0, until - time.monotonic())
            if any(source == self._told for source, _ in poller.poll(int(1000 * wait) + 1)):
                return
            for source, (reports, kind) in self._reports.items():
                with suppress(zmq.Again):
                    while True:
                        self.began(int(recv_monitor_message(reports, NOBLOCK)["value"]), kind, source)
            if time.monotonic() >= until:
                began = time.thread_time()
                self._look()
                took = time.thread_time() - began
                until = time.monotonic() + min(LONGEST_S, max(LOOK_S, took / SHARE))

    def _look(self) -> None:
        """Cut those for which too much is held."""
        now = time.monotonic()
        self._settle_ended(now)
        held = sorted(self._ask_all(now), key=lambda one: one[0], reverse=True)
        of_all = sum(weighed for weighed, *_ in held)
        for weighed, descriptor, connection in held:
            if of_all > MOST_OF_ALL or weighed > connection.kind.most * connection.kind.weight:
                of_all -= weighed
                self._cut(descriptor, connection)
        self.is_full = sum(held * self._kinds[source].weight for source, held in self._ended.items()) > MOST_OF_ENDED

    def _settle_ended(self, now: float) -> None:
        """Count what has ended, and what was taken of it since."""
        while self._replaced:
            self._count_ended(self._replaced.popleft(), now)
        for source, late in list(self._late.items()):
            self._ended[source] -= min(self._ended[source], late - self._known_late[source])
            self._known_late[source] = late
        while self._empty:
            self._ended[self._empty.pop()] = 0

    def _ask_all(self, now: float) -> list[tuple[int, int, _Connection]]:
        """What is held of each connection, weighed."""
        held: list[tuple[int, int, _Connection]] = []
        for descriptor, connection in list(self._connections.items()):
            took, received = connection.took, self._received(descriptor, connection.inode)
            if received is None:
                if self._connections.get(descriptor) is connection:
                    del self._connections[descriptor]
                self._count_ended(connection, now)
                continue
            connection.received = received
            if (too_many := took - received - connection.of_others) > 0:
                connection.of_others += too_many
                if connection.source is not None:
                    self._ended[connection.source] -= min(self._ended[connection.source], too_many)
            held.append((connection.held(now) * connection.kind.weight, descriptor, connection))
        return held

    def _count_ended(self, connection: _Connection, now: float) -> None:
        if connection.source is not None:  # else it is gone with its socket, or soon taken in
            self._ended[connection.source] += connection.held(now)

    def _received(self, descriptor: int, inode: int) -> int | None:
        """Bytes that a connection has got; None where there is no such connection.

        By the system's own call: an object of Python's would close a descriptor that is not its own.
        """
        info, size = ctypes.create_string_buffer(_INFO), ctypes.c_uint32(_INFO)
        try:
            if os.fstat(descriptor).st_ino != inode:
                return None
        except OSError:
            return None
        if (
            self._system.getsockopt(descriptor, socket.IPPROTO_TCP, socket.TCP_INFO, info, ctypes.byref(size))
            or size.value < _INFO
        ):
            return None
        (received,) = struct.unpack_from("=Q", info, _RECEIVED_AT)
        return int(received)

    def _cut(self, descriptor: int, connection: _Connection) -> None:
        """End it; where that cannot be, as no descriptor is left, it is tried again with the next look."""
        with suppress(OSError):
            copy = os.dup(descriptor)
            if connection.is_cut or os.fstat(copy).st_ino != connection.inode:
                os.close(copy)
                return
            with socket.socket(fileno=copy) as there:
                address = str(there.getpeername()[0])
                connection.is_cut = True
                self.cut += 1
                there.shutdown(socket.SHUT_RDWR)
            self._culprits.name("too much held", address, address=address)
