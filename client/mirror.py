"""What one user knows of the conversations, kept equal to the realm's: gaps are seen, and repairs asked for.

Push is a hint and may be lost, doubled, late or wrong; the realm's `history` is the truth, and its numbers and chain
show every difference. The mirror has no sockets and no clock. Whoever drives it passes in what came (`heard`, `said`,
`answered`) and what this device does (`sending`, `refused`), asks the realm what `take_questions` wants to know, and
calls `beat` now and then. When all questions are answered and nothing was lost since, what is shown equals a fresh
`history`; what still waits for another realm is asked about with every beat, a page of each conversation at a time.
"""

from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from client.comparison import Comparison
from client.errors import ForbiddenError, GroupNotFoundError, NotMemberError
from client.shown import News, Shown
from schemas import answers, commands, events, names
from schemas.answers import Answer
from schemas.commands import Command
from schemas.entries import Entry
from schemas.events import AnyEvent
from schemas.limits import MAX_CURSORS
from schemas.names import ConversationId

AT_ONCE: Final = 20
"""Questions about conversations that are under way together: the user's own commands need room beside them."""

GONE: Final = (ForbiddenError, GroupNotFoundError, NotMemberError)
"""What the realm says of a conversation that the user is no longer in."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A command that the mirror wants answered; `cursors` are those that a full `sync` goes through."""

    command: Command
    generation: int
    cursors: dict[ConversationId, int] | None = None
    shown: Shown | None = None


