"""Every command: its arguments as they come over the wire, and the answer it gets when it works.

A command that exists as an object has been checked: right types, right lengths, names in lower case. Secrets
never show in its `repr`.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import force_setattr

from schemas import answers
from schemas.fields import (
    EXPLAINED,
    FILE_NAME_PATTERN,
    Bin32,
    ChunkSize,
    Count,
    FileId,
    FileName,
    Find,
    Host,
    Id,
    Limit,
    Message,
    NewPassword,
    Opaque,
    Password,
    Port,
    Seq,
    ServerKey,
    Text,
    Token,
)
from schemas.limits import MAX_CURSORS, MAX_FILE_NAME, MAX_ITEMS, MAX_MESSAGE, MAX_PASSWORD, MIN_PASSWORD
from schemas.names import (
    AddressField,
    ConversationField,
    NameField,
    TitleField,
    UlidField,
)


class OverLimitError(ValueError):
    """A field is over a limit that has a code of its own."""


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="cmd", tag=str.lower, omit_defaults=True):
    """What every command has: the caller's `id`, echoed in the answer."""

    answer: ClassVar[type[answers.Answer]]
    folded: ClassVar[tuple[str, ...]] = ()
    """The fields that are names, kept in lower case."""

    id: Id

    def __post_init__(self) -> None:
        fold_fields(self, self.folded)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(id={self.id}, …)"


class InSession(Command, frozen=True, kw_only=True):
    """A command of somebody who has logged in. A missing token is a session that is not found."""

    tokenId: Token = ""  # noqa: N815 - the contract's own spelling


class Repeatable(InSession, frozen=True, kw_only=True):
    """A send: with the same `entry` it has no second effect and gets the first one's answer."""

    answer: ClassVar = answers.Sent
    entry: UlidField | UnsetType = UNSET


class Texting(Repeatable, frozen=True, kw_only=True):
    """A send of a message text."""

    message: Message

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.message) * 4 > MAX_MESSAGE and len(self.message.encode()) > MAX_MESSAGE:
            raise OverLimitError(f"a message is at most {MAX_MESSAGE:,} bytes of UTF-8")


class Filing(Repeatable, frozen=True, kw_only=True):
    """A send of a file that was uploaded."""

    file: FileId


class Listing(InSession, frozen=True, kw_only=True):
    """A command that answers with a page of a list."""

    after: Opaque | UnsetType = UNSET
    limit: Limit = MAX_ITEMS


def fold_fields(frame: msgspec.Struct, fields: tuple[str, ...]) -> None:
    """Put the names in these fields into lower case."""
    for field in fields:
        typed = getattr(frame, field)
        if typed is not UNSET and not typed.islower():
            force_setattr(frame, field, typed.lower())


def check_file_name(name: str) -> None:
    """Raise ValueError where it is longer than 255 bytes."""
    if len(name.encode()) > MAX_FILE_NAME:
        raise ValueError(f"name: {EXPLAINED[FILE_NAME_PATTERN]}")


def check_new_password(field: str, password: str) -> None:
    """Raise ValueError unless the password in `field` is 8 to 1,024 bytes."""
    if not MIN_PASSWORD <= len(password.encode()) <= MAX_PASSWORD:
        raise ValueError(f"{field}: a password is {MIN_PASSWORD} to {MAX_PASSWORD:,} bytes of UTF-8")


class Auth(Command, frozen=True, kw_only=True):
    """Opens a session with a password."""

    answer: ClassVar = answers.SessionOpened
    folded: ClassVar = ("username",)
    username: NameField
    password: Password


class Register(Command, frozen=True, kw_only=True):
    """Creates the account and opens a session."""

    answer: ClassVar = answers.SessionOpened
    folded: ClassVar = ("username",)
    username: NameField
    password: NewPassword
    country: Text
    name: Text
    invite: Token | UnsetType = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        check_new_password("password", self.password)


class Resume(InSession, frozen=True, kw_only=True):
    """Takes a session up again after a restart of either side, without the password."""

    answer: ClassVar = answers.SessionOpened


class AddGroup(InSession, frozen=True, kw_only=True):
    """Creates a group; its creator is its first member and its admin."""

    answer: ClassVar = answers.Said
    group: TitleField


class JoinGroup(InSession, frozen=True, kw_only=True):
    """Joins a group."""

    answer: ClassVar = answers.Said
    folded: ClassVar = ("group",)
    group: NameField


class LeaveGroup(InSession, frozen=True, kw_only=True):
    """Leaves a group."""

    answer: ClassVar = answers.Said
    folded: ClassVar = ("group",)
    group: NameField


class RemoveMember(InSession, frozen=True, kw_only=True):
    """Removes a member; for the group's admin only."""

    answer: ClassVar = answers.Said
    folded: ClassVar = ("group", "username")
    group: NameField
    username: NameField


class Send(Texting, frozen=True, kw_only=True):
    """A private message."""

    folded: ClassVar = ("to",)
    to: AddressField


class SendGroup(Texting, frozen=True, kw_only=True):
    """A message to a group."""

    folded: ClassVar = ("group",)
    group: NameField


class SendFile(Filing, frozen=True, kw_only=True):
    """A private file."""

    folded: ClassVar = ("to",)
    to: AddressField


class SendGroupFile(Filing, frozen=True, kw_only=True):
    """A file to a group."""

    folded: ClassVar = ("group",)
    group: NameField


class SendPrivateRealm(Texting, frozen=True, kw_only=True):
    """A private message to a user of another realm."""

    folded: ClassVar = ("realm", "to")
    realm: NameField
    to: NameField


