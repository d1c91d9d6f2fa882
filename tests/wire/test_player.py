"""The player of dialogues: what its language means, and that what goes otherwise fails as a difference."""

from collections.abc import Iterator

import pytest

from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.wire.player import DialogueError, Stage
from tests.wire.player_language import command, expand, parse

TWO = """
    messi: register messi surabaya Argentina Lionel Messi
    henderson: register henderson surabaya Inggris Jordan Henderson
"""


@pytest.fixture
def stage(realm: RealmProcess) -> Iterator[Stage]:
    with Stage(realm) as stage:
        yield stage


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("auth messi surabaya", {"username": "messi", "password": "surabaya"}),
        (
            "register messi surabaya Argentina Lionel Messi",
            {"username": "messi", "password": "surabaya", "country": "Argentina", "name": "Lionel Messi"},
        ),
        ("send henderson a: b = {c}", {"to": "henderson", "message": "a: b = {c}"}),
        ("send entry=01J henderson x=1", {"entry": "01J", "to": "henderson", "message": "x=1"}),
        ("send henderson", {"to": "henderson"}),
        ("history limit=2 henderson", {"limit": 2, "conversation": "private/henderson@kampus,messi@kampus"}),
        ("read lineker 3", {"conversation": "private/lineker@kampus,messi@kampus", "seq": 3}),
        ("read group/new@kampus 3", {"conversation": "group/new@kampus", "seq": 3}),
        (
            "sync cursors={henderson:2} watch=[a,b]",
            {"cursors": {"private/henderson@kampus,messi@kampus": 2}, "watch": ["a", "b"]},
        ),
        ('users find="Jordan H" after=$page', {"find": "Jordan H", "after": b"\x00"}),
        ("inbox", {}),
    ],
)
def test_commands(text: str, arguments: dict[str, object]) -> None:
    expected = {"cmd": text.split()[0], **arguments}
    assert command(text, "messi@kampus", {"page": b"\x00"}) == expected


def test_a_raw_command_is_sent_as_it_is() -> None:
    assert command('raw {"cmd": 7}', "messi@kampus", {}) == {"cmd": 7}


def test_ranges() -> None:
    assert expand("{1..3} messi: m{8..10}") == ["1 messi: m8", "2 messi: m9", "3 messi: m10"]
    with pytest.raises(ValueError, match="different lengths"):
        expand("{1..3} messi: m{1..2}")


