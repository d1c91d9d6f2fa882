"""What a window shows, by property: whatever arrived in whatever order, after repair it equals what the realm has.

Pushes wait in `Window.on_the_way` and answers in `Window.answers` until the test lets them arrive, in any order.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, structs

from client.errors import AnswerError, ClientError
from client.mirror import Question
from client.model.attached import Parcel
from client.model.desk import KEPT, WAITING, WAITING_IN_ALL, Desk, Unsaid, Wish, mirror_of_a_window
from client.model.overview import Conversation, Overview
from client.model.past import LENGTH
from client.model.people import COLOURS, colour, initials
from client.model.reading import PAGE
from client.model.room import Day, Fate, Message, Outgoing, rows
from client.reflect import reflect
from realm.settings import Limits, Settings
from schemas import answers, commands, events
from schemas.answers import Answer
from schemas.codec import decode_event, encode_event
from schemas.commands import Command
from schemas.entries import Entry
from schemas.errors import Code, Refusal
from schemas.events import AnyEvent, EntryPushed
from schemas.limits import MAX_MESSAGE
from schemas.names import Address, ConversationId, Name
from tests.rules.kit import RealmKit, key_of, request

USER = "henderson@kampus"
TALK = ConversationId("private/henderson@kampus,messi@kampus")
OTHER_TALK = ConversationId("private/henderson@kampus,lineker@kampus")
GROUP = Name("new")
GROUP_TALK = ConversationId("group/new@kampus")
ROUNDS = 50
"""More questions and answers than any repair here needs."""


class Window:
    """Henderson's window on a realm."""

    def __init__(self, folder: Path) -> None:
        limits = Limits(session_per_second=10**6, session_burst=10**6)
        self.kit = RealmKit(folder, Settings(limits=limits))
        self.opened = {name: self.kit.register(name) for name in ("henderson", "messi", "lineker")}
        self.other_device = self.kit.log_in("henderson", "another-key".ljust(40, "-"))
        self.mirror = mirror_of_a_window(USER)
        self.desk = Desk(self.mirror, "Henderson")
        self.on_the_way: list[AnyEvent] = []
        self.answers: list[Callable[[], None]] = []
        self.ulids = 0
        self.arrive(events.Welcome(epoch=self.kit.core.rules.epoch, total=0))

    def ask(self, who: str, command: Command) -> Answer | ClientError:
        """Say a command as somebody; what it pushes to the window is on its way."""
        self.kit.published.clear()
        answer = self.kit.ask(key_of(who), structs.replace(command, id=1, tokenId=self.opened[who].tokenId))
        topic = self.opened["henderson"].topic
        self.on_the_way += _known(self.kit, topic)
        return AnswerError.of(answer.code, answer.text or "refused") if isinstance(answer, Refusal) else answer

    def arrive(self, event: AnyEvent) -> None:
        self.mirror.heard(event)
        if not isinstance(event, EntryPushed):
            self.desk.heard(event)
        self.tell()

    def tell(self) -> None:
        for entry in self.mirror.take_news():
            self.desk.heard(EntryPushed(entry=entry))
        self.desk.changed()

    def upload(self, who: str) -> str:
        """The id of a file of theirs: an empty one needs no chunk."""
        command = commands.Upload(id=1, digest=hashlib.sha256().digest(), size=0, name="a.txt")
        opened = self.ask(who, command)
        assert isinstance(opened, answers.UploadOpened)
        return str(opened.file)

    def send(self, to: str, text: str, parcel: Parcel | None = None) -> None:
        """Say something from this window, or send a file."""
        self.ulids += 1
        entry = f"02{self.ulids:024}"
        conversation = {"messi": TALK, GROUP: GROUP_TALK}.get(to, OTHER_TALK)
        one = Outgoing(entry, text, 1, parcel)
        command = self.desk.send_command(conversation, one, "" if parcel is None else self.upload("henderson"))
        self.desk.send(conversation, one)
        self.mirror.sending(entry)
        outcome = self.ask("henderson", command)

        def answer() -> None:
            reflect(self.mirror, command, outcome)
            self.desk.sent(conversation, one, str(outcome) if isinstance(outcome, ClientError) else outcome)
            self.tell()

        self.answers.append(answer)

    def work(self) -> None:
        """Let the realm have what the window asks; the answers wait."""
        for wish in self.desk.take_wishes():
            self._wish(wish)
        for question in self.mirror.take_questions():
            self._question(question)

    def _wish(self, wish: Wish) -> None:
        outcome = self.ask("henderson", wish.command)

        def answer() -> None:
            for other in self.desk.answered(wish, outcome):
                self._wish(other)
            self.tell()

        self.answers.append(answer)

    def _question(self, question: Question) -> None:
        outcome = self.ask("henderson", question.command)

        def answer() -> None:
            self.mirror.answered(question, outcome)
            self.tell()

        self.answers.append(answer)

    def rest(self) -> None:
        """All answers arrive, and all that follows from them."""
        for _ in range(ROUNDS):
            self.work()
            if not self.answers:
                return
            while self.answers:
                self.answers.pop(0)()
        pytest.fail("it does not come to rest")

    def repair(self) -> None:
        """A heartbeat, and all that follows from it."""
        self.mirror.beat()
        self.rest()

    def say_before(self, count: int) -> None:
        """So much was said to Henderson before anything else, and is pushed nowhere."""
        token = self.opened["messi"].tokenId
        said = [
            commands.Send(id=1, to=Address("henderson"), message=f"before {number}", tokenId=token)
            for number in range(count)
        ]
        self.kit.turn(*(request(key_of("messi"), command) for command in said))

    # what the realm has

    def fresh_list(self) -> list[Conversation]:
        answer = self.ask("henderson", commands.Conversations(id=1))
        assert isinstance(answer, answers.Conversations)
        overview = Overview(USER)
        overview.take(answer.conversations, whole=True)
        return overview.newest_first

    def fresh_history(self, conversation: ConversationId) -> list[Entry]:
        entries: list[Entry] = []
        while isinstance(answer := self._page_before(conversation, entries), answers.History) and answer.entries:
            entries = answer.entries + entries
        return entries

    def _page_before(self, conversation: ConversationId, entries: Sequence[Entry]) -> Answer | ClientError:
        before = entries[0].seq if entries else UNSET
        return self.ask("henderson", commands.History(id=1, conversation=conversation, before=before))


