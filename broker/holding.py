"""Takes in what came, and bounds what libzmq holds of it until then.

libzmq's own bound (`rcvhwm`) counts whole messages of a connection: a message whose parts never end is not whole, and
whole ones may be as large as a frame. And whoever resets a connection that has reached it can end the process: see
`sockets.py`. So it is not used. Instead a thread looks, often, at two things:

- What is held of each connection: what the system says that it has got (`tcp.py`), less what was taken from it. Where
  that is more than its kind may have, it is cut.
- By how much memory has grown since next to nothing was held: no socket had anything to take in, and little had come
  of messages that are not whole yet, of which a socket says nothing. That tells also of what has ended and is not
  taken in yet, and no sender can hide it. While it is more than `GROWN`, and what hashes of passwords take, nobody new
  is let in (`is_short`), whoever holds more than `LITTLE` is cut, and of the others those of whom most is held, until
  it is little of all; and what has ended is dropped unread: nobody would hear an answer.

What comes between two looks is on top of that. Elsewhere than on Linux nothing is known, and nobody is cut.
"""

import os
import threading
import time
from contextlib import suppress
from typing import Final

import structlog
import zmq

from broker import monitoring
from broker.clock import steady_ms
from broker.connections import SEALED, TRUSTED, Connection, Connections, Kind, There
from broker.culprits import Culprits
from broker.sockets import NOBLOCK, Socket, cut
from realm.settings import Hashing

GROWN: Final = 256 << 20
"""Bytes of memory."""
BACK: Final = GROWN * 3 // 4
"""Where it is no more than this again, it was no sender who has it, or he has lost it."""
UNDER_WAY: Final = 64 << 20
"""Bytes of memory that what is held of all may take, as it comes in: a dozen uploads, each with all its window."""
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


