"""A realm that has its key and lies: to the realm that takes it for a peer, and when that speaks to it.

What honest users say meanwhile arrives, once; what the liar says is stored under its own users' names, or not at all.
"""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, Final

import msgpack
import msgspec
import zmq

from broker import keyfiles
from schemas.federation import HASH_START, Envelope, hash_of
from tests.faults.realm_flows import EAR, GROUP, Map, history
from tests.faults.realm_kit import World
from tests.hostile.false_peer import AT_ONCE, FalseRealm, stolen
from tests.hostile.mutation import mutated
from tests.hostile.victim import DOCUMENTED, MIB
from tests.wire.dialling import Keys, Sockets, packed, unpacked
from tests.wire.stranger import new_ulid

NAME: Final = "pusat"
"""Who lies."""
LIE: Final = "this is a lie"
"""In the text and in the names of files of all that it says."""
EPOCH: Final = 1 << 20
"""Where it begins to number: higher than an honest realm has come."""
WORDS: Final = {"link.ack", "link.again", "OK"}
GROWN: Final = 128 * MIB
"""What kampus may grow by: the cache of its database, envelopes of two turns, what libzmq holds of four connections."""
CONTENTS: Final = (b"a lie", b"another lie", b"")
TO_THE_LIAR: Final = 10_000
"""Messages that somebody sends to it, at most: half of what may wait for a realm."""
ASKED: Final = 16
"""Frames without an answer before it waits for some."""


def now_ms() -> int:
    """The clock, below which epochs stay: no honest realm comes to it."""
    return time.time_ns() // 1_000_000


