"""What is read further up: only what goes on from it is taken, however late it comes."""

import pytest
from msgspec import UNSET, structs

from client.errors import NoAnswerError
from client.model.past import LENGTH, Past
from client.shown import News, Shown
from schemas import answers, commands
from schemas.entries import CHAIN_START, Entry, link, text_body
from schemas.names import ConversationId

TALK = ConversationId("private/henderson@kampus,messi@kampus")
ALL = 3 * LENGTH


def talk(count: int = ALL) -> list[Entry]:
    """A conversation whose entries follow one from the other."""
    said, chain = list[Entry](), CHAIN_START
    for seq in range(1, count + 1):
        body = text_body(bytes(16), f"text {seq}")
        chain = link(chain, TALK, seq, f"{seq:026}", "messi@kampus", seq, "text", body)
        said.append(
            Entry(
                conversation=TALK, seq=seq, id=f"{seq:026}", sender="messi@kampus", name="Messi", sent_at=seq,
                kind="text", chain=chain, salt=bytes(16), message=f"text {seq}",
            )
        )  # fmt: skip
    return said


SAID = talk()


def past(first: int, last: int) -> tuple[Past, Shown]:
    shown = Shown(TALK, News(), entries=SAID[first - 1 : last], head=last, fetched=True)
    return Past(shown), shown


def page(entries: list[Entry], first: int = 1) -> answers.History:
    return answers.History(id=0, entries=entries, head=ALL, first=first, seen=0, more=False)


def asked(one: Past) -> commands.History:
    question = one.take_question()
    assert question is not None
    return question


def test_older_ones_are_asked_once_and_come_before() -> None:
    one, _ = past(901, 1_000)
    one.older()
    question = asked(one)
    assert (question.conversation, question.before, question.after) == (TALK, 901, UNSET)
    one.older()
    assert one.take_question() is None, "one question at a time"
    assert one.answered(question, page(SAID[800:900]))
    assert one.entries == SAID[800:1_000]
    assert asked(one).before == 901, "it was wanted meanwhile: the answer will not fit, and is left"


def test_newer_ones_come_from_the_mirror_where_it_has_them() -> None:
    one, shown = past(901, 1_000)
    shown.entries = SAID[950:1_100]
    assert one.newer()
    assert one.take_question() is None
    assert one.entries == SAID[900:1_100]


def test_newer_ones_are_asked_where_the_mirror_has_gone_on() -> None:
    one, shown = past(901, 1_000)
    shown.entries = SAID[1_300:1_400]
    assert one.newer()
    question = asked(one)
    assert (question.after, question.before) == (1_000, UNSET)
    assert one.answered(question, page(SAID[1_000:1_100]))
    assert one.entries == SAID[900:1_100]


def test_it_gets_no_longer() -> None:
    one, _ = past(901, 1_400)
    one.older()
    assert one.answered(asked(one), page(SAID[800:900]))
    assert one.entries == SAID[800 : 800 + LENGTH]
    assert one.newer()
    assert one.entries == SAID[1_400 - LENGTH : 1_400]


def test_at_the_beginning_nothing_is_asked() -> None:
    one, _ = past(1, 100)
    one.older()
    assert one.take_question() is None
    one, _ = past(101, 200)
    one.older()
    assert one.answered(asked(one), page([], first=101)), "what was before was removed"
    one.older()
    assert one.take_question() is None


@pytest.mark.parametrize(
    "late",
    [SAID[700:800], SAID[850:900], SAID[1_000:1_100], [], SAID[900:1_000]],
    ids=["far before", "overlapping", "far behind", "nothing", "the same"],
)
def test_an_answer_that_does_not_go_on_from_it_is_left(late: list[Entry]) -> None:
    one, _ = past(881, 990)
    one.older()
    assert one.answered(asked(one), page(late))
    assert one.entries == SAID[880:990]


def test_an_answer_to_another_question_is_left() -> None:
    one, _ = past(901, 1_000)
    one.older()
    asked(one)
    assert one.answered(commands.History(id=0, conversation=TALK, before=901), page(SAID[800:900]))
    assert one.entries == SAID[900:1_000]


def test_one_that_failed_is_asked_again() -> None:
    one, _ = past(901, 1_000)
    one.older()
    assert one.answered(asked(one), NoAnswerError("no answer came"))
    one.older()
    assert asked(one).before == 901


@pytest.mark.parametrize(
    "forged",
    [
        [*SAID[800:899], structs.replace(SAID[899], message="forged")],
        [*SAID[800:850], structs.replace(SAID[850], message="forged"), *SAID[851:900]],
        [*SAID[800:840], *SAID[850:900]],
        [*SAID[800:850], structs.replace(SAID[850], conversation=ConversationId("group/new@kampus")), *SAID[851:900]],
    ],
    ids=["last", "between", "a gap", "elsewhere"],
)
def test_what_does_not_follow_makes_it_useless(forged: list[Entry]) -> None:
    one, _ = past(901, 1_000)
    one.older()
    assert not one.answered(asked(one), page(forged)), "it goes on by number, but not by chain"
