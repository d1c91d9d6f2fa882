"""The part of `Tx` that only the realm's operator, and what is done for one, has a use for."""

from collections.abc import Sequence
from typing import Protocol

from realm.store.rows import Erasing, Kept, Outgoing, Step, UserRow
from schemas.names import ConversationId, Name


class OperatingTx(Protocol):
    """See `realm.store.interface`."""

    # accounts

    def is_name_taken(self, name: Name) -> bool:
        """Whether an account has, or had, that name: it is never given again."""
        ...

    def user_rows(self, after: str, limit: int) -> list[UserRow]:
        """All accounts by name from behind `after`, those that were erased too."""
        ...

    def user_row(self, name: Name) -> UserRow | None:
        """The account with that name, also where it was erased."""
        ...

    def set_disabled(self, account: int, since: int | None) -> None:
        """Say since when nobody can log in to it, None where that is not so."""
        ...

    def set_may_administrate(self, account: int, *, may: bool) -> None:
        """Say whether the user may do what only admins may."""
        ...

    def forget_keys(self, account: int) -> None:
        """Forget the keys that have logged it in."""
        ...

    # erasing an account: what is deleted or replaced is overwritten in the database file

    def begin_erasing(self, account: int, step: Step, now: int) -> None:
        """Leave nothing of its row but the name, forget its keys, and remember that the rest is to follow.

        The caller ends its sessions, and has made sure that it is not erased already.
        """
        ...

    def erasing(self, limit: int) -> list[Erasing]:
        """The accounts that are being erased, those that were asked for first before others."""
        ...

    def erasing_of(self, account: int) -> Erasing | None:
        """How far that has come, None where it was never asked for."""
        ...

    def erase_next(self, account: int, step: Step) -> None:
        """Go on with this, from its beginning."""
        ...

    def outgoing_by(self, account: int, scan: int) -> tuple[list[Outgoing], bool]:
        """What it sent to other realms and is kept, among the next `scan` rows of the outbox; whether there are more.

        Each call goes on where the last one ended, until `erase_next`.
        """
        ...

    def withdraw(self, rows: Sequence[Outgoing]) -> None:
        """Forget rows of the outbox, whatever became of them; those that are gone already stay so.

        Where one has a number that the peer has not acknowledged, the caller begins a new epoch: see `renumber`.
        """
        ...

    def is_numbered(self, row: Outgoing) -> bool:
        """Whether it has a number in the present epoch that the peer has not acknowledged."""
        ...

    def withdraw_numbered(self, account: int, peer: int) -> int:
        """As `withdraw`, with all that has a number that the peer has not acknowledged; how many they were."""
        ...

    def part_of(self, account: int) -> tuple[ConversationId, bool] | None:
        """A conversation that it takes part in, and whether others of this realm do too; None where there is none."""
        ...

    def end_part(self, account: int, conversation: ConversationId) -> None:
        """Let it take part no longer in a conversation that is no group's."""
        ...

    def forget_realm_inboxes(self, account: int, limit: int) -> int:
        """Forget up to `limit` cursors of `getrealminbox`; how many they were."""
        ...

    def erase_conversation(self, account: int, conversation: ConversationId, limit: int) -> bool:
        """Erase the next `limit` entries of a conversation, whoever said them; whether there may be more.

        Each call goes on where the last one ended, until `end_part` or `erase_next`.
        """
        ...

    def erase_said_by(self, account: int, sender: str, scan: int, limit: int) -> bool:
        """Erase up to `limit` entries of that sender among the next `scan` of all; whether there may be more.

        Each call goes on where the last one ended.
        """
        ...

    def drop_files_of(self, account: int, limit: int) -> int:
        """Forget up to `limit` of its files that no entry names, as `drop_unsent` does; how many they were."""
        ...

    # how long what was said is kept

    def kept(self, after: int, limit: int) -> list[Kept]:
        """Conversations with a number above `after`, ascending."""
        ...

    def expire(self, of: Kept, before: int, now: int, limit: int) -> tuple[int, bool]:
        """Remove up to `limit` of the oldest entries, up to the last that was stored before then.

        None from the first on that still waits for a peer. Files lose the entries that named them. Returns how many
        they were, and whether there may be more; of large ones it removes fewer.
        """
        ...

    def has_expired(self, of: ConversationId) -> bool:
        """Whether entries of a conversation were removed so."""
        ...
