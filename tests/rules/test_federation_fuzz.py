"""What a peer may send, in both directions: random link frames, right or nearly, and anything else."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realm.effects import ToPeer
from realm.inputs import FromPeer, LinkDown, LinkUp, Tick
from schemas import commands
from schemas.codec import decode_from_peer
from schemas.entries import CHAIN_START, follows
from schemas.federation import HASH_START, Envelope
from schemas.names import ConversationId, Name
from tests.rules.federation_kit import Liar, Map, Network, seal, ulid
from tests.rules.files_kit import sha
from tests.rules.kit import NOW, ok

Pick = Callable[[Sequence[Any]], Any]
TEXT = b"halo"
RIGHT = "what is right now"
"""Stands for the number, the epoch, the hash or the upload that an honest peer would say."""
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=9) | st.binary(max_size=33),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9) | st.integers(), inner, max_size=4),
    max_leaves=9,
)
STRANGE: list[Any] = [
    None,
    True,
    -1,
    2**63 - 1,
    2**64 - 1,
    1.5,
    "",
    "../x",
    "a\0b",
    "x" * 5_000,
    b"x",
    [],
    [[]],
    {},
    bytes(32),
]
NUMBERS = [RIGHT] * 6 + [0, 1, 2, 5, 2**63 - 1]
EPOCHS = [RIGHT] * 8 + [0, 1, 2, 3, 2**40]
SENDERS = ["bob@pusat"] * 5 + ["lina@pusat", "BOB@Pusat", "messi@kampus", "ani@desa"]
OWN_SENDERS = ["bob@pusat"] * 3 + ["lina@pusat"]
"""Of `link.upload`: another's is refused without a text, see test_federation_found."""
TIMES = [NOW, NOW, 0, NOW * 2]
"""None so far away that it cannot be ordered, see test_federation_found."""
CODES = ["", "user_not_found", "file_not_found", "forbidden", "quota_exceeded", "moon", "x" * 64, "x" * 65]
CONTENTS = [TEXT, TEXT, b"", b"halo, selamat malam"]
MARKS = [RIGHT] * 6 + [
    {"epoch": 1, "n": 0, "hash": HASH_START},
    {"epoch": 7, "n": 3, "hash": b"x" * 32},
    {"epoch": 2**40, "n": 0, "hash": HASH_START},
    {"epoch": 2**62, "n": 0, "hash": HASH_START},
]


def said(pick: Pick) -> Map:
    """Something on the commands port."""
    cmd = pick(["link.envelope"] * 6 + ["link.hello"] * 3 + ["link.upload", "link.chunk", "link.prove"])
    told: Map = {"cmd": cmd, "id": pick([0, 1, 7])}
    if cmd == "link.hello":
        told |= {"realm": pick(["pusat"] * 6 + ["desa"]), "version": 1, "features": [], "epoch": pick(EPOCHS)}
        told["next"] = pick([1, 9])
    elif cmd == "link.envelope":
        told = {"cmd": cmd, "epoch": pick(EPOCHS), "n": pick(NUMBERS), "id": ulid(pick(range(12)))}
        told |= {"from": pick(SENDERS), "name": pick(["Bob", "Bob", ""]), "sent_at": pick(TIMES)}
        told |= _recipient(pick)
        told["kind"] = pick(["text", "text", "file"])
        content = pick(CONTENTS)
        file = {"name": pick(["a.png", "b.png"]), "size": len(content), "media_type": "x/y", "digest": sha(content)}
        told |= {"file": file} if told["kind"] == "file" else {"message": pick(["halo", "", "x" * 65_536])}
        told["hash"] = pick([RIGHT] * 9 + [bytes(32)])
    elif cmd == "link.upload":
        content = pick(CONTENTS)
        told |= {"digest": sha(content), "size": pick([len(content)] * 5 + [9]), "name": pick(["a.png", "b.png"])}
        told |= {"from": pick(OWN_SENDERS), **_recipient(pick)}
    elif cmd == "link.chunk":
        told |= {"upload": pick([RIGHT] * 5 + ["x"]), "offset": pick([0, 0, 0, 2, 4]), "data": pick(CONTENTS)}
    else:
        told["nonce"] = bytes(16)
    return told


