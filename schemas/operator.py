"""What a realm's operator says to it while it runs, over a socket in its folder; and what it answers."""

from typing import ClassVar, Final

import msgspec
from msgspec import UNSET, UnsetType

from schemas import answers
from schemas.answers import Answer, Millis
from schemas.commands import Command
from schemas.fields import Host, Port, ServerKey
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


OPERATOR_COMMANDS: Final[tuple[type[OperatorCommand], ...]] = (Peers, AddPeer, Figures, Reload)
