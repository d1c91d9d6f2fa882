"""Conversations with other realms, as a window shows them: from where, what waits, what was refused."""

import re
from datetime import UTC
from typing import Any

import pytest
from msgspec import UNSET, structs

from client.errors import AnswerError
from client.harmless import visible
from client.mirror import Mirror
from client.model.attached import Parcel
from client.model.bounce import TRIES, Bounce, again, next_try
from client.model.desk import Desk, mirror_of_a_window
from client.model.glance import Glance, glances
from client.model.past import LENGTH
from client.model.room import Fate, Message, Outgoing, Row, rows
from client.model.sending import send_command
from client.model.waiting import AT_ONCE
from client.model.who import full_title, is_sent, is_to_group, may_be_in, name_beside, other_realm, short, title
from schemas import answers, commands, events
from schemas.answers import Answer
from schemas.commands import Command
from schemas.entries import Entry, File
from schemas.names import ULID_PATTERN, ConversationId
from tests.rules.test_client_queued import BOB, ENOUGH, ME, TALK, TO_GROUP, Realm

GROUP = ConversationId("group/new@kampus")
HERE = ConversationId("private/henderson@kampus,messi@kampus")


class Window(Realm):
    """A window at such a realm; of a conversation that nobody looks at it knows the end alone."""

    def __init__(self) -> None:
        self.desk: Desk | None = None
        self.listings = 0
        super().__init__()
        self.mirror = mirror_of_a_window(ME)
        self.desk = Desk(self.mirror, "Messi")
        self.hear(events.Welcome(epoch=7, total=0))

    @property
    def shown_desk(self) -> Desk:
        assert self.desk is not None
        return self.desk

    def answer(self, command: Command) -> Answer | AnswerError:
        if isinstance(command, commands.Read):
            return answers.Done(id=1)
        if not isinstance(command, commands.Conversations):
            return super().answer(command)
        self.listings += 1
        heads = [
            answers.ConversationHead(
                conversation=name, title=BOB if name == TALK else "new@pusat", first=1, head=len(said), read=0, seen=0,
                unread=0, last=said[-1],
            )
            for name, said in self.kept.items() if said
        ]  # fmt: skip
        return answers.Conversations(id=1, conversations=heads, more=False)

    def settle(self) -> None:
        if self.desk is None:
            super().settle()
            return
        begun = len(self.asked)
        while True:
            for entry in self.mirror.take_news():
                self.desk.heard(events.EntryPushed(entry=entry))
            self.desk.changed()
            wishes, questions = self.desk.take_wishes(), self.mirror.take_questions()
            if not wishes and not questions:
                return
            assert len(self.asked) - begun < ENOUGH
            for question in questions:
                self.mirror.answered(question, self.answer(question.command))
            for wish in wishes:
                outcome = self.answer(wish.command)
                assert isinstance(outcome, Answer)
                assert not self.desk.answered(wish, outcome)

    def hear(self, event: Any) -> None:
        self.mirror.heard(event)
        if not isinstance(event, events.EntryPushed):
            self.shown_desk.heard(event)
        self.settle()

    def push(self, entry: Entry) -> Entry:
        self.hear(events.EntryPushed(entry=entry))
        return entry

    def last(self, talk: ConversationId = TALK) -> Entry:
        last = self.shown_desk.overview.rows[talk].last
        assert last is not None
        return last

    def queued(self) -> list[int]:
        return [entry.seq for entry in self.shown_desk.entries if entry.queued]


@pytest.fixture
def window() -> Window:
    return Window()


# who