class Mirror:
    """The conversations of one user. What belongs to another epoch, or to a question of before it, is not taken.

    News are told from the first `sync` on, or from an earlier push; those of a group from where the user joined it.
    """

    def __init__(self, user: str, too_far: int | None = None, keep: int | None = None, *, looks: bool = True) -> None:
        """Begin with nothing known of the conversations of `user` (`name@realm`).

        Behind by more than `too_far` entries, a conversation is begun anew at its newest page; without it, all
        that was missed is fetched. Of each conversation `keep` to twice as many entries are kept, without it all.
        Where nobody `looks`, nothing is fetched of a conversation until somebody does (`look_at`): of the others
        only the ends are known, and what is said in them is told as it comes, with gaps if need be.
        """
        self.user = user
        self._too_far = too_far
        self._keep = keep
        self._looks = looks
        self._news = News()
        self._generation = 0
        self.epoch: int | None = None
        self.beats = 0
        """How often time has passed."""
        self._begin()

    def _begin(self) -> None:
        """Know nothing, as at first and after a restore."""
        self.shown: dict[ConversationId, Shown] = {}
        self._restless: dict[ConversationId, Shown] = {}
        """Those of which something is asked or wanted."""
        self._once_told: dict[ConversationId, int] = {}
        """How far news had come in conversations that were left: a late push tells nothing twice."""
        self.compared = False
        """Whether all conversations were compared with the realm's once."""
        self.comparisons = 0
        """How often they were, or the end of one was learned that nobody looks at any more."""
        self._sync = Comparison()
        self._offset: int | None = None
        """What the realm's `total` has beyond the heads of the conversations; None until they were compared."""
        self._waiting = False
        """Whether a question failed: then none is asked until the next beat."""

    # what came

    def heard(self, event: AnyEvent) -> None:
        """Take an event in."""
        match event:
            case events.Welcome(epoch=epoch):
                self._meet_epoch(epoch)
                self._compare_all()
                self._waiting = False
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
            case events.Delivered(conversation=conversation, seq=seq):
                if shown := self.shown.get(ConversationId(conversation)):
                    shown.delivered(seq)
                    self._note(shown)

    def sending(self, entry: str) -> None:
        """This device asks to store an entry under this ULID."""
        self._news.own(entry)

    def refused(self, entry: str) -> None:
        """The realm did not store it."""
        self._news.disown(entry)

    def said(self, entry: Entry) -> None:
        """Take in one entry that was pushed, or that this device has sent."""
        shown = self._shown(entry.conversation)
        before = self._once_told.get(shown.id, 0)
        if self._is_new(shown.id):
            shown.meet(before)
        else:
            shown.meet_push(max(entry.seq - 1, before))
        shown.said(entry)
        self._note(shown)

    def take_news(self) -> list[Entry]:
        """What others, or other devices, have said since this was last asked: in order, without a gap, each once."""
        news, self._news.entries = self._news.entries, []
        return news

    def beat(self) -> None:
        """Time has passed: see whether anything was lost."""
        self.beats += 1
        self._sync.wanted = True
        self._waiting = False
        for shown in self.shown.values():
            if shown.beat():
                self._note(shown)

    def go_on(self) -> None:
        """Ask again, although a question has failed."""
        self._waiting = False

    def look_at(self, conversation: ConversationId) -> Shown:
        """Show this conversation from now on."""
        shown = self._shown(conversation)
        shown.want()
        self._note(shown)
        return shown

    def look_away(self, conversation: ConversationId) -> None:
        """Nobody looks at this conversation any more."""
        if shown := self.shown.get(conversation):
            shown.let_go()
            self._note(shown)

    def want_older(self, conversation: ConversationId) -> None:
        """Somebody wants to see what came before the oldest entry that is shown."""
        shown = self._shown(conversation)
        shown.older = True
        self._note(shown)

    def find(self, conversation: ConversationId, entry: str) -> Entry | None:
        """What this user has said there under this ULID, where that is shown."""
        shown = self.shown.get(conversation)
        entries = reversed(shown.entries) if shown is not None else ()
        return next((one for one in entries if one.id == entry and one.sender == self.user), None)

    def group(self, typed: str) -> ConversationId:
        """The conversation of a group of the user's realm."""
        realm = self.user.partition("@")[2]
        return names.group(names.full(names.fold(typed), names.Name(realm)))

    @property
    def idle(self) -> bool:
        """Whether nothing is asked, and nothing wanted."""
        return not self._restless and not self._sync.wanted and not self._sync.asking

    # what to ask

    def take_questions(self) -> list[Question]:
        """What the realm must be asked now, a few at a time; what is under way already is not asked again."""
        if self._waiting:
            return []
        asked: list[Question] = []
        if self._sync.wanted and not self._sync.asking:
            asked.append(self._sync_question())
        room = AT_ONCE - sum(shown.asking for shown in self._restless.values())
        for shown in list(self._restless.values()):
            if room <= 0:
                break
            if command := shown.next_question():
                asked.append(Question(command, self._generation, shown=shown))
                room -= 1
            self._note(shown)
        return asked

    def answered(self, question: Question, outcome: Answer | Exception) -> None:
        """Take the answer to a question. After one that failed nothing is asked until the next beat, or `go_on`."""
        if question.generation != self._generation:
            return
        command = question.command
        if isinstance(command, commands.History):
            if question.shown is self.shown.get(command.conversation):  # it was not left in the meantime
                self._take_history(command, outcome)
        elif isinstance(outcome, answers.Synced):
            self._take_sync(question, outcome)
        else:
            self._sync.asking, self._sync.wanted = False, True
            self._waiting = True

    def _take_history(self, command: commands.History, outcome: Answer | Exception) -> None:
        shown = self.shown[command.conversation]
        shown.asking, known = False, shown.head
        if isinstance(outcome, answers.History):
            shown.take_page(command, outcome)
            self.comparisons += not shown.wanted and shown.head > known
        elif isinstance(outcome, GONE):
            self._drop(shown.id)
            return
        else:
            self._waiting = True
        self._note(shown)

    # conversations

    def _shown(self, conversation: ConversationId) -> Shown:
        shown = self.shown.get(conversation)
        if shown is None:
            shown = self.shown[conversation] = Shown(conversation, self._news, self._looks, self._too_far, self._keep)
            self._note(shown)
        return shown

    def _note(self, shown: Shown) -> None:
        """Remember whether a conversation wants something."""
        if shown.idle:
            self._restless.pop(shown.id, None)
        else:
            self._restless[shown.id] = shown

    def _drop(self, conversation: ConversationId) -> None:
        """The user is not in this conversation any more."""
        shown = self.shown.pop(conversation, None)
        self._restless.pop(conversation, None)
        if shown is not None and shown.told is not None:
            self._once_told[conversation] = shown.told

    def _is_new(self, conversation: ConversationId) -> bool:
        """Whether a conversation that is met now began after this did, so that all of it is news."""
        return self.compared and conversation.startswith(("private/", "sent/"))

    # whether anything is lost

    def _compare_all(self) -> None:
        self._offset = None
        self._sync.wanted = self._sync.again = True

    def _sync_question(self) -> Question:
        """The short `sync` while it can tell, the one that goes through all conversations otherwise."""
        sync = self._sync
        sync.asking = True
        if not sync.after:
            sync.again = False
        if self._offset is not None:
            sync.wanted = False
            return Question(commands.Sync(id=0), self._generation)
        named = sorted(name for name in self.shown if name > sync.after)[:MAX_CURSORS]
        cursors = {name: self.shown[name].cursor for name in named}
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
        if on is not None and on <= self._sync.after:  # it would go round and round
            self._sync, self._waiting = Comparison(wanted=True), True
            return
        told = {} if answer.heads is UNSET else answer.heads
        self._sync.add(answer.total, self._take_heads(question.cursors, told, on))
        if on is not None:
            self._sync.after = on
            return
        self.compared = True
        self.comparisons += 1
        self._offset = None if self._sync.again else self._sync.offset
        self._sync = Comparison(wanted=self._offset is None)

    def _take_heads(self, cursors: dict[ConversationId, int], told: dict[str, int | None], on: str | None) -> int:
        """Learn where conversations end; the sum of their heads as the realm has just told it."""
        total = 0
        for name in dict.fromkeys([*cursors, *(ConversationId(one) for one in told)]):
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
            # One that is no group's and that nobody told of began while nothing was heard.
            shown.meet(max(0 if self._is_new(name) else head, self._once_told.get(name, 0)))
            self._note(shown)
        return total

    def _meet_epoch(self, epoch: int) -> bool:
        """Where the realm was restored, forget all; whether it was."""
        known, self.epoch = self.epoch, epoch
        if known in (None, epoch):
            return False
        self._begin()
        self._generation += 1
        self._sync.wanted = True
        return True
