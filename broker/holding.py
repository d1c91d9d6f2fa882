"""Takes in what came, and bounds what libzmq holds of it until then.

libzmq's own bound (`rcvhwm`) counts whole messages of a connection: a message whose parts never end is not whole, and
whole ones may be as large as a frame. And whoever resets a connection that has reached it can end the process: see
`sockets.py`. So it is not used. Instead a thread looks, often, at two things:

- What is held of each connection: what the system says that it has got (`tcp.py`), less what was taken from it. Where
  that is more than its kind may have, it is cut.
- By how much memory has grown since nothing was held. That tells also of what has ended and is not taken in yet, and
  no sender can hide it. While it is more than `GROWN`, nobody new is let in (`is_short`), whoever holds more than
  `LITTLE` is cut, and what has ended is dropped unread: nobody would hear an answer.

What comes between two looks is on top of that. Elsewhere than on Linux nothing is known, and nobody is cut.
"""

import os
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import structlog
import zmq

from broker import monitoring, tcp
from broker.clock import steady_ms
from broker.culprits import Culprits
from broker.sockets import NOBLOCK, Socket, cut

GROWN: Final = 256 << 20
"""Bytes of memory."""
LITTLE: Final = 64 << 10
"""Bytes on the wire."""
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
"""Frames that are dropped in one call: a few ms."""
SHORT: Final = 255
"""Of the longest body on the wire whose header takes 2 bytes; others take 9 (RFC 23)."""

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
log: Final = structlog.get_logger()


class Kind(NamedTuple):
    """Of connections."""

    seal: int
    """Bytes by which a frame is longer on the wire, before its header."""
    most: int
    """Bytes on the wire that may be held of one."""


CLEAR: Final = Kind(0, 64 << 10)
"""For one question and its answer, at a front door."""
SEALED: Final = Kind(33, 8 << 20)
"""By CURVE (RFC 26): MESSAGE, a nonce, flags and a MAC. `most` is two windows of chunks of a file."""
TRUSTED: Final = SEALED._replace(most=32 << 20)
"""The same of users and peers: twice a window of a peer's largest messages."""


class _Connection:
    """One that was accepted, or made."""

    __slots__ = ("inode", "is_cut", "kind", "since", "took")

    def __init__(self, inode: int, kind: Kind, received: int) -> None:
        self.inode = inode
        """By which its descriptor is told from a later one with the same number."""
        self.kind = kind
        self.since = time.monotonic()
        self.took = received
        """Bytes that were taken from it, or had come before it was heard of. Theirs who take them."""
        self.is_cut = False


