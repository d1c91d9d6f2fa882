"""The one way the core has to its memory on disk.

Every operation is named, and bounded by its arguments; but `total`, the `standings_…` and `groups` of one user look at
all that this user is in, and `member_ids`, `members` and `longest_member` at all members of one group.

All calls are synchronous and come from one thread. What a backend must do is written down as a test:
`tests/rules/test_store_contract.py`.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from realm.store.federating import FederatingTx
from realm.store.operating import OperatingTx
from realm.store.rows import (
    Account,
    Active,
    Draft,
    EntryPage,
    Group,
    RealmStanding,
    Received,
    Removal,
    SessionRow,
    Standing,
    StoredFile,
    UploadRow,
)
from schemas.entries import Entry
from schemas.names import ConversationId, Name


class StoreFullError(Exception):
    """Nothing can be written now (disk full). What was read stays true; the transaction is gone."""


class StoreError(Exception):
    """The folder or its database cannot be used; the message says why and what to do."""


class DamagedError(Exception):
    """What is stored is not what was stored, or cannot be read; the message says what to do, and quotes nothing of it.

    It costs who asked for it; the rest can still be used.
    """


class Tx(FederatingTx, OperatingTx, Protocol):
    """One transaction. Nothing done in it is true for anybody until it has closed."""

    @property
    def writable(self) -> bool:
        """Whether writes can succeed; see `Store.transaction`."""
        ...

    def attempt(self) -> AbstractContextManager[None]:
        """A savepoint: leaving it by an exception undoes what was written in it, and only that."""
        ...

    # accounts

    def account(self, name: Name) -> Account | None:
        """The account with that name; None too where it was erased."""
        ...

    def account_by_id(self, account: int) -> Account | None:
        """The account with that number, also where it was erased."""
        ...

    def create_account(self, name: Name, display: str, country: str, password_hash: str, now: int) -> Account:
        """A new account. The caller has made sure that the name is free."""
        ...

    def set_password(self, account: int, password_hash: str) -> None:
        """Replace the hash."""
        ...

    def set_active(self, account: int, until: int) -> None:
        """Remember until when the user counts as active."""
        ...

    def active_accounts(self, now: int, after: int, limit: int) -> list[Active]:
        """Those active at `now` with a number above `after`, ascending."""
        ...

    def accounts(self, after: str, limit: int, find: str, scan: int) -> tuple[list[Account], str | None]:
        """Accounts by name from behind `after`, whose name or display name holds `find` (case-folded).

        Looks at no more than `scan` accounts. Second: the name to go on from, None at the end.
        """
        ...

    def knows_key(self, account: int, key: str) -> bool:
        """Whether that key has logged this account in before."""
        ...

    def remember_key(self, account: int, key: str, now: int, keep: int) -> None:
        """Note that the key has logged the account in; only the `keep` latest keys stay."""
        ...

    # invites

    def is_invite_used(self, nonce: bytes) -> bool:
        """Whether an invite has let somebody in, as far as is remembered: see `forget_invites`."""
        ...

    def use_invite(self, nonce: bytes, account: int, now: int, expires: int) -> None:
        """Remember that the invite has let this account in. The caller has made sure that it is unused."""
        ...

    def forget_invites(self, now: int, limit: int) -> None:
        """Forget up to `limit` of the used ones that have expired by `now`; they let nobody in anyway."""
        ...

    # sessions

    def sessions(self, after: int, limit: int) -> list[SessionRow]:
        """Sessions with a number above `after`, ascending."""
        ...

    def open_session(self, account: Account, key: str, token_hash: bytes, topic: bytes, now: int) -> SessionRow:
        """A new session. The caller has ended the one that this account and key had."""
        ...

    def use_session(self, session: int, now: int) -> None:
        """Remember when it was used last."""
        ...

    def end_session(self, session: int) -> None:
        """Forget it."""
        ...

    # conversations

    def open_conversation(self, conversation: ConversationId, accounts: Sequence[int], now: int) -> None:
        """Begin a conversation with these participants; where it exists already, nothing changes."""
        ...

    def standing(self, account: int, conversation: ConversationId) -> Standing | None:
        """How a user stands in a conversation, None where the user has no part in it."""
        ...

    def standings_latest(self, account: int, before: tuple[int, str] | None, limit: int) -> list[Standing]:
        """The user's conversations, latest first, from behind (latest, name)."""
        ...

    def standings_named(self, account: int, after: str, limit: int) -> list[Standing]:
        """The user's conversations in the byte order of their names, from behind `after`."""
        ...

    def standings_unfetched(self, account: int, limit: int) -> list[Standing]:
        """Those with entries that `inbox` has not given yet, in the byte order of their names."""
        ...

    def total(self, account: int) -> int:
        """The heads of the user's conversations, plus what those that were left add."""
        ...

    def move_inbox(self, account: int, conversation: ConversationId, seq: int) -> None:
        """Set the inbox cursor."""
        ...

    def move_read(self, account: int, conversation: ConversationId, seq: int) -> None:
        """Set the read mark."""
        ...

    # groups

    def create_group(self, name: Name, title: str, conversation: ConversationId, now: int) -> None:
        """A group without members, and its conversation. The caller has made sure that the name is free."""
        ...

    def group(self, name: Name) -> Group | None:
        """The group with that name."""
        ...

    def groups(
        self, after: str, limit: int, find: str, scan: int, joined_by: int | None
    ) -> tuple[list[Group], str | None]:
        """Groups by name from behind `after`, whose name holds `find`; with `joined_by` only that account's.

        Looks at no more than `scan` groups. Second: the name to go on from, None at the end.
        """
        ...

    def join_group(self, name: Name, account: int) -> None:
        """Make an account a member: its cursors stand at the head. The caller has made sure that it is none."""
        ...

    def leave_group(self, name: Name, account: int) -> None:
        """End a membership. The caller has made sure that it exists."""
        ...

    def set_admin(self, name: Name, account: int | None) -> None:
        """Say who may remove members."""
        ...

    def longest_member(self, name: Name) -> int | None:
        """The account that has been a member for longest."""
        ...

    def member_ids(self, conversation: ConversationId) -> frozenset[int] | None:
        """The accounts that take part in a conversation, None where there is none. As large as the group is."""
        ...

    def members(self, name: Name, after: str, limit: int) -> list[Account]:
        """The members of a group by name, from behind `after`."""
        ...

    # entries

    def append(self, to: ConversationId, draft: Draft) -> Entry:
        """Store an entry at the next number; a repeated (sender, id) returns the first, wherever it is.

        The only source of numbers and chains. Raises KeyError where the conversation was never opened.
        """
        ...

    def sent(self, sender: str, entry: str) -> Entry | None:
        """What that sender has sent under this ULID."""
        ...

    def history(
        self,
        of: ConversationId,
        *,
        limit: int,
        max_bytes: int,
        after: int | None = None,
        before: int | None = None,
    ) -> EntryPage:
        """The entries after `after`, or the last ones before `before`; with neither, the newest.

        At most `limit`, and at most `max_bytes` as a rule, but at least one.
        """
        ...

    def received(self, of: ConversationId, own: str, *, after: int, limit: int, max_bytes: int, scan: int) -> Received:
        """The entries after `after` that are not from `own`: at most `limit` and `max_bytes`.

        Looks at no more than `scan` entries, so it may find none and yet reach further.
        """
        ...

    def unread(self, account: int, conversation: ConversationId, own: str, up_to: int, scan: int) -> tuple[int, int]:
        """How many entries behind the read mark are not `own`, up to `up_to`; and how many were looked at.

        Looks at no more than `scan` entries.
        """
        ...

    def standings_from(self, account: int, realm: Name, limit: int) -> list[RealmStanding]:
        """The user's conversations with entries from that realm that `getrealminbox` has not given yet, by name."""
        ...

    def received_from(self, of: RealmStanding, realm: Name, *, limit: int, max_bytes: int) -> Received:
        """The entries from that realm behind the cursor: at most `limit` and `max_bytes`, but at least one."""
        ...

    def move_realm_inbox(self, account: int, realm: Name, of: RealmStanding, seq: int) -> None:
        """Set the cursor of `getrealminbox`."""
        ...

    # files

    def file(self, file: str) -> StoredFile | None:
        """The file with that id."""
        ...

    def may_see(self, account: int, file: str) -> bool:
        """Whether the account takes part in a conversation with an entry that names the file."""
        ...

    def held_by(self, owner: int, digest: bytes, scan: int) -> StoredFile | None:
        """A file with these bytes that the owner has uploaded, or, where it is an account, may see in an entry.

        Of others' files it looks at the latest `scan`.
        """
        ...

    def unsent_file(self, owner: int, digest: bytes, name: str) -> StoredFile | None:
        """A file of the owner with these bytes and this name that no entry names."""
        ...

    def unsent_files(self, owner: int, limit: int) -> int:
        """How many files of the owner no entry names; counted up to `limit`."""
        ...

    def add_file(self, file: StoredFile, now: int) -> StoredFile:
        """A new file, as it is kept: of bytes that are held already, the media type is what it was found to be then.

        The caller has made sure that the id is new, and that the bytes are on disk and flushed.
        """
        ...

    def drop_unsent(self, before: int, limit: int) -> int:
        """Forget up to `limit` files from before then that no entry names, and the blobs of which none is left.

        Those are to be removed: see `removals`. Returns how many files it were.
        """
        ...

    def file_usage(self, owner: int) -> int:
        """Bytes of what the owner has uploaded, each blob once, and of what it is uploading; in whole blocks."""
        ...

    def blob_bytes(self) -> int:
        """Bytes of all blobs, and of all that is being uploaded; in whole blocks of 4 KiB, at least one each."""
        ...

    def uploads(self, after: str, limit: int) -> list[UploadRow]:
        """Uploads with an id above `after`, ascending."""
        ...

    def upload_of(self, owner: int, digest: bytes) -> UploadRow | None:
        """The upload of these bytes by this owner."""
        ...

    def open_upload(self, row: UploadRow) -> None:
        """A new upload. The caller has made sure that the owner has none of these bytes."""
        ...

    def use_upload(self, upload: str, name: str, now: int) -> None:
        """Remember when it was used last, and under which name."""
        ...

    def end_upload(self, upload: str) -> None:
        """Forget it."""
        ...

    def add_removal(self, digest: bytes) -> None:
        """Remember that bytes may be on disk that are nobody's; where there is such a blob, nothing changes."""
        ...

    def removals(self, limit: int) -> list[Removal]:
        """What is to be removed from disk."""
        ...

    def forget_removal(self, done: Removal) -> None:
        """It is removed; where it was asked for again since, it stays to be done."""
        ...


class Store(Protocol):
    """A realm's folder, opened by one process."""

    @property
    def realm(self) -> Name:
        """What this realm is called."""
        ...

    @property
    def epoch(self) -> int:
        """Drawn at creation, at every restore, and where answers were lost of a damaged write-ahead log."""
        ...

    def transaction(self, *, writable: bool = True) -> AbstractContextManager[Tx]:
        """Commit and flush on leaving; on an exception nothing of it remains.

        Raises StoreFullError where the disk is full. With `writable=False` every write raises it.
        """
        ...

    def close(self) -> None:
        """Release the folder. Twice is harmless."""
        ...
