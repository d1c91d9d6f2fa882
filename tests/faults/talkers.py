"""Others who talk meanwhile: a process of its own, so that no storm's own work delays what it measures.

`python -m tests.faults.talkers` is told in its first line of standard input where the realm is and who talks. Each
says something to the other of a pair at a steady pace, whatever became of what was said before. At a further line it
prints what was measured of all that was said since the last one, once that was heard; the talk goes on meanwhile. When
its input ends it waits for what is under way, and prints the rest.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from types import TracebackType
from typing import Any, Final

import msgspec
import zmq

from tests.bench.people import User
from tests.bench.wire import Keys, ask, await_welcome, connect, pack, subscribe, unpack
from tests.wire.dialling import packed
from tests.wire.stranger import new_ulid

PATIENCE_S: Final = 30.0
"""What is not answered and heard for so long is lost."""


class Talk(msgspec.Struct):
    """What the process is told."""

    commands: int
    push: int
    server: str
    users: list[tuple[str, str, str, str, bytes]]
    """Name, public key, secret key, token, topic. Each two of them talk to each other."""
    every: float
    """Seconds between two messages of one user."""


class Waits(msgspec.Struct):
    """What was measured of messages that were said within some time, in ms from when each was said."""

    answered: list[float] = []
    """Until its sender had the OK."""
    heard: list[float] = []
    """Until its recipient had the push."""
    refused: list[str] = []
    doubled: int = 0
    missing: int = 0
    """Said, and at the end not both answered and heard."""


class Talkers:
    """The process, talking while the context lasts."""

    def __init__(self, commands: int, push: int, server: bytes, users: Sequence[User], every: float) -> None:
        self.rest = Waits()
        """What came after the last `cut`, once the context has ended."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.talkers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        told: list[tuple[str, str, str, str, bytes]] = [
            (user.name, user.keys.public.decode(), user.keys.secret.decode(), user.token, user.topic) for user in users
        ]
        self._say(msgspec.json.encode(Talk(commands, push, server.decode(), told, every)))
        self._hear()

    def cut(self) -> Waits:
        """What became of all that was said since the last time, once that is known: what waits longest counts too."""
        self._say(b"cut")
        return msgspec.json.decode(self._hear(), type=Waits)

    def __enter__(self) -> "Talkers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        said, _errors = self._process.communicate()
        if kind is None:
            self.rest = msgspec.json.decode(said, type=Waits)

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def _hear(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "those who talk have ended"
        return line


# The process itself


@dataclass
class _Talker:
    name: str
    to: str
    token: str
    asking: Any
    listening: Any
    due: float
    heard: set[str] = field(default_factory=set)


@dataclass
class _Said:
    at: float
    waits: Waits
    """To which it counts: those of the time in which it was said."""

    def ago_ms(self) -> float:
        return (time.perf_counter() - self.at) * 1e3


class _Room:
    """All who talk, and what is under way."""

    def __init__(self, talk: Talk) -> None:
        self._every = talk.every
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._poller = zmq.Poller()
        self._input = sys.stdin.fileno()
        self._poller.register(self._input, zmq.POLLIN)
        self._talkers: dict[Any, _Talker] = {}
        self.all: list[_Talker] = []
        self.waits = Waits()
        """Of what is said now."""
        self._before: Waits | None = None
        """Of what was said before a cut, until all of that is answered and heard."""
        self._cut_at = 0.0
        self._unanswered: dict[str, _Said] = {}
        self._unheard: dict[str, _Said] = {}
        self._entries: dict[int, str] = {}
        self._enter(talk)

    def _enter(self, talk: Talk) -> None:
        began, count = time.perf_counter(), len(talk.users)
        for number, (name, public, secret, token, topic) in enumerate(talk.users):
            keys, server = Keys(public.encode(), secret.encode()), talk.server.encode()
            asking = connect(self._context, zmq.DEALER, talk.commands, server, keys)
            ask(asking, pack("resume", tokenId=token))
            listening = subscribe(self._context, talk.push, server, keys, [topic])
            due = began + self._every * (1 + number / count)
            talker = _Talker(name, talk.users[number ^ 1][0], token, asking, listening, due)
            self.all.append(talker)
        await_welcome([one.listening for one in self.all])
        for talker in self.all:
            for socket in (talker.asking, talker.listening):
                self._talkers[socket] = talker
                self._poller.register(socket, zmq.POLLIN)

    def run(self) -> None:
        """Talk until standard input ends."""
        print("talking", flush=True)
        while True:
            now = time.perf_counter()
            due = min(one.due for one in self.all)
            ready = dict(self._poller.poll(max(0, ceil((due - now) * 1e3))))
            self._take(ready)
            if self._input in ready:
                if not sys.stdin.buffer.readline():
                    break
                self._before, self.waits, self._cut_at = self.waits, Waits(), now
            if self._before is not None and not self._are_under_way(self._before):
                self._tell(self._before)
                self._before = None
            self._talk()
        self._finish()

    def _are_under_way(self, waits: Waits) -> bool:
        """Whether something may come yet of what was said then. What was said first comes first."""
        if time.perf_counter() > self._cut_at + PATIENCE_S:
            return False
        oldest = (next(iter(few.values()), None) for few in (self._unanswered, self._unheard))
        return any(said is not None and said.waits is waits for said in oldest)

    def _finish(self) -> None:
        self._poller.unregister(self._input)
        until = time.perf_counter() + PATIENCE_S
        while (self._unanswered or self._unheard) and time.perf_counter() < until:
            self._take(dict(self._poller.poll(1_000)))
        self.waits.missing = len(self._unanswered.keys() | self._unheard.keys())
        self._tell(self.waits)
        self._context.destroy(linger=0)

    def _talk(self) -> None:
        now = time.perf_counter()
        for talker in self.all:
            if talker.due <= now:
                entry, call = new_ulid(), len(self._entries)
                self._entries[call] = entry
                said = packed(cmd="send", id=call, tokenId=talker.token, to=talker.to, message="x" * 100, entry=entry)
                self._unanswered[entry] = self._unheard[entry] = _Said(time.perf_counter(), self.waits)
                talker.asking.send(said)
                talker.due += self._every

    def _take(self, ready: dict[Any, int]) -> None:
        for socket in ready.keys() & self._talkers.keys():
            talker = self._talkers[socket]
            if socket is talker.asking:
                self._answer(unpack(socket.recv()))
            else:
                self._hear(talker, unpack(socket.recv_multipart()[1]))

    def _answer(self, answer: dict[str, Any]) -> None:
        entry = self._entries[answer["id"]]
        if answer["status"] != "OK":
            self.waits.refused.append(answer["code"])
        elif entry in self._unanswered:
            said = self._unanswered.pop(entry)
            said.waits.answered.append(said.ago_ms())
        else:
            self.waits.doubled += 1

    def _hear(self, talker: _Talker, event: dict[str, Any]) -> None:
        if event["event"] != "entry":
            return
        entry = event["entry"]["id"]
        self.waits.doubled += entry in talker.heard
        talker.heard.add(entry)
        if entry in self._unheard:
            said = self._unheard.pop(entry)
            said.waits.heard.append(said.ago_ms())

    def _tell(self, waits: Waits) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(waits) + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    """Talk; Ctrl-C is for whoever holds the other end of standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Room(msgspec.json.decode(sys.stdin.buffer.readline(), type=Talk)).run()


if __name__ == "__main__":
    main()
