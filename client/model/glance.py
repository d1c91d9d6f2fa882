"""The list of conversations as it is read: one line for each."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import islice

from msgspec import UNSET

from client.harmless import visible
from client.model.attached import of_entry
from client.model.brief import one_line
from client.model.desk import Desk
from client.model.overview import Conversation
from client.model.times import moment
from client.model.who import is_elsewhere, is_to_group, name_here, party, realm_of, title
from schemas.entries import Entry
from schemas.names import ConversationId


@dataclass(frozen=True, slots=True)
class Glance:
    """What is seen of a conversation before it is opened."""

    id: ConversationId
    title: str
    address: str
    """Of the other user, or of the group: what its colour goes by."""
    is_group: bool
    own: bool
    """Whether the last message is the user's own."""
    who: str
    """Who said it, in a group; empty otherwise."""
    text: str
    """Of the last message, on one line, or what its file is called; or of what is not sent yet, where `draft`."""
    draft: bool
    at: datetime | None
    unread: int
    active: bool
    is_open: bool
    is_file: bool = False
    """Whether the text is what a file is called."""
    queued: bool = False
    """Whether the last message, an own one, waits for another realm."""
    realm: str = ""
    """Of a person or group of another realm: the title has it too, and may be too long for the line."""
    erased: bool = False
    """Whether the last message was erased: there is no text."""
    refused: str = ""
    """Where the last entry says that another realm did not take a message, the code that says why."""


def glances(desk: Desk, active: Container[str], zone: tzinfo, at_most: int | None = None) -> list[Glance]:
    """The lines of the list, newest first; `active` has the addresses of those who are."""
    return [_glance(desk, row, active, zone) for row in islice(desk.overview.newest_first, at_most)]


def _glance(desk: Desk, row: Conversation, active: Container[str], zone: tzinfo) -> Glance:
    address, group = party(row.id, desk.user), is_to_group(row.id)
    draft = "" if row.id == desk.room else desk.unsaid.drafts.get(row.id, "").strip()
    last = row.last
    file = None if last is None else of_entry(last)
    return Glance(
        id=row.id,
        title=title(row.id, desk.user, row.title),
        address=address,
        is_group=group,
        own=last is not None and last.sender == desk.user,
        who=_who(last, desk.user) if last is not None and group else "",
        text=one_line(draft or (_text(last) if file is None else file.name)),
        draft=bool(draft),
        is_file=not draft and file is not None,
        at=None if last is None else moment(last.sent_at, zone),
        unread=0 if row.id == desk.room and desk.in_view else row.unread,
        active=not group and address in active,
        is_open=row.id == desk.room,
        queued=not draft and last is not None and last.queued,
        realm=realm_of(address) if is_elsewhere(address, desk.user) else "",
        erased=not draft and last is not None and last.erased,
        refused="" if draft else _refused(last),
    )


def _who(last: Entry, user: str) -> str:
    """Whoever is of another realm is called by the address, which is theirs alone."""
    return visible(last.sender) if is_elsewhere(last.sender, user) else name_here(last.name, last.sender)


def _refused(last: Entry | None) -> str:
    return (last.code or "?") if last is not None and last.kind == "bounce" and not last.erased else ""


def _text(entry: Entry | None) -> str:
    return "" if entry is None or entry.message is UNSET else entry.message or ""
