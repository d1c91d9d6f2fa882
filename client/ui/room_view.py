"""What a window shows of the room that is open: who it is with, its messages, and where the reader is in them."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

import flet as ft

from client.model.attached import of_parcel
from client.model.bounce import refusals
from client.model.desk import Desk
from client.model.reading import Block, Reading, blocks
from client.model.room import rows
from client.ui.draw import Tick
from schemas.entries import Entry
from schemas.names import ConversationId, crosses

AT_END: Final = 40
"""Logical pixels from the end within which somebody reads what comes."""
NEAR_START: Final = 1_200
"""Logical pixels from the oldest message on the page at which older ones are put there."""


class RoomView:
    """The room of one window. Everything is read from the desk; the ticks say what to draw anew."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self.head, self.list, self.pill = Tick(), Tick(), Tick()
        self.conversation: ConversationId | None = None
        self.blocks: list[Block] = []
        self.known = False
        """Whether it is known what was said here, so that nothing means nothing."""
        self.passed: list[float] = []
        """The heights of blocks below those, which the reader has passed, the newest first."""
        self.below = 0
        """Messages that wait below the page."""
        self.lists = 0
        """Which of the lists that it has had the room shows: what is heard of others is over."""
        self.reading = Reading()
        self._seen: object = None
        """What was drawn last, as far as it may change."""
        self._refused: dict[str, str] = {}
        """What another realm has refused, as far as the room has told since it was opened: a message that is on the
        page may be far from the entry that says so."""
        self._told: list[tuple[int, int]] = []
        """The numbers of the runs of entries of which that was taken."""

    def open(self, desk: Desk, conversation: ConversationId) -> None:
        """Show a room from its end."""
        desk.open(conversation)
        if conversation != self.conversation:
            self.conversation = conversation
            self.reading = Reading()
            self.blocks = []
            self.known = False
            self._seen = None
            self._refused, self._told = {}, []

    def refresh(self, desk: Desk, *, everything: bool = False) -> None:
        """See what has changed."""
        shown, reading = desk.shown, self.reading
        if desk.past is None and not reading.follows:  # it is of no more use
            self._begin_anew()
        entries, outgoing = reading.shown(desk.entries), reading.outgoing(desk.outgoing)
        row = desk.overview.rows.get(desk.room) if desk.room is not None else None
        seen = max(shown.seen if shown is not None else 0, row.seen if row is not None else 0)
        known, passed = shown is not None and shown.complete, reading.passed(desk.entries)
        sending = [(one.entry, one.fate, one.why, one.file and of_parcel(one.file)) for one in outgoing]
        if across := desk.room is not None and crosses(desk.room):
            self._see_refused(desk.entries, () if shown is None else shown.entries)
        if everything or (now := (entries, sending, seen, known, passed, len(self._refused))) != self._seen:
            self._seen = now
            page = rows(
                entries, outgoing, user=desk.user, name=desk.name, seen=seen, zone=self._zone, crosses=across,
                refused=self._refused,
            )  # fmt: skip
            self._show(blocks(page), known, passed, everything=everything)
        below = reading.below(shown.high if shown is not None else 0)
        if everything or below != self.below:
            self.below = below
            self.pill.redraw()

    def _see_refused(self, *runs: Sequence[Entry]) -> None:
        told = [(run[0].seq, run[-1].seq) for run in runs if run]
        if told != self._told:
            self._told = told
            for run in runs:
                self._refused.update(refusals(run))

    def _show(self, made: list[Block], known: bool, passed: list[float], *, everything: bool) -> None:
        if everything or (made, known, passed) != (self.blocks, self.known, self.passed):
            self.blocks, self.known, self.passed = made, known, passed
            self.list.redraw()

    def scrolled(self, event: ft.OnScrollEvent, desk: Desk) -> bool:
        """The reader has moved; whether what is on the page may be another part now. The list begins at its end."""
        shown = desk.shown
        if shown is None or not shown.entries:
            return False
        if event.pixels <= AT_END:
            moved = not self.reading.follows
            self.reading.follow()
            desk.follow()
            return moved
        desk.hold()
        self.reading.hold(shown.high)
        self.reading.scrolled(event.pixels)
        if event.max_scroll_extent - event.pixels < NEAR_START and self.reading.more(desk.entries):
            desk.older()
        if self.reading.lacks_newer(desk.entries):
            desk.newer()
        return True

    def to_end(self, desk: Desk) -> None:
        """Show the newest messages: in a new list, for in one that grew out of sight Flutter misses the end."""
        if self.reading.follows:
            return
        desk.follow()
        self._begin_anew()
        self.refresh(desk, everything=True)

    def _begin_anew(self) -> None:
        self.lists += 1
        self.reading.follow()
        self._seen = None
