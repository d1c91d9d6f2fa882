"""Which of a room's messages are on the page: the newest, or those around where the reader has scrolled to.

Who reads further up is not disturbed: what is said meanwhile waits below, and is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from client.model.bounce import Bounce
from client.model.room import Day, Message, Outgoing, Row
from schemas.entries import Entry

PAGE: Final = 100
"""Messages that are on the page at first, and that come with each scrolling up."""
MOST_PAGES: Final = 2
"""So many are on the page at most: who scrolls on up takes leave of what is below, out of sight."""
BLOCK: Final = 20
"""Numbers of entries that are drawn as one: where one of them changes, the others of the page need no look."""
BESIDE: Final = 2_400.0
"""Logical pixels below what is in sight that are on the page, at least."""


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
        """The number of the newest entry that the reader has seen, while they are further up."""
        self._upto = 0
        """While they are, the number of the newest entry that is on the page."""
        self._heights: dict[str, float] = {}
        """Of the blocks that were on the page, by their keys: what is taken off it leaves its room there."""

    @property
    def follows(self) -> bool:
        """Whether the reader is at the end, and sees what comes."""
        return self._held is None

    def hold(self, newest: int) -> None:
        """The reader has scrolled away from the end."""
        if self._held is None:
            self._held = self._upto = newest

    def measured(self, block: str, height: float) -> None:
        """So high was a block drawn, in logical pixels."""
        self._heights[block] = height

    def scrolled(self, pixels: float) -> None:
        """What is on the screen ends `pixels` above the end: what is far below that need not be on the page."""
        if self._held is None:
            return
        number, room = self._held // BLOCK, pixels - BESIDE
        while (height := self._heights.get(f"block-{number}")) is not None and height <= room:
            number, room = number - 1, room - height
        self._upto = min(self._held, (number + 1) * BLOCK - 1)

    def follow(self) -> None:
        """The reader is at the end: what is far up need not be on the page any more."""
        self._held = None
        self._pages = 1

    def more(self, entries: Sequence[Entry]) -> bool:
        """The reader comes near the start of the page: put more there. Whether older ones must be fetched for that."""
        if len(self.shown(entries)) >= self._pages * PAGE:
            self._pages = min(self._pages + 1, MOST_PAGES)
        shown = self.shown(entries)
        return bool(shown) and shown[0] is entries[0]

    def lacks_newer(self, entries: Sequence[Entry]) -> bool:
        """Whether entries must be fetched for a reader who comes down again."""
        return bool(entries) and self._held is not None and entries[-1].seq < min(self._held, self._upto + PAGE)

    def shown(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those of the entries, numbered one after the other, that are on the page."""
        end = len(entries)
        if self._held is not None and entries:
            end = max(0, self._newest(entries) + 1 - entries[0].seq)
        return entries[max(0, end - self._pages * PAGE) : end]

    def passed(self, entries: Sequence[Entry]) -> list[float]:
        """The heights of the blocks that were taken off the page at its end, the newest first."""
        if self._held is None or not entries or self._newest(entries) >= self._held:
            return []
        taken = range(self._held // BLOCK, (self._newest(entries) + 1) // BLOCK - 1, -1)
        return [self._heights.get(f"block-{number}", 0) for number in taken]

    def _newest(self, entries: Sequence[Entry]) -> int:
        """The number of the newest entry on the page: the last of a block, so that blocks keep their heights."""
        known = entries[-1].seq
        return self._upto if known >= self._upto else (known + 1) // BLOCK * BLOCK - 1

    def outgoing(self, outgoing: Sequence[Outgoing]) -> Sequence[Outgoing]:
        """What is on its way comes last, so it is on the page only at the end."""
        return outgoing if self._held is None else ()

    def below(self, newest: int) -> int:
        """How many the reader has not seen, of those up to number `newest`."""
        return 0 if self._held is None else max(0, newest - self._held)


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


def _block(message: Message | Bounce) -> str:
    return "outgoing" if message.seq is None else f"block-{message.seq // BLOCK}"
