"""The mirror against a real core: what is lost on the way, and what a realm may say that is not so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from client.errors import AnswerError
from client.mirror import AT_ONCE, Mirror, Question
from client.reflect import reflect
from realm.settings import Limits, Settings
from schemas import answers, commands, events
from schemas.answers import Answer
from schemas.commands import Command
from schemas.entries import Entry
from schemas.errors import Code, Refusal
from schemas.events import EntryPushed
from schemas.names import Address, ConversationId, Name
from tests.rules.kit import RealmKit, key_of, ok

ENOUGH = 100
"""More questions than any of these needs."""
TALK = ConversationId("private/henderson@kampus,messi@kampus")
GROUP = Name("kelompok-bagan")


class Pair:
    """Messi says things; Henderson's mirror hears of them as the test lets it."""

    def __init__(self, folder: Path, **options: Any) -> None:
        limits = Limits(session_per_second=10**6, session_burst=10**6)
        self.kit = RealmKit(folder, Settings(limits=limits))
        self.tokens = {name: self.kit.register(name).tokenId for name in ("messi", "henderson")}
        self.mirror = Mirror("henderson@kampus", **options)
        self.asked = 0

    def ask(self, who: str, command: Command) -> Answer | AnswerError:
        answer = self.kit.ask(key_of(who), structs.replace(command, id=1, tokenId=self.tokens[who]))
        return AnswerError.of(answer.code, answer.text or "") if isinstance(answer, Refusal) else answer

    def done(self, who: str, command: Command) -> Answer:
        answer = self.ask(who, command)
        assert isinstance(answer, Answer), answer
        return answer

    def say(self, *texts: str, group: bool = False) -> list[EntryPushed]:
        """Messi says that; the pushes to Henderson."""
        self.kit.published.clear()
        for text in texts:
            send = commands.SendGroup(id=1, group=GROUP, message=text)
            self.done("messi", send if group else commands.Send(id=1, to=Address("henderson"), message=text))
        return [event for _, event in self.kit.published if isinstance(event, EntryPushed)]

    def welcome(self) -> None:
        self.mirror.heard(events.Welcome(epoch=self.kit.core.rules.epoch, total=0))

    def answer(self, questions: list[Question]) -> None:
        for question in questions:
            self.asked += 1
            self.mirror.answered(question, self.ask("henderson", question.command))

    def settle(self) -> list[str]:
        """Answer all that the mirror asks; what it has news of."""
        while (questions := self.mirror.take_questions()) and self.asked < ENOUGH:
            self.answer(questions)
        assert self.asked < ENOUGH
        assert self.mirror.idle
        return self.news()

    def news(self) -> list[str]:
        return [str(entry.message)[:20] for entry in self.mirror.take_news()]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path / "data")
    yield made
    made.kit.close()


def settled(pair: Pair) -> Pair:
    pair.welcome()
    assert pair.settle() == []
    return pair


def test_large_messages_that_fill_more_than_a_page_are_all_told(pair: Pair) -> None:
    texts = [f"{number}".ljust(60_000, "x") for number in range(10)]
    for push in settled(pair).say(*texts):
        pair.mirror.heard(push)
    assert pair.settle() == [text[:20] for text in texts]


def test_what_is_said_while_the_first_page_is_asked_is_told(pair: Pair) -> None:
    first, *others = settled(pair).say(*[str(number) for number in range(150)])
    pair.mirror.heard(first)
    asked = pair.mirror.take_questions()
    for push in others:
        pair.mirror.heard(push)
    pair.answer(asked)
    assert pair.news() + pair.settle() == [str(number) for number in range(150)]


def test_a_conversation_whose_first_push_was_lost_is_told_from_its_beginning(pair: Pair) -> None:
    _lost, second = settled(pair).say("one", "two")
    pair.mirror.heard(second)
    assert pair.settle() == ["one", "two"]


