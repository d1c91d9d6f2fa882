"""What earlier versions say and hear is understood, and so is what a later one may say besides.

protocol.md, "Frames": "Unknown keys are ignored."
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgpack
import msgspec
import pytest

from schemas.answers import Answer, Card, ErrorAnswer
from schemas.codec import decode_command, decode_event, decode_from_peer
from schemas.commands import COMMANDS, name_of
from schemas.events import AnyEvent
from schemas.federation import LINK_COMMANDS, Envelope, LinkWord
from tests.recorded.dialogue import LATER, Step, read, replay, same, shown, with_more
from tests.recorded.protocol import recorded

FILES = recorded()
ANSWERS = {name_of(command): command.answer for command in (*COMMANDS, *LINK_COMMANDS)}
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def more(frame: bytes) -> bytes:
    """As a later version would say it."""
    told = msgpack.packb(with_more(msgpack.unpackb(frame, strict_map_key=False)))
    assert len(told) > len(frame)
    return bytes(told)


def steps() -> Iterator[Step]:
    for path in FILES:
        yield from read(path)


@pytest.mark.parametrize("later", [False, True], ids=["as it was said", "as a later version says it"])
@each_file
def test_it_is_answered_as_it_was(tmp_path: Path, path: Path, later: bool) -> None:
    """By more, perhaps; what was answered and pushed then is there today."""
    count = 0
    for then, now in replay(path, tmp_path / "kampus", later=later):
        for old, new in zip((*then.answered[:1], *then.pushed), (*now.answered[:1], *now.pushed), strict=True):
            assert same(shown(old), shown(new)), (
                f"{then.body if then.said else then.who}: {shown(old)}, now {shown(new)}"
            )
        assert then.answered[1:] == now.answered[1:], "the bytes of files"
        count += 1
    assert count > 50


def test_everything_is_recorded() -> None:
    """Who adds a command or an event adds it to `tests/recorded/protocol.py`, and records that."""
    said = {step.body["cmd"] for step in steps() if step.said}
    commands: list[type[msgspec.Struct]] = [*COMMANDS, *LINK_COMMANDS, Envelope]
    assert said >= set(map(name_of, commands))
    events = {shown(frame)["event"] for step in steps() for frame in step.pushed}
    assert events >= {name_of(kind) for kind in get_args(AnyEvent)}
    words = {shown(frame).get("cmd") for step in steps() for frame in step.answered[:1]}
    assert words >= {name_of(kind) for kind in get_args(LinkWord)}


@each_file
def test_commands_are_read(path: Path) -> None:
    for step in read(path):
        if step.said:
            first = decode_command(step.said)
            assert isinstance(first, tuple), step.body
            assert decode_command([more(step.said[0]), *step.said[1:]]) == first


@each_file
def test_a_client_reads_the_answers(path: Path) -> None:
    for step in read(path):
        if step.said and not step.body["cmd"].startswith("link."):
            kind: type[Any] = ErrorAnswer if step.answer["status"] == "ERROR" else ANSWERS[step.body["cmd"]]
            answer = msgspec.msgpack.decode(step.answered[0], type=kind)
            assert isinstance(answer, Answer | ErrorAnswer)
            assert msgspec.msgpack.decode(more(step.answered[0]), type=kind) == answer


@each_file
def test_a_client_reads_the_events(path: Path) -> None:
    for step in read(path):
        for frame in step.pushed:
            assert decode_event(more(frame)) == decode_event(frame)


@each_file
def test_a_realm_reads_what_its_peers_answer(path: Path) -> None:
    for step in read(path):
        if step.who.startswith("@") or not step.who:
            for frame in step.answered[:1]:
                read_now = decode_from_peer(frame)
                assert read_now is not None, shown(frame)
                assert decode_from_peer(more(frame)) == read_now
                told = msgspec.to_builtins(read_now, builtin_types=(bytes,))
                known = {key: value for key, value in shown(frame).items() if key in told}
                assert {key: told[key] for key in known} == known


@each_file
def test_a_card_is_read(path: Path) -> None:
    (frame,) = [step.answered[0] for step in read(path) if not step.who and step.pushed]
    card = msgspec.msgpack.decode(frame, type=Card)
    assert (card.realm, card.commands, card.push) == ("pusat", 8890, 8891)
    assert msgspec.msgpack.decode(more(frame), type=Card) == card


def test_what_differs_is_seen() -> None:
    """Else the tests above could not fail."""
    then = {"id": 1, "status": "OK", "entries": [{"seq": 1, "chain": b"x", "file": {"id": "f", "name": "n"}}]}
    assert same(then, {**then, **LATER})
    assert same(then, {**then, "entries": [{"seq": 1, "chain": b"y", "file": {"id": "g", "name": "n"}}]})
    for now in (
        {"id": 1, "status": "OK"},
        {**then, "id": 2},
        {**then, "entries": []},
        {**then, "entries": [{"seq": 2, "chain": b"x", "file": {"id": "f", "name": "n"}}]},
        {**then, "entries": [{"seq": 1, "chain": "x", "file": {"id": "f", "name": "n"}}]},
        {**then, "entries": [{"seq": 1, "chain": b"x", "file": {"id": "f", "name": "m"}}]},
        {**then, "entries": [{"seq": 1, "chain": b"x"}]},
        {**then, "entries": None},
    ):
        assert not same(then, now), now
    refused = {"id": 1, "status": "ERROR", "code": "forbidden", "message": "in other words"}
    assert same(refused, {**refused, "message": "no"})
    assert not same(refused, {**refused, "code": "bad_request"})
    assert with_more({"a": [{"b": 1}], "heads": {"c": 1}}) == {"a": [{"b": 1, **LATER}], "heads": {"c": 1}, **LATER}
