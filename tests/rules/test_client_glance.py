"""The list of conversations as it is read: one line for each, with what matters of it."""

from collections.abc import Container
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from client.model.brief import one_line
from client.model.desk import Desk, Unsaid, mirror_of_a_window
from client.model.glance import Glance, glances
from client.model.overview import Conversation
from schemas.entries import Entry
from schemas.names import ConversationId

USER = "henderson@kampus"
TALK = ConversationId("private/henderson@kampus,messi@kampus")
NOTES = ConversationId("private/henderson@kampus,henderson@kampus")
GROUP = ConversationId("group/new@kampus")


def entry(conversation: ConversationId, sender: str = "messi@kampus", text: str = "halo", sent_at: int = 0) -> Entry:
    return Entry(
        conversation=conversation, seq=1, id="0" * 26, sender=sender, name=sender.partition("@")[0].title(),
        sent_at=sent_at, kind="text", chain=bytes(32), salt=bytes(16), message=text,
    )  # fmt: skip


def row(conversation: ConversationId, title: str = "Messi", last: Entry | None = None, unread: int = 0) -> Conversation:
    return Conversation(conversation, title, head=1, unread=unread, last=last)


def desk_of(*rows: Conversation, unsaid: Unsaid | None = None) -> Desk:
    desk = Desk(mirror_of_a_window(USER), "Henderson", unsaid)
    desk.overview.rows = {one.id: one for one in rows}
    return desk


def glance(desk: Desk, active: Container[str] = ()) -> Glance:
    (one,) = glances(desk, active, UTC)
    return one


def test_who_wrote_last_is_first_and_silence_is_last() -> None:
    rows = [
        row(ConversationId(f"private/henderson@kampus,user{number}@kampus"), f"User {number}", last)
        for number, last in enumerate([entry(TALK, sent_at=at) if at else None for at in (5, 0, 9, 7, 0)])
    ]
    titles = [one.title for one in glances(desk_of(*rows), (), UTC)]
    assert titles == ["User 2", "User 3", "User 0", "User 1", "User 4"]


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**13)), max_size=30))
def test_glances_are_in_order_and_all_there(times: list[int | None]) -> None:
    rows = [
        row(ConversationId(f"group/g{number}@kampus"), "G", None if at is None else entry(GROUP, sent_at=at))
        for number, at in enumerate(times)
    ]
    seen = glances(desk_of(*rows), (), UTC)
    assert sorted(one.id for one in seen) == sorted(one.id for one in rows)
    said = [one.at for one in seen if one.at is not None]
    assert said == sorted(said, reverse=True)


def test_a_line_of_a_private_conversation() -> None:
    zone = timezone(timedelta(hours=7))
    desk = desk_of(row(TALK, last=entry(TALK, text="selamat\nmalam", sent_at=3_600_000), unread=3))
    (seen,) = glances(desk, ["messi@kampus"], zone)
    assert seen == Glance(
        id=TALK, title="Messi", address="messi@kampus", is_group=False, own=False, who="", text="selamat malam",
        draft=False, at=datetime(1970, 1, 1, 8, tzinfo=zone), unread=3, active=True, is_open=False,
    )  # fmt: skip


def test_a_line_of_a_group_names_who_said_it() -> None:
    seen = glance(desk_of(row(GROUP, "New", entry(GROUP))), active=["new@kampus", "messi@kampus"])
    assert (seen.who, seen.address, seen.is_group) == ("Messi", "new@kampus", True)
    assert not seen.active, "a group is nobody who could be"


def test_own_messages_are_told() -> None:
    assert glance(desk_of(row(TALK, last=entry(TALK, USER)))).own
    assert not glance(desk_of(row(TALK, last=entry(TALK)))).own


def test_notes_are_with_oneself() -> None:
    assert glance(desk_of(row(NOTES))).address == USER


def test_nothing_said_yet() -> None:
    seen = glance(desk_of(row(GROUP, "New")))
    assert (seen.text, seen.who, seen.at, seen.own) == ("", "", None, False)


def test_an_entry_without_a_text() -> None:
    assert glance(desk_of(row(TALK, last=structs.replace(entry(TALK), message=UNSET)))).text == ""


def test_what_was_erased_is_told_apart_from_silence() -> None:
    gone = structs.replace(entry(TALK), message=UNSET, salt=UNSET, erased=True, body=bytes(32))
    assert glance(desk_of(row(TALK, last=gone))).erased
    assert not glance(desk_of(row(TALK, last=gone), unsaid=Unsaid(drafts={TALK: "besok"}))).erased
    bounce = glance(desk_of(row(TALK, last=structs.replace(gone, kind="bounce"))))
    assert (bounce.erased, bounce.refused) == (True, "")


def test_a_draft_is_shown_instead_of_the_last_message() -> None:
    unsaid = Unsaid(drafts={TALK: " besok\nsaya "})
    desk = desk_of(row(TALK, last=entry(TALK)), unsaid=unsaid)
    assert (glance(desk).text, glance(desk).draft) == ("besok saya", True)
    desk.open(TALK)
    assert (glance(desk).text, glance(desk).draft) == ("halo", False)
    desk.open(GROUP)
    unsaid.drafts[TALK] = " \n"
    assert (glance(desk).text, glance(desk).draft) == ("halo", False)


def test_the_room_in_view_has_nothing_unread() -> None:
    desk = desk_of(row(TALK, unread=4))
    assert (glance(desk).unread, glance(desk).is_open) == (4, False)
    desk.open(TALK)
    assert (glance(desk).unread, glance(desk).is_open) == (0, True)
    desk.in_view = False
    assert (glance(desk).unread, glance(desk).is_open) == (4, True)


# one line


@given(st.text(), st.integers(1, 50))
def test_one_line_is_one_and_short(text: str, at_most: int) -> None:
    line = one_line(text, at_most)
    assert len(line.splitlines()) <= 1
    assert len(line) <= at_most + 1
    assert line == line.strip()
    assert "  " not in line


@given(st.lists(st.text(st.characters(categories=["L", "N", "S"]), min_size=1, max_size=9), max_size=9))
def test_one_line_keeps_the_words(words: list[str]) -> None:
    assert one_line("\n\t ".join(words), 200) == " ".join(words)


def test_one_line_says_that_it_was_cut() -> None:
    assert one_line("a" * 120) == "a" * 120
    assert one_line("a" * 121) == "a" * 120 + "…"
    assert len(one_line("a" * 10**6)) == 121


def test_a_huge_message_is_not_read_to_its_end() -> None:
    class Huge(str):
        __slots__ = ()

        def split(self, *_: object) -> list[str]:
            raise AssertionError("all of it was split")

    assert one_line(Huge("a b " * 1_000)) == ("a b " * 30)[:120] + "…"


@pytest.mark.parametrize(("text", "line"), [("a" + " " * 500 + "b", "a b"), (" " * 500 + "b", "b")])
def test_many_blanks_hide_nothing(text: str, line: str) -> None:
    assert one_line(text) in (line, line.partition(" ")[0] + "…")


@pytest.mark.parametrize("sent_at", [10**18, -(10**17), 253_402_300_799_999])
def test_a_time_that_no_clock_shows(sent_at: int) -> None:
    """From a realm that is wrong."""
    desk = desk_of(row(TALK, last=entry(TALK, sent_at=sent_at)))
    (seen,) = glances(desk, (), timezone(timedelta(hours=7)))
    assert seen.text == "halo"
