"""Commands of which one field is wrong: `bad_request`, which names the field, under the caller's id.

After each case two users who were there before still talk, live, and notice nothing.
"""

from collections.abc import Iterator
from typing import Any

import msgpack
import pytest

from tests.wire.attacker import PASSWORD, Outside, Person, Witness, only_answer, refusal, served
from tests.wire.dialling import Map, packed

MOST_MESSAGE = 65_536
LOST: Any = object()
NUMBER = 11
Case = tuple[str, str, object]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with served(tmp_path_factory.mktemp("bad-fields")) as sockets:
        yield sockets


@pytest.fixture(scope="module")
def witness(here: Outside) -> Witness:
    return Witness(here)


@pytest.fixture(scope="module")
def person(here: Outside) -> Person:
    """Somebody logged in, through whose connection the bad input comes."""
    return here.person("messi")


@pytest.fixture(autouse=True)
def nobody_else_notices(witness: Witness) -> Iterator[None]:
    yield
    witness.notices_nothing()


RIGHT: dict[str, Map] = {
    "auth": {"username": "messi", "password": PASSWORD},
    "register": {"username": "new", "password": PASSWORD, "name": "New", "country": "Indonesia"},
    "send": {"to": "messi", "message": "halo", "entry": "01J0000000000000000000000A"},
    "inbox": {"limit": 5},
    "users": {"limit": 5, "after": "a", "find": "m"},
    "conversations": {"limit": 5, "after": "a"},
    "history": {"conversation": "private/messi@kampus,messi@kampus", "limit": 5, "after": 1},
    "read": {"conversation": "private/messi@kampus,messi@kampus", "seq": 1},
    "sync": {"cursors": {}, "watch": ["messi"], "after": "a"},
    "passwd": {"old": PASSWORD, "new": PASSWORD},
    "addgroup": {"group": "new"},
    "sendgroup": {"group": "new", "message": "halo"},
    "addrealm": {"realm": "pusat", "address": "127.0.0.1", "port": 8889},
}
"""Commands with which nothing is wrong."""

OPTIONAL = {"entry", "limit", "after", "find", "cursors", "watch"}
WRONG_TYPES = (5, 1.5, b"messi", None, True, ["messi"], {"messi": 1})
BAD_NAMES = ("", "a" * 33, "a" * 70_000, "me\0ssi", "../messi", "..", "a/b", "a\\b", "me ssi", "méssi")
MORE_BAD_NAMES = (
    ".messi",
    "-messi",
    "messi\n",
    "messi\u200b",
    "\uff4dessi",
    "me'; DROP TABLE account;--",
    "\ud7ff",
)
BAD_ADDRESSES = ("messi@", "@kampus", "a@b@c", "messi@../kampus", "messi@kampus\0", "messi @kampus")
BAD_CONVERSATIONS = (
    "messi",
    "private/messi",
    "private/messi,henderson",
    "group/../x@kampus",
    "\0",
    "a" * 5_000,
)
BAD_TEXTS = ("", "a" * 65, "a\nb", "a\0b", "\x7f", "\x9b31m")
BAD_NUMBERS = (-1, 2**63, 2**64 - 1, 1.0, "1", True, b"1", [1])
BAD_ULIDS = (
    "",
    "01J",
    "01J000000000000000000000IL",
    "81J0000000000000000000000A",
    "01j0000000000000000000000a",
)