def test_what_was_said_while_away_is_told_although_a_push_comes_first(pair: Pair) -> None:
    settled(pair).say("while away")
    pair.welcome()
    asked = pair.mirror.take_questions()
    (push,) = pair.say("after")
    pair.mirror.heard(push)
    pair.answer(asked)
    assert pair.news() + pair.settle() == ["while away", "after"]


@pytest.mark.parametrize("shown_first", [True, False])
def test_a_push_that_comes_after_the_sync_that_counts_it_is_news(pair: Pair, shown_first: bool) -> None:
    settled(pair)
    pair.done("messi", commands.AddGroup(id=1, group=GROUP))
    pair.say("before", group=True)
    join = commands.JoinGroup(id=1, group=GROUP)
    reflect(pair.mirror, join, pair.done("henderson", join))
    pushes = pair.say("one", "two", group=True)
    if shown_first:
        assert pair.settle() == []
    else:
        pair.answer(pair.mirror.take_questions())
    for push in pushes:
        pair.mirror.heard(push)
    assert pair.settle() == ["one", "two"]


def test_own_messages_are_no_news_though_history_brings_them_first(pair: Pair) -> None:
    settled(pair)
    entry = "01" + "0" * 24
    send = commands.Send(id=1, to=Address("messi"), message="mine", entry=entry)
    pair.mirror.sending(entry)
    sent = pair.done("henderson", send)
    pair.mirror.beat()
    assert pair.settle() == []
    reflect(pair.mirror, send, sent)
    assert pair.settle() == []
    assert [one.message for one in pair.mirror.shown[TALK].entries] == ["mine"]


def test_a_refused_send_leaves_nothing_behind(pair: Pair) -> None:
    entry = "01" + "0" * 24
    send = commands.Send(id=1, to=Address("nobody"), message="mine", entry=entry)
    pair.mirror.sending(entry)
    refusal = pair.ask("henderson", send)
    assert isinstance(refusal, AnswerError)
    reflect(pair.mirror, send, refusal)
    other = structs.replace(settled(pair).say("other")[0].entry, id=entry)
    pair.mirror.shown.clear()
    pair.mirror._news.tell(other)
    assert pair.news() == ["other"]


@pytest.mark.parametrize(
    "command",
    [commands.LeaveGroup(id=1, group=GROUP), commands.RemoveMember(id=1, group=GROUP, username=Name("henderson"))],
)
def test_a_group_that_this_device_leaves_is_gone_at_once(pair: Pair, command: Command) -> None:
    add = commands.AddGroup(id=1, group=GROUP)
    reflect(pair.mirror, add, pair.done("henderson", add))
    settled(pair)
    assert list(pair.mirror.shown) == [f"group/{GROUP}@kampus"]
    reflect(pair.mirror, command, pair.done("henderson", command))
    assert not pair.mirror.shown
    pair.settle()
    assert not pair.mirror.shown


def test_few_questions_are_under_way_at_once_and_none_after_a_refusal(pair: Pair) -> None:
    for number in range(3 * AT_ONCE):
        pair.done("henderson", commands.AddGroup(id=1, group=Name(f"group-{number}")))
    pair.welcome()
    pair.answer(pair.mirror.take_questions())
    asked = pair.mirror.take_questions()
    assert len(asked) == AT_ONCE
    assert pair.mirror.take_questions() == []
    pair.mirror.answered(asked[0], AnswerError.of(Code.RATE_LIMITED, "too fast"))
    pair.answer(asked[1:])
    assert pair.mirror.take_questions() == []
    pair.mirror.go_on()
    assert pair.settle() == []
    assert len(pair.mirror.shown) == 3 * AT_ONCE


def test_behind_by_too_much_it_begins_anew_at_the_newest_page(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "data", too_far=100)
    try:
        settled(pair).say(*[str(number) for number in range(500)])
        pair.mirror.beat()
        pair.settle()
        assert [entry.seq for entry in pair.mirror.shown[TALK].entries] == list(range(401, 501))
        pair.mirror.want_older(TALK)
        pair.settle()
        assert pair.mirror.shown[TALK].low == 301
    finally:
        pair.kit.close()


