"""One conversation as far as a client knows it: a run of entries without a gap, each following from the one before.

What comes out of turn is kept until its place is reached; what does not follow makes the conversation be fetched anew.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from msgspec import UNSET, UnsetType, structs

from client.news import News as News
from client.queued import Queued, differ
from schemas import answers, commands
from schemas.entries import CHAIN_START, Entry, follows
from schemas.names import ConversationId, parse

EARLY: Final = 1_000
"""Entries of one conversation that are kept while what lies before them is missing; others are fetched later."""

DOUBTS: Final = 3
"""So often a conversation that does not hold together is fetched anew."""


@dataclass(slots=True)
class Shown:
    """A conversation, what is known of it, and what must be asked."""

    id: ConversationId
    news: News
    wanted: bool = True
    """Whether somebody looks at it; otherwise only its end is known, and entries are told as they come."""
    too_far: int | None = None
    """Behind by more entries it is begun anew at its newest page; None: all that was missed is fetched."""
    keep: int | None = None
    """So many entries are kept, and up to as many again; None: all."""
    entries: list[Entry] = field(default_factory=list)
    head: int = 0
    """The highest number that is known to exist."""
    first: int = 1
    """The lowest number that the realm still has."""
    seen: int = 0
    """How far the other user of a private conversation has read."""
    told: int | None = None
    """Up to here entries are no news any more; None until the conversation was first met."""
    asking: bool = False
    older: bool = False
    """Whether somebody wants to see what came before."""
    fetched: bool = False
    """Whether a page of it was ever fetched."""
    queued: Queued = field(default_factory=Queued)
    """Which of the entries wait for another realm."""
    _early: dict[int, Entry] = field(default_factory=dict)
    _has_told: bool = False
    _asked_head: int = 0
    _doubts: int = 0
    """How often in a row it had to be fetched anew."""

    @property
    def low(self) -> int:
        """The number of the oldest entry that is shown; one above the head where there is none."""
        return self.entries[0].seq if self.entries else self.head + 1

    @property
    def high(self) -> int:
        """The number of the newest entry that is shown, 0 where there is none."""
        return self.entries[-1].seq if self.entries else 0

    @property
    def untrusted(self) -> bool:
        """Whether the realm's own answers contradict each other here: it is not asked any more."""
        return self._doubts >= DOUBTS

    @property
    def cursor(self) -> int:
        """Up to where the realm need not tell anything."""
        return self.high if self.wanted else self.head

    @property
    def complete(self) -> bool:
        """Whether everything up to the head is shown."""
        return self.fetched and (self.high == self.head or self.first > self.head)

    @property
    def idle(self) -> bool:
        """Whether nothing is asked, and nothing wanted."""
        wants = self.asking or self.older or self.queued.wanted or not (self.complete or self.untrusted)
        return not self.wanted or not wants

    def want(self) -> None:
        """Somebody looks at it from now on."""
        self.wanted = True

    def let_go(self) -> None:
        """Nobody looks at it any more: keep nothing but where it ends."""
        self.wanted = self.older = False
        self._early.clear()
        self._doubts = 0
        self._restart()
        self.told = max(self.told or 0, self.head)

    def meet(self, told: int) -> None:
        """Here the news begin, unless they have begun already."""
        if self.told is None:
            self.told = told

    def meet_push(self, told: int) -> None:
        """What comes behind `told` was pushed, so the news begin there at the latest, where none were told yet."""
        if self.told is None:
            self.told = told
        elif told < self.told and not self._has_told:
            self.told = told
            if self.entries and self.low > told + 1:
                self._restart()
            for entry in self.entries:
                self._tell(entry)

    def said(self, entry: Entry) -> None:
        """Take in one entry that was pushed, or sent by this device."""
        if not self.wanted:
            self.head = max(self.head, entry.seq)
            self._tell(entry)
            return
        self.head = max(self.head, entry.seq)
        if not self.fetched or entry.seq > self.high + 1:
            if len(self._early) < EARLY:
                self._early[entry.seq] = entry
        elif entry.seq == self.high + 1:
            self._append(entry)
            self._append_early()
        elif entry.seq >= self.low and self.entries[entry.seq - self.low].chain != entry.chain:
            self._doubt()

    def ends_at(self, head: int, cursor: int) -> None:
        """Take in where the realm says that it ends; it was shown up to `cursor` when the realm was asked."""
        if head < cursor:
            self.head = head
            self._doubt()
        self.head = max(self.head, head)

    def next_question(self) -> commands.History | None:
        """What to ask now, if anything."""
        if not self.wanted or self.asking or self.untrusted:
            return None
        if self.complete:
            return self._older_question() or self._queued_question()
        if self.fetched and self.too_far is not None and self.head - self.high > self.too_far:
            self._restart()
        after: int | UnsetType = UNSET
        if self.fetched:
            after = self.high
        elif self.too_far is None and self.told is not None:
            after = max(0, self.told - 1)  # the last that was told comes too: what is new follows from it
        return self._asked(commands.History(id=0, conversation=self.id, after=after))

    def _older_question(self) -> commands.History | None:
        wanted, self.older = self.older, False
        if not wanted or self.low <= self.first:
            return None
        return self._asked(commands.History(id=0, conversation=self.id, before=self.low))

    def _queued_question(self) -> commands.History | None:
        span = self.queued.next_page(self.first) if self.queued.wanted else None
        if span is None:
            return None
        begin, end = span
        question = commands.History(id=0, conversation=self.id, after=begin - 1, limit=end - begin + 1)
        self.queued.asked = question
        return self._asked(question)

    def _asked(self, question: commands.History) -> commands.History:
        self.asking, self._asked_head = True, self.head
        return question

    def take_page(self, command: commands.History, page: answers.History) -> None:
        """Take in the answer to a question."""
        if not self.wanted:
            self.head = max(self.head, page.head)
            return
        if not self._is_run(page.entries):
            self._doubt()
            return
        self.first, self.seen = page.first, max(self.seen, page.seen)
        if command is self.queued.asked:
            self._take_queued(page)
            return
        self._take_head(page.head)
        if command.before is not UNSET:
            self._prepend(page.entries)
            return
        if command.after is UNSET and self._begins_too_late(page.entries):
            return  # when it was asked for, nobody knew where the news begin: it is asked again, from there
        if command.after is UNSET or not self.fetched:
            self._restart()
            self.fetched = True
        elif page.head < self.high or (self.high < page.head and not _continues(page, command.after)):
            self._doubt()
            return
        before = self.high
        self._correct(page.entries)
        for entry in page.entries:
            if (entry.seq == self.high + 1 or not self.entries) and not self._append(entry):
                return
        self._append_early()
        if self.complete or self.high > before:
            self._doubts = 0
        else:
            self._doubt()

    def delivered(self, seq: int) -> None:
        """The other realm has taken the entry with this number."""
        self.queued.delivered(seq)
        if self.low <= seq <= self.high:
            at = seq - self.low
            self.entries[at] = structs.replace(self.entries[at], queued=False)

    def beat(self) -> bool:
        """Time has passed: whether there is something to be asked about what waits for another realm."""
        return self.wanted and self.queued.beat()

    def take_read(self, user: str, seq: int, by: str) -> None:
        """Take a read mark, where it is of the other one of a private conversation."""
        kind, parties = parse(self.id)
        if kind == "private" and by in parties and by != user:
            self.seen = max(self.seen, seq)

    def _take_queued(self, page: answers.History) -> None:
        """Take in what has become of entries that waited, unless they are shown no more."""
        if not self.fetched:
            return
        if page.head < self._asked_head or differ(self.entries, page.entries):
            self._doubt()
            return
        self.head = max(self.head, page.head)
        changed = self._correct(page.entries)
        self.queued.answered(page.entries[-1].seq if page.entries else self.high, changed=changed)

    def _correct(self, page: list[Entry]) -> bool:
        """See which of the entries of a page do not wait any more; whether any was shown as waiting."""
        before = len(self.queued.numbers)
        for told in page:
            at = told.seq - self.low
            if 0 <= at < len(self.entries) and self.entries[at].chain == told.chain:
                self.entries[at] = self.queued.corrected(self.entries[at], told)
        return len(self.queued.numbers) < before

    def _is_run(self, page: list[Entry]) -> bool:
        """Whether these entries are of this conversation, and numbered one after the other."""
        return all(
            entry.conversation == self.id and entry.seq == seq
            for seq, entry in enumerate(page, start=page[0].seq if page else 0)
        )

    def _take_head(self, head: int) -> None:
        """Take in how far a page says that it goes; when it was asked for, a push may have said more, wrongly."""
        if head < self._asked_head:
            self.head = max(head, self.high)
            self._early = {seq: entry for seq, entry in self._early.items() if seq <= head}
        self.head = max(self.head, head)

    def _append(self, entry: Entry) -> bool:
        """Show the next entry; whether it follows."""
        before = self.entries[-1].chain if self.entries else CHAIN_START if entry.seq == 1 else None
        if before is not None and not follows(before, entry):
            self._doubt()
            return False
        if self.keep is not None and len(self.entries) >= 2 * self.keep:
            del self.entries[: -self.keep]
            self.queued.hidden(self.low)
        entry = self.queued.shown(entry)
        self.entries.append(entry)
        self.head = max(self.head, entry.seq)
        self.meet(self.head)
        self._tell(entry)
        self._bounced(entry)
        return True

    def _bounced(self, entry: Entry) -> None:
        """What came back waits no longer."""
        for seq in [one.seq for one in self.entries if one.queued and one.id == entry.re]:
            self.delivered(seq)

    def _tell(self, entry: Entry) -> None:
        """Make an entry news, if it is."""
        if entry.seq > (self.told or 0):
            self.told, self._has_told = entry.seq, True
            self.news.tell(entry)

    def _append_early(self) -> None:
        """Show what had come too early, as far as it follows now."""
        while self.fetched and (entry := self._early.pop(self.high + 1, None)):
            if not self._append(entry):
                return
        for seq in [seq for seq in self._early if seq <= self.high]:
            del self._early[seq]

    def _begins_too_late(self, entries: list[Entry]) -> bool:
        """Whether a newest page leaves news out, between the last that was told and its own first."""
        told = self.told
        return self.too_far is None and told is not None and bool(entries) and entries[0].seq > told + 1

    def _prepend(self, page: list[Entry]) -> None:
        """Put an older page before what is shown, if one follows from the other."""
        if not page or not self.entries or page[-1].seq != self.low - 1:
            return
        run = [*page, self.entries[0]]
        starts = page[0].seq > 1 or follows(CHAIN_START, page[0])
        if starts and all(follows(one.chain, other) for one, other in pairwise(run)):
            self.entries[:0] = map(self.queued.shown, page)
        else:
            self._doubt()

    def _doubt(self) -> None:
        """What came does not go with what is shown: fetch the conversation anew."""
        self._doubts += 1
        self._early.clear()
        self._restart()

    def _restart(self) -> None:
        """Forget the entries that are shown; they are fetched anew."""
        self.entries.clear()
        self.queued.clear()
        self.fetched = False


def _continues(page: answers.History, after: int) -> bool:
    """Whether a page begins right behind `after`; it does not where retention has removed what was there."""
    return bool(page.entries) and page.entries[0].seq == after + 1
