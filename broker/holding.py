"""Takes in what came, and bounds what libzmq holds of it until then, and of what waits for those who do not read.

libzmq's own bound (`rcvhwm`) counts whole messages of a connection: a message whose parts never end is not whole, and
whole ones may be as large as a frame. And whoever resets a connection that has reached it can end the process: see
`sockets.py`. So it is not used. Instead a thread looks, often, at three things:

- What is held of each connection: what the system says that it has got (`tcp.py`), less what was taken from it. Where
  that is more than its kind may have, it is cut.
- By how much memory has grown since next to nothing was held (`resident.py`): no socket had anything to take in, and
  little had come of messages that are not whole yet, of which a socket says nothing. While that is short, nobody new
  is let in, whoever holds more than `LITTLE` is cut, and of the others those of whom most is held, until it is little
  of all; and what has ended is dropped unread: nobody would hear an answer.
- How many connections there are, and how much waits for them: see `excess.py`.

What comes between two looks is on top of that. Elsewhere than on Linux nothing is known, and nobody is cut.
"""

import os
import select
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import structlog
import zmq

from broker import monitoring, sockets
from broker.clock import steady_ms
from broker.connections import Connection, Connections, Kind, There
from broker.culprits import Culprits
from broker.excess import UNREAD_OF_ALL, Excess
from broker.random_ids import RandomIds
from broker.resident import Resident
from broker.sockets import NOBLOCK, Sent, Socket
from realm.incident import trace
from realm.settings import Hashing

UNDER_WAY: Final = 64 << 20
"""Bytes of memory that what is held of all may take, as it comes in: a dozen uploads, each with all its window."""
LITTLE: Final = 64 << 10
"""Bytes on the wire."""
HEARTBEATS: Final = 16
"""Bytes a second that are never taken: what both sides say to see that the other is there takes 5."""
LOOK_S: Final = 0.1
"""So often is looked, at most; where there are thousands, as often as takes `SHARE` of a processor,"""
SHARE: Final = 0.02
LONGEST_S: Final = 1.0
"""but no more seldom."""
PARTS: Final = 256
"""Of a message, with its route, that are kept to be refused; no honest one has more than 4."""
DROPPED_AT_ONCE: Final = 2_000
"""Frames that are dropped in one call: a few ms."""
GIVEN: Final = UNREAD_OF_ALL // 16
"""Bytes, at the least, that are handed out between two looks. Where too much may wait then, the next comes at once."""

_LOOK, _END = b"l", b"e"
log: Final = structlog.get_logger()


class _Listening(NamedTuple):
    """A socket on which connections are accepted."""

    reports: Socket
    kind: Kind
    port: int


