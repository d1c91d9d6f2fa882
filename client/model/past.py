"""What somebody reads further up in a room: a run of entries around there, apart from the newest that the mirror keeps.

However far one scrolls, it gets no longer: what is far from the reader is let go, and fetched again where it is needed.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from msgspec import structs

from client.queued import Queued
from client.shown import Shown
from schemas import commands
from schemas.answers import Answer, History
from schemas.entries import Entry, follows

LENGTH: Final = 500
"""Entries of it, once any were added."""


class Past:
    """A run of entries without a gap, each following from the one before, as they are in `shown` at first."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._wanted: commands.History | None = None
        self._asked: commands.History | None = None
        self._first = shown.first
        self._queued = Queued()
        """Which of the entries wait for another realm."""
        self.entries = list(map(self._queued.shown, shown.entries))
        """Never empty."""

    def older(self) -> None:
        """What came before it is needed."""
        if self.entries[0].seq > self._first:
            self._wanted = commands.History(id=0, conversation=self._shown.id, before=self.entries[0].seq)

    def newer(self) -> bool:
        """What came after it is needed. False where it does not follow from this: the run is of no more use."""
        newest, known = self.entries[-1].seq, self._shown.entries
        if known and known[0].seq <= newest + 1:
            return self._add(known[newest + 1 - known[0].seq :])
        self._wanted = commands.History(id=0, conversation=self._shown.id, after=newest)
        return True

    def take_question(self) -> commands.History | None:
        """What the realm must be asked now; one thing at a time."""
        if self._asked is not None:
            return None
        self._asked, self._wanted = self._wanted or self._queued_question(), None
        return self._asked

    def _queued_question(self) -> commands.History | None:
        span = self._queued.next_page(self._first) if self._queued.wanted else None
        if span is None:
            return None
        begin, end = span
        question = commands.History(id=0, conversation=self._shown.id, after=begin - 1, limit=end - begin + 1)
        self._queued.asked = question
        return question

    def answered(self, command: commands.History, outcome: Answer | Exception) -> bool:
        """Take the answer to a question; False as in `newer`. One that failed is asked again when somebody scrolls."""
        if command is not self._asked:
            return True
        self._asked = None
        if not isinstance(outcome, History):
            return True
        self._first = outcome.first
        if command is self._queued.asked:
            corrected = sum(map(self._correct, outcome.entries))
            upto = outcome.entries[-1].seq if outcome.entries else self.entries[-1].seq
            self._queued.answered(upto, changed=corrected > 0)
            return True
        return self._add(outcome.entries)

    # what waits for another realm

    def beat(self) -> None:
        """Time has passed: see what has become of those that wait."""
        self._queued.beat()

    def delivered(self, seq: int) -> None:
        """The other realm has taken an entry."""
        self._queued.delivered(seq)
        at = seq - self.entries[0].seq
        if 0 <= at < len(self.entries):
            self.entries[at] = structs.replace(self.entries[at], queued=False)

    def agree(self) -> None:
        """Take over what the mirror knows of those that wait."""
        known = self._shown.entries
        for seq in sorted(self._queued.numbers):
            if known and known[0].seq <= seq <= known[-1].seq:
                self._correct(known[seq - known[0].seq])

    def _correct(self, told: Entry) -> bool:
        """Take an entry as it is now; whether it has waited before."""
        at, before = told.seq - self.entries[0].seq, len(self._queued.numbers)
        if 0 <= at < len(self.entries) and self.entries[at].chain == told.chain:
            self.entries[at] = self._queued.corrected(self.entries[at], told)
        return len(self._queued.numbers) < before

    def _add(self, page: Sequence[Entry]) -> bool:
        """Put entries before or after the run, where their numbers go on from it: both ends may have been let go."""
        before = bool(page) and page[-1].seq == self.entries[0].seq - 1
        if not before and not (page and page[0].seq == self.entries[-1].seq + 1):
            return True
        run = [*page, self.entries[0]] if before else [self.entries[-1], *page]
        if not all(_follows(one, other) for one, other in pairwise(run)):
            return False
        told = map(self._queued.shown, page)
        if before:
            self.entries = [*told, *self.entries][:LENGTH]
        else:
            self.entries = [*self.entries, *told][-LENGTH:]
        low, high = self.entries[0].seq, self.entries[-1].seq
        self._queued.numbers = {seq for seq in self._queued.numbers if low <= seq <= high}
        return True


def _follows(one: Entry, other: Entry) -> bool:
    return other.seq == one.seq + 1 and other.conversation == one.conversation and follows(one.chain, other)
