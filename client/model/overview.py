"""The list of conversations: last message, unread count, newest first; kept up by pushes, mended by the realm's list.

Pushes change a row at once. Where one shows that others were missed, or a read mark moved to somewhere in between, the
row is only nearly right, and `stale` says that the realm's own list is to be asked again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET, structs

from client.model.who import is_elsewhere, other
from schemas.answers import ConversationHead
from schemas.entries import Entry
from schemas.names import ConversationId

MOST_UNREAD: Final = 100
"""The realm counts no further."""
OVERTAKING: Final = 1_000
"""Pushes that are remembered while the realm's list is on its way; after more of them it is asked once more."""


@dataclass(slots=True)
class Conversation:
    """One row. `title` is a display name or a group's name as it was typed."""

    id: ConversationId
    title: str
    head: int = 0
    read: int = 0
    """How far this user has read."""
    seen: int = 0
    """How far the other user has read."""
    unread: int = 0
    last: Entry | None = None
    arrived: tuple[int, int] | None = field(default=None, compare=False)
    """When the last entry came, if it is from elsewhere, by the clock of this realm and the order in which it told of
    it: another's clock may be wrong, and what waited there for days is new here."""

    @property
    def age(self) -> tuple[int, int]:
        """What tells which of two rows has heard something last."""
        return self.arrived or (0 if self.last is None else self.last.sent_at, 0)


class Overview:
    """The conversations of `user` (`name@realm`)."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.rows: dict[ConversationId, Conversation] = {}
        self.stale = True
        """Whether the realm's list is to be asked."""
        self.known = False
        """Whether a list was taken in, so that an empty one is one."""
        self._whole = True
        self._overtaking: list[Callable[[], None]] | None = None
        """What was pushed since the realm's list was asked, while that is on its way: the list may not have it."""

    @property
    def newest_first(self) -> list[Conversation]:
        """All rows, those in which something was said last before others."""
        return sorted(self.rows.values(), key=_age)

    @property
    def waiting(self) -> list[Conversation]:
        """The rows whose last message waits for another realm, as far as is known."""
        return [row for row in self.rows.values() if row.last is not None and row.last.queued]

    def ask(self) -> None:
        """The realm's list is asked from its first page on: what makes it stale from now on, it may not tell of."""
        self.stale, self._overtaking = False, []

    def take(self, heads: Iterable[ConversationHead], *, whole: bool) -> None:
        """Take in the realm's list, or with `whole` false no more than its first pages; then what has overtaken it."""
        listed = {row.id: row for row in map(_row_of, heads)}
        latest = max((row.age for row in self.rows.values() if row.id not in listed), default=(0, 0))
        for row in reversed(listed.values()):  # the newest is told first
            self._name(row)
            self._arrive(row, latest)
            latest = max(latest, row.age)
        self.rows = listed if whole else {**self.rows, **listed}
        self.known, self._whole = True, whole
        overtaking, self._overtaking = self._overtaking or (), None
        for again in overtaking:
            again()

    def fail(self) -> None:
        """The list did not come."""
        self.stale, self._overtaking = True, None

    def said(self, entry: Entry) -> None:
        """Take in an entry that was pushed, or sent by this device."""
        self._remember(lambda: self.said(entry))
        row = self.rows.get(entry.conversation)
        if row is None:
            row = self.rows[entry.conversation] = Conversation(entry.conversation, "")
            if other(row.id, self.user) == entry.sender != self.user and entry.kind != "bounce":
                row.title = entry.name
            self.stale = True  # the realm knows its title
        if entry.seq <= row.head:
            self.corrected(entry)
            return
        if entry.seq > row.head + 1:
            self.stale = True
        row.head, row.last = entry.seq, entry
        self._name(row)
        self._arrive(row, max((one.age for one in self.rows.values() if one is not row), default=(0, 0)))
        if entry.sender != self.user:
            row.unread = min(row.unread + 1, MOST_UNREAD)

    def corrected(self, entry: Entry) -> None:
        """Take in an entry as the realm tells it now: the last one of a row may not wait for another realm any more."""
        row = self.rows.get(entry.conversation)
        if row is not None and row.last is not None and row.last.chain == entry.chain and not entry.queued:
            row.last = entry

    def delivered(self, conversation: ConversationId, seq: int) -> None:
        """Another realm has taken an entry."""
        self._remember(lambda: self.delivered(conversation, seq))
        row = self.rows.get(conversation)
        if row is not None and row.last is not None and row.last.seq == seq and row.last.queued:
            row.last = structs.replace(row.last, queued=False)

    def marked(self, conversation: ConversationId, seq: int, by: str) -> None:
        """A read mark has moved: this user's, on whichever device, or that of the other one."""
        self._remember(lambda: self.marked(conversation, seq, by))
        row = self.rows.get(conversation)
        if row is None:
            return
        if by != self.user:
            row.seen = max(row.seen, seq)
        elif seq > row.read:
            row.read = seq
            if seq >= row.head:
                row.unread = 0
            else:
                self.stale = True

    def left(self, conversation: ConversationId) -> None:
        """The user is not in a conversation any more."""
        self._remember(lambda: self.left(conversation))
        self.rows.pop(conversation, None)
        self.stale = True

    def compare(self, heads: Mapping[ConversationId, int]) -> None:
        """See whether the list has all that the mirror knows of, and nothing else."""
        for row in self.rows.values():
            if heads.get(row.id) != row.head:
                self.stale = True
        if self._whole and any(head and name not in self.rows for name, head in heads.items()):
            self.stale = True

    def met(self, conversation: ConversationId, entries: Sequence[Entry]) -> None:
        """What was said in a conversation is known: so may be the name of somebody of another realm."""
        row, address = self.rows.get(conversation), other(conversation, self.user)
        if row is None or address is None or row.title not in ("", address) or not is_elsewhere(address, self.user):
            return
        theirs = (entry.name for entry in reversed(entries) if entry.sender == address and entry.kind != "bounce")
        row.title = next(theirs, row.title)

    def _arrive(self, row: Conversation, latest: tuple[int, int]) -> None:
        """The last entry of a row has come after all that is known: `latest` is the age of that."""
        row.arrived = None
        if row.last is not None and is_elsewhere(row.last.sender, self.user):
            row.arrived = latest[0], latest[1] + 1

    def _name(self, row: Conversation) -> None:
        """Of those of another realm no list tells a name: only they themselves do, by what they say."""
        address = other(row.id, self.user)
        if address is None or not is_elsewhere(address, self.user):
            return
        before = self.rows.get(row.id)
        if row.last is not None and row.last.sender == address and row.last.kind != "bounce":
            row.title = row.last.name
        elif before is not None and before.title and row.title in ("", address):
            row.title = before.title

    def _remember(self, again: Callable[[], None]) -> None:
        if self._overtaking is None:
            return
        if len(self._overtaking) < OVERTAKING:
            self._overtaking.append(again)
        else:
            self.stale = True


def _row_of(head: ConversationHead) -> Conversation:
    return Conversation(
        id=ConversationId(head.conversation),
        title=head.title,
        head=head.head,
        read=head.read,
        seen=head.seen,
        unread=head.unread,
        last=None if head.last is UNSET else head.last,
    )


def _age(row: Conversation) -> tuple[int, int, str]:
    return (-row.age[0], -row.age[1], row.title.casefold())