class Holding:
    """Of the connections of some sockets."""

    def __init__(self) -> None:
        self.cut = 0
        """Connections that were cut."""
        self.dropped = 0
        """Messages of connections that had ended, dropped as memory was short."""
        self.is_short = False
        """Whether so much is held that nobody is to be let in."""
        self._can_ask = sys.platform == "linux"
        self._connections: dict[int, _Connection] = {}
        """By descriptor; some are there no more."""
        self._latest: _Connection | None = None
        """That of the latest message."""
        self._empty: set[Socket] = set()
        """Of which nothing is held, when last tried."""
        self._memory = self._resident()
        """What the process had when nothing was held, bytes."""
        self._culprits = Culprits(steady_ms)
        self._told, self._end = os.pipe()
        self._reports: dict[Socket, tuple[Socket, Kind]] = {}
        self._thread = threading.Thread(target=self._watch, name="holding", daemon=True)

    def start(self, listening: dict[Socket, Kind]) -> None:
        """Watch what is accepted on these, and what `began` tells. Raises zmq.ZMQError where it cannot."""
        for one, kind in listening.items() if self._can_ask else ():
            self._reports[one] = monitoring.watch(one, zmq.EVENT_ACCEPTED), kind
            self._empty.add(one)
        self._thread.start()

    def close(self) -> None:
        """Watch no longer. Before the sockets are closed, and by whom they belong to."""
        os.write(self._end, b"!")
        if self._thread.ident is not None:
            self._thread.join()
        for one, (reports, _) in self._reports.items():
            monitoring.unwatch(one, reports)
        os.close(self._end)
        os.close(self._told)

    def began(self, report: monitoring.Report, kind: Kind) -> None:
        """A connection of that kind is reported, as accepted or as connected. From any thread.

        It may have ended since, and its descriptor serve another by now, of another socket and kind: that is told by
        its port, and reported by itself.
        """
        if not self._can_ask:
            return
        descriptor = report.value
        ours, theirs = tcp.ports(descriptor)
        if report.port != (theirs if report.event == zmq.EVENT_CONNECTED else ours):
            return
        with suppress(OSError):  # it has gone already
            inode = os.fstat(descriptor).st_ino
            before = self._connections.get(descriptor)
            if before is None or before.inode != inode:
                self._connections[descriptor] = _Connection(inode, kind, self._received(descriptor, inode) or 0)
            elif kind.most > before.kind.most:  # of two that go to the same port
                before.kind = kind

    def is_strange(self) -> bool:
        """Whether nobody has said yet that the latest message came from a user or a peer."""
        return self._latest is not None and self._latest.kind is SEALED

    def trust(self) -> None:
        """It did: more may be held of that connection from now on."""
        assert self._latest is not None, "it is strange"
        self._latest.kind = TRUSTED

    def receive(self, source: Socket, *, routed: bool = False) -> list[zmq.Frame]:
        """Take in the next message, or raise zmq.Again where there is none. `routed`: the first frame is a route.

        Nothing is returned where something was dropped: messages of connections that have ended, as long as memory is
        short, and any of more than `PARTS`, some with each call. Frame by frame, which takes half the time of pyzmq's
        own loop over them.
        """
        for _ in range(DROPPED_AT_ONCE):
            frames = self._message(source, routed)
            if not frames or not self.is_short or not (self._latest is None or self._latest.is_cut):
                return frames
            self.dropped += 1
        return []

    def receive_frame(self, source: Socket) -> zmq.Frame:
        """Take in the next frame, or raise zmq.Again where there is none."""
        frame = self._next(source)
        self._took([frame])
        return frame

    def _message(self, source: Socket, routed: bool) -> list[zmq.Frame]:
        if source.getsockopt(zmq.RCVMORE):
            return self._drop(source)
        frames = [self._next(source)]
        while frames[-1].more:
            frames.append(source.recv(NOBLOCK, copy=False))
            if len(frames) > PARTS:
                self._took(frames[routed:])
                cut(frames[-1])
                self.cut += 1
                return self._drop(source) if frames[-1].more else []
        self._took(frames[routed:])
        return frames

    def _next(self, source: Socket) -> zmq.Frame:
        try:
            frame = source.recv(NOBLOCK, copy=False)
        except zmq.Again:
            self._empty.add(source)
            raise
        self._empty.discard(source)
        return frame

    def _drop(self, source: Socket) -> list[zmq.Frame]:
        """Drop parts of the message of which the last was taken in."""
        dropped: list[zmq.Frame] = []
        while len(dropped) < DROPPED_AT_ONCE and (not dropped or dropped[-1].more):
            dropped.append(source.recv(NOBLOCK, copy=False))
        self._took(dropped)
        return []

    def _took(self, frames: list[zmq.Frame]) -> None:
        """Count their bytes on the wire, exactly.

        Fewer, and what is held would seem to grow for ever; more, and who says much could hide what is held of it.
        """
        try:
            self._latest = self._connections.get(int(frames[-1].get(zmq.SRCFD)))
        except zmq.ZMQError:  # libzmq says this itself
            return
        if self._latest is None:
            return
        seal, size = self._latest.kind.seal, 0
        for frame in frames:
            body = len(frame) + seal
            size += body + (2 if body <= SHORT else 9)
        self._latest.took += size

    def _watch(self) -> None:
        poller, until = zmq.Poller(), time.monotonic()
        for source in (*(reports for reports, _ in self._reports.values()), self._told):
            poller.register(source, zmq.POLLIN)
        while True:
            wait = max(0.0, until - time.monotonic())
            if any(source == self._told for source, _ in poller.poll(int(1000 * wait) + 1)):
                return
            for reports, kind in self._reports.values():
                with suppress(zmq.Again):
                    while True:
                        self.began(monitoring.next_report(reports), kind)
            if time.monotonic() >= until:
                began = time.thread_time()
                self._look()
                took = time.thread_time() - began
                pause = max(LOOK_S, took / SHARE) if self._connections else LONGEST_S
                until = time.monotonic() + min(LONGEST_S, pause)

    def _look(self) -> None:
        """See how memory is, and cut those for which too much is held."""
        resident = self._resident()
        if self._empty.issuperset(self._reports):
            self._memory, self.is_short = resident, False
        elif resident - self._memory > GROWN and not self.is_short:
            self.is_short = True
            log.warning("memory is short", grown=resident - self._memory)
        now = time.monotonic()
        for descriptor, connection in list(self._connections.items()):
            # In the other order what comes and is taken between the two would seem to be held.
            received, took = self._received(descriptor, connection.inode), connection.took
            if received is None:
                if self._connections.get(descriptor) is connection:
                    del self._connections[descriptor]
                continue
            held = received - took - HANDSHAKE - HEARTBEATS * (now - connection.since)
            if held > (LITTLE if self.is_short else connection.kind.most):
                self._cut(descriptor, connection)

    def _received(self, descriptor: int, inode: int) -> int | None:
        """Bytes that a connection has got; None where there is no such connection."""
        try:
            if os.fstat(descriptor).st_ino != inode:
                return None
        except OSError:
            return None
        return tcp.counted(descriptor, tcp.RECEIVED)

    def _resident(self) -> int:
        """Bytes of memory that the process has."""
        if not self._can_ask:
            return 0
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * _PAGE

    def _cut(self, descriptor: int, connection: _Connection) -> None:
        """End it; where that cannot be, as no descriptor is left, it is tried again with the next look."""
        if connection.is_cut:
            return
        with suppress(OSError):
            copy = os.dup(descriptor)
            if os.fstat(copy).st_ino != connection.inode:
                os.close(copy)
                return
            with socket.socket(fileno=copy) as there:
                address = str(there.getpeername()[0])
                connection.is_cut = True
                self.cut += 1
                there.shutdown(socket.SHUT_RDWR)
            self._culprits.name("too much held", address, address=address)
