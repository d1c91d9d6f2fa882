"""What the store hands out and takes in: plain values, complete in themselves."""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from schemas.entries import Entry, File, Kind
from schemas.names import ConversationId, Name

BLOCK: Final = 4_096
"""Every blob and upload is taken to fill whole blocks of so many bytes, and at least one: many small ones cost too."""


def charged(size: int) -> int:
    """What so many bytes count as."""
    return max(1, -(-size // BLOCK)) * BLOCK


class Account(msgspec.Struct, frozen=True):
    """One user of this realm."""

    id: int
    name: Name
    display: str
    country: str
    password_hash: str
    admin: bool
    disabled: bool = False
    """Whether the operator lets nobody log in to it."""


class UserRow(msgspec.Struct, frozen=True):
    """An account as its operator sees it; of an erased one nothing is left but its name."""

    id: int
    name: Name
    display: str
    country: str
    admin: bool
    created_at: int
    active_at: int
    """When it was active last, ms, up to a minute late; when it was made, where it never was."""
    disabled_at: int | None
    erased_at: int | None


class Kept(msgspec.Struct, frozen=True):
    """A conversation, and which of its entries are kept."""

    number: int
    """The store's own for the conversation."""
    conversation: ConversationId
    first: int
    """One above the head where none is."""
    head: int


Step = Literal["outbox", "memberships", "entries", "files", "bytes", "done"]
"""What of an account is being erased; the next is begun when nothing of it is left."""


class Erasing(msgspec.Struct, frozen=True):
    """An account that is being erased or was, and how far that has come."""

    account: int
    name: Name
    asked_at: int
    step: Step
    place: int
    """In the outbox, or in one conversation: up to here it is done."""
    entries: int
    """How many were erased,"""
    files: int
    """and how many files."""


class Active(msgspec.Struct, frozen=True):
    """Until when an account counts as active."""

    account: int
    name: Name
    until: int


class SessionRow(msgspec.Struct, frozen=True):
    """One session as it is kept: the hash of its token, never the token."""

    id: int
    account: int
    name: Name
    display: str
    key: str
    token_hash: bytes
    topic: bytes
    used_at: int


class Draft(msgspec.Struct, frozen=True):
    """What is about to become an entry; `append` gives it its number and chain."""

    id: str
    sender: str
    display: str
    sent_at: int
    salt: bytes
    message: str | UnsetType = UNSET
    drawn: bool = False
    """Whether it is known that no other entry has the id: it was drawn just now, or looked for before."""
    file: File | UnsetType = UNSET
    re: str | None = None
    """Of a bounce: the entry that was refused."""
    code: str | None = None
    """And why."""
    origin: Name | None = None
    """The other realm that it is from."""
    stored_at: int | None = None
    """When it is stored, where that is not when it was sent: by this, conversations are listed."""

    @property
    def kind(self) -> Kind:
        """What kind of entry it becomes."""
        if self.re is not None:
            return "bounce"
        return "text" if self.file is UNSET else "file"


class StoredFile(msgspec.Struct, frozen=True):
    """One upload of one user or peer, complete: a name for a blob."""

    id: str
    owner: int
    """An account, or minus a peer."""
    name: str
    size: int
    media_type: str
    digest: bytes

    @property
    def shown(self) -> File:
        """What an entry says of it."""
        return File(id=self.id, name=self.name, size=self.size, media_type=self.media_type, digest=self.digest)


class Removal(msgspec.Struct, frozen=True):
    """Bytes that are to be removed from disk."""

    digest: bytes
    asked: int
    """How often that was said: since a removal began it may have become necessary again."""


class UploadRow(msgspec.Struct, frozen=True):
    """One upload that is not complete."""

    id: str
    owner: int
    digest: bytes
    size: int
    name: str
    used_at: int


class Standing(msgspec.Struct, frozen=True):
    """One user in one conversation: its ends, and how far the user has come."""

    conversation: ConversationId
    first: int
    head: int
    latest: int
    """Grows with what is newer; nothing but an order."""
    inbox: int
    read: int


class Group(msgspec.Struct, frozen=True):
    """One group."""

    name: Name
    title: str
    admin: int | None
    """The account that may remove members; None while nobody is in it."""
    members: int


class EntryPage(msgspec.Struct, frozen=True):
    """Entries in ascending order, and whether there are more in the direction asked."""

    entries: list[Entry]
    more: bool
    bytes: int = 0
    """What the entries take in a frame."""


class Received(msgspec.Struct, frozen=True):
    """What others said in one conversation, from behind a cursor on."""

    entries: list[Entry]
    reached: int
    """Where the cursor may stand now: all that others said up to here is in `entries`."""
    bytes: int


class Peer(msgspec.Struct, frozen=True):
    """Another realm that this one knows: its key, and where its front door is."""

    id: int
    name: Name
    key: str
    address: str
    port: int
    forgotten_at: int | None = None
    """Since when it is one no more: then nobody finds it by its name or key, and what waits for it is given back."""


class Sending(msgspec.Struct, frozen=True):
    """How far what is sent to a peer has come."""

    epoch: int
    last: int
    """The last number given."""
    hash: bytes
    """The running hash there."""
    acked: int
    """The peer has taken everything up to this number."""
    acked_hash: bytes
    queued: int
    """What it has neither taken nor refused yet, with what has no number yet."""
    restored_at: int | None
    """When it was noticed last that either side was put back from an older backup, ms."""
    renumbering: int = 0
    """1 where there may be rows that have no number in this epoch yet, though they could: see `Tx.renumber`."""


class Post(msgspec.Struct, frozen=True):
    """What a user sends to another realm, before it has its place there."""

    peer: int
    id: str
    account: int
    display: str
    sent_at: int
    to_group: bool
    recipient: Name
    message: str | UnsetType = UNSET
    file: str | UnsetType = UNSET
    """The id of the sender's own file."""


DROPPED: Final = "dropped"
"""The result of a row that the peer had taken, and refused after a restore: not sent again, and nobody is told."""


class Outgoing(msgspec.Struct, frozen=True):
    """A row of the outbox."""

    place: int
    """The order in which it was said."""
    n: int | None
    """Its number on the link; None while the peer does not hold its file, and once it is refused."""
    hash: bytes
    post: Post
    copied: bool
    """Whether the sender's own entry is stored."""
    settled: bool
    """Whether the peer has taken it, or refused it."""
    result: str
    """The code with which it was refused, empty where it was not; or `DROPPED`."""


class RealmStanding(msgspec.Struct, frozen=True):
    """How far a user has fetched what came from one realm to one conversation."""

    conversation: ConversationId
    number: int
    """The store's own for the conversation."""
    fetched: int
