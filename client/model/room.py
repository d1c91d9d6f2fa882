"""What a chat room shows, row by row: days, and messages that stand together because one person said them in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import Enum, auto
from typing import Final

from msgspec import UNSET

from client.harmless import visible
from client.model.attached import Attached, Parcel, of_entry, of_parcel
from client.model.bounce import Bounce, bounce_of, refusals
from client.model.times import moment
from schemas.entries import Entry

TOGETHER_MS: Final = 5 * 60_000
"""Messages of one sender stand together as long as no more time than this lies between two of them."""


class Fate(Enum):
    """What has become of an own message."""

    SENDING = auto()
    STORED = auto()
    QUEUED = auto()
    """It waits for another realm."""
    DELIVERED = auto()
    """Another realm has taken it."""
    BOUNCED = auto()
    """Another realm has refused it, after it had waited."""
    READ = auto()
    """The other side has read it; in groups nobody tells."""
    FAILED = auto()


@dataclass(slots=True)
class Outgoing:
    """A message that is on its way; `entry` makes asking again harmless."""

    entry: str
    text: str
    at: int
    """When it was written, ms."""
    file: Parcel | None = None
    """Sent in place of a text."""
    why: str = ""
    """Why it failed; empty while it has not."""
    stored: bool = False
    """Whether the realm has it, though it is not in its place yet."""
    is_refused: bool = False
    """Whether another realm has refused it, which is final: trying again takes another `entry`."""

    @property
    def fate(self) -> Fate:
        """What has become of it so far."""
        if self.why:
            return Fate.FAILED
        return Fate.STORED if self.stored else Fate.SENDING


@dataclass(frozen=True, slots=True)
class Day:
    """Between the messages of two days."""

    day: date

    @property
    def key(self) -> str:
        """What tells this row from all others of its room."""
        return f"day-{self.day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    key: str
    """What tells this row from all others of its room; an own message keeps it from sending to read."""
    seq: int | None
    """Its number; None while it is on its way."""
    sender: str
    name: str
    text: str
    """Where it is a file, what that is called."""
    at: datetime
    own: bool
    begins: bool
    """Whether it is the first of those that stand together."""
    ends: bool
    fate: Fate | None
    """None where somebody else has said it."""
    why: str = ""
    """Of one that failed, a sentence; of one that was refused by another realm, the code."""
    file: Attached | None = None
    tells: bool = False
    """Whether it waits for another realm and the next one does not: it tells for all of them why they wait."""
    erased: bool = False
    """Whether it was erased: there is no text."""


Row = Day | Message | Bounce


@dataclass(frozen=True, slots=True)
class _Said:
    key: str
    seq: int | None
    sender: str
    name: str
    text: str
    at: int
    fate: Fate | None
    why: str = ""
    file: Attached | None = None
    bounce: Entry | None = None
    erased: bool = False


@dataclass(frozen=True, slots=True)
class _Reader:
    user: str
    seen: int
    crosses: bool
    refused: dict[str, str]

    def fate(self, entry: Entry) -> Fate | None:
        if entry.sender != self.user:
            return None
        if entry.id in self.refused:
            return Fate.BOUNCED
        if entry.queued:
            return Fate.QUEUED
        if self.crosses:
            return Fate.DELIVERED
        return Fate.READ if entry.seq <= self.seen else Fate.STORED


def rows(
    entries: Sequence[Entry],
    outgoing: Sequence[Outgoing],
    *,
    user: str,
    name: str,
    seen: int,
    zone: tzinfo,
    crosses: bool = False,
    refused: Mapping[str, str] | None = None,
) -> list[Row]:
    """The rows for entries in order, and then what is on its way.

    `user` and `name` are the reader's address and display name, `seen` is how far the other side has read, `zone`
    where the reader is, `crosses` whether the conversation is with another realm, `refused` what is known of messages
    that were refused there, by entries further on. What is on its way and also among the entries is shown once, in its
    place.
    """
    placed = {entry.id: entry for entry in entries if entry.sender == user}
    sending = {one.entry for one in outgoing}
    reader = _Reader(user, seen, crosses, {**(refused or {}), **refusals(entries)})
    said = [_entry(entry, reader) for entry in entries]
    said += [_outgoing(one, user, name, crosses=crosses) for one in outgoing if one.entry not in placed]
    shown: list[Row] = []
    day: date | None = None
    for number, one in enumerate(said):
        before = said[number - 1] if number else None
        after = said[number + 1] if number + 1 < len(said) else None
        at = moment(one.at, zone)
        if at.date() != day:
            day = at.date()
            shown.append(Day(day))
        if one.bounce is not None:
            shown.append(bounce_of(one.bounce, placed, sending, at))
            continue
        shown.append(
            Message(
                key=one.key,
                seq=one.seq,
                sender=one.sender,
                name=one.name,
                text=one.text,
                at=at,
                own=one.sender == user,
                begins=not _together(before, one, zone),
                ends=not _together(one, after, zone),
                fate=one.fate,
                why=one.why,
                file=one.file,
                erased=one.erased,
                tells=one.fate is Fate.QUEUED and (after is None or after.fate is not Fate.QUEUED),
            )
        )
    return shown


def _entry(entry: Entry, reader: _Reader) -> _Said:
    file = of_entry(entry)
    return _Said(
        # Two senders may choose the same ULID.
        key=entry.id if entry.sender == reader.user else f"{entry.seq}",
        seq=entry.seq,
        sender=entry.sender,
        name=visible(entry.name),
        text=_text(entry, file),
        at=entry.sent_at,
        fate=reader.fate(entry),
        why=reader.refused.get(entry.id, ""),
        file=file,
        bounce=entry if entry.kind == "bounce" and not entry.erased else None,
        erased=entry.erased,
    )


def _text(entry: Entry, file: Attached | None) -> str:
    if file is not None:
        return file.name
    return "" if entry.message is UNSET else entry.message or ""


def _outgoing(one: Outgoing, user: str, name: str, *, crosses: bool) -> _Said:
    file = None if one.file is None else of_parcel(one.file)
    text = one.text if file is None else file.name
    # Whether it waits for another realm is told by its entry, which is about to be here.
    fate = Fate.SENDING if crosses and one.fate is Fate.STORED else one.fate
    return _Said(one.entry, None, user, name, text, one.at, fate, one.why, file)


def _together(one: _Said | None, other: _Said | None, zone: tzinfo) -> bool:
    if one is None or other is None or one.sender != other.sender or other.at - one.at > TOGETHER_MS:
        return False
    if one.bounce or other.bounce:
        return False
    return moment(one.at, zone).date() == moment(other.at, zone).date()