def test_whoever_is_elsewhere_is_shown_with_the_realm() -> None:
    assert title(TALK, ME, "") == title(TALK, ME, BOB) == BOB
    assert title(TALK, ME, "Bob") == full_title("Bob", BOB) == "Bob (bob@pusat)"
    assert title(TALK, ME, "Bob\u202e") == "Bob\\u202e (bob@pusat)"
    assert title(HERE, ME, "Henderson") == "Henderson"
    assert title(TO_GROUP, ME, "new@pusat") == "new@pusat"
    assert (short(BOB, ME), short("bob@kampus", ME)) == (BOB, "bob")
    assert name_beside("Bob", BOB) == "Bob (bob@pusat)"
    assert name_beside(BOB, BOB) == BOB
    assert name_beside("Bob", "") == "Bob"


@pytest.mark.parametrize("name", ["", " ", "\xa0\u3000", "\u3164\uffa0", "\u2800", "\u200d \u2060"])
def test_a_name_of_which_nothing_is_seen_tells_nobody_who_it_is(name: str) -> None:
    assert (title(TALK, ME, name), title(HERE, ME, name), name_beside(name, BOB)) == (BOB, "henderson", BOB)


@pytest.mark.parametrize("name", ["bob@pusat", "Bob @pusat", "Bob (bob\uff20pusat)", "bob\ufe6bpusat\u202e"])
def test_nobody_here_passes_for_somebody_elsewhere_by_a_display_name(window: Window, name: str) -> None:
    told = f"henderson ({visible(name)})"
    assert title(HERE, ME, name) == told
    said = window.say("henderson@kampus", talk=GROUP)
    window.kept[GROUP] = [structs.replace(said, name=name)]
    window.push(window.kept[GROUP][0])
    assert glance(window).who == told


@pytest.mark.parametrize(
    ("conversation", "realm", "is_mine"),
    [
        (TALK, "pusat", True), (TO_GROUP, "pusat", True), (HERE, None, True), (GROUP, None, True),
        ("sent/henderson@kampus,new@pusat", "pusat", False), ("sent/messi@kampus,new@kampus", None, False),
        ("private/bob@pusat,henderson@kampus", "pusat", False),
    ],
)  # fmt: skip
def test_where_a_conversation_goes(conversation: str, realm: str | None, is_mine: bool) -> None:
    one = ConversationId(conversation)
    assert may_be_in(ME, one) == is_mine
    if is_mine:
        assert other_realm(one, ME) == realm
    assert is_sent(one) == conversation.startswith("sent/")
    assert is_to_group(one) == (not conversation.startswith("private/"))


def test_the_command_that_says_something_there() -> None:
    one, two = Outgoing("0" * 26, "halo", 1), Outgoing("1" * 26, "", 1, Parcel("a", 1))
    assert send_command(ME, TALK, one, "") == commands.Send(id=0, to=BOB, message="halo", entry=one.entry)  # type: ignore[arg-type]
    assert send_command(ME, TALK, two, "F") == commands.SendFile(id=0, to=BOB, file="F", entry=two.entry)  # type: ignore[arg-type]
    there: Any = {"id": 0, "realm": "pusat", "group": "new"}
    assert send_command(ME, TO_GROUP, one, "") == commands.SendGroupRealm(**there, message="halo", entry=one.entry)
    assert send_command(ME, TO_GROUP, two, "F") == commands.SendGroupFileRealm(**there, file="F", entry=two.entry)


# rooms


def seen(entries: list[Entry], outgoing: tuple[Outgoing, ...] = ()) -> list[Row]:
    return rows(entries, outgoing, user=ME, name="Messi", seen=0, zone=UTC, crosses=True)[1:]


def test_what_waits_and_what_was_delivered(window: Window) -> None:
    said = [window.say(queued=queued) for queued in (False, True, True, False, True)]
    shown = [row for row in seen(said) if isinstance(row, Message)]
    queued, delivered = Fate.QUEUED, Fate.DELIVERED
    assert [row.fate for row in shown] == [delivered, queued, queued, delivered, queued]
    assert [row.tells for row in shown] == [False, False, True, False, True]