def answered(pick: Pick) -> Map:
    """Something on the link."""
    kind = pick(["ack", "ack", "greeting", "greeting", "again", "error", "upload", "chunk"])
    if kind == "ack":
        results = {pick(NUMBERS[6:]): pick(CODES)} if pick([False, True]) else {}
        told = {"cmd": "link.ack", "epoch": pick(EPOCHS), "after": pick(NUMBERS), "upto": pick(NUMBERS)}
        return {**told, "results": results}
    if kind == "again":
        return {"cmd": "link.again"}
    told = {"id": pick([RIGHT] * 5 + [None, 1, 2**64 - 1]), "status": pick(["OK"] * 5 + ["ERROR"]), "realm": "pusat"}
    if kind == "greeting":
        return {**told, "received": pick(MARKS)}
    if kind == "upload":
        told |= {"upload": pick(["u", "u", ""]), "offset": pick([0, 2, 2**63 - 1]), "chunk": pick([2, 9, 0])}
    if kind in ("upload", "chunk"):
        return {**told, "bulk": True, "offset": pick([0, 2, 4]), **({"file": "f"} if pick([False, True]) else {})}
    return {"id": None, "status": "ERROR", "code": pick(CODES), "message": "x"}


def _recipient(pick: Pick) -> Map:
    return pick(  # type: ignore[no-any-return]
        [{"to": "messi"}] * 4
        + [{"to": "nobody"}, {"group": "new"}, {"group": "none"}, {}, {"to": "messi", "group": "new"}]
    )


@st.composite
def frames(draw: st.DrawFn) -> tuple[str, Map]:
    """Where it is said, and what; one field in some is anything at all."""
    where = draw(st.sampled_from(["said", "said", "answered", "user", "time"]))
    if where not in ("said", "answered"):
        return where, {"way": draw(st.integers(0, 3)), "entry": draw(st.integers(20, 24))}
    told = (said if where == "said" else answered)(lambda choices: draw(st.sampled_from(list(choices))))
    if draw(st.integers(0, 7)) == 7:
        told[draw(st.sampled_from(sorted(told)))] = draw(ANYTHING)
    return where, told


