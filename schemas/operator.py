"""What a realm's operator says to it while it runs, over a socket in its folder; and what it answers."""

from typing import ClassVar, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from schemas import answers
from schemas.answers import Answer, Millis
from schemas.commands import Command, check_new_password
from schemas.fields import Host, NewPassword, Port, ServerKey, Text
from schemas.figures import Served
from schemas.names import NameField


class OperatorCommand(Command, frozen=True, kw_only=True):
    """A command of whoever may read and write the realm's folder."""


class PeerSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A peer as its operator sees it."""

    realm: str
    address: str
    port: int
    key: str
    answers: bool
    """Whether it answers now."""
    speaks: bool
    """Whether it has said hello to this realm since that started."""
    queued: int
    oldest: Millis | None
    """When the oldest message was said that it has neither taken nor refused."""
    heard_at: Millis | None
    down_since: Millis | None
    next_try: Millis | None
    error: str
    """Why it does not answer, empty where it does."""
    allowed: bool
    """Whether the settings let this realm speak with it."""
    restored_at: Millis | None
    """When it was noticed last that one of the two realms was put back from an older backup."""


class PeersSeen(Answer, frozen=True, kw_only=True):
    """All peers, by when they were added; and where others reach this realm, HOST:PORT."""

    realm: str
    home: str
    peers: list[PeerSeen]


class Peers(OperatorCommand, frozen=True, kw_only=True, tag="operator.peers"):
    """How the links to all peers fare."""

    answer: ClassVar = PeersSeen


class AddPeer(OperatorCommand, frozen=True, kw_only=True, tag="operator.addpeer"):
    """As `addrealm`, whoever may say that."""

    answer: ClassVar = answers.Said
    folded: ClassVar = ("realm",)
    realm: NameField
    address: Host
    port: Port
    key: ServerKey | UnsetType = UNSET


class PeerForgotten(Answer, frozen=True, kw_only=True):
    """It is done; so many messages that waited for it go back to their senders."""

    queued: int


class ForgetPeer(OperatorCommand, frozen=True, kw_only=True, tag="operator.forgetpeer"):
    """A realm is to be a peer no more."""

    answer: ClassVar = PeerForgotten
    folded: ClassVar = ("realm",)
    realm: NameField


class UserSeen(msgspec.Struct, frozen=True, kw_only=True):
    """An account as its operator sees it; of an erased one nothing is left but its name."""

    username: str
    name: str
    country: str
    admin: bool
    made_at: Millis
    active_at: Millis
    """When it was active last, to a minute; when it was made, where it never was."""
    active: bool
    """Whether it is active now."""
    sessions: int
    file_bytes: int
    """Of what it has uploaded and is uploading, each content once."""
    disabled_at: Millis | None
    erased_at: Millis | None
    """When its erasing began."""
    erasing: bool
    """Whether that is still under way."""


class UsersSeen(Answer, frozen=True, kw_only=True):
    """A page of the accounts, by name, and the name to go on from."""

    users: list[UserSeen]
    next: str | None


class ListUsers(OperatorCommand, frozen=True, kw_only=True, tag="operator.users"):
    """All accounts, 100 at a time."""

    answer: ClassVar = UsersSeen
    after: NameField | UnsetType = UNSET


class RegistrationSeen(Answer, frozen=True, kw_only=True):
    """Who may register by the settings that the realm goes by, and where."""

    registration: Literal["open", "invite", "closed"]
    home: str
    """Where others reach the front door, HOST:PORT; empty where the realm does not run."""


class Registration(OperatorCommand, frozen=True, kw_only=True, tag="operator.registration"):
    """Who may register."""

    answer: ClassVar = RegistrationSeen


class AboutUser(OperatorCommand, frozen=True, kw_only=True):
    """What is said of one account."""

    answer: ClassVar = answers.Said
    folded: ClassVar = ("username",)
    username: NameField


class AddUser(AboutUser, frozen=True, kw_only=True, tag="operator.adduser"):
    """Makes an account, whoever may register."""

    password: NewPassword
    name: Text
    country: Text

    def __post_init__(self) -> None:
        super().__post_init__()
        check_new_password("password", self.password)


class ResetPassword(AboutUser, frozen=True, kw_only=True, tag="operator.resetpassword"):
    """Gives a user another password, and ends all sessions."""

    password: NewPassword

    def __post_init__(self) -> None:
        super().__post_init__()
        check_new_password("password", self.password)


class DisableUser(AboutUser, frozen=True, kw_only=True, tag="operator.disableuser"):
    """Ends all sessions of a user and lets nobody log in, or, not `disabled`, lets them again."""

    disabled: bool


class AdministerUser(AboutUser, frozen=True, kw_only=True, tag="operator.adminuser"):
    """Says whether a user may do what only admins may."""

    admin: bool


class ErasingSeen(Answer, frozen=True, kw_only=True):
    """How far the erasing of an account has come."""

    done: bool
    """Whether nothing is left of it but its name."""
    begun: bool
    """Whether this command has begun it."""
    step: str
    """What is being erased."""
    entries: int
    files: int


class EraseUser(OperatorCommand, frozen=True, kw_only=True, tag="operator.eraseuser"):
    """Begins to erase an account, or asks how far that has come."""

    answer: ClassVar = ErasingSeen
    folded: ClassVar = ("username",)
    username: NameField


class FiguresSeen(Answer, frozen=True, kw_only=True):
    """How the realm fares."""

    realm: str
    key: str
    """Its CURVE key."""
    home: str
    """Where others reach it, HOST:PORT; empty where it does not run."""
    now: Millis
    sessions: int
    active: int
    """Users who are active now."""
    file_bytes: int
    """Of all files that are kept and of all that is being uploaded, in whole blocks."""
    file_room: int
    """How many there may be."""
    uploads: int
    """Those that are not complete."""
    moving: int
    """Bytes of them that are on their way to disk."""
    peers: list[PeerSeen]
    served: Served | None
    """Null where the realm does not run."""


class Figures(OperatorCommand, frozen=True, kw_only=True, tag="operator.figures"):
    """How the realm fares, in figures."""

    answer: ClassVar = FiguresSeen


class Reloaded(Answer, frozen=True, kw_only=True):
    """What is other than before, as `limits.login_burst: 30 -> 60`."""

    changed: list[str]
    """In force now."""
    kept: list[str]
    """In force after a restart."""


class Reload(OperatorCommand, frozen=True, kw_only=True, tag="operator.reload"):
    """Read the settings file again."""

    answer: ClassVar = Reloaded


OPERATOR_COMMANDS: Final[tuple[type[OperatorCommand], ...]] = (
    Peers,
    AddPeer,
    ForgetPeer,
    Registration,
    ListUsers,
    AddUser,
    ResetPassword,
    DisableUser,
    AdministerUser,
    EraseUser,
    Figures,
    Reload,
)