def _known(kit: RealmKit, topic: bytes) -> list[AnyEvent]:
    return [decode_event(encode_event(event)) for to, event in kit.published if to == topic]


def _but_seen(listed: list[Conversation]) -> list[Conversation]:
    """A lost read mark of the other side is healed by the next page of history, not by the list."""
    return [replace(row, seen=0) for row in listed]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["messi", "lineker", "group", "file", "own", "own in group", "own file",
             "own file in group", "other device", "open", "open group", "close", "join",
             "leave", "remove", "read", "away", "arrive", "arrive", "arrive late", "drop", "double", "work", "work",
             "answer", "answer", "answer late", "welcome", "beat", "hold", "older", "newer", "follow"]
        ),
        st.integers(0, 7),
    ),
    max_size=40,
)  # fmt: skip


def do(window: Window, step: str, number: int) -> None:
    """Let one thing happen."""
    way, desk = window.on_the_way, window.desk
    text = f"{step} {number}"
    match step:
        case "messi" | "lineker":
            window.ask(step, commands.Send(id=1, to=Address("henderson"), message=text))
        case "group":
            window.ask("messi", commands.SendGroup(id=1, group=GROUP, message=text))
        case "file":
            window.ask("messi", commands.SendFile(id=1, to=Address("henderson"), file=window.upload("messi")))
        case "own file":
            window.send("messi", "", Parcel("a.txt", 0))
        case "own file in group":
            window.send(GROUP, "", Parcel("a.txt", 0))
        case "own":
            window.send("messi", text)
        case "own in group":
            window.send(GROUP, text)
        case "other device":
            token = window.other_device.tokenId  # type: ignore[union-attr]
            window.kit.published.clear()
            command = commands.Send(id=1, to=Address("messi"), message=text, tokenId=token)
            window.kit.ask("another-key".ljust(40, "-"), command)
            way += _known(window.kit, window.opened["henderson"].topic)
        case "open":
            desk.open(TALK if number % 2 else OTHER_TALK)
        case "open group":
            desk.open(GROUP_TALK)
        case "close":
            desk.close()
        case "join" | "leave":
            join: Command = (
                commands.JoinGroup(id=1, group=GROUP) if step == "join" else commands.LeaveGroup(id=1, group=GROUP)
            )
            outcome = window.ask("henderson", join)
            reflect(window.mirror, join, outcome)
            if not isinstance(outcome, ClientError):
                desk.heard(
                    events.Joined(conversation=GROUP_TALK) if step == "join" else events.Left(conversation=GROUP_TALK)
                )
        case "remove":
            window.ask("messi", commands.RemoveMember(id=1, group=GROUP, username=Name("henderson")))
        case "read":
            window.ask("messi", commands.Read(id=1, conversation=TALK, seq=number))
        case "away":
            desk.in_view = not desk.in_view
        case "arrive" if way:
            window.arrive(way.pop(0))
        case "arrive late" if way:
            window.arrive(way.pop(number % len(way)))
        case "drop" if way:
            way.pop(number % len(way))
        case "double" if way:
            window.arrive(way[number % len(way)])
        case "work":
            window.work()
        case "answer" if window.answers:
            window.answers.pop(0)()
        case "answer late" if window.answers:
            window.answers.pop(number % len(window.answers))()
        case "welcome":
            window.arrive(events.Welcome(epoch=window.kit.core.rules.epoch, total=number))
        case "beat":
            window.mirror.beat()
        case "hold":
            desk.hold()
        case "older":
            desk.older()
        case "newer":
            desk.newer()
        case "follow":
            desk.follow()