def test_a_bounce_is_a_row_of_its_own_and_its_message_says_so_too(window: Window) -> None:
    first, second = window.say(queued=True), window.say(queued=True)
    window.say(BOB, re=first.id, code="user_not_found", message="User tidak ada")
    theirs = window.say(BOB)
    one, two, bounce, answer = seen(window.kept[TALK])
    assert isinstance(one, Message)
    assert isinstance(two, Message)
    assert isinstance(bounce, Bounce)
    assert isinstance(answer, Message)
    assert (one.fate, one.why, two.fate, two.tells) == (Fate.BOUNCED, "user_not_found", Fate.QUEUED, True)
    assert (bounce.sender, bounce.code, bounce.re, bounce.about) == (BOB, "user_not_found", first.id, "text 1")
    assert answer.begins, "what they say does not stand together with what their realm has refused"
    (alone,) = seen(window.kept[TALK][2:3])
    assert isinstance(alone, Bounce)
    assert alone.about == "", "the message is further up"
    assert theirs.seq == 4
    assert second.queued


def test_what_is_stored_and_not_in_its_place_is_still_on_its_way() -> None:
    one = Outgoing("0" * 26, "halo", 1, stored=True)
    (row,) = seen([], (one,))
    assert isinstance(row, Message)
    assert row.fate is Fate.SENDING


def test_a_file_that_was_refused_is_sent_again_as_it_is() -> None:
    file = File(id="F" * 26, name="foto.png", size=7, media_type="image/png", digest=bytes(32))
    entry = structs.replace(Realm().say(), kind="file", message=UNSET, file=file)
    resent = again(entry)
    assert resent is not None
    assert (resent.id, resent.name, resent.size, resent.is_here, resent.percent) == (file.id, "foto.png", 7, True, 100)
    assert again(Realm().say()) is None


def test_what_was_sent_once_more_is_not_offered_again(window: Window) -> None:
    mine = window.say(queued=True)
    window.say(BOB, re=mine.id, code="user_not_found", message="User tidak ada")

    def is_resent(*tries: str, entries: tuple[Entry, ...] = ()) -> bool:
        outgoing = tuple(Outgoing(one, "text 1", 1) for one in tries)
        (bounce,) = [row for row in seen([*window.kept[TALK], *entries], outgoing) if isinstance(row, Bounce)]
        return bounce.is_resent

    first = next_try(mine.id)
    assert first == next_try(mine.id) != mine.id
    assert re.fullmatch(ULID_PATTERN, first)
    assert not is_resent()
    assert not is_resent("0" * 26)
    assert is_resent(first)
    assert is_resent(next_try(first)), "the next try was refused, and tried again"
    assert is_resent(entries=(structs.replace(window.say(), id=first),))
    assert not is_resent(entries=(structs.replace(window.say(BOB), id=first),)), "it is of somebody else"
    tries = [mine.id]
    for _ in range(TRIES):
        tries.append(next_try(tries[-1]))
    assert len(set(tries)) == TRIES + 1


# the list


def test_the_list_follows_what_is_delivered(window: Window) -> None:
    window.push(window.say(queued=True))
    assert window.last().queued
    window.hear(window.deliver(1))
    assert not window.last().queued
    window.hear(events.Delivered(conversation="private/a@b,messi@kampus", seq=1))


def test_the_list_heals_where_the_push_was_lost(window: Window) -> None:
    for talk in (TALK, TO_GROUP):
        window.push(window.say(talk=talk, queued=True))
    listings = window.listings
    assert [one.conversation for one in window.beat()] == [TALK, TO_GROUP]
    assert window.last().queued
    window.deliver(1)
    window.beat()
    assert (window.last().queued, window.last(TO_GROUP).queued) == (False, True)
    assert [one.conversation for one in window.beat()] == [TO_GROUP], "what was delivered is not asked about again"
    assert window.listings == listings, "nobody asks for the whole list"


def test_a_late_list_does_not_put_it_back(window: Window) -> None:
    desk = window.shown_desk
    window.push(window.say(queued=True))
    desk.overview.stale = True
    (wish,) = desk.take_wishes()
    late = window.answer(wish.command)
    window.hear(window.deliver(1))
    assert isinstance(late, Answer)
    desk.answered(wish, late)
    assert not window.last().queued


