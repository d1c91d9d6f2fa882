"""Files of messages, as a window shows them: those on their way, and those that the realm has."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from msgspec import UNSET

from client.harmless import visible
from schemas.entries import Entry, File

PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
"""Media types of which the realm makes a small picture, and which a browser draws without running anything."""
MAX_PICTURE: Final = 50 << 20
"""Bytes of the largest picture that is shown at full size: a browser holds all of it."""


class Loss(Enum):
    """Why a file will never be whole here."""

    CUT = auto()
    """It has not come whole: its page was closed, or it changed meanwhile."""
    TOO_LARGE = auto()
    NO_ROOM = auto()
    BROKEN = auto()
    """It could not be kept here, though there was room."""


@dataclass(slots=True, eq=False)
class Parcel:
    """A file that somebody sends: from a browser it comes here first, and then goes to the realm."""

    name: str
    """As its sender calls it; to be shown, and never a path."""
    size: int
    held: int = 0
    """Bytes that are here."""
    read: int = 0
    """Bytes that were read here to be sent: all of it, before the first is sent."""
    sent: int = 0
    """Bytes that the realm has."""
    file: str = ""
    """The realm's id of it, where it is not known whether its message was stored: the next try has the same."""
    loss: Loss | None = None

    @property
    def is_here(self) -> bool:
        """Whether all of it is here."""
        return self.held == self.size and self.loss is None

    @property
    def is_being_read(self) -> bool:
        """Whether it is still on its way here, or being read to be sent."""
        return not self.is_here or (0 < self.read < self.size and not self.sent)

    @property
    def percent(self) -> int:
        """How far it is on its way here; once it is here, in being read; and then to the realm: 0 to 100 each time."""
        done = self.held if not self.is_here else self.read if self.is_being_read else self.sent
        return 100 if not self.size else min(100, done * 100 // self.size)  # somebody's own file may grow meanwhile

    def remove(self) -> None:
        """Nobody wants to send it any more."""


@dataclass(frozen=True, slots=True)
class Attached:
    """The file of one message as it is seen now."""

    name: str
    size: int
    file: File | None = None
    """None while the realm does not have it."""
    percent: int = 100
    coming: bool = False
    """Whether it is still being read."""
    is_lost: bool = False
    """Whether it will never be here: trying again is of no use."""

    @property
    def is_picture(self) -> bool:
        """Whether it may have a small picture."""
        return self.file is not None and self.file.media_type in PICTURES


def of_entry(entry: Entry) -> Attached | None:
    """The file that an entry names."""
    if entry.file is UNSET or not entry.file:
        return None
    return Attached(shown_name(entry.file.name), entry.file.size, entry.file)


def of_parcel(parcel: Parcel) -> Attached:
    """A file that is on its way."""
    return Attached(
        shown_name(parcel.name),
        parcel.size,
        percent=parcel.percent,
        coming=parcel.is_being_read,
        is_lost=parcel.loss is not None,
    )


def shown_name(name: str) -> str:
    """What a file is called where it is seen: it moves, hides and turns around nothing."""
    return visible(name).strip() or "?"