class Holding:
    """Of the connections of some sockets."""

    def __init__(self, hashing: Hashing | None = None) -> None:
        """`hashing` is how passwords are hashed, where they are: that takes memory too, and gives it back."""
        self.cut = 0
        """Connections that were cut, as too much was held of them, or they said too many parts."""
        self.crowded = 0
        """Connections of strangers that were cut, as there were too many."""
        self.swarming = 0
        """Connections of users and peers that were cut, as they had most and descriptors ran out."""
        self.dropped = 0
        """Messages of connections that had ended, dropped as memory was short."""
        self.is_short = False
        """Whether so much is held that nobody is to be let in."""
        self.connections = Connections()
        self._latest: Connection | None = None
        """That of the latest message that came on one of the sockets that are listened on, all in one thread."""
        self._empty: set[Socket] = set()
        """Those of them of which nothing is held, when last tried."""
        self._statm = os.open("/proc/self/statm", os.O_RDONLY) if self.connections.can_ask else -1
        """Open for good: there may be no descriptor left when it is wanted most."""
        self._memory = self._resident()
        """What the process had when next to nothing was held, bytes."""
        self._hashing = 0
        """Bytes that passwords may take."""
        if hashing is not None:
            self.adopt(hashing)
        self._culprits = Culprits(steady_ms)
        self._told, self._end = os.pipe()
        self._reports: dict[Socket, tuple[Socket, Kind]] = {}
        self._thread = threading.Thread(target=self._watch, name="holding", daemon=True)

    def start(self, listening: dict[Socket, Kind]) -> None:
        """Watch what is accepted on these, beside what others tell of. Raises zmq.ZMQError where it cannot."""
        for one, kind in listening.items() if self.connections.can_ask else ():
            self._reports[one] = monitoring.watch(one, zmq.EVENT_ACCEPTED), kind
            self._empty.add(one)
        self._thread.start()

    def adopt(self, hashing: Hashing) -> None:
        """Go by other settings from now on. As many hashes as there may be take so much before any is done."""
        self._hashing = hashing.workers * hashing.memory_kib << 10

    def close(self) -> None:
        """Watch no longer. Before the sockets are closed, and by whom they belong to."""
        os.write(self._end, b"!")
        if self._thread.ident is not None:
            self._thread.join()
        for one, (reports, _) in self._reports.items():
            monitoring.unwatch(one, reports)
        os.close(self._end)
        os.close(self._told)
        if self.connections.can_ask:
            os.close(self._statm)
        self.connections.close()

    def is_strange(self) -> bool:
        """Whether nobody has said yet that the latest message came from a user or a peer."""
        return self._latest is not None and self._latest.kind is SEALED

    def trust(self, who: str, kind: Kind = TRUSTED) -> None:
        """It did, from this one: that connection is of this kind from now on."""
        assert self._latest is not None, "it is strange"
        self._latest.kind, self._latest.who = kind, who

    def receive(self, source: Socket, *, routed: bool = False) -> list[zmq.Frame]:
        """Take in the next message, or raise zmq.Again where there is none. `routed`: the first frame is a route.

        Nothing is returned where something was dropped: messages of connections that have ended, as long as memory is
        short, which is done for sockets that are listened on; and any of more than `PARTS`, some with each call. Frame
        by frame, which takes half the time of pyzmq's own loop over them.
        """
        for _ in range(DROPPED_AT_ONCE):
            frames = self._message(source, routed)
            if not frames or not self.is_short or source not in self._reports:
                return frames
            if self._latest is not None and not self._latest.is_cut:
                return frames
            self.dropped += 1
        return []

    def receive_frame(self, source: Socket) -> zmq.Frame:
        """Take in the next frame, or raise zmq.Again where there is none."""
        frame = self._next(source)
        self._took(source, [frame])
        return frame

    def _message(self, source: Socket, routed: bool) -> list[zmq.Frame]:
        if source.getsockopt(zmq.RCVMORE):
            return self._drop(source)
        frames = [self._next(source)]
        while frames[-1].more:
            frames.append(source.recv(NOBLOCK, copy=False))
            if len(frames) > PARTS:
                self._took(source, frames[routed:])
                cut(frames[-1])
                self.cut += 1
                return self._drop(source) if frames[-1].more else []
        self._took(source, frames[routed:])
        return frames

    def _next(self, source: Socket) -> zmq.Frame:
        try:
            frame = source.recv(NOBLOCK, copy=False)
        except zmq.Again:
            if source in self._reports:
                self._empty.add(source)
            raise
        self._empty.discard(source)
        return frame

    def _drop(self, source: Socket) -> list[zmq.Frame]:
        """Drop parts of the message of which the last was taken in."""
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
            connection = self.connections.of(int(frames[-1].get(zmq.SRCFD)))
        except zmq.ZMQError:  # libzmq says this itself
            connection = None
        if source in self._reports:
            self._latest = connection
        if connection is None:
            return
        seal, size = connection.kind.seal, 0
        for frame in frames:
            body = len(frame) + seal
            size += body + (2 if body <= SHORT else 9)
        connection.took += size

    def _watch(self) -> None:
        poller, until = zmq.Poller(), time.monotonic()
        for source in (*(reports for reports, _ in self._reports.values()), self._told):
            poller.register(source, zmq.POLLIN)
        while True:
            wait = max(0.0, until - time.monotonic())
            if any(source == self._told for source, _ in poller.poll(int(1000 * wait) + 1)):
                return
            nobody = not self.connections
            for reports, kind in self._reports.values():
                with suppress(zmq.Again):
                    while True:
                        self.connections.began(monitoring.next_report(reports), kind)
            if nobody and self.connections:  # the first may say much within a second
                until = min(until, time.monotonic() + LOOK_S)
            if time.monotonic() >= until:
                began = time.thread_time()
                self._look()
                took = time.thread_time() - began
                pause = max(LOOK_S, took / SHARE) if self.connections else LONGEST_S
                until = time.monotonic() + min(LONGEST_S, pause)

    def _look(self) -> None:
        """See how memory is, and cut those for which too much is held, and those that are too many."""
        there = list(self.connections.there())
        held = _held(there)
        rest = sum(size * one.connection.kind.swells for size, one in held)
        self._see_memory(rest)
        for size, one in held:
            kind = one.connection.kind
            spared = (LITTLE if rest <= UNDER_WAY else 0) if self.is_short else kind.most
            if size > spared and (address := self.connections.cut(one)):
                self.cut += 1
                rest -= size * kind.swells
                self._culprits.name("too much held", address, address=address)
        for one in self.connections.too_many(there):
            if address := self.connections.cut(one):
                self.crowded += 1
                self._culprits.name("too many strangers", address, address=address)
        for one in self.connections.too_many_known(there):
            if address := self.connections.cut(one):
                self.swarming += 1
                who = one.connection.who
                self._culprits.name("too many connections", who, by=who, address=address)

    def _see_memory(self, held: int) -> None:
        """See whether it is short; `held` is what it may have of connections that are there."""
        resident = self._resident()
        grown = resident - self._memory - self._hashing
        if self._empty.issuperset(self._reports) and held <= UNDER_WAY:
            self._memory, self.is_short = resident, False
        elif self.is_short:
            self.is_short = grown > BACK
        elif grown > GROWN:
            self.is_short = True
            log.warning("memory is short", grown=resident - self._memory)

    def _resident(self) -> int:
        """Bytes of memory that the process has."""
        if not self.connections.can_ask:
            return 0
        return int(os.pread(self._statm, 256, 0).split()[1]) * _PAGE


def _held(there: list[There]) -> list[tuple[int, There]]:
    """The bytes that are held of each; those that swell to most come first."""
    now = time.monotonic()
    held: list[tuple[int, There]] = []
    for one in there:
        # What was received is known from before: of what is taken in between nothing is held.
        size = one.received - one.connection.took - HANDSHAKE - HEARTBEATS * (now - one.connection.since)
        held.append((max(0, int(size)), one))
    held.sort(key=lambda of: of[0] * of[1].connection.kind.swells, reverse=True)
    return held