@pytest.mark.parametrize(
    ("dialogue", "complaint"),
    [
        ("messi says halo", "no line of a dialogue"),
        ("messi: inbox\n    messi gets: OK", "no item of a list"),
        ("    messi: inbox\nmessi gets: OK", "no item of a list"),
    ],
)
def test_what_is_no_dialogue(dialogue: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(dialogue)


DIFFERENCES = [
    (
        """
        messi: send henderson halo
        messi gets: Message send
        """,
        ["- messi gets: Message send", "+ messi gets: Message sent"],
    ),
    (
        """
        messi: send nobody halo
        """,
        ["  messi: send nobody halo", "+ messi gets: ERROR user_not_found User tidak ada"],
    ),
    (
        """
        messi: send nobody halo
        messi gets: Message sent
        """,
        ["- messi gets: Message sent", "+ messi gets: ERROR user_not_found User tidak ada"],
    ),
    (
        """
        messi: send nobody halo
        messi gets: ERROR user_not_found User ada
        """,
        ["- messi gets: ERROR user_not_found User ada", "+ messi gets: ERROR user_not_found User tidak ada"],
    ),
    (
        """
        messi: send henderson halo
        messi gets: seq=2 name="Lionel Messi"
        """,
        ['- messi gets: seq=2 name="Lionel Messi"', '+ messi gets: seq=1 name="Lionel Messi"'],
    ),
    (
        """
        messi: inbox
        messi gets: next more=false
        """,
        ["- messi gets: next more=false", "+ messi gets: (no next) more=false"],
    ),
    (
        """
        messi: send henderson m{1..3}
        henderson hears: m{1..3}
        henderson: inbox
        henderson gets messages:
            1 messi: m1
            2 messi: m3
            4 messi: m4
        """,
        ["      1 messi: m1", "-     2 messi: m3", "-     4 messi: m4", "+     2 messi: m2", "+     3 messi: m3"],
    ),
    (
        """
        messi: send henderson halo
        henderson hears: hallo
        """,
        ["- henderson hears: hallo", "+ henderson hears: halo"],
    ),
    (
        """
        messi: send henderson halo
        henderson hears read: seq=1
        """,
        ["- henderson hears read: seq=1", "+ henderson hears: halo"],
    ),
    (
        """
        messi: send henderson halo
        henderson hears nothing else
        """,
        ["  henderson hears nothing else", "+ henderson hears: halo"],
    ),
    (
        """
        messi: send henderson halo
        """,
        ["  messi: send henderson halo", "+ henderson hears: halo"],
    ),
]


def test_a_failing_dialogue_fails_as_a_difference(realm: RealmProcess) -> None:
    for number, (dialogue, difference) in enumerate(DIFFERENCES):
        with Stage(realm) as stage:
            stage.play(_renamed(TWO, number))
            with pytest.raises(DialogueError) as failure:
                stage.play(_renamed(dialogue, number))
        assert str(failure.value).splitlines()[-len(difference) :] == [_renamed(x, number) for x in difference]


def _renamed(text: str, number: int) -> str:
    """The same among other users."""
    return text.replace("messi", f"messi{number}").replace("henderson", f"henderson{number}")


def test_a_dialogue_that_goes_as_it_says(stage: Stage) -> None:
    stage.play(
        TWO
        + """
    # every form of expectation, each of them holding
    messi: send henderson $text
    messi gets: Message sent
    messi gets: Message…
    messi gets: seq=1 salt=bin16 conversation entry
    messi keeps entry as id
    henderson hears: $text
    henderson: history messi
    henderson gets: head>0 first=1 entries.0.id=$id entries.0.message!=hallo
    henderson gets entries:
        1 messi: $text
    henderson gets entries (seq, from, kind):
        1, messi@kampus, text
    henderson: send nobody x
    henderson gets: ERROR user_not_found
    henderson hears nothing else
    """,
        text="halo: apa kabar?",
    )


def test_two_realms(start_realm: StartRealm) -> None:
    with Stage(start_realm("kampus"), start_realm("pusat")) as stage:
        stage.play(TWO)
        stage.play("""
            messi@pusat: register messi malang1234 Indonesia Another Messi
            messi@pusat gets: user=messi@pusat
            messi@pusat: send messi catatan
            messi@pusat gets: conversation=private/messi@pusat,messi@pusat
            messi: send henderson halo
            henderson hears: halo
            kill realm pusat
            messi: send henderson lagi
            henderson hears: lagi
            start realm pusat
            messi@pusat hears welcome: total=1
            messi@pusat hears nothing else
            henderson hears nothing else
        """)


def test_a_broken_chain_is_noticed(stage: Stage) -> None:
    stage.play(TWO)
    [answer] = stage.actor("messi").ask([{"cmd": "send", "to": "henderson", "message": "halo"}])
    entry = stage.entries["kampus", answer["conversation"], 1]
    stage.check("kampus", {**entry, "message": "hallo"})
    assert len(stage.faults) == 2
    stage.faults.clear()
    stage.check("kampus", {**entry, "seq": 2})
    assert stage.faults == [f"entry 2 of {answer['conversation']} does not follow in the chain"]


def test_a_realm_that_is_gone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.play(TWO)
    monkeypatch.setattr("tests.wire.player_actor.WAIT", 0.05)
    with pytest.raises(DialogueError, match=r"\+ messi gets: \(no answer in time"):
        stage.play("    kill realm\n    messi: inbox\n")
