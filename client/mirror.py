"""What one user knows of the conversations, kept equal to the realm's: gaps are seen, and repairs asked for.

Push is a hint and may be lost, doubled, late or wrong; the realm's `history` is the truth, and its numbers and chain
show every difference. The mirror has no sockets and no clock. Whoever drives it passes in what came (`heard`, `sent`,
`answered`), asks the realm what `questions` wants to know, and calls `beat` now and then. When all questions are
answered and nothing was lost since, what is shown equals a fresh `history`.
"""

from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET

from client.errors import ForbiddenError, GroupNotFoundError, NotMemberError
from client.shown import News, Shown
from schemas import answers, commands, events, names
from schemas.answers import Answer
from schemas.commands import Command
from schemas.entries import Entry
from schemas.events import AnyEvent
from schemas.limits import MAX_CURSORS
from schemas.names import ConversationId

GONE: Final = (ForbiddenError, GroupNotFoundError, NotMemberError)
"""What the realm says of a conversation that the user is no longer in."""


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
        self._news = News()
        self._once_told: dict[ConversationId, int] = {}
        """How far news had come in conversations that were left: a late push tells nothing twice."""
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
                    shown.take_read(self.user, seq, by)

    def sent(self, entry: Entry) -> None:
        """Take in an entry that this device has sent."""
        shown = self.shown.get(entry.conversation)
        if shown is None or entry.seq > shown.high:
            self._news.own(entry)
        self.said(entry)

    def said(self, entry: Entry) -> None:
        """Take in one entry that was pushed."""
        shown = self._shown(entry.conversation)
        shown.meet(max(entry.seq - 1, self._once_told.get(shown.id, 0)))
        shown.said(entry)

    def take_news(self) -> list[Entry]:
        """What others, or other devices, have said since this was last asked: in order, without a gap, each once."""
        news, self._news.entries = self._news.entries, []
        return news

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
        return all(shown.idle for shown in self.shown.values()) and not self._sync.wanted and not self._sync.asking

    # what to ask

    def questions(self) -> list[Question]:
        """What the realm must be asked now; what is under way already is not asked again."""
        wanted = [command for shown in self.shown.values() if (command := shown.question(self._too_far))]
        asked = [Question(command, self._generation) for command in wanted]
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
                    shown.take_page(command, outcome)
                elif isinstance(outcome, GONE):
                    self._drop(shown.id)
        elif isinstance(outcome, answers.Synced):
            self._take_sync(question, outcome)
        else:
            self._sync.asking = False

    # conversations

    def _shown(self, conversation: ConversationId) -> Shown:
        return self.shown.setdefault(conversation, Shown(conversation, self._news))

    def _drop(self, conversation: ConversationId) -> None:
        """The user is not in this conversation any more."""
        shown = self.shown.pop(conversation, None)
        if shown is not None and shown.told is not None:
            self._once_told[conversation] = shown.told

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
            shown.ends_at(head, cursor)
            # A private conversation that nobody told of began while nothing was heard: all of it is news.
            begin = head if self._first or name.startswith("group/") else 0
            shown.meet(max(begin, self._once_told.get(name, 0)))
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