class Holding:
    """Of the connections of some sockets."""

    def __init__(self, hashing: Hashing | None = None) -> None:
        """`hashing` is how passwords are hashed, where they are: that takes memory too, and gives it back."""
        self.cut = 0
        """Connections that were cut, as too much was held of them, or they said too many parts."""
        self.crowded = 0
        """Connections of strangers that were cut, as there were too many."""
        self.swarming = 0
        """Connections of users and peers that were cut, as they had too many."""
        self.dropped = 0
        """Messages of connections that had ended, dropped as memory was short."""
        self.deaf = 0
        """Connections that were cut, as they did not read, and too much waited for all or for their session."""
        self.connections = Connections()
        self.latest: Connection | None = None
        """That of the latest message that came on one of the sockets that are listened on, all in one thread."""
        self._empty: set[Socket] = set()
        """Those of them of which nothing is held, when last tried."""
        self._memory = Resident(hashing)
        self._excess = Excess()
        self._given = 0
        """Bytes that were handed out. Of the thread that takes in."""
        self._look_at = GIVEN
        """So much handed out, and it is looked."""
        self._culprits = Culprits(steady_ms)
        self._told, self._tell = os.pipe()
        self._listening: dict[Socket, _Listening] = {}
        self._thread = threading.Thread(target=self._watch, name="holding", daemon=True)

    def start(self, listening: dict[Socket, Kind]) -> None:
        """Watch what is accepted on these, beside what others tell of. Raises zmq.ZMQError where it cannot."""
        for one, kind in listening.items():
            self._listening[one] = _Listening(monitoring.watch(one, zmq.EVENT_ACCEPTED), kind, sockets.port_of(one))
            self._empty.add(one)
        self._thread.start()

    def adopt(self, hashing: Hashing) -> None:
        """Go by other settings from now on."""
        self._memory.adopt(hashing)

    def close(self) -> None:
        """Watch no longer. Before the sockets are closed, and by whom they belong to."""
        os.write(self._tell, _END)
        if self._thread.ident is not None:
            self._thread.join()
        for one, (reports, *_) in self._listening.items():
            monitoring.unwatch(one, reports)
        os.close(self._tell)
        os.close(self._told)
        self._memory.close()
        self.connections.close()

    @property
    def is_short(self) -> bool:
        """Whether so much is held that nobody is to be let in."""
        return self._memory.is_short

    def meet(self, source: Socket, frame: zmq.Frame) -> None:
        """A connection has said this as its first. Its report may not be read yet: it is known from now on.

        Until then, what is known by its descriptor may be of one that has gone.
        """
        if source in self._listening:
            _, kind, port = self._listening[source]
            with suppress(zmq.ZMQError):  # libzmq says this itself
                report = monitoring.Report(zmq.EVENT_ACCEPTED, int(frame.get(zmq.SRCFD)), port)
                self.latest = self.connections.began(report, kind)

    def give(self, connection: Connection, size: int) -> None:
        """So many bytes on the wire are sent to it now; its account is to take them back where they could not be."""
        connection.account.give(size)
        self._given += size
        if self._given > self._look_at:
            self._look_at = self._given + UNREAD_OF_ALL
            os.write(self._tell, _LOOK)

    def send(self, to: Socket, connection: Connection | None, frames: Sequence[bytes], *route: bytes) -> Sent:
        """Send as `send_now` does, and count it for the connection where that is known; `route` comes first."""
        if connection is None:
            return sockets.send_now(to, *route, *frames)
        size = connection.kind.on_wire(frames)
        self.give(connection, size)
        sent = sockets.send_now(to, *route, *frames)
        if sent is not Sent.SENT:
            connection.account.take_back(size)
        return sent

    def cut_latest(self) -> None:
        """End the connection of the latest message."""
        if self.latest is not None:
            self.connections.cut(self.latest)

    def cut_deaf(self, connection: Connection) -> None:
        """End a connection that does not read what others of the same session do."""
        if self.connections.cut(connection):  # which may wait: nothing is added to what was read before
            self.deaf += 1

    def cut_swarming(self, connection: Connection) -> None:
        """End a connection of a user who has too many."""
        if self.connections.cut(connection):
            self.swarming += 1

    def receive(self, source: Socket, *, routed: bool = False) -> list[zmq.Frame]:
        """Take in the next message, or raise zmq.Again where there is none. `routed`: the first frame is a route.

        Nothing is returned where something was dropped: messages of connections that have ended, as long as memory is
        short, which is done for sockets that are listened on; and any of more than `PARTS`, some with each call. Frame
        by frame, which takes half the time of pyzmq's own loop over them.
        """
        for _ in range(DROPPED_AT_ONCE):
            frames = self._message(source, routed)
            if not frames or not self.is_short or source not in self._listening:
                return frames
            if self.latest is not None and not self.latest.is_cut:
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
                self._cut_off(source, frames[-1])
                return self._drop(source) if frames[-1].more else []
        self._took(source, frames[routed:])
        return frames

    def _cut_off(self, source: Socket, frame: zmq.Frame) -> None:
        """End the connection that said this, which has too many parts."""
        self.meet(source, frame)
        connection = self._of(frame)
        if connection is not None and (address := self.connections.cut(connection)):
            self.cut += 1
            self._culprits.name("too many parts", address, address=address)

    def _of(self, frame: zmq.Frame) -> Connection | None:
        try:
            return self.connections.of(int(frame.get(zmq.SRCFD)))
        except zmq.ZMQError:  # libzmq says this itself
            return None

    def _next(self, source: Socket) -> zmq.Frame:
        try:
            frame = source.recv(NOBLOCK, copy=False)
        except zmq.Again:
            if source in self._listening:
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
        connection = self._of(frames[-1])
        if source in self._listening:
            self.latest = connection
        if connection is not None:
            connection.took += connection.kind.on_wire(frames)

    def _watch(self) -> None:
        poller, until = zmq.Poller(), time.monotonic()
        for source in (*(one.reports for one in self._listening.values()), self._told):
            poller.register(source, zmq.POLLIN)
        while True:
            wait = max(0.0, until - time.monotonic())
            told = b""
            if any(source == self._told for source, _ in poller.poll(int(1000 * wait) + 1)):
                told = os.read(self._told, 512)
            if _END in told:
                return
            nobody = not self.connections
            try:
                self._hear()
                if nobody and self.connections:  # the first may say much within a second
                    until = min(until, time.monotonic() + LOOK_S)
                if told or time.monotonic() >= until:
                    until = time.monotonic() + self._looked()
            except Exception as error:  # noqa: BLE001 - whatever it is, memory must not be without a bound
                log.error("internal error", incident=RandomIds().incident(), at=trace(error))
                select.select([self._told], [], [], LONGEST_S)  # not at once again

    def _hear(self) -> None:
        """Take in what libzmq reports of new connections."""
        for reports, kind, _ in self._listening.values():
            with suppress(zmq.Again):
                while True:
                    self.connections.began(monitoring.next_report(reports), kind)

    def _looked(self) -> float:
        """Look, and return after how many seconds to do so again."""
        began = time.thread_time()
        self._look()
        took = time.thread_time() - began
        return min(LONGEST_S, max(LOOK_S, took / SHARE)) if self.connections else LONGEST_S

    def _look(self) -> None:
        """See how memory is, and cut those for which too much is held, and those that are too many."""
        given, there = self._given, list(self.connections.there())
        held = _held(there)
        rest = sum(size * one.connection.kind.swells for size, one in held)
        self._memory.see(nothing_held=rest <= UNDER_WAY and self._empty.issuperset(self._listening))
        for size, one in held:
            kind = one.connection.kind
            spared = (LITTLE if rest <= UNDER_WAY else 0) if self.is_short else kind.most
            if size > spared and (address := self.connections.cut(one.connection)):
                self.cut += 1
                rest -= size * kind.swells
                self._culprits.name("too much held", address, address=address)
        for _, address in self._ended(self._excess.strangers, there):
            self.crowded += 1
            self._culprits.name("too many strangers", address, address=address)
        for who, address in self._ended(self._excess.known, there):
            self.swarming += 1
            self._culprits.name("too many connections", who, by=who, address=address)
        for who, address in self._ended(self._excess.unread, there):
            self.deaf += 1
            self._culprits.name("too much unread", who or address, by=who, address=address)
        for one in self._excess.aged(there):
            self.connections.cut(one.connection)
        self._look_at = given + max(GIVEN, (UNREAD_OF_ALL - self._excess.waits) // 2)

    def _ended(self, beyond: Callable[[Sequence[There]], list[There]], there: list[There]) -> Iterator[tuple[str, str]]:
        """End what is too much: of each connection whose it was, and the other side's address."""
        for one in beyond([one for one in there if not one.connection.is_cut]):
            if address := self.connections.cut(one.connection):
                yield one.connection.who, address


def _held(there: list[There]) -> list[tuple[int, There]]:
    """The bytes that are held of each; those that swell to most come first."""
    now = time.monotonic()
    held: list[tuple[int, There]] = []
    for one in there:
        # What was received is known from before: of what is taken in between nothing is held.
        connection = one.connection
        size = one.received - connection.took - connection.kind.handshake - HEARTBEATS * (now - connection.since)
        held.append((max(0, int(size)), one))
    held.sort(key=lambda of: of[0] * of[1].connection.kind.swells, reverse=True)
    return held