@settings(max_examples=100)
@given(STEPS, st.sampled_from([0, 0, 0, 350]))
def test_whatever_arrives_the_window_ends_up_showing_what_the_realm_has(
    steps: list[tuple[str, int]], before: int
) -> None:
    with TemporaryDirectory() as folder:
        window = Window(Path(folder) / "data")
        try:
            window.say_before(before)
            window.ask("messi", commands.AddGroup(id=1, group=GROUP))
            for step, number in steps:
                do(window, step, number)
            window.desk.in_view = True
            window.repair()
            window.repair()
            assert _but_seen(window.desk.overview.newest_first) == _but_seen(window.fresh_list())
            assert all(one.why for one in window.desk.outgoing)
            room = window.desk.room
            if room is not None:
                fresh = window.fresh_history(room)
                assert window.desk.entries or not fresh
                assert_is_part(window.desk.entries, fresh)
                window.desk.follow()
                assert len(window.desk.entries) >= min(PAGE, len(fresh))
                assert list(window.desk.entries) == fresh[-len(window.desk.entries) or len(fresh) :]
                row = window.desk.overview.rows.get(room)
                assert row is None or row.unread == 0 or not fresh
        finally:
            window.kit.close()


def assert_is_part(entries: Sequence[Entry], fresh: list[Entry]) -> None:
    """Whoever has scrolled up reads a part of the truth, without a gap."""
    if entries:
        begin = entries[0].seq - 1
        assert list(entries) == fresh[begin : begin + len(entries)]


@contextmanager
def open_window() -> Iterator[Window]:
    with TemporaryDirectory() as folder:
        window = Window(Path(folder) / "data")
        try:
            yield window
        finally:
            window.kit.close()


def arrive(window: Window) -> None:
    while window.on_the_way:
        window.arrive(window.on_the_way.pop(0))


def test_a_push_that_overtakes_the_list_is_in_it() -> None:
    with open_window() as window:
        window.repair()
        window.ask("messi", commands.Send(id=1, to=Address("henderson"), message="one"))
        arrive(window)
        window.work()  # the realm answers what it knows now ...
        window.ask("lineker", commands.Send(id=1, to=Address("henderson"), message="two"))
        arrive(window)  # ... and this is here before its answer
        window.answers.pop()()
        assert {row.id: row.unread for row in window.desk.overview.newest_first} == {TALK: 1, OTHER_TALK: 1}
        window.rest()
        assert window.desk.overview.newest_first == window.fresh_list()
        assert not window.desk.overview.stale


def test_a_list_that_did_not_come_is_asked_again() -> None:
    with open_window() as window:
        (wish,) = window.desk.take_wishes()
        assert window.desk.take_wishes() == []
        window.desk.answered(wish, AnswerError.of(Code.UNAVAILABLE, "the disk is full"))
        assert not window.desk.overview.known
        window.rest()
        assert window.desk.overview.known


def test_what_the_answer_for_a_room_tells_that_was_closed_is_in_the_list() -> None:
    with open_window() as window:
        window.rest()
        window.ask("messi", commands.Send(id=1, to=Address("henderson"), message="its push is lost"))
        window.desk.open(TALK)
        window.work()
        window.desk.close()
        window.rest()
        assert window.desk.overview.newest_first == window.fresh_list() != []


def test_one_who_has_left_while_the_list_was_on_its_way_is_not_in_the_group() -> None:
    with open_window() as window:
        for who in ("messi", "henderson"):
            join = commands.AddGroup if who == "messi" else commands.JoinGroup
            window.ask(who, join(id=1, group=GROUP))
        arrive(window)
        window.work()
        window.ask("messi", commands.RemoveMember(id=1, group=GROUP, username=Name("henderson")))
        arrive(window)
        window.rest()
        assert window.desk.overview.rows == {}


