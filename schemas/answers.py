"""What a realm answers: always the caller's `id` and a `status`; with an error a `code` and a `message`."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.entries import Entry, File
from schemas.fields import Count

Bin16 = Annotated[bytes, Meta(title="bin16")]
Bin32 = Annotated[bytes, Meta(title="bin32")]
Millis = Annotated[int, Meta(title="ms")]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The part that all answers have."""

    id: int | None
    status: Literal["OK"] = "OK"


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was not done."""

    id: int | None
    status: Literal["ERROR"] = "ERROR"
    code: str
    message: str
    retry_after: Count | UnsetType = UNSET
    incident: str | UnsetType = UNSET


class Done(Answer, frozen=True, kw_only=True):
    """Nothing to add."""


class Said(Answer, frozen=True, kw_only=True):
    """A text for the person."""

    message: str


class SessionOpened(Answer, frozen=True, kw_only=True):
    """A session: the right to speak as a user, with this key alone."""

    tokenId: str  # noqa: N815 - the contract's own spelling
    user: str
    name: str
    country: str
    admin: bool
    topic: Bin16
    epoch: int


class Sent(Answer, frozen=True, kw_only=True):
    """What was stored: with what was sent, the whole entry."""

    message: str
    conversation: str
    seq: Count
    entry: str
    name: str
    sent_at: Millis
    salt: Bin16
    chain: Bin32
    file_info: File | UnsetType = UNSET
    queued: bool | UnsetType = UNSET


class Messages(Answer, frozen=True, kw_only=True):
    """What was received and not yet fetched."""

    messages: list[Entry]
    more: bool


class ConversationHead(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the list of conversations."""

    conversation: str
    title: str
    first: Count
    head: Count
    read: Count
    seen: Count
    unread: Count
    last: Entry | UnsetType = UNSET


class Page(Answer, frozen=True, kw_only=True):
    """The part that all lists have: where to go on."""

    more: bool
    next: str | UnsetType = UNSET


class Conversations(Page, frozen=True, kw_only=True):
    """The conversations of the user, latest first."""

    conversations: list[ConversationHead]


class History(Answer, frozen=True, kw_only=True):
    """Entries in ascending order."""

    entries: list[Entry]
    first: Count
    head: Count
    seen: Count
    more: bool


class Synced(Answer, frozen=True, kw_only=True):
    """What a client needs to see whether it lacks anything."""

    epoch: int
    total: Count
    heads: dict[str, Count | None] | UnsetType = UNSET
    active: dict[str, bool] | UnsetType = UNSET
    more: bool | UnsetType = UNSET
    next: str | UnsetType = UNSET


class UserSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One user, as all users see them."""

    username: str
    name: str
    country: str
    active: bool


class Users(Page, frozen=True, kw_only=True):
    """The users of this realm, by name."""

    users: list[UserSeen]


class GroupSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One group, as the asking user sees it."""

    group: str
    title: str
    admin: str
    count: Count
    joined: bool
    members: list[str] | UnsetType = UNSET


class Groups(Page, frozen=True, kw_only=True):
    """The groups of this realm, by name."""

    groups: list[GroupSeen]


class MemberSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One member of a group."""

    username: str
    name: str
    active: bool


class Members(Page, frozen=True, kw_only=True):
    """The members of a group, by name."""

    members: list[MemberSeen]


class RealmSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One peer realm and how its link fares."""

    realm: str
    address: str
    port: int
    key: str
    connected: bool
    queued: Count
    last_contact: int | None
    down_since: int | UnsetType = UNSET
    next_try: int | UnsetType = UNSET
    excluded: bool | UnsetType = UNSET
    """Whether the settings of this realm do not let it speak with that one (any more)."""


class Realms(Answer, frozen=True, kw_only=True):
    """The realms that this one knows."""

    realms: list[RealmSeen]


class UploadOpened(Answer, frozen=True, kw_only=True):
    """Where an upload goes on; `file` at once where nothing is missing."""

    upload: str
    offset: Count
    chunk: Count
    file: str | UnsetType = UNSET


class ChunkTaken(Answer, frozen=True, kw_only=True):
    """The next offset, and at the end the file."""

    offset: Count
    file: str | UnsetType = UNSET


class Downloaded(Answer, frozen=True, kw_only=True):
    """What file it is, and the size of all of it, or of its thumbnail; the bytes are in a second frame."""

    size: Count
    file_info: File


class ActiveUsers(Answer, frozen=True, kw_only=True):
    """Who is active now, sorted, as many as fit."""

    message: list[str]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The identity card at the front door: who a realm is and where its ports are."""

    status: Literal["OK"] = "OK"
    realm: str
    version: int
    features: list[str]
    key: str
    commands: int
    push: int
