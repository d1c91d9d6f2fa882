"""A peer that floods costs others nothing: local users and another peer are answered meanwhile, and memory is bounded.

Whoever has a peer's key is that peer. Here it is stolen: its own realm does not run, and comes back afterwards.
"""

import hashlib
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import pytest
import zmq

from broker import keyfiles
from tests.faults.proxy import HERE
from tests.faults.realm_kit import World, three
from tests.realm_process import RealmProcess
from tests.wire.dialling import Keys, Map, Sockets, packed, unpacked
from tests.wire.player import read_card
from tests.wire.stranger import new_ulid

__all__ = ["three"]

MIB = 1024 * 1024
SLACK = 32 * MIB
"""What a realm may grow by: frames of two turns, what libzmq holds of a connection, what the witnesses say."""
CONNECTIONS = 100
CONNECTION = MIB // 4
"""What one may take while it is used: what was just said there, and the state of CURVE."""
FRAMES = 20_000
AT_ONCE = 250
LARGE = 60_000
"""Bytes; with it 20,000 frames are more than a GB."""
LOCAL = 150
"""So many local messages are answered again and again while it lasts."""

Frames = Callable[[int], list[bytes]]


def hello(number: int) -> list[bytes]:
    return [packed(cmd="link.hello", id=number, realm="pusat", version=1, features=[], epoch=1, next=1)]


def envelope(**changed: Any) -> Map:
    told = {"epoch": 1, "n": 1, "id": new_ulid(), "hash": bytes(32), "kind": "text", "from": "x@pusat", "name": "x"}
    return {"cmd": "link.envelope", **told, "to": "ear", "sent_at": 1, "message": "halo", **changed}


def garbage(number: int) -> list[bytes]:
    """What is no frame of the protocol, in all ways at once."""
    kinds = (
        [os.urandom(200)],
        [b""],
        [msgpack.packb([number])],
        [packed(cmd="link.nothing", id=number)],
        [packed(cmd="link.envelope", n=-1)],
        [packed(cmd="link.hello", id="x" * 1_000)],
        [msgpack.packb(envelope(**{"from": "x@timur"}))],
        [msgpack.packb(envelope(epoch=1 << 62, n=(1 << 63) - 1))],
        [msgpack.packb(envelope()), b"bytes that it should not have"],
        [packed(cmd="link.chunk", id=number, upload=new_ulid(), offset=1 << 40), os.urandom(100)],
        [packed(cmd="link.upload", id=number, **{"from": "x@pusat"}, to="ear", digest=bytes(32), size=-1, name="x")],
        [packed(cmd="operator.peers", id=number)],
    )
    return kinds[number % len(kinds)]


def beyond(number: int) -> list[bytes]:
    """Envelopes that do not follow, and large ones."""
    return [msgpack.packb(envelope(n=number + 2, message="x" * (LARGE if number % 8 == 0 else 10)))]


def hellos_and_envelopes(number: int) -> list[bytes]:
    return hello(number) if number % 2 else beyond(number)