def test_a_text_that_no_message_can_hold_is_no_draft() -> None:
    unsaid = Unsaid()
    whole = "é" * (MAX_MESSAGE // 2)
    assert unsaid.draft(TALK, whole)
    assert not unsaid.draft(TALK, whole + "x"), "it counts bytes, as the realm does"
    assert unsaid.drafts == {TALK: whole}, "what was there before is kept"
    assert unsaid.draft(TALK, "")
    assert unsaid.drafts == {}


def test_reading_back_is_bounded() -> None:
    with open_window() as window:
        window.say_before(1_100)
        window.desk.open(TALK)
        window.repair()
        window.desk.hold()
        for _ in range(20):
            window.desk.older()
            window.rest()
            assert len(window.desk.entries) <= LENGTH
        fresh = window.fresh_history(TALK)
        assert list(window.desk.entries) == fresh[:LENGTH]
        for _ in range(20):
            window.desk.newer()
            window.rest()
            assert len(window.desk.entries) <= LENGTH
        assert list(window.desk.entries) == fresh[-LENGTH:]
        window.desk.follow()
        assert len(window.desk.entries) <= 2 * KEPT


def entry(seq: int, sender: str, sent_at: int) -> Entry:
    return Entry(
        conversation=TALK, seq=seq, id=f"{seq:026}", sender=sender, name=sender.partition("@")[0].title(),
        sent_at=sent_at, kind="text", chain=bytes(32), salt=bytes(16), message=f"text {seq}",
    )  # fmt: skip


HOUR = 3_600_000


def test_a_row_that_was_erased_is_marked() -> None:
    gone = structs.replace(entry(1, "messi@kampus", 0), message=UNSET, salt=UNSET, erased=True, body=bytes(32))
    said = [gone, entry(2, "messi@kampus", 0)]
    shown = [row for row in rows(said, [], user=USER, name="H", seen=0, zone=UTC) if isinstance(row, Message)]
    assert [(row.erased, row.text) for row in shown] == [(True, ""), (False, "text 2")]


def test_rows_are_grouped_by_sender_and_by_day() -> None:
    said = [
        entry(1, "messi@kampus", 0),
        entry(2, "messi@kampus", 60_000),
        entry(3, USER, 120_000),
        entry(4, USER, 120_000 + HOUR),
        entry(5, USER, 25 * HOUR),
    ]
    shown = rows(said, [], user=USER, name="Henderson", seen=4, zone=UTC)
    assert [row.day.isoformat() for row in shown if isinstance(row, Day)] == ["1970-01-01", "1970-01-02"]
    messages = [row for row in shown if isinstance(row, Message)]
    assert [(row.begins, row.ends) for row in messages] == [
        (True, False), (False, True), (True, True), (True, True), (True, True),
    ]  # fmt: skip
    assert [row.fate for row in messages] == [None, None, Fate.READ, Fate.READ, Fate.STORED]
    assert [row.own for row in messages] == [False, False, True, True, True]


def test_what_is_on_its_way_is_shown_last_and_once() -> None:
    said = [entry(1, USER, 0)]
    sending = [
        Outgoing(said[0].id, "text 1", 0, stored=True),
        Outgoing("x", "two", 1),
        Outgoing("y", "three", 2, why="no answer"),
    ]
    shown = [
        row for row in rows(said, sending, user=USER, name="Henderson", seen=0, zone=UTC) if isinstance(row, Message)
    ]
    assert [(row.text, row.fate, row.why) for row in shown] == [
        ("text 1", Fate.STORED, ""),
        ("two", Fate.SENDING, ""),
        ("three", Fate.FAILED, "no answer"),
    ]
    assert len({row.key for row in shown}) == 3


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Lionel Messi", "LM"),
        ("messi", "M"),
        ("  ", "?"),
        ("😀", "?"),
        ("Jordan Brian Henderson", "JH"),
        ("(ani)", "A"),
        ("李 明", "李明"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_colours_are_stable_and_spread() -> None:
    assert colour("messi@kampus") == colour("messi@kampus")
    assert len({colour(f"user{number}@kampus") for number in range(200)}) == COLOURS


def test_not_more_than_so_much_may_wait_to_be_sent() -> None:
    unsaid = Unsaid()
    waiting = [Outgoing(f"{number}", "halo", 0, why="no answer" if number % 2 else "") for number in range(WAITING)]
    unsaid.outgoing[TALK] = waiting[:-1]
    assert unsaid.may_send(TALK)
    unsaid.outgoing[TALK] = waiting
    assert not unsaid.may_send(TALK)
    assert unsaid.may_send(ConversationId("group/new@kampus"))
    waiting[0].stored = True
    assert unsaid.may_send(TALK), "what is stored waits no more"
    for number in range(WAITING_IN_ALL // WAITING):
        unsaid.outgoing[ConversationId(f"group/g{number}@kampus")] = list(waiting)
    assert not unsaid.may_send(ConversationId("group/new@kampus"))
