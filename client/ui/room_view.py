"""What a window shows of the room that is open: who it is with, its messages, and where the reader is in them."""

from datetime import tzinfo
from typing import Final

import flet as ft

from client.model.desk import Desk
from client.model.reading import Block, Reading, blocks
from client.model.room import rows
from client.ui.draw import Tick
from schemas.names import ConversationId

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
        self.below = 0
        """Messages that wait below the page."""
        self.lists = 0
        """Which of the lists that it has had the room shows: what is heard of others is over."""
        self.reading = Reading()

    def open(self, desk: Desk, conversation: ConversationId) -> None:
        """Show a room from its end."""
        desk.open(conversation)
        if conversation != self.conversation:
            self.conversation = conversation
            self.reading = Reading()
            self.blocks = []
            self.known = False

    def refresh(self, desk: Desk, *, everything: bool = False) -> None:
        """See what has changed."""
        shown = desk.shown
        row = desk.overview.rows.get(desk.room) if desk.room is not None else None
        entries = shown.entries if shown is not None else []
        page = rows(
            self.reading.shown(entries),
            self.reading.outgoing(desk.outgoing),
            user=desk.user,
            name=desk.name,
            seen=max(shown.seen if shown is not None else 0, row.seen if row is not None else 0),
            zone=self._zone,
        )
        known = shown is not None and shown.complete
        made, below = blocks(page), self.reading.below(entries)
        if everything or made != self.blocks or known != self.known:
            self.blocks, self.known = made, known
            self.list.redraw()
        if everything or below != self.below:
            self.below = below
            self.pill.redraw()

    def scrolled(self, event: ft.OnScrollEvent, desk: Desk) -> bool:
        """The reader has moved; whether what is on the page may be another part now. The list begins at its end."""
        shown = desk.shown
        if shown is None or not shown.entries:
            return False
        if event.pixels <= AT_END:
            moved = not self.reading.follows
            self.reading.follow()
            desk.read_back(back=False)
            return moved
        self.reading.hold(shown.high)
        desk.read_back(back=True)
        if event.max_scroll_extent - event.pixels < NEAR_START and self.reading.more(shown.entries):
            desk.older()
        return True

    def to_end(self, desk: Desk) -> None:
        """Show the newest messages: in a new list, for in one that grew out of sight Flutter misses the end."""
        if self.reading.follows:
            return
        self.lists += 1
        self.reading.follow()
        desk.read_back(back=False)
        self.refresh(desk, everything=True)
