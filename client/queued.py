"""Which of the entries that are shown still wait for another realm: `queued` is outside the chain, and changes later.

A push tells it (`delivered`) and may be lost; so with every heartbeat `history` is asked again for what waits, the
oldest first, a page at a time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from schemas.entries import Entry
from schemas.limits import MAX_ITEMS

TOLD: Final = 1_000
"""Numbers that are remembered as delivered."""


@dataclass(slots=True)
class Queued:
    """The numbers of the entries of one conversation that wait, as far as a client knows."""

    numbers: set[int] = field(default_factory=set)
    wanted: bool = False
    """Whether the realm is to be asked what became of them."""
    asked: object | None = None
    """The question about them that is under way."""
    _told: dict[int, None] = field(default_factory=dict)
    """The last that were told to be delivered: an answer or a push that is under way may not know it yet."""
    _behind: int = 0
    """Up to here it was asked in this round; then a new one begins with the oldest."""

    def shown(self, entry: Entry) -> Entry:
        """An entry as it is to be shown from now on."""
        if not entry.queued:
            return entry
        if entry.seq in self._told:
            return structs.replace(entry, queued=False)
        self.numbers.add(entry.seq)
        return entry

    def delivered(self, seq: int) -> None:
        """The other realm has taken it."""
        if len(self._told) >= TOLD:
            del self._told[next(iter(self._told))]
        self._told[seq] = None
        self.numbers.discard(seq)

    def corrected(self, entry: Entry, told: Entry) -> Entry:
        """An entry that is shown, as the realm tells it now: what was delivered does not wait again."""
        if told.queued or not entry.queued:
            return entry
        self.numbers.discard(entry.seq)
        return structs.replace(entry, queued=False)

    def hidden(self, below: int) -> None:
        """Entries with lower numbers are no longer shown."""
        self.numbers = {seq for seq in self.numbers if seq >= below}

    def clear(self) -> None:
        """Nothing is shown."""
        self.numbers.clear()
        self.wanted = False

    def beat(self) -> bool:
        """Time has passed: see what became of those that wait; whether any does."""
        self.wanted = bool(self.numbers)
        return self.wanted

    def next_page(self, first: int) -> tuple[int, int] | None:
        """The first and the last number to ask about now; the realm has nothing below `first`."""
        self.wanted = False
        waiting = sorted(seq for seq in self.numbers if seq >= first)
        if not waiting:
            return None
        begin = next((seq for seq in waiting if seq > self._behind), waiting[0])
        return begin, max(seq for seq in waiting if seq < begin + MAX_ITEMS)

    def answered(self, upto: int, *, changed: bool) -> None:
        """The realm has told of those up to a number; where some wait no longer, those after them may not either."""
        self._behind = upto
        self.wanted = changed and any(seq > upto for seq in self.numbers)


def differ(shown: Sequence[Entry], page: Iterable[Entry]) -> bool:
    """Whether a page tells other entries than those that are shown under the same numbers."""
    low = shown[0].seq if shown else 0
    return any(low <= entry.seq < low + len(shown) and shown[entry.seq - low].chain != entry.chain for entry in page)