def test_many_that_wait_have_their_turns(window: Window) -> None:
    talks = [ConversationId(f"private/messi@kampus,u{number:02}@pusat") for number in range(AT_ONCE + 5)]
    for talk in talks:
        window.push(window.say(talk=talk, queued=True))
    asked = [*window.beat(), *window.beat()]
    assert {one.conversation for one in asked} == set(talks)
    assert len(asked) == 2 * AT_ONCE


def test_the_open_room_heals_the_list_as_well(window: Window) -> None:
    window.shown_desk.open(TALK)
    window.push(window.say(queued=True))
    assert window.queued() == [1]
    window.deliver(1)
    window.beat()
    assert (window.queued(), window.last().queued) == ([], False)


def glance(window: Window) -> Glance:
    (one,) = glances(window.shown_desk, (), UTC)
    return one


def test_a_line_of_the_list_tells_what_waits_and_what_was_refused(window: Window) -> None:
    mine = window.push(window.say(queued=True))
    assert (glance(window).queued, glance(window).refused, glance(window).title) == (True, "", BOB)
    window.push(window.say(BOB, re=mine.id, code="user_not_found", message="User tidak ada"))
    assert (glance(window).queued, glance(window).refused, glance(window).title) == (False, "user_not_found", BOB)
    window.push(structs.replace(window.say(BOB), name="Bob"))
    assert (glance(window).title, glance(window).realm, glance(window).refused) == ("Bob (bob@pusat)", "pusat", "")


def test_names_of_those_elsewhere_are_known_by_what_they_say(window: Window) -> None:
    desk = window.shown_desk
    window.say(BOB)
    window.kept[TALK] = [structs.replace(window.kept[TALK][0], name="Bob")]
    window.push(window.kept[TALK][0])
    window.push(window.say())
    desk.overview.stale = True
    window.settle()
    assert glance(window).title == "Bob (bob@pusat)", "no list of the realm's has told it"
    fresh = Window()
    fresh.kept = window.kept
    fresh.beat()
    assert glance(fresh).title == BOB
    fresh.shown_desk.open(TALK)
    fresh.settle()
    assert glance(fresh).title == "Bob (bob@pusat)"


def order(window: Window) -> list[str]:
    return [one.address for one in glances(window.shown_desk, (), UTC)]


DAY = 86_400_000


def said_at(window: Window, sent_at: int, talk: ConversationId, sender: str) -> Entry:
    said = structs.replace(window.say(sender, talk=talk), sent_at=sent_at)
    window.kept[talk][-1] = said
    return said


@pytest.mark.parametrize("wrong", [10**14, 30 * DAY, 0])
def test_the_list_goes_by_what_came_last_and_not_by_the_clock_of_another_realm(window: Window, wrong: int) -> None:
    """It may be years ahead, or what it says has waited there for days."""
    overview, henderson, now = window.shown_desk.overview, "henderson@kampus", 20 * DAY
    overview.said(said_at(window, now, HERE, henderson))
    overview.said(said_at(window, wrong, TALK, BOB))
    assert order(window) == [BOB, henderson]
    overview.said(said_at(window, now + 1, HERE, henderson))
    assert order(window) == [henderson, BOB]
    overview.said(said_at(window, wrong, TALK, BOB))
    assert order(window) == [BOB, henderson]


