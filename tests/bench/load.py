"""The loads: senders that keep a window full, a burst to a crowd, connections that come and go."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

import zmq

from tests.bench.bare import Socket
from tests.bench.meter import BenchError

BURST: Final = 8
"""Messages to a crowd that are read in one go; as many again are under way meanwhile."""
CONCURRENT: Final = 32
"""Connections that are being made at once."""


class Listener:
    """A SUB socket and how many events it still has to get."""

    def __init__(self, socket: Socket) -> None:
        self.due = 0
        self._receive = socket.recv

    def drain(self) -> None:
        """Take what is there, not waiting."""
        receive = self._receive
        try:
            while self.due:
                receive(zmq.NOBLOCK)
                receive()
                self.due -= 1
        except zmq.Again:
            return

    def finish(self) -> None:
        """Wait for the rest."""
        for _ in range(2 * self.due):
            self._receive()
        self.due = 0


class Talker:
    """A DEALER socket that keeps `window` frames under way; `proof` is in every answer that counts.

    With `greedy` it takes all answers that are there, otherwise one, so that a crowd is served in turn.
    """

    def __init__(
        self,
        socket: Socket,
        frames: Iterator[bytes],
        window: int,
        *,
        proof: bytes = b"",
        listener: Listener | None = None,
        greedy: bool = True,
    ) -> None:
        self._receive, self._send = socket.recv, socket.send
        self._frames = frames
        self._window = window
        self._proof = proof
        self._listener = listener
        self._most = window if greedy else 1

    def begin(self) -> None:
        """Fill the window."""
        self._say(self._window)

    def step(self) -> int:
        """Wait for an answer, take in what else is there, and fill the window again."""
        taken = 1
        self._check(self._receive())
        try:
            while taken < self._most:
                self._check(self._receive(zmq.NOBLOCK))
                taken += 1
        except zmq.Again:
            pass
        self._say(taken)
        return taken

    def finish(self) -> None:
        """Take in what is under way."""
        for _ in range(self._window):
            self._check(self._receive())

    def _say(self, times: int) -> None:
        for _ in range(times):
            self._send(next(self._frames))
        if self._listener is not None:
            self._listener.due += times

    def _check(self, answer: bytes) -> None:
        if self._proof not in answer:
            raise BenchError(f"a command was refused: {answer!r}")


class Talk:
    """Many talkers at once, and those who listen to them."""

    def __init__(self, talkers: list[Talker], listeners: list[Listener] | None = None) -> None:
        self._talkers = talkers
        self._listeners = listeners or []

    def begin(self) -> None:
        """See `Load.begin`."""
        for talker in self._talkers:
            talker.begin()

    def step(self) -> int:
        """See `Load.step`."""
        done = sum(talker.step() for talker in self._talkers)
        for listener in self._listeners:
            listener.drain()
        return done

    def finish(self) -> None:
        """See `Load.finish`."""
        for talker in self._talkers:
            talker.finish()
        for listener in self._listeners:
            listener.finish()


class FanOut:
    """One sender, and a crowd that gets everything it says. Two bursts are under way, one is read."""

    def __init__(self, sender: Socket, frames: list[bytes], crowd: list[Socket], proof: bytes = b"") -> None:
        self._sender = sender
        self._frames = frames
        self._crowd = crowd
        self._proof = proof

    def begin(self) -> None:
        """See `Load.begin`."""
        self._say()
        self._say()

    def step(self) -> int:
        """See `Load.step`."""
        done = self._read()
        self._say()
        return done

    def finish(self) -> None:
        """See `Load.finish`."""
        self._read()
        self._read()

    def _say(self) -> None:
        for _ in range(BURST):
            self._sender.send_multipart(self._frames)

    def _read(self) -> int:
        for listener in self._crowd:
            receive = listener.recv
            for _ in range(2 * BURST):
                receive()
        for _ in range(BURST):
            if self._proof not in self._sender.recv():
                raise BenchError("a message to the crowd was refused")
        return BURST * len(self._crowd)


class Connecting:
    """Connections that are made, used once and closed."""

    def __init__(self, make: Callable[[], Socket], frames: Iterator[bytes], proof: bytes = b"") -> None:
        self._make = make
        self._frames = frames
        self._proof = proof
        self._waiting: deque[Socket] = deque()

    def begin(self) -> None:
        """See `Load.begin`."""
        while len(self._waiting) < CONCURRENT:
            self._dial()

    def step(self) -> int:
        """See `Load.step`."""
        self._take()
        self._dial()
        return 1

    def finish(self) -> None:
        """See `Load.finish`."""
        while self._waiting:
            self._take()

    def _dial(self) -> None:
        new = self._make()
        new.send(next(self._frames))
        self._waiting.append(new)

    def _take(self) -> None:
        with self._waiting.popleft() as oldest:
            if self._proof not in oldest.recv():
                raise BenchError("a fresh connection was refused")
