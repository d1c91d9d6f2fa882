"""What no honest client sends to the commands port: each frame gets its one error answer.

After each case two users who were there before still talk, live, and notice nothing.
"""

from collections.abc import Iterator
from typing import Any

import msgpack
import pytest

from tests.wire.attacker import Outside, Person, Witness, only_answer, refusal, served
from tests.wire.dialling import Map, packed

UNKEPT = 64 * 1024 * 1024
"""What the realm may grow by, in bytes, when 4 GiB are promised to it."""

DEEP = 5_000
LOST: Any = object()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with served(tmp_path_factory.mktemp("bad-input")) as sockets:
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


def broken(text: str) -> bytes:
    """A MessagePack str whose bytes are not UTF-8 where `text` has a lone surrogate."""
    return bytes(msgpack.packb(text, unicode_errors="surrogateescape"))


NOT_MAPS = {
    "no bytes of MessagePack": b"\xc1",
    "plain text": b"info",
    "JSON": b'{"cmd": "info", "id": 1}',
    "nil": b"\xc0",
    "a number": b"\x05",
    "a text": msgpack.packb("info"),
    "a list": msgpack.packb(["info", 1]),
    "a list of pairs": msgpack.packb([["cmd", "info"], ["id", 1]]),
    "an extension": msgpack.packb(msgpack.ExtType(5, b"info")),
    "a map cut short": packed(cmd="info", id=1)[:-1],
    "a map without its last pair": b"\x83" + packed(cmd="info", id=1)[1:],
    "nested lists": b"\x91" * DEEP + b"\xc0",
    "nested maps": b"\x81\xa1x" * DEEP + b"\xc0",
    "nested lists, very deep": b"\x91" * 900_000,
    "a list of 4 Gi": b"\xdd" + b"\xff" * 4,
    "a map of 4 Gi": b"\xdf" + b"\xff" * 4,
    "a text of 4 GiB": b"\xdb" + b"\xff" * 4,
    "bytes of 4 GiB": b"\xc6" + b"\xff" * 4,
    "an extension of 4 GiB": b"\xc9" + b"\xff" * 4 + b"\x05",
    "an empty map": b"\x80",
    "broken UTF-8 as the only key": b"\x81" + broken("\udcff") + b"\x01",
}


@pytest.mark.parametrize("frame", NOT_MAPS.values(), ids=NOT_MAPS.keys())
def test_what_is_no_map_is_a_bad_request_without_id(person: Person, frame: bytes) -> None:
    before = person.here.realm.resident_bytes()
    answer = only_answer(person.caller, frame)
    assert refusal(answer) == "bad_request"
    assert answer["id"] is None
    assert person.here.realm.resident_bytes() - before < UNKEPT


BROKEN_VALUES = {
    "broken UTF-8": broken("\udcff\udcfe"),
    "an overlong form": b"\xa2\xc0\x80",
    "nested lists": b"\x91" * DEEP + b"\xc0",
    "nested maps": b"\x81\xa1x" * DEEP + b"\xc0",
    "a list of 4 Gi": b"\xdd" + b"\xff" * 4,
    "a map of 4 Gi": b"\xdf" + b"\xff" * 4,
    "a text of 4 GiB": b"\xdb" + b"\xff" * 4,
    "nothing": b"",
    "an invalid byte": b"\xc1",
}


@pytest.mark.parametrize("key", ["cmd", "id", "tokenId", "unknown", "\udcff"], ids=ascii)
@pytest.mark.parametrize("value", BROKEN_VALUES.values(), ids=BROKEN_VALUES.keys())
def test_a_value_that_cannot_be_read_is_answered(person: Person, key: str, value: bytes) -> None:
    """An unknown key is ignored, so that one may also pass; then it is `info` that answers."""
    frame = b"\x83" + packed(cmd="info", id=7)[1:] + broken(key) + value
    answer = only_answer(person.caller, frame)
    assert answer["status"] == "OK" or refusal(answer) == "bad_request"
    assert answer["id"] in {7, None}


IDS: dict[str, Any] = {
    "text": "1",
    "nil": None,
    "fraction": 1.5,
    "whole float": 1.0,
    "truth": True,
    "bytes": b"1",
    "list": [1],
    "map": {"id": 1},
    "lost": LOST,
}


@pytest.mark.parametrize("call", IDS.values(), ids=IDS.keys())
def test_an_id_that_is_no_number_is_answered_with_null(person: Person, call: object) -> None:
    fields = {"cmd": "info"} if call is LOST else {"cmd": "info", "id": call}
    answer = only_answer(person.caller, packed(**fields))
    assert refusal(answer) == "bad_request"
    assert answer["id"] is None


@pytest.mark.parametrize("call", [0, -1, -(2**63), 2**32, 2**63, 2**64 - 1])
def test_every_number_is_echoed(person: Person, call: int) -> None:
    assert only_answer(person.caller, packed(cmd="info", id=call))["id"] == call
    assert only_answer(person.caller, packed(cmd="no such", id=call))["id"] == call


COMMANDS: dict[str, tuple[object, str]] = {
    "lost": (LOST, "bad_request"),
    "nil": (None, "bad_request"),
    "a number": (5, "bad_request"),
    "bytes": (b"info", "bad_request"),
    "a list": (["info"], "bad_request"),
    "empty": ("", "unknown_command"),
    "in capitals": ("INFO", "unknown_command"),
    "with NUL": ("info\0", "unknown_command"),
    "of another layer": ("__init__", "unknown_command"),
    "very long": ("x" * 900_000, "unknown_command"),
    "between realms": ("link.hello", "forbidden"),
    "between realms, unheard of": ("link.nonsense", "forbidden"),
    "later": ("addgroup", "session_not_found"),
}


@pytest.mark.parametrize(("cmd", "code"), COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_that_there_is_not(person: Person, cmd: object, code: str) -> None:
    fields: Map = {"id": 9, "group": "new"} if cmd is LOST else {"id": 9, "group": "new", "cmd": cmd}
    answer = only_answer(person.caller, packed(**fields))
    assert refusal(answer) == code
    assert answer["id"] == 9
    assert len(answer["message"]) < 300