class Liar:
    """The side that speaks: on the commands port of kampus, with the key of pusat."""

    def __init__(self, sockets: Sockets, three: World, chance: Random) -> None:
        self.chance = chance
        self.came: Counter[str] = Counter()
        self.sent = 0
        self._sockets, self._port = sockets, three.kampus.commands
        self._keys = Keys(*keyfiles.load(three.pusat.data, create=False))
        self._open: list[zmq.Socket[bytes]] = []
        self._epoch, self._n, self._hash = EPOCH, 0, HASH_START
        self._uploads = ["x"]
        self._told: list[bytes] = []
        """Frames of before, to be said again."""
        self._waits = 0
        self._reconnect()

    def __call__(self) -> None:
        """Say a few things, and hear what is answered."""
        for _ in range(8):
            if self._waits >= ASKED:
                break
            frames = self._frames()
            self.sent += 1
            with_data = [mutated(one, self.chance) if self.chance.random() < 0.1 else one for one in frames]
            self._told = [*self._told[-50:], with_data[0]]
            self._open[-1].send_multipart(with_data, zmq.NOBLOCK)
            self._waits += 1
        self._hear()
        if self.chance.random() < 0.02:
            self._reconnect()

    def _hear(self) -> None:
        while self._open[-1].poll(0):
            *delimiter, frame = self._open[-1].recv_multipart()
            # What was changed to nothing looks like a REQ's delimiter, and comes back.
            assert delimiter in ([], [b""]), delimiter
            answer = msgpack.unpackb(frame, strict_map_key=False)
            assert isinstance(answer, dict), answer
            what = str(answer.get("cmd") or answer.get("code") or answer.get("status"))
            assert what in WORDS | DOCUMENTED, answer
            self.came[what] += 1
            self._waits = 0 if what == "link.ack" else max(0, self._waits - 1)  # one may be for many
            if isinstance(answer.get("upload"), str):
                self._uploads = [*self._uploads[-3:], answer["upload"]]
            if isinstance(received := answer.get("received"), dict):
                self._epoch, self._n, self._hash = received["epoch"], received["n"], received["hash"]
            for code in answer.get("results", {}).values():
                assert code in DOCUMENTED, answer
                self.came[f"refused: {code}"] += 1

    def _reconnect(self) -> None:
        while len(self._open) > 3:
            self._open.pop(0).close()
        dialled = self._sockets.socket(zmq.DEALER)
        dialled.curve_publickey, dialled.curve_secretkey = self._keys.public, self._keys.secret
        dialled.curve_serverkey = self._sockets.server_key
        dialled.sndhwm = 2 * AT_ONCE
        dialled.connect(f"tcp://127.0.0.1:{self._port}")
        self._open.append(dialled)
        self._waits = 0
        dialled.send(self._hello())

    def _frames(self) -> list[bytes]:
        say = self.chance.choice(
            (self._envelope,) * 6 + (self._again, self._greet, self._introduce, self._file, self._chunk)
        )
        return say()

    def _hello(self, **changed: Any) -> bytes:
        told = {"realm": NAME, "version": 1, "features": [], "epoch": self._epoch, "next": self._n + 1, **changed}
        return packed(cmd="link.hello", id=self.sent, **told)

    def _greet(self) -> list[bytes]:
        """As another realm, of another epoch, at another number."""
        choices: tuple[Map, ...] = (
            {}, {}, {"realm": "timur"}, {"realm": "kampus"}, {"epoch": 1}, {"epoch": self._epoch + 1}, {"next": 0},
            {"next": 1 << 62}, {"features": ["x" * 64] * 64}, {"epoch": now_ms()}, {"epoch": (1 << 63) - 1},
        )  # fmt: skip
        return [self._hello(**self.chance.choice(choices))]

    def _again(self) -> list[bytes]:
        return [self.chance.choice(self._told)] if self._told else self._greet()

    def _introduce(self) -> list[bytes]:
        """As somebody else, or from somewhere else."""
        who = self.chance.choice((NAME, "timur", "kampus", "utara"))
        told = {"realm": who, "address": self.chance.choice(("127.0.0.1", "127.0.0.9")), "port": 1}
        return [packed(cmd="link.introduce", id=self.sent, **told)]

    def _whose(self) -> str:
        return self.chance.choice(
            (f"x@{NAME}",) * 5 + ("x@timur", f"{EAR}@timur", f"{EAR}@kampus", "admin@kampus", "X@Pusat")
        )

    def _to(self) -> Map:
        return self.chance.choice(({"to": EAR}, {"to": EAR}, {"group": GROUP}, {"to": "nobody"}, {"group": "nothing"}))

    def _envelope(self) -> list[bytes]:
        """A message that follows, or one with something false in it."""
        chance = self.chance
        told: Map = {"epoch": self._epoch, "n": self._n + 1, "id": new_ulid(), "kind": "text", "from": self._whose()}
        told |= {"name": chance.choice(("X", "Ear", "messi@kampus")), **self._to(), "sent_at": 1, "message": LIE}
        if chance.random() < 0.2:
            told["message"] = LIE + "x" * 65_000
        if chance.random() < 0.2:
            content = chance.choice(CONTENTS)
            file = {"name": LIE, "size": len(content) + chance.choice((0, 0, 1)), "media_type": "image/png"}
            told |= {"kind": "file", "file": {**file, "digest": hashlib.sha256(content).digest()}}
            del told["message"]
        follows = chance.random() < 0.6
        if not follows:
            told |= chance.choice(
                ({"n": self._n + 2}, {"n": 1}, {"n": 1 << 62}, {"n": max(1, self._n)}, {"epoch": 1}, {"epoch": 1 << 62},
                 {"sent_at": 1 << 62}, {"id": "0" * 26})
            )  # fmt: skip
        try:
            named = msgspec.convert({**told, "hash": HASH_START}, Envelope)
        except msgspec.ValidationError:
            return [packed(cmd="link.envelope", **told, hash=HASH_START)]
        told["hash"] = hash_of(self._hash, named)
        if chance.random() < 0.05:
            told["hash"] = os.urandom(32)
        elif follows:
            self._n, self._hash = self._n + 1, told["hash"]
        more = {"more": "x" * 900_000} if chance.random() < 0.02 else {}
        return [packed(cmd="link.envelope", **told, **more)]

    def _file(self) -> list[bytes]:
        """A file that is other than announced."""
        content = self.chance.choice(CONTENTS)
        told = {
            "digest": hashlib.sha256(content).digest(),
            "size": len(content) + self.chance.choice((0, 0, 3, 1 << 40)),
        }
        return [packed(cmd="link.upload", id=self.sent, **{"from": self._whose()}, **self._to(), name=LIE, **told)]

    def _chunk(self) -> list[bytes]:
        told = {"upload": self.chance.choice(self._uploads), "offset": self.chance.choice((0, 0, 0, 1, 5, 1 << 40))}
        return [
            packed(cmd="link.chunk", id=self.sent, **told),
            self.chance.choice((*CONTENTS, bytes(5), bytes(70_000))),
        ]