class SendFileRealm(Filing, frozen=True, kw_only=True):
    """A private file to a user of another realm."""

    folded: ClassVar = ("realm", "to")
    realm: NameField
    to: NameField


class SendGroupRealm(Texting, frozen=True, kw_only=True):
    """A message to a group of another realm."""

    folded: ClassVar = ("realm", "group")
    realm: NameField
    group: NameField


class SendGroupFileRealm(Filing, frozen=True, kw_only=True):
    """A file to a group of another realm."""

    folded: ClassVar = ("realm", "group")
    realm: NameField
    group: NameField


class Inbox(InSession, frozen=True, kw_only=True):
    """What was received and not yet fetched, by conversation, then number; moves the cursors past it."""

    answer: ClassVar = answers.Messages
    limit: Limit = MAX_ITEMS


class GetRealmInbox(InSession, frozen=True, kw_only=True):
    """As `inbox`, for what came from that realm, with cursors of its own."""

    answer: ClassVar = answers.Messages
    folded: ClassVar = ("realm",)
    realm: NameField
    limit: Limit = MAX_ITEMS


class Conversations(Listing, frozen=True, kw_only=True):
    """The user's conversations, latest first; an empty group has `head: 0` and no `last`."""

    answer: ClassVar = answers.Conversations


class History(InSession, frozen=True, kw_only=True):
    """Entries of a conversation, ascending; without `after` and `before` the newest."""

    answer: ClassVar = answers.History
    folded: ClassVar = ("conversation",)
    conversation: ConversationField
    after: Seq | UnsetType = UNSET
    before: Seq | UnsetType = UNSET
    limit: Limit = MAX_ITEMS

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.after is not UNSET and self.before is not UNSET:
            raise ValueError("give after or before, not both")


class Read(InSession, frozen=True, kw_only=True):
    """Moves the user's read mark forward, at most to `head`."""

    answer: ClassVar = answers.Done
    folded: ClassVar = ("conversation",)
    conversation: ConversationField
    seq: Seq


class Sync(InSession, frozen=True, kw_only=True):
    """The heartbeat that keeps the user active, and the way to see that nothing is missing."""

    answer: ClassVar = answers.Synced
    cursors: Annotated[dict[ConversationField, Seq], Meta(max_length=MAX_CURSORS)] | UnsetType = UNSET
    after: Opaque | UnsetType = UNSET
    watch: Annotated[list[AddressField], Meta(max_length=MAX_ITEMS)] | UnsetType = UNSET


class Upload(InSession, frozen=True, kw_only=True):
    """Begins an upload, or takes one up again; `offset` is how much of this user's is held already."""

    answer: ClassVar = answers.UploadOpened
    digest: Bin32
    size: Count
    name: FileName

    def __post_init__(self) -> None:
        super().__post_init__()
        check_file_name(self.name)


class Chunk(InSession, frozen=True, kw_only=True):
    """The next bytes of an upload, in a second frame."""

    answer: ClassVar = answers.ChunkTaken
    upload: FileId
    offset: Count


class Download(InSession, frozen=True, kw_only=True):
    """Bytes of a file that the user may see; fewer at its end."""

    answer: ClassVar = answers.Downloaded
    file: FileId
    offset: Count
    size: ChunkSize
    thumbnail: bool = False


class Users(Listing, frozen=True, kw_only=True):
    """The users of this realm, by name; `find` is a part of a username or name."""

    answer: ClassVar = answers.Users
    find: Find | UnsetType = UNSET


class Groups(Listing, frozen=True, kw_only=True):
    """The groups of this realm, by name; `members` has the first 100, where the user has joined."""

    answer: ClassVar = answers.Groups
    find: Find | UnsetType = UNSET
    joined: bool = False


class Members(Listing, frozen=True, kw_only=True):
    """The members of a group, by name."""

    answer: ClassVar = answers.Members
    folded: ClassVar = ("group",)
    group: NameField


class Realms(InSession, frozen=True, kw_only=True):
    """The realms that this one knows, and how their links fare."""

    answer: ClassVar = answers.Realms


class AddRealm(InSession, frozen=True, kw_only=True):
    """Makes a peer known and reachable, in both directions."""

    answer: ClassVar = answers.Said
    folded: ClassVar = ("realm",)
    realm: NameField
    address: Host
    port: Port
    key: ServerKey | UnsetType = UNSET


class Passwd(InSession, frozen=True, kw_only=True):
    """Changes the password, and ends the user's other sessions."""

    answer: ClassVar = answers.Said
    old: Password
    new: NewPassword

    def __post_init__(self) -> None:
        super().__post_init__()
        check_new_password("new", self.new)


class Logout(InSession, frozen=True, kw_only=True):
    """Ends the session, here and for push."""

    answer: ClassVar = answers.Said


class Info(Command, frozen=True, kw_only=True):
    """Who is active now, sorted, as many as fit."""

    answer: ClassVar = answers.ActiveUsers


COMMANDS: tuple[type[Command], ...] = (
    Auth,
    Register,
    Resume,
    AddGroup,
    JoinGroup,
    LeaveGroup,
    RemoveMember,
    Send,
    SendGroup,
    SendFile,
    SendGroupFile,
    SendPrivateRealm,
    SendFileRealm,
    SendGroupRealm,
    SendGroupFileRealm,
    Inbox,
    GetRealmInbox,
    Conversations,
    History,
    Read,
    Sync,
    Upload,
    Chunk,
    Download,
    Users,
    Groups,
    Members,
    Realms,
    AddRealm,
    Passwd,
    Logout,
    Info,
)
"""All commands, in the order of the protocol page."""


def name_of(command: type[msgspec.Struct]) -> str:
    """What the command is called on the wire."""
    return str(command.__struct_config__.tag)
