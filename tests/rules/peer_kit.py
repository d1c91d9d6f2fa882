"""Other realms as tests play them, on real sockets on loopback: front doors, and commands with CURVE."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import zmq

from broker.keyfiles import KeyPair

Map = dict[str, Any]
PATIENCE_MS = 30_000
"""Longer than anything takes; whoever waits so long has been forgotten."""


def new_keys() -> KeyPair:
    return KeyPair(*zmq.curve_keypair())


class FakePeer:
    """A ROUTER that admits every key, and does nothing by itself. It can go away and come back."""

    def __init__(self, keys: KeyPair | None = None, host: str = "127.0.0.1") -> None:
        self.keys = keys or new_keys()
        self.host = host
        self.port = 0
        self._context: zmq.Context[zmq.Socket[bytes]]
        self.socket: zmq.Socket[bytes]
        self.come_back()

    @property
    def key(self) -> str:
        return self.keys.public.decode()

    def go_away(self) -> None:
        self.socket.close(linger=0)
        self._context.term()  # when it returns, nobody listens any more

    def come_back(self, **options: int) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = 0
        self.socket.curve_server = True
        self.socket.curve_publickey, self.socket.curve_secretkey = self.keys
        for name, value in options.items():
            setattr(self.socket, name, value)
        self.socket.ipv6 = ":" in self.host
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.socket.bind(f"tcp://{shown}:{self.port or '*'}")
        self.port = int(self.socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])

    def hear(self) -> list[bytes]:
        """The next message, with the routing id of its sender in front."""
        assert self.socket.poll(PATIENCE_MS), "nothing came"
        return self.socket.recv_multipart()

    def close(self) -> None:
        """Twice is harmless."""
        self.go_away()


def card_of(key: str, commands: int, **changes: object) -> Map:
    card = {"status": "OK", "realm": "pusat", "version": 1, "features": [], "key": key, "commands": commands, "push": 1}
    return {**card, **changes}


Answering = Callable[[Map], list[bytes] | None]
"""The frames that answer a request; None for silence."""


class FakeRealm:
    """A front door and commands that answer in a thread of their own, until it is closed."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.keys = new_keys()
        self.asked: list[Map] = []
        """What came on the commands port."""
        self.heard = threading.Semaphore(0)
        """One for each of them, and for each who asks at the door."""
        self.answer: Answering = lambda _: None
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._door = self._bound(host, None)
        self._commands = self._bound(host, self.keys)
        self.port, commands = map(_port, (self._door, self._commands))
        self.card: bytes | None = msgspec.msgpack.encode(card_of(self.key, commands))
        """What the front door shows; None where it is silent."""
        self.commands = commands
        self._end, self._ended = (self._context.socket(zmq.PAIR) for _ in range(2))
        self._end.bind("inproc://end")
        self._ended.connect("inproc://end")
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def key(self) -> str:
        return self.keys.public.decode()

    def show(self, **changes: object) -> None:
        """Change the card."""
        self.card = msgspec.msgpack.encode(card_of(self.key, self.commands) | changes)

    def close(self) -> None:
        self._end.send(b"")
        self._thread.join()
        for opened in (self._door, self._commands, self._end, self._ended):
            opened.close(linger=0)
        self._context.term()

    def _bound(self, host: str, keys: KeyPair | None) -> "zmq.Socket[bytes]":
        router = self._context.socket(zmq.ROUTER)
        if keys is not None:
            router.curve_server = True
            router.curve_publickey, router.curve_secretkey = keys
        router.ipv6 = ":" in host
        router.bind(f"tcp://[{host}]:*" if ":" in host else f"tcp://{host}:*")
        return router

    def _serve(self) -> None:
        poller = zmq.Poller()
        for source in (self._door, self._commands, self._ended):
            poller.register(source, zmq.POLLIN)
        while self._ended not in (ready := dict(poller.poll())):
            if self._door in ready:
                caller, _ = self._door.recv_multipart()
                self.heard.release()
                if self.card is not None:
                    self._door.send_multipart([caller, self.card])
            if self._commands in ready:
                caller, frame = self._commands.recv_multipart()
                asked = msgspec.msgpack.decode(frame)
                self.asked.append(asked)
                self.heard.release()
                for answer in self.answer(asked) or ():
                    self._commands.send_multipart([caller, answer])


def _port(bound: "zmq.Socket[bytes]") -> int:
    return int(bound.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])


def packed(**fields: object) -> bytes:
    return msgspec.msgpack.encode(fields)


@contextmanager
def fake_realm(host: str = "127.0.0.1") -> Iterator[FakeRealm]:
    made = FakeRealm(host)
    try:
        yield made
    finally:
        made.close()
