"""The binding's own limit: pyzmq with CURVE and ZAP and nothing behind them, as a process of its own.

A ROUTER that drains in batches and sends back what came, one as people write it and one frame by frame, which
saves pyzmq's own loops over the frames of a message; and an XPUB that is fed by frames `[topic, event]` on a ROUTER
of its own; without a topic the event goes out once for each topic that was subscribed. One more ROUTER moves bulk: a
short answer to what comes with bytes, and as many bytes as are asked for to what comes without. The process ends when
its standard input is closed, so it never outlives whoever started it.
"""

import resource
import signal
import subprocess
import sys
from typing import Final, NamedTuple

import zmq

BATCH: Final = 512
BACKLOG: Final = 2_048
SHARED: Final = b"everybody-hears!"
"""A topic as long as a session's, for a PUB that says once what all hear."""
WELCOME: Final = b"welcome"
GIVEN: Final = 1 << 20
"""The most bytes that are given at once."""

_NOBLOCK: Final = int(zmq.NOBLOCK)
_MORE: Final = int(zmq.SNDMORE)
"""As plain numbers: putting two of pyzmq's flags together takes longer than a send."""

Socket = zmq.Socket[bytes]
Context = zmq.Context[Socket]


class Ports(NamedTuple):
    """Where a bare server listens, and its key."""

    key: bytes
    echo: int
    swift: int
    feed: int
    push: int
    bulk: int


class BareProcess:
    """A bare server, to be used as a context manager."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.bare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline().split()
        if len(said) != len(Ports._fields):
            self.stop()
            raise RuntimeError("the bare server did not start")
        self.ports = Ports(said[0].encode(), *map(int, said[1:]))
        self.pid = self._process.pid

    def __enter__(self) -> "BareProcess":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it."""
        self._process.communicate()


def raise_limits(context: Context) -> None:
    """Room for thousands of connections in this process."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    context.set(zmq.MAX_SOCKETS, 32_768)


class _Server:
    def __init__(self, context: Context) -> None:
        self._zap = context.socket(zmq.REP)
        self._zap.bind("inproc://zeromq.zap.01")
        self._keys = zmq.curve_keypair()
        self._echo = self._open(context, zmq.ROUTER)
        self._swift = self._open(context, zmq.ROUTER)
        self._feed = self._open(context, zmq.ROUTER)
        self._push = self._open(context, zmq.XPUB)
        self._bulk = self._open(context, zmq.ROUTER)
        self._given = bytes(GIVEN)
        self._topics: list[bytes] = []

    def ports(self) -> Ports:
        numbers = (
            int(one.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
            for one in (self._echo, self._swift, self._feed, self._push, self._bulk)
        )
        return Ports(self._keys[0], *numbers)

    def run(self) -> None:
        poller = zmq.Poller()
        answers = (
            (self._zap, self._admit),
            (self._push, self._greet),
            (self._feed, self._publish),
            (self._swift, self._return_swiftly),
            (self._echo, self._return),
            (self._bulk, self._carry),
        )
        poller.register(sys.stdin.fileno(), zmq.POLLIN)
        for source, _answer in answers:
            poller.register(source, zmq.POLLIN)
        while sys.stdin.fileno() not in (ready := dict(poller.poll())):
            for source, answer in answers:
                if source in ready:
                    answer()

    def _open(self, context: Context, kind: int) -> Socket:
        new = context.socket(kind)
        new.zap_domain = b"bare"
        new.backlog = BACKLOG
        new.sndhwm = new.rcvhwm = 1_000
        new.linger = 0
        new.curve_server = True
        new.curve_publickey, new.curve_secretkey = self._keys
        new.bind("tcp://127.0.0.1:*")
        return new

    def _return(self) -> None:
        receive, send = self._echo.recv_multipart, self._echo.send_multipart
        try:
            for _ in range(BATCH):
                send(receive(zmq.NOBLOCK))
        except zmq.Again:
            return

    def _return_swiftly(self) -> None:
        receive, send = self._swift.recv, self._swift.send
        try:
            for _ in range(BATCH):
                route, body = receive(_NOBLOCK), receive()
                send(route, _MORE)
                send(body)
        except zmq.Again:
            return

    def _carry(self) -> None:
        receive, send = self._bulk.recv, self._bulk.send
        try:
            for _ in range(BATCH):
                route, head = receive(_NOBLOCK), receive()
                send(route, _MORE)
                if self._bulk.rcvmore:
                    receive()
                    send(b"ok")
                else:
                    send(b"ok", _MORE)
                    send(self._given[: int(head)])
        except zmq.Again:
            return

    def _publish(self) -> None:
        send = self._push.send_multipart
        try:
            for _ in range(BATCH):
                route, topic, event = self._feed.recv_multipart(zmq.NOBLOCK)
                for each in [topic] if topic else self._topics:
                    send((each, event))
                self._feed.send_multipart((route, b""))
        except zmq.Again:
            return

    def _greet(self) -> None:
        try:
            while said := self._push.recv(zmq.NOBLOCK):
                if said[0] == 1 and said[1:] != SHARED:
                    self._topics.append(said[1:])
                    self._push.send_multipart((said[1:], WELCOME))
        except zmq.Again:
            return

    def _admit(self) -> None:
        _version, request, *_rest = self._zap.recv_multipart()
        self._zap.send_multipart((b"1.0", request, b"200", b"OK", b"somebody", b""))


def main() -> None:
    """Serve until standard input ends; Ctrl-C is for whoever holds its other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with zmq.Context() as context:
        raise_limits(context)
        server = _Server(context)
        key, *numbers = server.ports()
        print(key.decode(), *numbers, flush=True)
        server.run()
        context.destroy(linger=0)


if __name__ == "__main__":
    main()
