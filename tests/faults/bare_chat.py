"""The binding alone in a storm: a chat with CURVE and ZAP on a ROUTER and an XPUB, and nothing behind them.

Nothing is decided, checked or stored: what is said is numbered, answered and pushed. So what those who talk wait here
is what libzmq and pyzmq, on this machine and beside this storm, take by themselves. `python -m tests.faults.bare_chat`
is told in its first line of standard input who the users are, says its ports and its key, and ends with its input.
"""

import resource
import signal
import subprocess
import sys
from collections import Counter
from types import TracebackType
from typing import Any, Final, NamedTuple

import msgpack
import msgspec
import zmq

from tests.bench import people
from tests.bench.wire import unpack
from tests.faults.talkers import Talkers

BATCH: Final = 512
BACKLOG: Final = 2_048
_NOBLOCK: Final = int(zmq.NOBLOCK)


class Told(msgspec.Struct):
    """What the process is told of its users: name, token, topic."""

    users: list[tuple[str, str, bytes]]


class BareChat:
    """The process, where storms look for a realm; to be used as a context manager."""

    def __init__(self, crowd: int, talking: int) -> None:
        everybody = people.users(talking + crowd)
        self.talking, self.crowd = everybody[:talking], everybody[talking:]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.bare_chat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = Told([(user.name, user.token, user.topic) for user in everybody])
        self._process.stdin.write(msgspec.json.encode(told) + b"\n")
        self._process.stdin.flush()
        commands, push, server = self._process.stdout.readline().split()
        self.realm = Place(int(commands), int(push), self._process.pid)
        self.server = server

    def talkers(self, every: float) -> Talkers:
        """Those who talk, each once in so many seconds."""
        return Talkers(self.realm.commands, self.realm.push, self.server, self.talking, every)

    def __enter__(self) -> "BareChat":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._process.communicate()


class Place(NamedTuple):
    """Where it listens."""

    commands: int
    push: int
    pid: int


# The process itself


class _Server:
    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", told: Told) -> None:
        self._names = {token: name for name, token, _topic in told.users}
        self._topics = {name: topic for name, _token, topic in told.users}
        self._said: Counter[tuple[str, ...]] = Counter()
        self._zap = context.socket(zmq.ROUTER)
        self._zap.bind("inproc://zeromq.zap.01")
        self._keys = zmq.curve_keypair()
        self._commands = self._open(context, zmq.ROUTER)
        self._push = self._open(context, zmq.XPUB)
        self._push.set(zmq.XPUB_MANUAL, 1)  # so that nothing comes before the welcome

    def run(self) -> None:
        ports = (one.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2] for one in (self._commands, self._push))
        print(*ports, self._keys[0].decode(), flush=True)
        end = sys.stdin.fileno()
        poller = zmq.Poller()
        for source in (self._zap, self._push, self._commands, end):
            poller.register(source, zmq.POLLIN)
        while end not in dict(poller.poll()):
            for source, take in ((self._zap, self._admit), (self._push, self._greet), (self._commands, self._answer)):
                for _ in range(BATCH):
                    try:
                        frames = source.recv_multipart(_NOBLOCK)
                    except zmq.Again:
                        break
                    take(frames)

    def _open(self, context: "zmq.Context[zmq.Socket[bytes]]", kind: int) -> "zmq.Socket[bytes]":
        new = context.socket(kind)
        new.zap_domain = b"bare"
        new.backlog = BACKLOG
        new.linger = 0
        new.curve_server = True
        new.curve_publickey, new.curve_secretkey = self._keys
        new.bind("tcp://127.0.0.1:*")
        return new

    def _admit(self, frames: list[bytes]) -> None:
        route, empty, version, request, *_rest = frames
        self._zap.send_multipart([route, empty, version, request, b"200", b"OK", b"", b""])

    def _greet(self, frames: list[bytes]) -> None:
        if frames[0][:1] == b"\x01":
            self._push.setsockopt(zmq.SUBSCRIBE, frames[0][1:])
            self._publish(frames[0][1:], {"event": "welcome", "total": 0})

    def _answer(self, frames: list[bytes]) -> None:
        route, frame = frames
        asked = unpack(frame)
        answer: dict[str, Any] = {"status": "OK", "id": asked["id"]}
        if asked["cmd"] == "send":
            pair = tuple(sorted((self._names[asked["tokenId"]], asked["to"])))
            self._said[pair] += 1
            answer["seq"] = self._said[pair]
            entry = {"id": asked["entry"], "seq": answer["seq"], "body": asked["message"]}
            self._publish(self._topics[asked["to"]], {"event": "entry", "entry": entry})
        self._commands.send_multipart([route, bytes(msgpack.packb(answer))])

    def _publish(self, topic: bytes, event: dict[str, Any]) -> None:
        self._push.send_multipart([topic, bytes(msgpack.packb(event))])


def main() -> None:
    """Serve; Ctrl-C is for whoever holds the other end of standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with zmq.Context() as context:
        context.set(zmq.MAX_SOCKETS, 32_768)
        _Server(context, msgspec.json.decode(sys.stdin.buffer.readline(), type=Told)).run()
        context.destroy(linger=0)


if __name__ == "__main__":
    main()
