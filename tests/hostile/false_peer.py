"""Whoever has a peer's key is that peer: what it says and answers in place of an honest realm, and who must not notice.

The key is stolen: its own realm does not run meanwhile, and comes back afterwards.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgpack
import zmq

from broker import keyfiles
from tests.faults.proxy import HERE
from tests.faults.realm_kit import World
from tests.hostile.victim import MIB
from tests.realm_process import RealmProcess
from tests.wire.dialling import Keys, Map, Sockets, packed, unpacked
from tests.wire.player import read_card

SLACK: Final = (32 + 32) * MIB
"""What a realm may grow by: what may be held of a connection of a peer, where a machine is slower to read than to be
told; and for frames of two turns, what libzmq takes beside it, and what the witnesses say, as much again."""
AT_ONCE: Final = 250
"""Frames that are said, or answered, in one step of the world."""
LOCAL: Final = 150
"""So many local messages are answered again and again while it lasts."""

Frames = Callable[[int], list[bytes]]
"""The next frames to say, by how many were said before."""


class Attack:
    """Frames to kampus with the key of pusat, some in each step of the world."""

    def __init__(
        self,
        sockets: Sockets,
        three: World,
        frames: Frames,
        *,
        reads: bool,
        connections: int = 1,
        at_once: int = AT_ONCE,
    ) -> None:
        self.frames, self.reads, self.at_once = frames, reads, at_once
        self.sent = 0
        self._turn = 0
        self.last: Map = {}
        """What came last."""
        options: Map = {} if reads else {"rcvhwm": 1, "rcvbuf": 4096}
        keys = Keys(*keyfiles.load(three.pusat.data, create=False))
        self.dealers = [
            sockets.dial(zmq.DEALER, three.kampus.commands, keys, sndhwm=2 * at_once, **options).socket
            for _ in range(connections)
        ]

    def __call__(self) -> None:
        dealer = self.dealers[self._turn % len(self.dealers)]
        self._turn += 1
        for _ in range(self.at_once):
            try:
                dealer.send_multipart(self.frames(self.sent), zmq.NOBLOCK)
            except zmq.Again:
                break
            self.sent += 1
        while self.reads and dealer.poll(0):
            self.last = dict(msgpack.unpackb(dealer.recv(), strict_map_key=False))


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
    three.check(hostile=True)


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
