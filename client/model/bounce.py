"""Messages that another realm did not take, after they had waited for it: the refusal is an entry of its own."""

import hashlib
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec import UNSET

from client.harmless import visible
from client.model.attached import Parcel, of_entry
from client.model.brief import one_line
from schemas.entries import Entry
from schemas.ulid import RANDOM_BYTES, ulid

TRIES: Final = 8
"""So many tries one after the other are known as those of one message."""


@dataclass(frozen=True, slots=True)
class Bounce:
    """One refusal, as a room shows it."""

    key: str
    """What tells this row from all others of its room."""
    seq: int
    sender: str
    """The address that has refused."""
    at: datetime
    code: str
    """Why, as programs say it."""
    re: str
    """The ULID of the message that was not delivered."""
    about: str
    """How that message begins, or what its file is called; empty where it is not known here."""
    is_resent: bool = False
    """Whether it was sent once more already."""


@dataclass(slots=True, eq=False)
class Resent(Parcel):
    """A file that the realm has already, and that is sent once more."""

    id: str = ""
    """Of the file, at the realm."""


def refusals(entries: Iterable[Entry]) -> dict[str, str]:
    """Of the messages that were refused, by their ULIDs, the codes that say why."""
    return {entry.re: entry.code or "" for entry in entries if entry.kind == "bounce" and entry.re is not UNSET}


def next_try(entry: str) -> str:
    """The ULID of a message that was refused, when it is sent once more.

    There is one for each, so that the realm stores it once: however often, and in however many windows, that is asked.
    """
    entropy = hashlib.blake2b(entry.encode(), digest_size=RANDOM_BYTES).digest()
    return entry[:10] + ulid(0, entropy)[10:]  # the time stays


def is_tried_again(entry: str, known: Container[str]) -> bool:
    """Whether one of the next tries of a message is among those that are known."""
    for _ in range(TRIES):
        entry = next_try(entry)
        if entry in known:
            return True
    return False


def bounce_of(entry: Entry, own: dict[str, Entry], sending: Container[str], at: datetime) -> Bounce:
    """A refusal; `own` has the user's own entries by their ULIDs, `sending` has those of what is on its way."""
    return Bounce(
        key=f"{entry.seq}",
        seq=entry.seq,
        sender=visible(entry.sender),
        at=at,
        code=entry.code or "",
        re=entry.re or "",
        about=about(own.get(entry.re or "")),
        is_resent=is_tried_again(entry.re or "", own) or is_tried_again(entry.re or "", sending),
    )


def about(entry: Entry | None) -> str:
    """A few words that remind of a message."""
    if entry is None:
        return ""
    file = of_entry(entry)
    return one_line(file.name if file is not None else entry.message or "", 60)


def again(entry: Entry) -> Resent | None:
    """What is to be sent once more in place of a text: the file of an entry, if it is of one."""
    if entry.file is UNSET or not entry.file:
        return None
    size = entry.file.size
    return Resent(entry.file.name, size, held=size, sent=size, id=entry.file.id)
