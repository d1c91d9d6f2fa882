"""The list of conversations: last message, unread count, newest first; kept up by pushes, mended by the realm's list.

Pushes change a row at once. Where one shows that others were missed, or a read mark moved to somewhere in between, the
row is only nearly right, and `stale` says that the realm's own list is to be asked again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from schemas.answers import ConversationHead
from schemas.entries import Entry
from schemas.names import ConversationId

MOST_UNREAD: Final = 100
"""The realm counts no further."""


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

    @property
    def is_group(self) -> bool:
        """Whether it is a group's."""
        return self.id.startswith("group/")

    @property
    def group(self) -> str:
        """The group's name, folded; only of a group's conversation."""
        return self.id.removeprefix("group/").partition("@")[0]

    def other(self, user: str) -> str:
        """The address of the other user; of `user` itself where it talks to nobody else."""
        parties = self.id.removeprefix("private/").split(",")
        return next((one for one in parties if one != user), user)


class Overview:
    """The conversations of `user` (`name@realm`)."""

    def __init__(self, user: str) -> None:
        self.user = user
        self.rows: dict[ConversationId, Conversation] = {}
        self.stale = True
        """Whether the realm's list is to be asked."""
        self._whole = True

    @property
    def newest_first(self) -> list[Conversation]:
        """All rows, those in which something was said last before others."""
        return sorted(self.rows.values(), key=_age)

    def take(self, heads: Iterable[ConversationHead], *, whole: bool) -> None:
        """Take in the realm's list, or with `whole` false no more than its first pages."""
        before, self.rows = self.rows, {}
        for head in heads:
            row = self._row_of(head)
            known = before.get(row.id)
            # What was pushed while the list was on its way is newer than the list.
            self.rows[row.id] = known if known is not None and known.head > row.head else row
        self.stale = False
        self._whole = whole

    def said(self, entry: Entry) -> None:
        """Take in an entry that was pushed, or sent by this device."""
        row = self.rows.get(entry.conversation)
        if row is None:
            row = self.rows[entry.conversation] = Conversation(entry.conversation, "")
            if not row.is_group and entry.sender != self.user:
                row.title = entry.name
            self.stale = True  # the realm knows its title
        if entry.seq <= row.head:
            return
        if entry.seq > row.head + 1:
            self.stale = True
        row.head, row.last = entry.seq, entry
        if entry.sender != self.user:
            row.unread = min(row.unread + 1, MOST_UNREAD)

    def marked(self, conversation: ConversationId, seq: int, by: str) -> None:
        """A read mark has moved: this user's, on whichever device, or that of the other one."""
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

    def compare(self, heads: Mapping[ConversationId, int]) -> None:
        """See whether the list has all that the mirror knows of, and nothing else."""
        for row in self.rows.values():
            if heads.get(row.id) != row.head:
                self.stale = True
        if self._whole and any(head and name not in self.rows for name, head in heads.items()):
            self.stale = True

    def _row_of(self, head: ConversationHead) -> Conversation:
        return Conversation(
            id=ConversationId(head.conversation),
            title=head.title,
            head=head.head,
            read=head.read,
            seen=head.seen,
            unread=head.unread,
            last=None if head.last is UNSET else head.last,
        )


def _age(row: Conversation) -> tuple[int, str]:
    return (-row.last.sent_at if row.last else 0, row.title.casefold())