class Attack:
    """Frames to kampus with the key of pusat, some in each step of the world."""

    def __init__(self, sockets: Sockets, three: World, frames: Frames, *, reads: bool, connections: int = 1) -> None:
        self.frames, self.reads = frames, reads
        self.sent = 0
        self.last: Map = {}
        """What came last."""
        options: Map = {} if reads else {"rcvhwm": 1, "rcvbuf": 4096}
        keys = Keys(*keyfiles.load(three.pusat.data, create=False))
        self.dealers = [
            sockets.dial(zmq.DEALER, three.kampus.commands, keys, sndhwm=2 * AT_ONCE, **options).socket
            for _ in range(connections)
        ]

    def __call__(self) -> None:
        dealer = self.dealers[self.sent // AT_ONCE % len(self.dealers)]
        for _ in range(AT_ONCE):
            try:
                dealer.send_multipart(self.frames(self.sent), zmq.NOBLOCK)
            except zmq.Again:
                break
            self.sent += 1
        while self.reads and dealer.poll(0):
            self.last = dict(msgpack.unpackb(dealer.recv(), strict_map_key=False))


@contextmanager
def stolen(three: World) -> Iterator[Sockets]:
    """Sockets with which one may be pusat, which is not there."""
    flow, back = three.flow("kampus", "pusat", 30), three.flow("pusat", "kampus", 30)
    three.settle()
    three.kill("pusat")
    sockets = Sockets()
    sockets.server_key = read_card(three.context, f"tcp://{HERE}:{three.kampus.door}")["key"].encode()
    try:
        yield sockets
    finally:
        sockets.close()
        three.meanwhile = lambda: None
    three.start("pusat")
    flow.more(30)
    back.more(30)
    three.settle()
    three.check()


def others_notice_nothing(
    three: World, attack: Callable[[], None], over: Callable[[], bool], bound: int = SLACK
) -> None:
    """While it lasts, whoever is no part of it talks and is answered, and the realm does not grow."""
    witnesses = [three.flow("kampus", "kampus", LOCAL), three.flow("kampus", "timur"), three.flow("timur", "kampus")]
    three.run_until_answered()
    before = three.kampus.resident_bytes()
    three.meanwhile = attack
    rounds = itertools.count()
    while not over() or next(rounds) < 3:
        for flow in witnesses:
            flow.more(LOCAL)
        three.run_until_answered(*witnesses)
        grown = three.kampus.resident_bytes() - before
        assert grown < bound, f"{grown / MIB:.1f} MiB more"
        assert len(three.kampus.log()) < MIB, "the log is filled"
    assert not any(flow.queued() for flow in witnesses), "a realm that is no part of it was kept waiting"


MORE = pytest.mark.thorough


@pytest.mark.parametrize(
    ("frames", "reads"),
    [
        pytest.param(garbage, False, id="garbage, never reads"),
        pytest.param(garbage, True, id="garbage, reads", marks=MORE),
        pytest.param(hello, True, id="hello, reads"),
        pytest.param(hello, False, id="hello, never reads", marks=MORE),
        pytest.param(beyond, True, id="beyond, reads"),
        pytest.param(beyond, False, id="beyond, never reads", marks=MORE),
        pytest.param(hellos_and_envelopes, False, id="hellos and envelopes, never reads"),
        pytest.param(hellos_and_envelopes, True, id="hellos and envelopes, reads", marks=MORE),
    ],
)
def test_a_peer_that_floods(three: World, frames: Frames, reads: bool) -> None:
    with stolen(three) as sockets:
        attack = Attack(sockets, three, frames, reads=reads)
        others_notice_nothing(three, attack, lambda: attack.sent >= FRAMES)


@pytest.mark.thorough
def test_a_peer_with_many_connections(three: World) -> None:
    with stolen(three) as sockets:
        attack = Attack(sockets, three, hellos_and_envelopes, reads=True, connections=CONNECTIONS)
        bound = SLACK + CONNECTIONS * CONNECTION
        others_notice_nothing(three, attack, lambda: attack.sent >= FRAMES, bound)


@pytest.mark.thorough
def test_a_peer_that_refuses_to_end(three: World) -> None:
    """Messages that kampus refuses, each of them well-formed: for users that are not there, in the names of others."""
    hashes = [bytes(32)]

    def refused(number: int) -> list[bytes]:
        if not number:
            return [packed(cmd="link.hello", id=1, realm="pusat", version=1, features=[], epoch=7, next=1)]
        whose, to = (("x@pusat", "nobody"), ("y@timur", "ear"))[number % 2]
        told = envelope(epoch=7, n=number, to=to, **{"from": whose})
        array = [7, number, told["id"], "text", whose, "x", to, None, 1, "halo"]
        told["hash"] = hashlib.blake2b(hashes[number - 1] + msgpack.packb(array), digest_size=32).digest()
        hashes[number:] = [told["hash"]]  # a frame that found no room is made anew
        return [msgpack.packb(told)]

    with stolen(three) as sockets:
        attack = Attack(sockets, three, refused, reads=True)
        others_notice_nothing(three, attack, lambda: attack.sent >= FRAMES)
        assert attack.last["cmd"] == "link.ack"
        assert set(attack.last["results"].values()) <= {"user_not_found", "forbidden"}


class FalseRealm:
    """Answers at pusat's ports with pusat's key: what it says is not what an honest peer does."""

    def __init__(self, sockets: Sockets, realm: RealmProcess, words: Callable[[int], bytes]) -> None:
        self.words = words
        self.said = 0
        self.greeted: dict[bytes, None] = {}
        keys = keyfiles.load(realm.data, create=False)
        self.door = sockets.socket(zmq.ROUTER)
        self.door.bind(f"tcp://{HERE}:{realm.door}")
        self.commands = sockets.socket(zmq.ROUTER)
        self.commands.curve_server = True
        self.commands.curve_publickey, self.commands.curve_secretkey = keys
        self.commands.sndhwm = AT_ONCE
        self.commands.router_mandatory = True
        self.commands.bind(f"tcp://{HERE}:{realm.commands}")
        ports = {"commands": realm.commands, "push": realm.push}
        self.card = {"status": "OK", "realm": "pusat", "version": 1, "features": [], "key": keys.public.decode()}
        self.card |= ports

    def __call__(self) -> None:
        while self.door.poll(0):
            *asker, frame = self.door.recv_multipart()
            self.door.send_multipart([*asker, packed(**self.card, id=unpacked(frame)["id"])])
        while self.commands.poll(0):
            route, frame = self.commands.recv_multipart()
            told = unpacked(frame)
            if told["cmd"] == "link.hello":
                mark = {"epoch": told["epoch"], "n": told["next"] - 1, "hash": os.urandom(32)}
                self._say(route, packed(id=told["id"], status="OK", realm="pusat", version=1, received=mark))
                self.greeted[route] = None
        for route in list(self.greeted):
            for _ in range(AT_ONCE):
                if not self._say(route, self.words(self.said)):
                    break

    def _say(self, route: bytes, frame: bytes) -> bool:
        try:
            self.commands.send_multipart([route, frame], zmq.NOBLOCK)
        except zmq.Again:
            return False
        except zmq.ZMQError:
            self.greeted.pop(route, None)
            return False
        self.said += 1
        return True


def words(number: int) -> bytes:
    """Answers to nothing."""
    said = (
        packed(cmd="link.again"),
        packed(cmd="link.ack", epoch=1, after=0, upto=1 << 40, results={}),
        packed(cmd="link.ack", epoch=1, after=number, upto=number + 1, results={number: "x" * 64}),
        packed(id=number, status="OK", received={"epoch": 1 << 61, "n": 1, "hash": bytes(32)}),
        packed(id=None, status="ERROR", code="internal_error", message="x" * 10_000),
        os.urandom(100),
    )
    return said[number % len(said)]


@pytest.mark.thorough
def test_a_peer_that_answers_without_end(three: World) -> None:
    """It takes nothing, and says all that can be said."""
    flow = three.flow("kampus", "pusat", 30)
    with stolen(three) as sockets:
        false = FalseRealm(sockets, three.pusat, words)
        flow.more(100)
        others_notice_nothing(three, false, lambda: false.said >= FRAMES)
