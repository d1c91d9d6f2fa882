"""What one user knows of the conversations, kept equal to the realm's: gaps are seen, and repairs asked for.

Push is a hint and may be lost, doubled, late or wrong; the realm's `history` is the truth, and its numbers and chain
show every difference. The mirror has no sockets and no clock. Whoever drives it passes in what came (`heard`, `sent`,
`answered`), asks the realm what `questions` wants to know, and calls `beat` now and then. When all questions are
answered and nothing was lost since, what is shown equals a fresh `history`.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from msgspec import UNSET

from client.errors import ForbiddenError, GroupNotFoundError, NotMemberError
from schemas import answers, commands, events, names
from schemas.answers import Answer
from schemas.commands import Command
from schemas.entries import CHAIN_START, Entry, follows
from schemas.events import AnyEvent
from schemas.limits import MAX_CURSORS, MAX_ITEMS
from schemas.names import ConversationId

EARLY: Final = 1_000
"""Entries of one conversation that are kept while what lies before them is missing; others are fetched later."""

DOUBTS: Final = 3
"""So often a conversation that does not hold together is fetched anew."""

GONE: Final = (ForbiddenError, GroupNotFoundError, NotMemberError)
"""What the realm says of a conversation that the user is no longer in."""


@dataclass(slots=True)
class Shown:
    """One conversation as far as it is known: a run of entries without a gap, each following from the one before."""

    id: ConversationId
    entries: list[Entry] = field(default_factory=list)
    head: int = 0
    """The highest number that is known to exist."""
    first: int = 1
    seen: int = 0
    """How far the other user of a private conversation has read."""
    read: int = 0
    """How far this user has read, as other devices told."""
    fetched: bool = False
    """Whether a page of it was ever fetched."""
    early: dict[int, Entry] = field(default_factory=dict)
    told: int | None = None
    """Up to here entries are no news any more; None until the conversation was first met."""
    asking: bool = False
    doubts: int = 0
    """How often in a row it had to be fetched anew."""
    older: bool = False
    """Whether somebody wants to see what came before."""

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
        return self.doubts >= DOUBTS

    @property
    def complete(self) -> bool:
        """Whether everything up to the head is shown."""
        return self.fetched and self.high == self.head

    def restart(self) -> None:
        """Forget the entries; they are fetched anew."""
        self.entries.clear()
        self.early.clear()
        self.fetched = False


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A command that the mirror wants answered; `cursors` are those that a full `sync` goes through."""

    command: Command
    generation: int
    cursors: dict[ConversationId, int] | None = None


