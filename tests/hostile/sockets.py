"""A real realm whose ports are all given what they do not wait for, at every step of a handshake and after it.

Two who were there before talk meanwhile; figures and the operator are answered.
"""

import socket
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Final

import msgpack
import psutil

from tests.hostile.mutation import anything, mutated
from tests.hostile.victim import DOCUMENTED, MIB
from tests.realm_process import FAST_HASHING, NO_LIMITS, RealmProcess, free_ports
from tests.recorded.dialogue import read
from tests.recorded.protocol import recorded
from tests.wire.attacker import Outside, Person, Witness, outside
from tests.wire.curve import CurvePeer, sealed
from tests.wire.dialling import Keys, new_keys, packed, unpacked
from tests.wire.inside import Inside, inside
from tests.wire.test_trap_reset import flood_at_the_door, flood_on_commands
from tests.wire.zmtp import COMMAND, LONG, MORE, ConnectionEndedError, RawPeer, command, frame, greeting, header, ready

GROWN: Final = 64 * MIB
"""What the realm may grow by: a hundred connections that are half open, and frames of two turns."""
OPEN: Final = 40
"""Connections that drip: one byte in each round, the oldest is left for a new one."""
DESCRIPTORS: Final = 64
"""More than these connections nothing may be open when those that attack are gone."""
HTTP: Final = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n"
HELLO: Final = greeting(b"CURVE") + command(b"HELLO", b"\x01\x00" + bytes(72) + bytes(32) + bytes(8) + bytes(80))
INITIATE: Final = greeting(b"CURVE") + command(b"INITIATE", bytes(96) + bytes(8) + bytes(250))
OPENINGS: Final = (
    greeting(), greeting(b"CURVE"), greeting() + ready(), greeting() + ready(b"REQ") + frame(b"", MORE) + frame(b"?"),
    greeting(b"CURVE") + ready(b"SUB"), HELLO, INITIATE, greeting(b"PLAIN") + command(b"HELLO", b"\x01a\x01b"), HTTP,
)  # fmt: skip
"""How a connection begins, right or nearly; changed before it is said."""
INSIDE: Final = (
    b"", b"\0", b"\x02", b"\x02\x04PING", b"\x02\x04PING\0\0" + bytes(200), b"\x02\x04PONG" + bytes(300), b"\x01",
    b"\x02\x09SUBSCRIBE", b"\x02\x06CANCEL" + bytes(9), b"\x02\x05ERROR\xff", b"\x02\xffREADY", b"\x03\x00",
    b"\xff" * 9, b"\x02\x05READY" + bytes(40), b"\x04\x00", b"\x02" + bytes(500), b"\x01" + bytes(600),
)  # fmt: skip
"""What may be in a box that was closed with the right keys: flags, and what libzmq takes for its own commands."""


class HostileCurve(CurvePeer):
    """One that shook hands as it should, and then says what it likes."""

    def say_box(self, text: bytes, chance: Random) -> None:
        """A message whose box is right, or nearly."""
        short, nonce = self._next_nonce(b"CurveZMQMESSAGEC")
        box = sealed(text, nonce, self._session, self._secret)
        kind = chance.randrange(8)
        if kind == 0:
            box = mutated(box, chance)
        elif kind == 1:
            short = bytes(8)  # a number that was there before
        body = b"\x07MESSAGE" + short + box
        if kind == 2:
            body = mutated(body, chance)
        self.write(header(len(body), chance.choice((0, 0, 0, COMMAND, MORE, LONG, 0xFF)))[:9] + body)