def test_only_so_many_entries_are_kept(tmp_path: Path) -> None:
    pair = Pair(tmp_path / "data", keep=50)
    try:
        for push in settled(pair).say(*[str(number) for number in range(500)]):
            pair.mirror.heard(push)
        assert len(pair.settle()) == 500
        assert 50 <= len(pair.mirror.shown[TALK].entries) <= 100
        assert pair.mirror.shown[TALK].high == 500
    finally:
        pair.kit.close()


# a realm that is wrong


class Liar:
    """Answers as it likes."""

    def __init__(self, page: answers.History, *, on: str | None = None) -> None:
        self.mirror = Mirror("henderson@kampus")
        self.mirror.heard(events.Welcome(epoch=7, total=0))
        self.page = page
        self.on = on

    def questions_until_quiet(self) -> int:
        asked = 0
        while (questions := self.mirror.take_questions()) and asked < ENOUGH:
            for question in questions:
                asked += 1
                self.mirror.answered(question, self._answer(question.command))
        return asked

    def _answer(self, command: Command) -> Answer:
        if isinstance(command, commands.History):
            return self.page
        synced = answers.Synced(id=1, epoch=7, total=self.page.head, heads={TALK: self.page.head}, more=False)
        return structs.replace(synced, more=True, next=self.on) if self.on else synced


def page(entries: list[Entry], *, head: int, first: int = 1) -> answers.History:
    return answers.History(id=1, entries=entries, first=first, head=head, seen=0, more=False)


def entry(seq: int, conversation: str = TALK) -> Entry:
    return Entry(
        conversation=ConversationId(conversation), seq=seq, id=f"{seq:026}", sender="messi@kampus", name="Messi",
        sent_at=1, kind="text", chain=bytes(32), salt=bytes(16), message="halo",
    )  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [
        page([], head=10),
        page([entry(1)], head=10),
        page([entry(9), entry(7)], head=10),
        page([entry(10, "private/a@kampus,henderson@kampus")], head=10),
    ],
    ids=["nothing", "a wrong chain", "out of order", "of another conversation"],
)
def test_a_realm_that_contradicts_itself_is_not_asked_for_ever(told: answers.History) -> None:
    liar = Liar(told)
    assert liar.questions_until_quiet() < 20
    assert liar.mirror.shown[TALK].untrusted
    assert liar.mirror.take_news() == []


def test_a_conversation_of_which_nothing_is_kept_is_complete() -> None:
    liar = Liar(page([], head=10, first=11))
    assert liar.questions_until_quiet() < 5
    assert liar.mirror.shown[TALK].complete


def test_a_sync_whose_pages_go_round_is_given_up_until_the_next_beat() -> None:
    liar = Liar(page([], head=0), on="a")
    assert liar.questions_until_quiet() == 2


def test_a_push_with_a_number_that_does_not_exist_is_forgotten(pair: Pair) -> None:
    (push,) = settled(pair).say("one")
    pair.mirror.heard(push)
    assert pair.settle() == ["one"]
    pair.mirror.heard(EntryPushed(entry=structs.replace(push.entry, seq=1 << 40)))
    assert pair.settle() == []
    assert pair.mirror.shown[TALK].head == 1


def test_a_total_that_lies_is_compared_again_only_at_the_next_beat(pair: Pair) -> None:
    settled(pair)
    pair.mirror.beat()
    (question,) = pair.mirror.take_questions()
    synced = ok(pair.kit.ask(key_of("henderson"), commands.Sync(id=1, tokenId=pair.tokens["henderson"])))
    pair.mirror.answered(question, structs.replace(synced, total=synced.total + 5))
    assert pair.settle() == []