class Mirror:
    """The conversations of one user. What belongs to another epoch, or to a question of before it, is not taken."""

    def __init__(self, user: str, too_far: int | None = None) -> None:
        """Begin with nothing known of the conversations of `user` (`name@realm`).

        Behind by more than `too_far` entries, a conversation is begun anew at its newest page; without it, all
        that was missed is fetched.
        """
        self.user = user
        self._too_far = too_far
        self._first = True
        self.shown: dict[ConversationId, Shown] = {}
        self.epoch: int | None = None
        self.broken = 0
        """How often something did not follow from what was shown before, or said otherwise."""
        self.news: list[Entry] = []
        """Entries that others, or other devices, have said since this began: in order, without a gap, each once.

        Whoever shows them takes them out.
        """
        self._once_told: dict[ConversationId, int] = {}
        """How far news had come in conversations that were left: a late push tells nothing twice."""
        self._own: set[str] = set()
        """Entries that this device has sent and not yet seen in their places: they are no news to it."""
        self._generation = 0
        self._sync = _Sync()
        self._offset: int | None = None
        """What the realm's `total` has beyond the heads of the conversations; None until they were compared."""

    # what came

    def heard(self, event: AnyEvent) -> None:
        """Take an event in."""
        match event:
            case events.Welcome(epoch=epoch):
                self._meet_epoch(epoch)
                self._compare_all()
            case events.EntryPushed(entry=entry):
                self.said(entry)
            case events.Joined(conversation=conversation):
                self._shown(ConversationId(conversation))
                self._compare_all()
            case events.Left(conversation=conversation):
                self._drop(ConversationId(conversation))
                self._compare_all()
            case events.Read(conversation=conversation, seq=seq, by=by):
                if shown := self.shown.get(ConversationId(conversation)):
                    self._read(shown, seq, by)

    def sent(self, entry: Entry) -> None:
        """Take in an entry that this device has sent."""
        shown = self.shown.get(entry.conversation)
        if shown is None or entry.seq > shown.high:
            self._own.add(entry.id)
        self.said(entry)

    def said(self, entry: Entry) -> None:
        """Take in one entry that was pushed."""
        shown = self._shown(entry.conversation)
        if shown.told is None:
            shown.told = max(entry.seq - 1, self._once_told.get(shown.id, 0))
        shown.head = max(shown.head, entry.seq)
        if not shown.fetched or entry.seq > shown.high + 1:
            if len(shown.early) < EARLY:
                shown.early[entry.seq] = entry
        elif entry.seq == shown.high + 1:
            self._append(shown, entry)
        elif entry.seq >= shown.low and shown.entries[entry.seq - shown.low].chain != entry.chain:
            self._doubt(shown)

    def beat(self) -> None:
        """Time has passed: see whether anything was lost."""
        self._sync.wanted = True

    def want_older(self, conversation: ConversationId) -> None:
        """Somebody wants to see what came before the oldest entry that is shown."""
        self._shown(conversation).older = True

    def group(self, typed: str) -> ConversationId:
        """The conversation of a group of the user's realm."""
        realm = self.user.partition("@")[2]
        return names.group(names.full(names.fold(typed), names.Name(realm)))

    @property
    def idle(self) -> bool:
        """Whether nothing is asked, and nothing wanted."""
        resting = all(
            not shown.asking and not shown.older and (shown.complete or shown.untrusted)
            for shown in self.shown.values()
        )
        return resting and not self._sync.wanted and not self._sync.asking

    # what to ask

    def questions(self) -> list[Question]:
        """What the realm must be asked now; what is under way already is not asked again."""
        asked = [question for shown in self.shown.values() if (question := self._question(shown))]
        if self._sync.wanted and not self._sync.asking:
            asked.append(self._sync_question())
        return asked

    def answered(self, question: Question, outcome: Answer | Exception) -> None:
        """Take the answer to a question. One that failed is asked again at the next beat."""
        if question.generation != self._generation:
            return
        command = question.command
        if isinstance(command, commands.History):
            shown = self.shown.get(command.conversation)
            if shown is not None:
                shown.asking = False
                if isinstance(outcome, answers.History):
                    self._take_page(shown, command, outcome)
                elif isinstance(outcome, GONE):
                    self._drop(shown.id)
        elif isinstance(outcome, answers.Synced):
            self._take_sync(question, outcome)
        else:
            self._sync.asking = False

    # conversations

    def _shown(self, conversation: ConversationId) -> Shown:
        return self.shown.setdefault(conversation, Shown(conversation))

    def _drop(self, conversation: ConversationId) -> None:
        """The user is not in this conversation any more."""
        shown = self.shown.pop(conversation, None)
        if shown is not None and shown.told is not None:
            self._once_told[conversation] = shown.told

    def _question(self, shown: Shown) -> Question | None:
        if shown.asking or shown.untrusted or (shown.complete and not shown.older):
            return None
        if self._begins_at_the_end(shown):
            shown.restart()
            command = commands.History(id=0, conversation=shown.id)
        elif not shown.fetched:
            command = commands.History(id=0, conversation=shown.id, after=shown.told or 0)
        elif not shown.complete:
            command = commands.History(id=0, conversation=shown.id, after=shown.high)
        else:
            shown.older = False
            if shown.low <= shown.first:
                return None
            command = commands.History(id=0, conversation=shown.id, before=shown.low)
        shown.asking = True
        return Question(command, self._generation)

    def _begins_at_the_end(self, shown: Shown) -> bool:
        """Whether to fetch the newest page, where that leaves out no news that are wanted."""
        if shown.fetched:
            return self._too_far is not None and shown.head - shown.high > self._too_far
        return self._too_far is not None or shown.told is None or shown.head - shown.told <= MAX_ITEMS // 2

    def _take_page(self, shown: Shown, command: commands.History, page: answers.History) -> None:
        shown.first, shown.seen = page.first, max(shown.seen, page.seen)
        shown.head = max(shown.head, page.head)
        if command.before is not UNSET:
            self._prepend(shown, page.entries)
            return
        if command.after is UNSET or not shown.fetched:
            shown.restart()
            shown.fetched = True
        elif page.head < shown.high or (shown.high < page.head and not _continues(page, command.after)):
            self._doubt(shown)
            return
        for entry in page.entries:
            if (entry.seq == shown.high + 1 or not shown.entries) and not self._append(shown, entry):
                return
        shown.doubts = 0
        self._append_early(shown)

    def _append(self, shown: Shown, entry: Entry) -> bool:
        """Show the next entry; whether it follows."""
        before = shown.entries[-1].chain if shown.entries else CHAIN_START if entry.seq == 1 else None
        if before is not None and not follows(before, entry):
            self._doubt(shown)
            return False
        shown.entries.append(entry)
        shown.head = max(shown.head, entry.seq)
        self._tell(shown, entry)
        self._append_early(shown)
        return True

    def _tell(self, shown: Shown, entry: Entry) -> None:
        """Make an entry news, if it is."""
        if shown.told is None:
            shown.told = shown.head
        if entry.seq > shown.told:
            shown.told = entry.seq
            if entry.id in self._own:
                self._own.discard(entry.id)
            else:
                self.news.append(entry)

    def _append_early(self, shown: Shown) -> None:
        """Show what had come too early, as far as it follows now."""
        for seq in [seq for seq in shown.early if seq <= shown.high]:
            del shown.early[seq]
        if (entry := shown.early.pop(shown.high + 1, None)) and shown.fetched:
            self._append(shown, entry)

    def _prepend(self, shown: Shown, page: list[Entry]) -> None:
        """Put an older page before what is shown, if one follows from the other."""
        if not page or not shown.entries or page[-1].seq != shown.low - 1:
            return
        run = [*page, shown.entries[0]]
        starts = page[0].seq > 1 or follows(CHAIN_START, page[0])
        if starts and all(follows(one.chain, other) for one, other in pairwise(run)):
            shown.entries[:0] = page
        else:
            self._doubt(shown)

    def _doubt(self, shown: Shown) -> None:
        """What came does not go with what is shown: fetch the conversation anew."""
        self.broken += 1
        shown.doubts += 1
        shown.restart()

    def _read(self, shown: Shown, seq: int, by: str) -> None:
        """Take a read mark: this user's own where the conversation is no one else's, or the other's."""
        parties = shown.id.partition("/")[2].split(",")
        if shown.id.startswith("private/") and by in parties and by != self.user:
            shown.seen = max(shown.seen, seq)
        else:
            shown.read = max(shown.read, seq)

    # whether anything is lost

    def _compare_all(self) -> None:
        self._offset = None
        self._sync.wanted = True

    def _sync_question(self) -> Question:
        """The short `sync` while it can tell, the one that goes through all conversations otherwise."""
        sync = self._sync
        sync.asking = True
        if self._offset is not None:
            sync.wanted = False
            return Question(commands.Sync(id=0), self._generation)
        named = sorted(name for name in self.shown if name > sync.after)[:MAX_CURSORS]
        cursors = {name: self.shown[name].high for name in named}
        after = sync.after or UNSET
        return Question(commands.Sync(id=0, cursors=cursors, after=after), self._generation, cursors)

    def _take_sync(self, question: Question, answer: answers.Synced) -> None:
        self._sync.asking = False
        if self._meet_epoch(answer.epoch):
            return
        if question.cursors is None:
            heads = sum(shown.head for shown in self.shown.values())
            if self._offset is None or answer.total != self._offset + heads:
                self._compare_all()
            return
        on = None if answer.next is UNSET else answer.next
        told = {} if answer.heads is UNSET else answer.heads
        self._sync.add(answer.total, self._take_heads(question.cursors, told, on))
        if on is not None:
            self._sync.after = on
            return
        self._first = False
        self._offset = self._sync.offset
        self._sync = _Sync(wanted=self._offset is None)

    def _take_heads(self, cursors: dict[ConversationId, int], told: dict[str, int | None], on: str | None) -> int:
        """Learn where conversations end; the sum of their heads as the realm has just told it."""
        total = 0
        for name in {*cursors, *(ConversationId(one) for one in told)}:
            if on is not None and name > on:
                continue
            cursor = cursors.get(name, 0)
            head = told.get(name, cursor)
            if head is None:
                self._drop(name)
                continue
            total += head
            shown = self._shown(name)
            if head < cursor:
                shown.head = head
                self._doubt(shown)
            shown.head = max(shown.head, head)
            if shown.told is None:
                # A private conversation that nobody told of began while nothing was heard: all of it is news.
                begin = head if self._first or name.startswith("group/") else 0
                shown.told = max(begin, self._once_told.get(name, 0))
        return total

    def _meet_epoch(self, epoch: int) -> bool:
        """Where the realm was restored, forget all; whether it was."""
        known, self.epoch = self.epoch, epoch
        if known in (None, epoch):
            return False
        self.shown.clear()
        self._once_told.clear()
        self._first = True
        self._generation += 1
        self._sync = _Sync(wanted=True)
        self._offset = None
        return True


