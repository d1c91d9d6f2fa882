"""What anybody may send: random frames and random commands, in any order."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realm.inputs import Misbehaved, Subscribed, Tick
from schemas.answers import SessionOpened, UploadOpened
from schemas.codec import Malformed, decode_command, encode_answer, encode_refusal
from schemas.commands import (
    COMMANDS,
    AddRealm,
    Auth,
    Chunk,
    Command,
    JoinGroup,
    Logout,
    Send,
    SendGroup,
    Upload,
    name_of,
)
from schemas.entries import CHAIN_START, follows
from schemas.errors import Code, Refusal
from schemas.federation import Envelope
from schemas.limits import MAX_MESSAGE, MAX_PAGE
from schemas.names import ConversationId, Name
from tests.rules.kit import RealmKit, key_of, request

Pick = Callable[[Sequence[Any]], Any]
"""Chooses one of several."""

PEOPLE = ["messi", "henderson", "lineker"]
GROUPS = ["new", "kelompok-Bagan"]
PRIVATE = ["private/henderson@kampus,messi@kampus", "private/lineker@kampus,messi@kampus", "private/messi@kampus,x@y"]
CONVERSATIONS = [*PRIVATE, *(f"group/{group.lower()}@kampus" for group in GROUPS)]
ENTRIES = [f"01J0000000000000000000000{letter}" for letter in "ABCDEFGH"]
LIMITS = [1, 2, 3, 10, 50, 99, 100, 100, 0, 101]
NUMBERS = [0, 1, 2, 3, 5, 8, 100, 2**63 - 1]
SHORT = ["", "messi", "new", "a", "9/x", "x" * 600]
TEXT = b"halo"
"""What the files are of."""
KNOWN = "the last that this key has uploaded"
OWN, ANOTHERS, UNKNOWN = range(3)
ONESELF = "the one who speaks"
TOKENS = [OWN] * 8 + [ANOTHERS, UNKNOWN]

FIELDS: dict[str, Sequence[Any]] = {
    "username": [*PEOPLE, *PEOPLE, "Lineker", "nobody"],
    "to": [*PEOPLE, *PEOPLE, "messi@kampus", "HENDERSON", "nobody", "bob@pusat"],
    "password": ["surabaya", "surabaya", "surabaya", "wrong password"],
    "old": ["surabaya", "surabaya", "wrong password"],
    "new": ["surabaya", "surabaya", "surabaya", "short"],
    "name": ["Lionel Messi", "Somebody", "foto.png"],
    "country": ["Argentina", "Inggris"],
    "invite": ["1234"],
    "message": ["halo"] * 4 + ["selamat malam", "\0", "é" * 30_000, "x" * (MAX_MESSAGE + 1)],
    "entry": ENTRIES,
    "group": [*GROUPS, *GROUPS, "NEW", "kelompok-bagan", "nothing"],
    "conversation": CONVERSATIONS,
    "cursors": [{}, {PRIVATE[0]: 1, CONVERSATIONS[-1]: 2}, dict.fromkeys(CONVERSATIONS, 3)],
    "watch": [[], PEOPLE, ["nobody", "messi@pusat", "Messi"]],
    "seq": NUMBERS,
    "after": SHORT,
    "before": NUMBERS,
    "limit": LIMITS,
    "find": ["e", "messi", "Kelompok", "zzz"],
    "joined": [True, False],
    "digest": [hashlib.sha256(TEXT).digest()] * 3 + [hashlib.sha256(b"").digest(), bytes(32)],
    "size": [len(TEXT), len(TEXT), len(TEXT), 0, 65_536],
    "offset": [0, 0, 0, 2, len(TEXT), 2**63 - 1],
    "upload": [KNOWN] * 5 + ["x"],
    "file": [KNOWN] * 5 + ["x"],
    "thumbnail": [True, False],
    "realm": ["kampus", "pusat"],
    "address": ["127.0.0.1"],
    "port": [8889],
    "key": ["x" * 40],
}
"""What is said in a field, mostly something that can be meant."""

FIELDS_OF: dict[tuple[str, str], Sequence[Any]] = {
    ("auth", "username"): [ONESELF, ONESELF, ONESELF, *PEOPLE, "nobody"],
    ("register", "username"): [*PEOPLE, *(f"user{number}" for number in range(40))],
    ("register", "name"): ["Somebody", "Some Body", "x" * 65],
    ("history", "after"): NUMBERS,
}
"""The same where a command means something else by it."""

OFTEN = [command for command in COMMANDS if command is not Logout]
SPOKEN = [*OFTEN, *OFTEN, *OFTEN, *COMMANDS, *[Auth, JoinGroup, Send, SendGroup, Upload, Chunk] * 5]

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9)
    | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=9,
)
STRANGE: list[Any] = [
    None,
    True,
    -1,
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
    {"x": {"y": 1}},
]


def command_map(pick: Pick) -> dict[str, Any]:
    """A command that is right, or nearly; its token is yet to be filled in."""
    command = pick(SPOKEN)
    cmd = name_of(command)
    told: dict[str, Any] = {"cmd": cmd, "id": 0, "tokenId": pick(TOKENS)}
    for field in msgspec.structs.fields(command):
        name = field.encode_name
        if name not in told and (field.required or pick((False, False, True))):
            told[name] = pick(FIELDS_OF.get((cmd, name)) or FIELDS[name])
    return told


@st.composite
def maps(draw: st.DrawFn) -> dict[str, Any]:
    """A command in which one thing in ten is anything at all."""
    told = command_map(lambda choices: draw(st.sampled_from(choices)))
    if draw(st.integers(0, 9)) == 9:
        told[draw(st.sampled_from(sorted(told)))] = draw(ANYTHING)
    return told


frames = maps().map(msgspec.msgpack.encode)


@given(st.lists(st.binary(max_size=200) | ANYTHING.map(msgspec.msgpack.encode) | frames, max_size=4))
def test_every_frame_is_a_command_or_says_what_is_wrong(received: list[bytes]) -> None:
    decoded = decode_command(received)
    if isinstance(decoded, Malformed):
        assert decoded.refusal.code in (
            Code.BAD_REQUEST,
            Code.UNKNOWN_COMMAND,
            Code.TOO_LARGE,
            Code.FORBIDDEN,
        )
        assert decoded.refusal.text
        encode_refusal(decoded.id, decoded.refusal)
    else:
        assert isinstance(decoded[0], Command)


@given(frames, st.data())
def test_a_damaged_frame_is_no_surprise(frame: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(frame) - 1))
    damaged = frame[:at] + data.draw(st.binary(max_size=4)) + frame[at + data.draw(st.integers(0, 4)) :]
    decode_command([damaged])


class Crowd:
    """Three people who say whatever they are told to, and what came of it."""

    def __init__(self, kit: RealmKit) -> None:
        self.kit = kit
        with kit.store.transaction() as tx:
            tx.add_peer(Name("pusat"), "key-of-pusat".ljust(40, "-"), "127.0.0.1", 8889, kit.now)
        kit.restart()
        kit.turn(Tick())
        kit.do_jobs()  # nobody is at its door, so who sends there need not wait
        self.tokens = {key_of(name): kit.register(name).tokenId for name in PEOPLE}
        self.topic = b""
        self.uploads: dict[str, str] = {}
        """By key."""
        self.worked: Counter[type[Command]] = Counter()
        self._calls = 0

    def say(self, asked: Sequence[tuple[int, dict[str, Any]]], after: int) -> None:
        """A turn in which the people with these numbers say this, so many ms after the last one."""
        said: dict[int | None, list[tuple[str, Command | Malformed]]] = {}
        requests = []
        for who, told in asked:
            key = key_of(PEOPLE[who])
            decoded = decode_command([msgspec.msgpack.encode(self._completed(key, told))])
            body = decoded if isinstance(decoded, Malformed) else decoded[0]
            assert not isinstance(body, Envelope)
            said.setdefault(body.id, []).append((key, body))
            data = TEXT[body.offset :] if isinstance(body, Chunk) else b""
            requests.append(request(key, body, data=data))
        self.kit.now += after
        replies = self.kit.turn(*requests, Subscribed(key_of("messi"), self.topic), Tick()) + self.kit.do_jobs()
        assert Counter(reply.request.call for reply in replies) == {call: len(bodies) for call, bodies in said.items()}
        for reply in replies:
            key, body = said[reply.request.call][0]
            self._judge(body, reply.answer)
            if isinstance(reply.answer, UploadOpened):
                self.uploads[key] = reply.answer.upload
            if isinstance(reply.answer, SessionOpened) and key == key_of(reply.answer.user.partition("@")[0]):
                self.tokens[key], self.topic = reply.answer.tokenId, reply.answer.topic

    def _completed(self, key: str, told: dict[str, Any]) -> dict[str, Any]:
        """With a call number of its own, and the name and the token that are meant."""
        self._calls += 1
        told = dict(told)
        if told.get("id") == 0:
            told["id"] = self._calls
        if told.get("username") == ONESELF:
            told["username"] = next(name for name in PEOPLE if key_of(name) == key)
        for field in ("upload", "file"):
            if told.get(field) == KNOWN:
                told[field] = self.uploads.get(key, "x")
        if type(token := told.get("tokenId")) is int and token in (OWN, ANOTHERS, UNKNOWN):
            another = next(token for other, token in self.tokens.items() if other != key)
            told["tokenId"] = {OWN: self.tokens[key], ANOTHERS: another, UNKNOWN: "guessed"}[token]
        return told

    def _judge(self, body: Command | Malformed, answer: Any) -> None:
        if isinstance(answer, Refusal):
            assert answer.code != Code.INTERNAL_ERROR, self.kit.effects[-1]
            encode_refusal(body.id, answer)
        else:
            assert isinstance(body, Command)
            assert isinstance(answer, body.answer)
            assert len(encode_answer(answer)) < MAX_PAGE + MAX_MESSAGE
            self.worked[type(body)] += 1

    def chains_hold(self) -> None:
        """All that was said follows one upon the other."""
        with self.kit.store.transaction() as tx:
            for conversation in CONVERSATIONS:
                entries = tx.history(ConversationId(conversation), after=0, limit=10_000, max_bytes=1 << 30).entries
                assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
                before = CHAIN_START
                for entry in entries:
                    assert follows(before, entry)
                    before = entry.chain


@contextmanager
def crowd() -> Iterator[Crowd]:
    """Three people in a realm of their own."""
    with TemporaryDirectory() as folder:
        kit = RealmKit(Path(folder) / "realm")
        try:
            yield Crowd(kit)
        finally:
            kit.close()


turns = st.lists(st.lists(st.tuples(st.integers(0, 2), maps()), max_size=8), max_size=6)


@settings(max_examples=25)
@given(turns, st.integers(0, 9_000_000))
def test_any_commands_in_any_order_get_one_answer_each(said: list[list[tuple[int, dict[str, Any]]]], step: int) -> None:
    with crowd() as people:
        for turn in said:
            people.say(turn, step)
        people.kit.turn(Misbehaved(key_of("messi"), "not a subscription"))
        people.chains_hold()


@pytest.mark.parametrize("seed", range(4))
def test_a_long_life_reaches_every_command(seed: int) -> None:
    """What is said at random must not be refused at the door: all that this realm can do is done."""
    dice = random.Random(seed)
    with crowd() as people:
        for _ in range(400):
            turn = [(dice.randrange(3), command_map(dice.choice)) for _ in range(dice.randrange(12))]
            for _, told in turn:
                if dice.random() < 0.1:
                    told[dice.choice(sorted(told))] = dice.choice(STRANGE)
            people.say(turn, dice.choice((1, 1_000, 1_000, 5_000, 100_000)))
        people.chains_hold()
        assert set(COMMANDS) - {AddRealm} <= set(people.worked)  # there is nobody to add