class Peered:
    """A realm with a peer that says whatever it is told to."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.kampus = network.realm("kampus")
        self.messi = self.kampus.user("messi")
        self.pusat: Liar = network.liar("pusat")
        ok(self.messi.add_realm("pusat").answer)
        ok(self.messi.get(commands.AddGroup, group="new"))
        self.file = self.messi.upload(TEXT * 3)
        self.uploaded = "x"
        self.peer = self.kampus.peer("pusat")
        self.took: list[str] = []
        """What the realm has answered."""
        self.spoil: Callable[[bytes], bytes] = lambda frame: frame
        """What becomes of a frame of the peer's on its way."""
        network.run(2_000)

    def do(self, where: str, told: Map) -> None:
        if where == "said":
            self._say(dict(told))
        elif where == "answered":
            self._answer(dict(told))
        elif where == "user":
            self._use(told["way"], told["entry"])
        else:
            self._pass(told["way"])
        effects = len(self.kampus.effects)
        self.network.flow()
        assert len(self.kampus.effects) - effects < 300

    def _say(self, told: Map) -> None:
        mark = self.kampus.taken("pusat")
        data = told.pop("data", None)
        for name, right in (("epoch", mark.epoch), ("n", mark.n + 1), ("upload", self.uploaded)):
            if told.get(name) == RIGHT:
                told[name] = right
        if told.get("hash") == RIGHT:
            try:
                told = seal(mark.hash, {name: value for name, value in told.items() if name != "hash"})
            except (msgspec.ValidationError, ValueError):
                told["hash"] = bytes(32)
        try:
            frames = [msgspec.msgpack.encode(told), *([data] if isinstance(data, bytes) else [])]
        except (OverflowError, UnicodeEncodeError):
            return  # what was drawn cannot be said in MessagePack
        answer = self.pusat.say_frames(self.kampus, list(map(self.spoil, frames)))
        assert answer is not None, "every frame has its answer"
        assert answer.get("code") != "internal_error"
        if isinstance(answer.get("upload"), str):
            self.uploaded = answer["upload"]
        self.took.append(str(answer.get("cmd", answer.get("status"))))

    def _answer(self, told: Map) -> None:
        ends, link = self.kampus.ends("pusat"), self.kampus.link("pusat")
        carrying = self.kampus.core.memory.peers.carrying(self.peer)
        bulk = bool(told.pop("bulk", False))
        right: Map = {"epoch": ends.epoch, "after": ends.acked, "upto": link.sent}
        right["id"] = carrying.number << 24 if bulk else link.hello
        right["received"] = {"epoch": ends.epoch, "n": ends.acked, "hash": ends.acked_hash}
        told = {name: right[name] if value == RIGHT and name in right else value for name, value in told.items()}
        try:
            frame = self.spoil(msgspec.msgpack.encode(told))
        except (OverflowError, UnicodeEncodeError):
            return
        read = decode_from_peer(frame)
        if read is not None:
            self.kampus.turn(FromPeer(self.peer, read, bulk))

    def _use(self, way: int, entry: int) -> None:
        if way == 0:
            self.messi.send("bob@pusat", entry=entry)
        elif way == 1:
            self.messi.send_file("bob@pusat", self.file, entry=entry)
        elif way == 2:
            self.messi.ask(
                commands.SendGroupRealm, realm=Name("pusat"), group=Name("new"), message="halo", entry=ulid(entry)
            )
        else:
            self.messi.inbox("pusat")

    def _pass(self, way: int) -> None:
        if way == 0:
            self.kampus.turn(LinkDown(self.peer, "lost"), LinkUp(self.peer), Tick())
        elif way == 1:
            self.kampus.end()
            self.kampus.come_back()
        else:
            self.network.run((3_000, 40_000)[way - 2])

    def holds(self) -> None:
        """Chains follow, nothing is there twice, counters are right, and an honest peer can go on."""
        database = self.kampus.store._connection
        for (name,) in database.execute("SELECT name FROM conversations").fetchall():
            with self.kampus.store.transaction() as tx:
                entries = tx.history(ConversationId(name), after=0, limit=10_000, max_bytes=1 << 30).entries
            before = CHAIN_START
            for entry in entries:
                assert follows(before, entry)
                before = entry.chain
                assert entry.sender.endswith(("@pusat", "@kampus"))
        waiting = database.execute("SELECT count(*) FROM outbox WHERE settled_at IS NULL").fetchone()[0]
        assert self.kampus.ends("pusat").queued == waiting
        assert self.kampus.ends("pusat").epoch <= self.network.now + 1, "epochs are used up"
        assert self.kampus.taken("pusat").epoch <= self.network.now
        sent = [one for one in self.kampus.effects if isinstance(one, ToPeer)]
        envelopes = [one.frame for one in sent if isinstance(one.frame, Envelope)]
        assert len({(one.epoch, one.n, one.hash) for one in envelopes}) == len(
            {(one.epoch, one.n) for one in envelopes}
        )


@contextmanager
def peered() -> Iterator[Peered]:
    with TemporaryDirectory() as folder:
        network = Network(Path(folder))
        try:
            yield Peered(network)
        finally:
            network.close()


@settings(max_examples=40, deadline=None)
@given(st.lists(frames(), max_size=25))
def test_a_peer_may_say_anything(told: list[tuple[str, Map]]) -> None:
    with peered() as realm:
        for where, one in told:
            realm.do(where, one)
        realm.holds()


@pytest.mark.parametrize("seed", range(4))
def test_a_long_life_with_a_peer_reaches_everything(seed: int) -> None:
    """What is said at random must not be refused at the door: messages, files and restores are taken."""
    dice = random.Random(seed)
    with peered() as realm:
        for _ in range(700):
            where = dice.choice(["said"] * 6 + ["answered"] * 5 + ["user"] * 2 + ["time"])
            if where in ("said", "answered"):
                told = (said if where == "said" else answered)(dice.choice)
                if dice.random() < 0.1:
                    told[dice.choice(sorted(told))] = dice.choice(STRANGE)
            else:
                told = {
                    "way": dice.choice((0, 1, 2, 2, 3)) % (4 if where == "user" else 3),
                    "entry": dice.randrange(999),
                }
            realm.do(where, told)
        realm.holds()
        assert {"link.ack", "link.again", "OK", "ERROR"} <= set(realm.took)
        kinds = {row[0] for row in realm.kampus.store._connection.execute("SELECT DISTINCT kind FROM entries")}
        assert "text" in kinds
        assert realm.kampus.count("from_realms") > 0
        assert realm.kampus.ends("pusat").epoch > 1