def cases() -> Iterator[Case]:
    """Command, field, and what is wrong with it."""
    for cmd, fields in RIGHT.items():
        for field, right in fields.items():
            for value in WRONG_TYPES:
                if type(value) is not type(right):
                    yield cmd, field, value
            if field not in OPTIONAL:
                yield cmd, field, LOST
    for name in BAD_NAMES + MORE_BAD_NAMES:
        yield from [("auth", "username", name), ("register", "username", name), ("send", "to", name)]
        yield from [("addgroup", "group", name), ("addrealm", "realm", name), ("sync", "watch", [name])]
    yield from [("send", "to", address) for address in BAD_ADDRESSES]
    for conversation in BAD_CONVERSATIONS:
        yield from [(cmd, "conversation", conversation) for cmd in ("history", "read")]
        yield "sync", "cursors", {conversation: 1}
    yield from [("register", field, text) for field in ("name", "country") for text in BAD_TEXTS]
    for number in BAD_NUMBERS:
        yield from [("history", "after", number), ("history", "before", number), ("read", "seq", number)]
        yield from [(cmd, "limit", number) for cmd in ("inbox", "history", "users", "conversations")]
        yield "sync", "cursors", {"private/messi@kampus,messi@kampus": number}
    yield from [(cmd, "limit", number) for cmd in ("inbox", "history") for number in (0, 101)]
    yield from [("send", "entry", entry) for entry in BAD_ULIDS]
    yield from [("addrealm", "port", port) for port in (0, 65_536)]
    yield from [("register", "password", word) for word in ("", "1234567", "x" * 1_025, "é" * 513)]
    yield from [("passwd", "new", word) for word in ("1234567", "x" * 1_025)]
    yield from [("auth", "password", "x" * 1_025), ("send", "message", ""), ("inbox", "tokenId", 5)]
    yield from [("inbox", "tokenId", None), ("inbox", "tokenId", b"x"), ("inbox", "tokenId", "x" * 129)]
    yield "sync", "watch", ["messi"] * 101
    yield "sync", "cursors", {f"group/g{number}@kampus": 1 for number in range(501)}


def told(case: Case) -> str:
    """A readable name of the case."""
    cmd, field, value = case
    return f"{cmd}.{field}={'LOST' if value is LOST else ascii(value)[:40]}"


def changed(person: Person, case: Case) -> bytes:
    """The command, right but for this."""
    cmd, field, value = case
    fields: Map = {"cmd": cmd, "id": NUMBER, "tokenId": person.token, **RIGHT[cmd], field: value}
    if field == "before":
        del fields["after"]
    return bytes(msgpack.packb({name: said for name, said in fields.items() if said is not LOST}))


@pytest.mark.parametrize("case", list(cases()), ids=told)
def test_a_wrong_field_is_named(person: Person, case: Case) -> None:
    answer = only_answer(person.caller, changed(person, case))
    assert refusal(answer) == "bad_request"
    assert answer["id"] == NUMBER
    assert case[1] in answer["message"]
    assert len(answer["message"]) < 300


def test_broken_utf_8_in_a_field_is_a_bad_request(person: Person) -> None:
    for field in ("to", "message", "entry"):
        fields = {"cmd": "send", "id": NUMBER, "tokenId": person.token, **RIGHT["send"], field: "ab\udcff"}
        answer = only_answer(person.caller, msgpack.packb(fields, unicode_errors="surrogateescape"))
        assert refusal(answer) == "bad_request"
        assert answer["id"] in {NUMBER, None}


@pytest.mark.parametrize(
    "text",
    ["x" * (MOST_MESSAGE + 1), "é" * (MOST_MESSAGE // 2 + 1), "x" * 900_000],
    ids=["bytes", "letters", "far"],
)
def test_a_message_over_the_limit_is_too_large(person: Person, text: str) -> None:
    answer = person.ask("send", to="messi", message=text)
    assert refusal(answer) == "too_large"
    assert "65,536" in answer["message"] or "65536" in answer["message"]


@pytest.mark.parametrize(
    "text", ["x" * MOST_MESSAGE, "é" * (MOST_MESSAGE // 2), "\0", "\x1b[2J", "\u202e", "\U0010ffff"]
)
def test_a_message_is_any_text_up_to_the_limit(person: Person, text: str) -> None:
    sent = person.send("messi", text)
    (entry,) = person.done("history", conversation=sent["conversation"], limit=1)["entries"]
    assert entry["message"] == text


def test_after_and_before_together_are_a_bad_request(person: Person) -> None:
    conversation = RIGHT["history"]["conversation"]
    answer = person.ask("history", conversation=conversation, after=1, before=3)
    assert refusal(answer) == "bad_request"


def test_unknown_keys_are_ignored(person: Person) -> None:
    answer = only_answer(person.caller, packed(cmd="inbox", id=1, tokenId=person.token, x={"y": [1, None, b"z"]}))
    assert answer["status"] == "OK"


def test_nothing_of_this_was_written_outside_the_folder(here: Outside) -> None:
    folder = here.realm.data.parent
    assert {path.name for path in folder.iterdir()} == {"kampus", "kampus.log", "kampus.toml"}