class LyingRealm(FalseRealm):
    """The side that is spoken to: what kampus says on its link is answered falsely, many times, or not."""

    def __init__(self, sockets: Sockets, three: World, chance: Random) -> None:
        super().__init__(sockets, three.pusat, lambda _: b"")
        self.chance = chance
        self.asked: Counter[str] = Counter()

    def __call__(self) -> None:
        while self.door.poll(0):
            *asker, frame = self.door.recv_multipart()
            card = packed(**self.card, id=unpacked(frame)["id"])
            self.door.send_multipart([*asker, mutated(card, self.chance) if self.chance.random() < 0.5 else card])
        for _ in range(AT_ONCE):
            if self.chance.random() < 0.02 or not self.commands.poll(0):
                return  # sometimes it does not read
            route, frame, *_ = self.commands.recv_multipart()
            told = unpacked(frame)
            self.asked[told["cmd"]] += 1
            for answer in self._answers(told):
                raw = packed(**answer)
                self._say(route, mutated(raw, self.chance) if self.chance.random() < 0.2 else raw)

    def _answers(self, told: Map) -> list[Map]:
        call, epoch, n = told.get("id"), int(told.get("epoch", 1)), int(told.get("n") or told.get("next") or 1)
        acked: Map = {"cmd": "link.ack", "epoch": epoch, "after": n - 1, "upto": n, "results": {}}
        greeted: Map = {"id": call, "status": "OK", "realm": NAME, "version": 1, "features": []}
        # A right hash opens the link, so that it may lie further.
        before = {"epoch": epoch, "n": n - 1, "hash": HASH_START if told.get("next") == 1 else os.urandom(32)}
        if told["cmd"] == "link.hello" and self.chance.random() < 0.5:
            return [{**greeted, "received": before}]
        said: tuple[list[Map], ...] = (
            [], [{"cmd": "link.again"}], [{**acked, "upto": n + 100}], [{**acked, "after": n + 5, "upto": n + 6}],
            [{**acked, "results": {n: "x" * 64}}], [{**acked, "epoch": epoch + 1}], [{**acked, "epoch": 1 << 62}],
            [{**greeted, "received": before}] * 3, [{**greeted, "received": {**before, "epoch": 1 << 61}}],
            [{**greeted, "received": {**before, "epoch": now_ms()}}],
            [{**greeted, "received": {**before, "n": 1 << 60}}], [{"id": call, "status": "ERROR", "code": "forbidden"}],
            [{"id": None, "status": "ERROR", "code": "internal_error", "message": "x" * 10_000}],
            [{"id": call, "status": "OK", "upload": "u", "offset": 1 << 50, "chunk": 1}],
            [{"id": call, "status": "OK", "upload": "u", "offset": 0, "chunk": 1, "file": "f"}],
        )  # fmt: skip
        return self.chance.choice(said)


class Lies:
    """Both sides at once, and what must hold of all that they said."""

    def __init__(self, sockets: Sockets, three: World, chance: Random) -> None:
        self.three = three
        self._gullible = three.person("kampus", "gullible")
        self._said = 0
        self.believed = 0
        """How many of the lies are stored in the end."""
        self.speaks, self.answers = Liar(sockets, three, chance), LyingRealm(sockets, three, chance)

    def __call__(self) -> None:
        self.speaks()
        self.answers()
        dealer = self._gullible.dealer
        while dealer.poll(0):
            answer = unpacked(dealer.recv())
            assert answer["status"] == "OK" or answer["code"] in DOCUMENTED, answer
        if self._said < TO_THE_LIAR and self.speaks.chance.random() < 0.2:
            self._said += 1
            told = {"cmd": "send", "to": f"who@{NAME}", "message": "do you hear me?", "tokenId": self._gullible.token}
            dealer.send(packed(id=self._said, **told))

    def nothing_false_is_stored(self) -> int:
        """Every lie that kampus has is one of the liar's own users', once, and its file is what it says; how many."""
        three, found = self.three, 0
        more: Map = {"more": True}
        while more["more"]:
            more = three.ask("kampus", "conversations", **({"after": more["next"]} if "next" in more else {}))
            for row in more["conversations"]:
                found += self._see(row["conversation"])
        assert found, "nothing that it says is ever believed, so this shows nothing"
        return found

    def _see(self, conversation: str) -> int:
        ear = self.three.ears["kampus"]
        lies = [
            one for one in history(ear, conversation) if LIE in one.get("message", one.get("file", {}).get("name", ""))
        ]
        assert {one["from"].partition("@")[2] for one in lies} <= {NAME}, (
            f"{conversation} has a lie under another's name"
        )
        assert len({(one["from"], one["id"]) for one in lies}) == len(lies), f"{conversation} has a lie twice"
        self.three.said_beside |= {("kampus", NAME, one["id"]) for one in lies}
        for one in lies:
            if one["kind"] == "file":
                [got] = ear.ask([{"cmd": "download", "file": one["file"]["id"], "offset": 0, "size": 1_000}])
                assert hashlib.sha256(got.get("bytes", b"")).digest() == one["file"]["digest"], "another file"
        return len(lies)


@contextmanager
def lied_to(three: World, chance: Random) -> Iterator[Lies]:
    """Lies about pusat, which comes back behind them with all that is its own."""
    with stolen(three) as sockets:
        lies = Lies(sockets, three, chance)
        yield lies
        three.meanwhile = lambda: None
        lies.believed = lies.nothing_false_is_stored()