def reflect(mirror: Mirror, command: Command, answer: Answer) -> None:
    """Take in what the answer to one of this device's own commands says of the conversations."""
    match command, answer:
        case commands.Texting(message=message), answers.Sent():
            mirror.sent(entry_of(answer, mirror.user, message))
        case commands.AddGroup(group=group) | commands.JoinGroup(group=group), _:
            mirror.heard(events.Joined(conversation=mirror.group(group)))
        case commands.LeaveGroup(group=group), _:
            mirror.heard(events.Left(conversation=mirror.group(group)))


def entry_of(sent: answers.Sent, user: str, message: str) -> Entry:
    """The entry that the answer to the send of a text tells of."""
    return Entry(
        conversation=ConversationId(sent.conversation),
        seq=sent.seq,
        id=sent.entry,
        sender=user,
        name=sent.name,
        sent_at=sent.sent_at,
        kind="text",
        chain=sent.chain,
        salt=sent.salt,
        message=message,
    )


def _continues(page: answers.History, after: int) -> bool:
    """Whether a page begins right behind `after`; it does not where retention has removed what was there."""
    return bool(page.entries) and page.entries[0].seq == after + 1


@dataclass(slots=True)
class _Sync:
    """A `sync` that is wanted or under way, page by page."""

    wanted: bool = False
    asking: bool = False
    after: str = ""
    heads: int = 0
    totals: set[int] = field(default_factory=set)

    def add(self, total: int, heads: int) -> None:
        """Count a page in."""
        self.totals.add(total)
        self.heads += heads

    @property
    def offset(self) -> int | None:
        """What the total has beyond the heads; None where it changed from page to page."""
        return self.totals.pop() - self.heads if len(self.totals) == 1 else None