class Besieged:
    """A realm, those who are there, and the ways to say something to it."""

    def __init__(self, realm: RealmProcess, figures: int, here: Outside, inside: Inside, chance: Random) -> None:
        self.realm, self.figures, self.here, self.chance = realm, figures, here, chance
        self.witness = Witness(here)
        self.attacker: Person = here.person("attacker")
        self.operator = inside.operator()
        self.came: Counter[str] = Counter()
        """What was answered to frames that came in good order, and how often a connection was ended."""
        self.said: Counter[str] = Counter()
        """How often something was said where."""
        self.grown = 0
        self._dripping: list[tuple[RawPeer, bytes]] = []
        self._frames = [step.said[0] for path in recorded() for step in read(path) if step.said]
        self._inside = inside
        self.witness.notices_nothing()
        self._before = realm.resident_bytes()
        self._descriptors = psutil.Process(realm.pid).num_fds()

    def strike(self) -> None:
        """Something at some port."""
        ways: dict[str, Callable[[], None]] = {
            "bytes at any port": self._bytes,
            "frames at the front door": self._at_the_door,
            "frames at commands": self._commands,
            "boxes at commands and push": self._boxes,
            "metadata in a handshake": self._metadata,
            "HTTP at the figures": self._http,
            "the operator's socket": self._operator,
            "bytes that drip": self._drip,
            "floods that end in a reset": self._flood,
        }
        where = self.chance.choice(list(ways))
        self.said[where] += 1
        try:
            ways[where]()
        except (ConnectionEndedError, ConnectionError):
            self.came["connection ended"] += 1

    def holds(self) -> None:
        """Nobody else has noticed."""
        self.witness.notices_nothing()
        assert self.here.card()["realm"] == "kampus"
        assert self.operator.ask("operator.peers")["peers"] == []
        with urllib.request.urlopen(f"http://127.0.0.1:{self.figures}/metrics", timeout=30) as answer:
            assert b"bagan_up 1.0" in answer.read()
        self.grown = max(self.grown, self.realm.resident_bytes() - self._before)
        assert self.grown < GROWN, f"grown by {self.grown / MIB:.1f} MiB"
        assert len(self.realm.log()) < MIB, "the log is filled"

    def over(self) -> None:
        """The attackers are gone, and so is all that was theirs."""
        while self._dripping:
            self._dripping.pop()[0].close()
        self.holds()
        left = psutil.Process(self.realm.pid).num_fds() - self._descriptors
        assert left < DESCRIPTORS, f"{left} descriptors are still open"

    def _port(self) -> int:
        realm = self.realm
        return self.chance.choice((realm.door, realm.commands, realm.push, self.figures))

    def _opening(self) -> bytes:
        opening = self.chance.choice(OPENINGS)
        return self.chance.choice((opening, mutated(opening, self.chance), anything(self.chance)))

    def _bytes(self) -> None:
        with RawPeer(self._port()) as peer:
            peer.write(self._opening())
            peer.write(anything(self.chance))

    def _at_the_door(self) -> None:
        with RawPeer(self.realm.door) as peer:
            peer.shake_hands(self.chance.choice((b"DEALER", b"REQ")), self._routing_id())
            asked = self.chance.choice((b"", packed(cmd="identity", id=1), anything(self.chance)))
            answer = unpacked(peer.ask(asked[:400]))
            assert answer["realm"] == "kampus", answer
            self.came["a card"] += 1
            peer.write(mutated(frame(asked[:400], self.chance.choice((0, MORE, COMMAND, 0xFF))), self.chance))

    def _routing_id(self) -> bytes:
        """One that nobody had before: libzmq does not answer who claims one that it still has of another."""
        own = self.chance.randbytes(4)
        return self.chance.choice((b"", own, b"x" * 251 + own, b"\0" + own))

    def _commands(self) -> None:
        """Frames of the protocol, changed, from somebody who is logged in."""
        with HostileCurve(self.realm.commands, self.here.server_key, self.attacker.keys, DEALER) as peer:
            for _ in range(20):
                said = mutated(self._with_token(self.chance.choice(self._frames)), self.chance, self._frames)
                peer.say(said)
                answer = dict(msgpack.unpackb(peer.hear()[0], strict_map_key=False))
                code = str(answer.get("code", answer.get("status")))
                assert code == "OK" or code in DOCUMENTED, answer
                self.came[code] += 1

    def _with_token(self, said: bytes) -> bytes:
        told = dict(msgpack.unpackb(said, strict_map_key=False))
        if "tokenId" in told and told["cmd"] not in ("passwd", "logout"):
            told["tokenId"] = self.attacker.token
        return bytes(msgpack.packb(told))

    def _boxes(self) -> None:
        realm = self.realm
        port = self.chance.choice((realm.commands, realm.push))
        keys = self.attacker.keys if port == realm.commands else self._listener()
        with HostileCurve(port, self.here.server_key, keys, DEALER if port == realm.commands else SUB) as peer:
            for _ in range(self.chance.choice((1, 3, 30))):
                peer.say_box(self.chance.choice((*INSIDE, anything(self.chance))), self.chance)

    def _listener(self) -> Keys:
        """Of a session of their own, since whoever says nonsense on push loses it."""
        keys = new_keys()
        caller = self.here.caller(keys)
        caller.done("auth", username="attacker", password="surabaya-1234")
        caller.close()
        return keys

    def _metadata(self) -> None:
        told: dict[bytes, bytes] = {
            b"Socket-Type": self.chance.choice((b"DEALER", b"PUB", b"", b"\0" * 99)),
            b"Identity": self.chance.choice((self._routing_id(), anything(self.chance))),
            self.chance.randbytes(9): anything(self.chance),
            b"User-Id": b"somebody else",
        }
        with HostileCurve(self.realm.commands, self.here.server_key, new_keys(), told) as peer:
            peer.say(packed(cmd="info", id=1))
            answer = unpacked(peer.hear()[0])
            assert answer["status"] == "OK" or answer["code"] in DOCUMENTED, answer
            self.came[str(answer.get("code", "OK"))] += 1

    def _http(self) -> None:
        with RawPeer(self.figures) as peer:
            asked = self.chance.choice(
                (HTTP, HTTP.replace(b"metrics", b"x" * 70_000), b"POST / HTTP/1.1\r\n\r\n", b"\r\n" * 9_000)
            )
            peer.write(mutated(asked, self.chance) + self.chance.choice((b"", b"\r\n\r\n")))

    def _operator(self) -> None:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(20)
            peer.connect(self._inside.path)
            with suppress(TimeoutError):
                peer.sendall(self._opening())
        caller = self._inside.operator()
        said = self.chance.choice((packed(cmd="operator.peers", id=1), packed(cmd="operator.users", id=2)))
        caller.say(mutated(said, self.chance)[:4_000])
        answer = caller.answer()
        assert answer["status"] == "OK" or answer["code"] in DOCUMENTED, answer
        caller.close()

    def _flood(self) -> None:
        """More at once than is taken in meanwhile."""
        peer, flood = self.chance.choice((flood_at_the_door, flood_on_commands))(self.here)
        with peer:
            peer.write(flood[: self.chance.randrange(len(flood))])
            peer.reset()

    def _drip(self) -> None:
        """One byte more of each that drips."""
        if len(self._dripping) >= OPEN:
            self._dripping.pop(0)[0].close()
        self._dripping.append((RawPeer(self._port()), self._opening()))
        still = []
        for peer, left in self._dripping:
            with suppress(ConnectionEndedError):
                peer.write(left[:1])
                still.append((peer, left[1:] or b"\0" * 99))
                continue
            peer.close()
        self._dripping = still


DEALER: Final = {b"Socket-Type": b"DEALER", b"Identity": b""}
SUB: Final = {b"Socket-Type": b"SUB", b"Identity": b""}


@contextmanager
def besieged(folder: Path, chance: Random) -> Iterator[Besieged]:
    """A realm that is well at the end."""
    figures = free_ports(1)[0]
    realm = RealmProcess(folder, "kampus", f"figures.port = {figures}\n{FAST_HASHING}{NO_LIMITS}")
    with ExitStack() as stack:
        stack.callback(lambda: realm.kill() if realm.running else None)
        here = stack.enter_context(outside(realm.start()))
        within = stack.enter_context(inside(realm))
        siege = Besieged(realm, figures, here, within, chance)
        yield siege
        siege.over()
        assert realm.stop() == 0, realm.log()[-2_000:]
        assert "internal error" not in realm.log()