@pytest.mark.parametrize("wrong", [10**14, 30 * DAY, 0])
def test_so_does_the_list_that_the_realm_tells(window: Window, wrong: int) -> None:
    overview, now = window.shown_desk.overview, 20 * DAY
    rows = [
        (ConversationId("private/eva@pusat,messi@kampus"), "eva@pusat", wrong),
        (ConversationId("private/dewi@kampus,messi@kampus"), "dewi@kampus", now),
        (ConversationId("private/citra@pusat,messi@kampus"), "citra@pusat", wrong),
        (TALK, BOB, wrong),
        (ConversationId("private/agus@kampus,messi@kampus"), "agus@kampus", now - DAY),
    ]
    heads = [
        answers.ConversationHead(
            conversation=talk, title="", first=1, head=1, read=0, seen=0, unread=0,
            last=said_at(window, sent_at, talk, sender),
        )
        for talk, sender, sent_at in rows
    ]  # fmt: skip
    overview.take(heads, whole=True)
    assert order(window) == [sender for _, sender, _ in rows]
    overview.take(heads[:3], whole=False)
    assert order(window) == [sender for _, sender, _ in rows], "those of which it tells no more are older"
    overview.said(said_at(window, now + 1, rows[-1][0], "agus@kampus"))
    assert order(window)[0] == "agus@kampus"


def test_in_a_group_those_elsewhere_are_called_by_their_addresses(window: Window) -> None:
    window.push(structs.replace(window.say(BOB, talk=GROUP), name="Lionel Messi"))
    assert glance(window).who == BOB


# what is read further up


def scrolled_up(window: Window, count: int = 3) -> Desk:
    window.shown_desk.open(TALK)
    for _ in range(count):
        window.push(window.say(queued=True))
    window.shown_desk.hold()
    return window.shown_desk


def test_what_is_read_further_up_follows_too(window: Window) -> None:
    desk = scrolled_up(window)
    assert window.queued() == [1, 2, 3]
    window.hear(window.deliver(2))
    assert window.queued() == [1, 3]
    window.deliver(3)
    window.beat()
    assert window.queued() == [1]
    assert desk.past is not None


def test_what_the_mirror_keeps_no_more_is_asked_about(window: Window) -> None:
    desk = scrolled_up(window, LENGTH // 50)
    assert desk.past is not None
    assert desk.shown is not None
    desk.shown.entries = desk.shown.entries[-2:]
    desk.shown.queued.hidden(desk.shown.low)
    window.deliver(1)
    window.deliver(4)
    window.beat()
    assert 1 not in window.queued()
    assert 4 not in window.queued()
    assert len(window.queued()) == LENGTH // 50 - 2
    window.hear(window.deliver(5))
    assert 5 not in window.queued()


def test_an_older_page_that_is_late_does_not_put_it_back(window: Window) -> None:
    desk = scrolled_up(window, 6)
    assert desk.past is not None
    desk.past.entries = desk.past.entries[3:]
    desk.past.older()
    (wish,) = desk.take_wishes()
    late = window.answer(wish.command)
    window.mirror.heard(window.deliver(2))
    desk.heard(events.Delivered(conversation=TALK, seq=2))
    assert isinstance(late, Answer)
    desk.answered(wish, late)
    assert [entry.seq for entry in desk.entries] == [1, 2, 3, 4, 5, 6]
    assert window.queued() == [1, 3, 4, 5, 6]


def test_an_own_message_is_found_wherever_it_is_known(window: Window) -> None:
    desk = scrolled_up(window)
    first = window.kept[TALK][0]
    assert desk.find_own(first.id) == desk.entries[0]
    assert desk.past is not None
    desk.past.entries = desk.past.entries[1:]
    assert desk.find_own(first.id) is not None, "the mirror has it"
    assert desk.find_own("Z" * 26) is None
    desk.close()
    assert desk.find_own(first.id) is None


def test_what_is_heard_of_other_realms_is_counted(window: Window) -> None:
    desk = window.shown_desk
    before = desk.crossings
    window.push(window.say(talk=HERE))
    assert desk.crossings == before
    window.push(window.say(queued=True))
    window.hear(window.deliver(1))
    assert desk.crossings == before + 2


def test_a_mirror_counts_its_beats() -> None:
    mirror = Mirror(ME)
    mirror.beat()
    assert mirror.beats == 1
