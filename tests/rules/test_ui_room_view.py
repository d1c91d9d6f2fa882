"""A room is drawn anew where something of it has changed, and only then."""

from datetime import UTC

import flet as ft
import pytest
from msgspec import structs

from client.model.desk import Desk, mirror_of_a_window
from client.model.past import LENGTH
from client.model.reading import MOST_PAGES, PAGE
from client.model.room import Fate, Message, Outgoing
from client.ui.room_view import RoomView
from schemas.entries import Entry
from schemas.names import ConversationId

USER = "henderson@kampus"
TALK = ConversationId("private/henderson@kampus,messi@kampus")


def entry(seq: int) -> Entry:
    return Entry(
        conversation=TALK, seq=seq, id=f"{seq:026}", sender="messi@kampus", name="Messi\u202e", sent_at=seq,
        kind="text", chain=bytes(32), salt=bytes(16), message=f"text {seq}",
    )  # fmt: skip


class Room:
    """A room with so many entries, which counts how often its list is drawn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self.desk = Desk(mirror_of_a_window(USER), "Henderson")
        self.view = RoomView(UTC)
        self.drawn = 0
        monkeypatch.setattr(self.view.list, "redraw", self._count)
        self.view.open(self.desk, TALK)
        shown = self.desk.shown
        assert shown is not None
        self.shown = shown
        shown.fetched = True
        self.say(count)

    def _count(self) -> None:
        self.drawn += 1

    def say(self, count: int) -> None:
        self.shown.entries += [entry(self.shown.head + number + 1) for number in range(count)]
        self.shown.head += count

    def refresh(self) -> int:
        before = self.drawn
        self.view.refresh(self.desk)
        return self.drawn - before

    def scroll(self, pixels: float, of: float) -> bool:
        event = ft.OnScrollEvent(
            name="scroll", control=ft.ListView(), event_type=ft.ScrollType.UPDATE, pixels=pixels,
            min_scroll_extent=0, max_scroll_extent=of, viewport_dimension=600,
        )  # fmt: skip
        return self.view.scrolled(event, self.desk)

    @property
    def numbers(self) -> list[int]:
        return [one.seq for block in self.view.blocks for one in block.rows if isinstance(one, Message) and one.seq]


def test_it_is_drawn_for_what_changes_and_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch, 300)
    assert room.refresh() == 1
    assert room.refresh() == 0
    room.say(1)
    assert room.refresh() == 1
    one = Outgoing("x", "halo", 1)
    room.desk.send(TALK, one)
    assert room.refresh() == 1
    one.why = "no answer"
    assert room.refresh() == 1
    assert room.refresh() == 0


def test_what_has_not_changed_is_not_even_made(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch, 300)
    room.refresh()
    monkeypatch.setattr("client.ui.room_view.rows", None)
    assert room.refresh() == 0


def test_however_far_one_scrolls_the_page_and_what_is_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch, 900)
    room.refresh()
    assert room.numbers == list(range(801, 901))
    for pixels in range(500, 40_000, 500):
        room.scroll(pixels, pixels + 1_000)
        for number in {one // 20 for one in room.numbers}:
            room.view.reading.measured(f"block-{number}", 1_000)
        room.refresh()
        assert len(room.numbers) <= MOST_PAGES * PAGE
        assert len(room.desk.entries) <= max(900, LENGTH)
    assert 900 - len(room.view.passed) * 20 <= room.numbers[-1] < 200
    room.scroll(0, 40_000)
    room.refresh()
    assert room.numbers == list(range(801, 901))
    assert room.view.passed == []


def test_what_is_read_and_is_of_no_more_use_leads_back_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch, 300)
    room.scroll(500, 5_000)
    room.say(5)
    room.refresh()
    assert (room.numbers[-1], room.view.below) == (300, 5)
    lists = room.view.lists
    room.desk.past = None
    assert room.refresh() == 1
    assert (room.numbers[-1], room.view.below, room.view.lists) == (305, 0, lists + 1)


def test_what_was_refused_far_below_is_never_shown_as_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    there = ConversationId("private/henderson@kampus,messi@pusat")
    room = Room(monkeypatch, 0)
    room.view.open(room.desk, there)
    assert room.desk.shown is not None
    room.shown = room.desk.shown
    room.shown.fetched = True
    said = [structs.replace(entry(seq), conversation=there, sender=USER) for seq in range(1, 301)]
    bounces = [
        structs.replace(entry(300 + one.seq), conversation=there, kind="bounce", re=one.id, code="user_not_found")
        for one in said
    ]
    room.shown.entries, room.shown.head = said + bounces, 600
    room.refresh()
    for pixels in range(500, 24_000, 500):
        room.scroll(pixels, pixels + 1_000)
        for number in range(600 // 20 + 1):
            room.view.reading.measured(f"block-{number}", 1_000)
        room.refresh()
    shown = [one for block in room.view.blocks for one in block.rows if isinstance(one, Message)]
    assert shown[-1].seq is not None
    assert shown[-1].seq < 300, "no entry that says so is on the page"
    assert {one.fate for one in shown} == {Fate.BOUNCED}


def test_a_name_turns_no_line_around(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(monkeypatch, 1)
    room.refresh()
    (message,) = [one for one in room.view.blocks[0].rows if isinstance(one, Message)]
    assert message.name == "Messi\\u202e"
