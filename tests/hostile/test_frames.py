"""Frames made wrong on purpose, in short; `python -m tests.soak --only hostile-core` and its like go on for longer."""

from random import Random

import pytest

from client.errors import ProtocolError, error_of
from client.present import error_text
from client.session import Login, Session
from client.ui.complaint import complaint
from client.ui.words import INDONESIAN
from schemas import commands
from schemas.answers import ErrorAnswer
from schemas.codec import Malformed, decode_command
from schemas.names import ConversationId
from tests.hostile.client import client
from tests.hostile.elements import elements
from tests.hostile.mutation import MUTATIONS, mutated, widen
from tests.hostile.realm import codec, core, corpus, link
from tests.hostile.victim import Begin, attack
from tests.recorded.dialogue import read
from tests.recorded.protocol import recorded
from tests.wire.dialling import packed

VICTIMS = {codec: 1_500, core: 500, link: 250, client: 700}


@pytest.mark.parametrize(("begin", "frames"), VICTIMS.items(), ids=lambda one: getattr(one, "__name__", ""))
def test_only_what_is_documented_comes_out(begin: Begin, frames: int) -> None:
    tally = attack(begin, Random(frames), lambda tally: tally.frames >= frames)
    assert len(tally.came) > 2, "what is said at random must not all be refused at the door"


def test_every_mutation_changes_something_and_some_of_it_is_still_read() -> None:
    """Else the test above would try nothing."""
    chance = Random(1)
    for mutation in MUTATIONS:
        assert any(mutation(frame, chance) != frame for frame in corpus()), mutation.__name__
    said = [step.said[0] for path in recorded() for step in read(path) if step.said]
    read_again = [decode_command([mutated(frame, chance)]) for frame in said * 3]
    assert 0 < sum(isinstance(one, Malformed) for one in read_again) < len(read_again)


def test_what_is_said_in_more_bytes_than_it_needs_is_the_same() -> None:
    chance = Random(2)
    for path in recorded():
        for step in read(path):
            if step.said:
                assert decode_command([widen(step.said[0], chance), *step.said[1:]]) == decode_command(step.said)


def test_the_elements_of_a_frame_are_found() -> None:
    frame = packed(a=[1, "x"], b={"c": b"y"})
    assert [(one.kind, one.key, frame[one.begin : one.end]) for one in elements(frame)] == [
        ("map", False, frame),
        ("str", True, b"\xa1a"),
        ("array", False, b"\x92\x01\xa1x"),
        ("int", False, b"\x01"),
        ("str", False, b"\xa1x"),
        ("str", True, b"\xa1b"),
        ("map", False, b"\x81\xa1c\xc4\x01y"),
        ("str", True, b"\xa1c"),
        ("bin", False, b"\xc4\x01y"),
    ]


@pytest.mark.parametrize("cut", [0, 3], ids=["whole", "cut"])
def test_what_is_said_of_a_bad_frame_does_not_repeat_it(cut: int) -> None:
    """Not either where it can be read so little that its command is not known to be unknown."""
    frame = packed(cmd="x" * 100_000, id=1, more="y" * 5)
    answer = decode_command([frame[: len(frame) - cut]])
    assert isinstance(answer, Malformed)
    assert len(answer.refusal.text) < 300


def test_what_a_realm_says_of_an_error_is_a_sentence() -> None:
    """However much a realm that lies says, and also where it says nothing."""
    for message in ("x" * 900_000, ""):
        error = error_of(ErrorAnswer(id=1, code="y" * 900_000, message=message))
        for told in (str(error), error_text(error), complaint(INDONESIAN, error)):
            assert 0 < len(told) < 1_000
    session = Session(lambda: "01J00000000000000000000001")
    call = session.ask(commands.Info(id=0))
    settled = session.answered([packed(id=call.id, status="OK", message=["x"], **{"x" * 900_000: 1})])
    assert settled is not None
    settled = session.answered([packed(id=session.ask(commands.Info(id=0)).id, status="ERROR", code=["x" * 9_000])])
    assert settled is not None
    assert isinstance(settled.outcome, ProtocolError)
    assert len(str(settled.outcome)) < 1_000


@pytest.mark.parametrize("number", [1 << 63, (1 << 64) - 1, -1])
def test_a_number_of_which_nothing_could_be_asked_is_not_understood(number: int) -> None:
    """Else whoever asks for what comes after it could not say so, and the connection would fail."""
    session = Session(lambda: "01J00000000000000000000001")
    session.adopt(Login(tokenId="T", user="messi@kampus", name="Messi", topic=b"t" * 16, epoch=7))
    call = session.ask(commands.History(id=0, conversation=ConversationId("group/new@kampus")))
    page = {"entries": [], "first": 1, "head": number, "seen": 0, "more": True}
    settled = session.answered([packed(id=call.id, status="OK", **page)])
    assert settled is not None
    assert isinstance(settled.outcome, ProtocolError)
    for event in (
        {"event": "delivered", "conversation": "x", "seq": number},
        {"event": "welcome", "epoch": 1, "total": number},
    ):
        assert session.heard([b"t" * 16, packed(**event)]) == []
