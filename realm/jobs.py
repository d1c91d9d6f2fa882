"""Slow work that never runs in a turn. The broker does it, and the result is an input of a later turn.

Password jobs have a pool, file jobs another, in which the jobs of one digest are done one after the other, and those
that speak to other realms a third.
"""

from enum import Enum

import msgspec

from realm.request import Request
from realm.settings import Settings
from schemas.figures import Served
from schemas.names import Name


class HashPassword(msgspec.Struct, frozen=True):
    """Make an argon2id hash. The result is the hash."""

    ask: Request
    password: str
    replaces: str = ""
    """The hash that was right when this was asked, where there is one."""

    def __repr__(self) -> str:
        return f"HashPassword({self.ask.address})"


class CheckPassword(msgspec.Struct, frozen=True):
    """Check a password against a hash. The result says whether it is the one."""

    ask: Request
    password: str
    against: str

    def __repr__(self) -> str:
        return f"CheckPassword({self.ask.address})"


PasswordJob = HashPassword | CheckPassword


class OpenUpload(msgspec.Struct, frozen=True):
    """See how much of an upload is on disk. The result is `Held`."""

    ask: Request
    upload: str
    digest: bytes


class WriteChunk(msgspec.Struct, frozen=True):
    """Write the bytes of `ask` at the end of what is held. The result is `Held`; bytes for elsewhere are MISPLACED."""

    ask: Request
    upload: str
    digest: bytes
    offset: int


class FinishUpload(msgspec.Struct, frozen=True):
    """Check the digest of all that is held, flush it, and keep it as a blob. The result is `Finished`.

    The upload's own bytes stay until `DiscardUpload`: what this has done may never be committed.
    """

    ask: Request
    upload: str
    digest: bytes


class ReadBlob(msgspec.Struct, frozen=True):
    """Read some bytes of a blob. The result is the bytes, fewer at its end."""

    ask: Request
    digest: bytes
    offset: int
    size: int


class ReadThumbnail(msgspec.Struct, frozen=True):
    """Read some bytes of a picture's thumbnail, which is made at the first call. The result is `Thumbnail`."""

    ask: Request
    account: int
    """Who asks: a thumbnail may take long, and each user has few at once."""
    digest: bytes
    offset: int
    size: int


class ReadOwn(msgspec.Struct, frozen=True):
    """Read some bytes of a blob that is carried to a peer. The result is the bytes."""

    peer: int
    carrying: int
    """Which carrying it is for: see `realm.federation.state.Carrying`."""
    digest: bytes
    offset: int
    size: int


class DiscardUpload(msgspec.Struct, frozen=True):
    """Remove what an upload has on disk. The result is `Gone`."""

    upload: str
    digest: bytes


class RemoveBlob(msgspec.Struct, frozen=True):
    """Remove a blob and its thumbnail from disk. The result is `Gone`."""

    digest: bytes
    asked: int
    """See `realm.store.rows.Removal`."""


class ReadCard(msgspec.Struct, frozen=True):
    """Read the identity card at a front door. The result is `CardRead`."""

    ask: Request | None
    """Who has asked to make that realm a peer; nobody where it is one, and out of reach."""
    peer: int | None
    host: str
    port: int


class Introduce(msgspec.Struct, frozen=True):
    """Say `link.introduce` to another realm, from this one's front door. The result is `Agreed`."""

    ask: Request
    card: "CardRead"
    host: str
    port: int


class ProveIntroduction(msgspec.Struct, frozen=True):
    """Ask the realm at a front door whether it introduces itself, by `link.prove`. The result is `Agreed`."""

    ask: Request
    realm: Name
    key: str
    host: str
    port: int
    nonce: bytes


class CountUp(msgspec.Struct, frozen=True):
    """Say what was counted. The result is `schemas.figures.Served`, or None where nothing is counted."""

    ask: Request


class ReadSettings(msgspec.Struct, frozen=True):
    """Read the settings file again. The result is `SettingsRead` or `SettingsBad`."""

    ask: Request | None
    """Which operator waits for it; nobody after a signal."""


DialJob = ReadCard | Introduce | ProveIntroduction
"""Jobs that speak to other realms; where that does not work, the result is `DialFailed`."""
Transfer = OpenUpload | WriteChunk | FinishUpload | ReadBlob | ReadThumbnail
"""File jobs that somebody waits for."""
Cleaning = DiscardUpload | RemoveBlob
FileJob = Transfer | Cleaning | ReadOwn
Job = PasswordJob | FileJob | DialJob | ReadSettings | CountUp


class Held(msgspec.Struct, frozen=True):
    """So many bytes of an upload are on disk, not necessarily flushed."""

    offset: int


class Finished(msgspec.Struct, frozen=True):
    """An upload is a blob now, and flushed; what it is by its content."""

    media_type: str


class Thumbnail(msgspec.Struct, frozen=True):
    """A part of a thumbnail, and the size of all of it."""

    data: bytes
    size: int


class Gone(msgspec.Struct, frozen=True):
    """What was to be removed is not there any more."""


class Problem(Enum):
    """Why a file job did not work."""

    MISPLACED = "misplaced"
    """The chunk does not begin where what is held ends."""
    WRONG_DIGEST = "wrong digest"
    MISSING = "missing"
    """There is no such blob, or it has no thumbnail."""
    DISK_FULL = "disk full"
    BROKEN = "broken"
    """Something else; the log has it."""


class Trouble(msgspec.Struct, frozen=True):
    """A file job that did not work, and how much of the upload is held, where it was about one."""

    problem: Problem
    offset: int = 0


class CardRead(msgspec.Struct, frozen=True):
    """What a realm says of itself."""

    realm: str
    version: int
    key: str
    commands: int


class Agreed(msgspec.Struct, frozen=True):
    """The other realm says yes."""

    commands: int
    """Its commands port."""


class DialFailed(msgspec.Struct, frozen=True):
    """Another realm could not be spoken to; why is for the log and the operator."""

    why: str


class SettingsRead(msgspec.Struct, frozen=True):
    """What the settings file says now, and the options of the realm's start."""

    settings: Settings


class SettingsBad(msgspec.Struct, frozen=True):
    """The settings file cannot be used; why is for the operator."""

    why: str


DialResult = CardRead | Agreed | DialFailed
FileResult = Held | Finished | Thumbnail | Gone | Trouble | bytes
Result = str | bool | None | FileResult | DialResult | SettingsRead | SettingsBad | Served
"""Of a password job, None where it failed."""
