"""All that one window shows of one login, and what it must ask the realm for: no sockets, no clock, no Flet.

The mirror holds the entries, the overview the list; the desk joins them: which room is open, what is on its way, what
has been typed and not sent. Whoever drives it passes in what came (`heard`, `changed`), and asks the realm what
`take_wishes` wants to know.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET

from client.errors import ClientError
from client.mirror import GONE, Mirror
from client.model.overview import Overview
from client.model.past import Past
from client.model.room import Fate, Outgoing
from client.model.sending import send_command
from client.model.waiting import Waiting
from client.model.who import other_realm
from client.reflect import entry_of
from client.shown import Shown
from schemas import answers, commands, events
from schemas.answers import Answer, ConversationHead
from schemas.commands import Command
from schemas.entries import Entry
from schemas.events import AnyEvent
from schemas.limits import MAX_MESSAGE
from schemas.names import ConversationId

TOO_FAR: Final = 200
"""Behind by more entries, a room is begun anew at its newest page."""
KEPT: Final = 500
"""Entries that are kept of the end of the room that is open, and up to as many again."""
WAITING: Final = 100
"""Messages of one conversation that may be on their way, or have failed, at once."""
WAITING_IN_ALL: Final = 300
DRAFTS: Final = 50
"""Conversations of which is kept what was written and not sent."""
LISTED: Final = 1_000
"""Conversations that are asked for the list; others are found by searching for their people and groups."""


def can_be_sent(text: str) -> bool:
    """Whether a text is short enough for a message."""
    return len(text.encode()) <= MAX_MESSAGE


def mirror_of_a_window(user: str) -> Mirror:
    """The mirror that a desk needs: it fetches only what somebody looks at."""
    return Mirror(user, too_far=TOO_FAR, keep=KEPT, looks=False)


@dataclass(slots=True)
class Unsaid:
    """What a user has written and the realm does not have: it outlives a desk, and is lost by no reload."""

    drafts: dict[ConversationId, str] = field(default_factory=dict)
    outgoing: dict[ConversationId, list[Outgoing]] = field(default_factory=dict)

    def draft(self, conversation: ConversationId, text: str) -> bool:
        """Keep what is written there now, of the last 50 conversations; False where it is too long to be sent."""
        if not can_be_sent(text):
            return False
        self.drafts.pop(conversation, None)
        if text:
            self.drafts[conversation] = text
            if len(self.drafts) > DRAFTS:
                del self.drafts[next(iter(self.drafts))]
        return True

    def may_send(self, conversation: ConversationId) -> bool:
        """Whether not too much waits to be sent already: there, and in all."""
        waiting = {name: sum(not one.stored for one in sent) for name, sent in self.outgoing.items()}
        return waiting.get(conversation, 0) < WAITING and sum(waiting.values()) < WAITING_IN_ALL


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """A command that the desk wants answered."""

    command: Command


class Desk:
    """One login. `name` is the user's display name, `unsaid` what was left of the desk before."""

    def __init__(self, mirror: Mirror, name: str, unsaid: Unsaid | None = None) -> None:
        self.user = mirror.user
        self.name = name
        self.overview = Overview(mirror.user)
        self.room: ConversationId | None = None
        """The conversation that is open."""
        self.past: Past | None = None
        """What is read of the open room, while the reader has scrolled up."""
        self.in_view = True
        """Whether somebody looks at the window: only then is what it shows read."""
        self.unsaid = unsaid or Unsaid()
        self._mirror = mirror
        self._outgoing = self.unsaid.outgoing
        for conversation in self._outgoing:
            self._forget_stored(conversation)
        self._comparisons = self._beats = 0
        self._waiting = Waiting(self.overview)
        self.crossings = 0
        """How often something was heard of another realm."""
        self._epoch: int | None = None
        self._listing: list[ConversationHead] | None = None
        """The pages of the realm's list so far, while it is being asked."""
        self._newest: Entry | None = None
        """The newest entry of the open room that the list was told of."""
        self._marking: dict[ConversationId, int] = {}
        """How far read marks were asked to move."""

    # what came

    def heard(self, event: AnyEvent) -> None:
        """Take in an event, after the mirror did."""
        match event:
            case events.EntryPushed(entry=entry):
                self.overview.said(entry)
                self.crossings += other_realm(entry.conversation, self.user) is not None
            case events.Delivered(conversation=conversation, seq=seq):
                self.overview.delivered(ConversationId(conversation), seq)
                self.crossings += 1
                if self.past is not None and conversation == self.room:
                    self.past.delivered(seq)
            case events.Read(conversation=conversation, seq=seq, by=by):
                self.overview.marked(ConversationId(conversation), seq, by)
            case events.Joined():
                self.overview.stale = True
            case events.Left(conversation=conversation):
                self.overview.left(ConversationId(conversation))
                if conversation == self.room:
                    self.close()

    def changed(self) -> None:
        """The mirror may have changed: see whether the list agrees with it, and what has found its place."""
        if self._mirror.epoch != self._epoch:
            self._epoch = self._mirror.epoch
            self.past = None
            self.overview.stale = True
            self._marking.clear()
        if self._mirror.comparisons != self._comparisons:
            self._comparisons = self._mirror.comparisons
            self.overview.compare({shown.id: shown.head for shown in self._mirror.shown.values()})
        if self._mirror.beats != self._beats:
            self._beats = self._mirror.beats
            self._waiting.beat()
            if self.past is not None:
                self.past.beat()
        if self.past is not None:
            self.past.agree()
        if self.room in self._mirror.shown:  # a room may be opened before anything was said in it
            self._mirror.look_at(self.room)
        shown = self.shown
        if shown is None:
            if self.room is not None:  # the user is not in it any more
                self._forget_stored(self.room)
        else:
            if shown.entries and shown.entries[-1] is not self._newest:
                self._newest = shown.entries[-1]
                self.overview.said(self._newest)
            self.overview.met(shown.id, shown.entries)
            row = self.overview.rows.get(shown.id)
            if row is not None:
                row.seen = max(row.seen, shown.seen)
            self._forget_placed(shown)

    @property
    def unread(self) -> int:
        """Unread messages in all, but for what somebody looks at."""
        return sum(row.unread for row in self.overview.rows.values() if not (row.id == self.room and self.in_view))

    # rooms

    @property
    def shown(self) -> Shown | None:
        """What is known of the room that is open."""
        return None if self.room is None else self._mirror.shown.get(self.room)

    def open(self, conversation: ConversationId) -> None:
        """Show a room."""
        if conversation != self.room:
            self.close()
            self.room = conversation
            self._mirror.look_at(conversation)

    def close(self) -> None:
        """Show no room."""
        if self.room is None:
            return
        if (shown := self.shown) is not None:
            row = self.overview.rows.get(self.room)
            # What had not found its place yet was not told to the list.
            self.overview.stale = self.overview.stale or shown.head > (row.head if row is not None else 0)
        self._mirror.look_away(self.room)
        self.room = self.past = None

    @property
    def entries(self) -> Sequence[Entry]:
        """What is known of the open room where the reader is: one after the other, without a gap."""
        if self.past is not None:
            return self.past.entries
        return () if self.shown is None else self.shown.entries

    def hold(self) -> None:
        """Somebody has scrolled up: what is there is kept, however much comes below it."""
        if self.past is None and self.shown is not None and self.shown.entries:
            self.past = Past(self.shown)

    def follow(self) -> None:
        """Whoever reads is at the end."""
        self.past = None

    def older(self) -> None:
        """Fetch what came before the entries."""
        if self.past is not None:
            self.past.older()

    def newer(self) -> None:
        """Fetch what came after the entries."""
        if self.past is not None and not self.past.newer():
            self.past = None

    # own messages

    @property
    def outgoing(self) -> list[Outgoing]:
        """What is on its way into the room that is open."""
        return [] if self.room is None else self._outgoing.get(self.room, [])

    @property
    def unanswered(self) -> list[tuple[ConversationId, Outgoing]]:
        """What has begun its way; of a desk before this one, nobody waits for its answer."""
        return [(name, one) for name, sent in self._outgoing.items() for one in sent if one.fate is Fate.SENDING]

    def send(self, conversation: ConversationId, one: Outgoing) -> None:
        """A message begins its way, or begins again."""
        one.why, one.stored = "", False
        sent = self._outgoing.setdefault(conversation, [])
        if one not in sent:
            sent.append(one)

    def send_command(
        self, conversation: ConversationId, one: Outgoing, file: str
    ) -> commands.Texting | commands.Filing:
        """The command that sends a message into a conversation; `file` is what one with a file says of that."""
        return send_command(self.user, conversation, one, file)

    def find_own(self, entry: str) -> Entry | None:
        """What the user has said in the open room under this ULID, where that is known."""
        if self.room is None:
            return None
        near = (one for one in self.entries if one.id == entry and one.sender == self.user)
        return next(near, None) or self._mirror.find(self.room, entry)

    def sent(self, conversation: ConversationId, one: Outgoing, outcome: Answer | str) -> None:
        """The realm has stored it, or a sentence says why it did not; what is stored stays so, whatever is heard."""
        if isinstance(outcome, answers.Sent):
            one.stored = True
            self.overview.said(entry_of(outcome, self.user, UNSET if one.file is not None else one.text))
            shown = self._mirror.shown.get(conversation)
            if shown is None or not shown.wanted:
                self._discard(conversation, one)
        elif not one.stored:
            one.why = str(outcome)

    def discard(self, one: Outgoing) -> None:
        """Give up a message that failed."""
        if self.room is not None:
            self._discard(self.room, one)

    def _discard(self, conversation: ConversationId, one: Outgoing) -> None:
        self._keep(conversation, [other for other in self._outgoing.get(conversation, []) if other is not one])

    def _forget_stored(self, conversation: ConversationId) -> None:
        """What is stored is in its place, or nobody sees it."""
        self._keep(conversation, [one for one in self._outgoing.get(conversation, []) if not one.stored])

    def _forget_placed(self, shown: Shown) -> None:
        """What has found its place is stored, even if its answer never comes."""
        waiting = self._outgoing.get(shown.id)
        if waiting:
            placed = {entry.id for entry in shown.entries if entry.sender == self.user}
            for one in waiting:
                if one.entry in placed:
                    one.why, one.stored = "", True
            self._keep(shown.id, [one for one in waiting if one.entry not in placed])

    def _keep(self, conversation: ConversationId, kept: list[Outgoing]) -> None:
        """The files of others are not needed any more."""
        for one in self._outgoing.get(conversation, []):
            if one.file is not None and one not in kept:
                one.file.remove()
        self._outgoing[conversation] = kept

    # what to ask

    def take_wishes(self) -> list[Wish]:
        """What the realm must be asked now; what is under way already is not asked again."""
        wishes: list[Wish] = []
        if self.overview.stale and self._listing is None:
            self._listing = []
            self.overview.ask()
            wishes.append(Wish(commands.Conversations(id=0)))
        if (mark := self._mark()) is not None:
            wishes.append(Wish(mark))
        if self.past is not None and (question := self.past.take_question()) is not None:
            wishes.append(Wish(question))
        wishes += map(Wish, self._waiting.take_questions(self.room))
        return wishes

    def answered(self, wish: Wish, outcome: Answer | ClientError) -> list[Wish]:
        """Take the answer to a wish, and say what must be asked to go on with it."""
        match wish.command:
            case commands.Read() as mark:
                self._marked(mark, outcome)
            case commands.History() as question if not self._waiting.answered(question, outcome):
                if self.past is not None and not self.past.answered(question, outcome):
                    self.past = None
            case commands.Conversations():
                return self._listed(outcome)
        return []

    def _marked(self, mark: commands.Read, outcome: Answer | ClientError) -> None:
        if isinstance(outcome, GONE):
            return  # no mark is wanted there: it is not asked again
        if isinstance(outcome, ClientError):
            self._marking.pop(mark.conversation, None)
        else:
            self.overview.marked(mark.conversation, mark.seq, self.user)

    def _listed(self, outcome: Answer | ClientError) -> list[Wish]:
        """Take a page of the realm's list, and ask for the next one."""
        assert self._listing is not None
        if not isinstance(outcome, answers.Conversations):
            self._listing = None
            self.overview.fail()  # it is asked again when something else changes
            return []
        self._listing += outcome.conversations
        if outcome.more and outcome.next is not UNSET and len(self._listing) < LISTED:
            return [Wish(commands.Conversations(id=0, after=outcome.next))]
        self.overview.take(self._listing, whole=not outcome.more)
        self._listing = None
        return []

    def _mark(self) -> commands.Read | None:
        """Say that what the room shows is read."""
        shown = self.shown
        if shown is None or not self.in_view or not shown.complete or not shown.high:
            return None
        row = self.overview.rows.get(shown.id)
        known = max(self._marking.get(shown.id, 0), row.read if row is not None else 0)
        if shown.high <= known:
            return None
        self._marking[shown.id] = shown.high
        return commands.Read(id=0, conversation=shown.id, seq=shown.high)
