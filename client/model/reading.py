"""Which of a room's messages are on the page: the newest, or those around where the reader has scrolled to.

Who reads further up is not disturbed: what is said meanwhile waits below, and is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from client.model.room import Day, Message, Outgoing, Row
from schemas.entries import Entry

PAGE: Final = 100
"""Messages that are on the page at first, and that come with each scrolling up."""
BLOCK: Final = 20
"""Numbers of entries that are drawn as one: where one of them changes, the others of the page need no look."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows that are drawn as one."""

    key: str
    rows: tuple[Row, ...]


class Reading:
    """One reader in one room."""

    def __init__(self) -> None:
        self._pages = 1
        self._held: int | None = None
        """The number of the newest entry on the page, while the reader is further up."""

    @property
    def follows(self) -> bool:
        """Whether the reader is at the end, and sees what comes."""
        return self._held is None

    def hold(self, newest: int) -> None:
        """The reader has scrolled away from the end."""
        if self._held is None:
            self._held = newest

    def follow(self) -> None:
        """The reader is at the end: what is far up need not be on the page any more."""
        self._held = None
        self._pages = 1

    def more(self, entries: Sequence[Entry]) -> bool:
        """The reader comes near the start of the page: put more there. Whether still older ones must be fetched."""
        shown = self.shown(entries)
        if len(shown) >= self._pages * PAGE:
            self._pages += 1
        return len(self.shown(entries)) < self._pages * PAGE

    def shown(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those of the entries that are on the page."""
        if self._held is not None and entries and entries[0].seq > self._held:
            self.follow()  # the room was begun anew at its end: what was read is not there any more
        upto = entries if self._held is None else [entry for entry in entries if entry.seq <= self._held]
        return upto[-self._pages * PAGE :]

    def outgoing(self, outgoing: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """What is on its way comes last, so it is on the page only at the end."""
        return outgoing if self._held is None else ()

    def below(self, entries: Sequence[Entry]) -> int:
        """How many wait below the page."""
        if self._held is None or not entries:
            return 0
        return max(0, entries[-1].seq - self._held)


def blocks(rows: Sequence[Row]) -> list[Block]:
    """The rows in order, in blocks of which only the first and the last change when something is said at the end."""
    made: list[Block] = []
    day: Day | None = None
    key, gathered = "", list[Row]()
    for one in rows:
        if isinstance(one, Day):
            day = one
            continue
        if (belongs := _block(one)) != key and gathered:
            made.append(Block(key, tuple(gathered)))
            gathered = []
        key = belongs
        if day is not None:
            gathered.append(day)
            day = None
        gathered.append(one)
    if gathered:
        made.append(Block(key, tuple(gathered)))
    return made


def _block(message: Message) -> str:
    return "outgoing" if message.seq is None else f"block-{message.seq // BLOCK}"
