"""Answers and events as lines for people. The contract's texts stay as they are, letter for letter."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from client.errands import Saved
from client.errors import AnswerError, ClientError
from client.harmless import in_short, indented, visible
from client.session import Event, Login, SessionEnded
from schemas import answers as a
from schemas import events as e
from schemas.entries import Entry
from schemas.errors import FIXED_TEXTS
from schemas.names import ConversationId, parse

PUSHED: Final = "» "
"""What a line begins with that nobody here asked for."""
NOTHING_NEW: Final = "(nothing new)"
BEGINNING: Final = 40
"""Characters of a message that remind of it."""

Find = Callable[[ConversationId, str], Entry | None]
"""What the user has said in a conversation under a ULID, where that is known."""


def unknown(_conversation: ConversationId, _entry: str) -> Entry | None:
    """Nothing is known of what was said before."""
    return None


class _Reader(NamedTuple):
    """Who is told, and what they have said."""

    login: Login | None
    find: Find


def when(ms: int, now: datetime | None = None) -> str:
    """A time in milliseconds since 1970, in the time zone of this machine; of today without the date."""
    try:
        moment = datetime.fromtimestamp(ms / 1000).astimezone()
    except (OverflowError, ValueError, OSError):  # a time that no clock shows, from a realm that is wrong
        return "?"
    today = (now or datetime.now().astimezone()).date()
    return f"{moment:%H:%M}" if moment.date() == today else f"{moment:%Y-%m-%d %H:%M}"


def size_text(size: int) -> str:
    """A number of bytes as people say it: `1 byte`, `999 bytes`, `1.5 kB`, `70 kB`, `1.2 GB`."""
    if size < 1000:
        return "1 byte" if size == 1 else f"{size} bytes"
    shown, unit = size / 1000, "kB"
    for larger in ("MB", "GB", "TB"):
        if shown < 999.5:
            break
        shown, unit = shown / 1000, larger
    return f"{shown:.1f} {unit}" if shown < 9.95 else f"{shown:.0f} {unit}"


def short(address: str, login: Login | None) -> str:
    """`name` for a user of the own realm, `name@realm` for any other."""
    name, _, realm = address.partition("@")
    own = "" if login is None else login.user.partition("@")[2]
    return visible(name if realm == own else address)


def place(conversation: str, login: Login | None) -> str:
    """A conversation by its other side: a user, or `group name`; one of another realm with its realm."""
    kind, parties = parse(ConversationId(conversation))
    me = "" if login is None else login.user
    if kind in ("group", "sent"):
        return f"group {short(parties[-1], login)}"
    others = [party for party in parties if party != me] or list(parties[:1])
    return " and ".join(short(party, login) for party in others)


def entry_text(entry: Entry, login: Login | None, find: Find = unknown) -> str:
    """An entry: number, time, sender and what was said; in a group, the group too."""
    kind = parse(entry.conversation).kind
    where = f"[{place(entry.conversation, login)}] " if kind != "private" else ""
    head = f"#{entry.seq} {when(entry.sent_at)} {where}{short(entry.sender, login)}: "
    return head + indented(_said(entry, find), 4) + (" (queued)" if entry.queued else "")


def _said(entry: Entry, find: Find) -> str:
    if entry.erased:
        return "(erased)"
    if entry.kind == "file" and entry.file is not UNSET:
        return f"file {visible(entry.file.name)}, {size_text(entry.file.size)} (save {visible(entry.file.id)})"
    if entry.kind == "bounce":
        return f"not delivered: {entry.message or entry.code or 'refused'} (your message {_refused(entry, find)})"
    return "" if entry.message is UNSET else entry.message


def _refused(bounce: Entry, find: Find) -> str:
    """Which message it was that another realm did not take: how it begins or, where it is not known, its id."""
    about = bounce.re or "?"
    message = find(bounce.conversation, about)
    if message is None:
        return about
    if message.file is not UNSET:
        return f"#{message.seq}: file {visible(message.file.name)}"
    text = " ".join(str(message.message or "").split())
    return f"#{message.seq}: {text if len(text) <= BEGINNING else text[: BEGINNING - 1] + '…'}".removesuffix(": ")


def answer_text(answer: a.Answer, login: Login | None, find: Find = unknown) -> str:
    """What a person is told when a command has worked; may be several lines."""
    return _ANSWERS[type(answer)](answer, _Reader(login, find))


def event_text(event: Event, login: Login | None, find: Find = unknown) -> str:
    """What a person is told of an event; nothing where it is only for programs."""
    text = _EVENTS[type(event)](event, _Reader(login, find))
    return PUSHED + text if text else ""


def error_text(error: ClientError) -> str:
    """An error: the contract's own text where it has one."""
    if not isinstance(error, AnswerError) or error.kind in FIXED_TEXTS:
        return visible(str(error))
    text = f"{error.kind}: {error}"
    if error.retry_after is not None:
        text += f" (again in {error.retry_after / 1000:.1f} s)"
    if error.answer.incident is not UNSET:
        text += f" (incident {in_short(error.answer.incident)})"
    return visible(text)


def _messages(answer: a.Messages, reader: _Reader) -> str:
    lines = [entry_text(entry, *reader) for entry in answer.messages]
    if answer.more:
        lines.append("(more: ask again)")
    return "\n".join(lines) or NOTHING_NEW


def _history(answer: a.History, reader: _Reader) -> str:
    me = "" if reader.login is None else reader.login.user
    page = {entry.id: entry for entry in answer.entries if entry.sender == me}

    def find(conversation: ConversationId, entry: str) -> Entry | None:
        return page.get(entry) or reader.find(conversation, entry)

    lines = [entry_text(entry, reader.login, find) for entry in answer.entries]
    if answer.more and answer.entries:
        lines.append(f"(more, of {answer.first} to {answer.head}: before {answer.entries[0].seq}, or after)")
    return "\n".join(lines) or "(nothing said yet)"


def _conversations(answer: a.Conversations, reader: _Reader) -> str:
    lines = []
    for head in answer.conversations:
        last = "nothing said yet" if head.last is UNSET else entry_text(head.last, *reader)
        lines.append(f"{place(head.conversation, reader.login)}: {head.unread} unread; {last}")
    return _page(lines, answer, "(no conversations)")


def _users(answer: a.Users, _: _Reader) -> str:
    lines = []
    for user in answer.users:
        active = " (active)" if user.active else ""
        lines.append(f"{visible(user.username):12} {visible(user.name)}, {visible(user.country)}{active}")
    return _page(lines, answer, "(no users)")


def _groups(answer: a.Groups, _: _Reader) -> str:
    lines = []
    for group in answer.groups:
        joined = ", joined" if group.joined else ""
        lines.append(f"{visible(group.title):12} {group.count} members, admin {visible(group.admin) or '-'}{joined}")
    return _page(lines, answer, "(no groups)")


def _members(answer: a.Members, _: _Reader) -> str:
    lines = [
        f"{visible(member.username):12} {visible(member.name)}{' (active)' if member.active else ''}"
        for member in answer.members
    ]
    return _page(lines, answer, "(no members)")


def _sent(answer: a.Sent, reader: _Reader) -> str:
    text = visible(answer.message)
    if answer.queued is not True:
        return text
    what = "message" if answer.file_info is UNSET else "file"
    return f"{text}\n(queued: the {what} waits for {_elsewhere(answer.conversation, reader.login)})"


def _elsewhere(conversation: str, login: Login | None) -> str:
    """The other realm of a conversation that is of two."""
    own = "" if login is None else login.user.partition("@")[2]
    realms = [party.partition("@")[2] for party in parse(ConversationId(conversation)).parties]
    return visible(next((realm for realm in realms if realm != own), "the other realm"))


def _realms(answer: a.Realms, _: _Reader) -> str:
    names = [visible(realm.realm) for realm in answer.realms]
    doors = [f"{visible(realm.address)}:{realm.port}" for realm in answer.realms]
    wide = max(map(len, doors), default=0)
    now = int(time.time() * 1000)
    return (
        "\n".join(
            f"{name:12} {door:{wide}} {link_text(realm, now)}"
            for name, door, realm in zip(names, doors, answer.realms, strict=True)
        )
        or "(no other realms)"
    )


def link_text(realm: a.RealmSeen, now: int) -> str:
    """How the link to another realm fares, at a time in ms: whether it answers, and what waits for it."""
    parts = ["answers now" if realm.connected else _unreachable(realm)]
    if realm.excluded is True:
        parts = ["excluded by this realm's settings"]
    if not realm.connected and realm.next_try is not UNSET:
        parts.append(f"next try {_from_now(realm.next_try - now)}")
    if realm.queued:
        parts.append(f"queued {realm.queued}")
    return ", ".join(parts)


def _unreachable(realm: a.RealmSeen) -> str:
    if realm.down_since is not UNSET:
        return f"unreachable since {when(realm.down_since)}"
    return "not reached yet" if realm.last_contact is None else f"not heard since {when(realm.last_contact)}"


def _from_now(ms: int) -> str:
    """How far a moment is off; clocks differ, so one that is past is now."""
    seconds = round(ms / 1000)
    if seconds <= 0:
        return "now"
    if seconds < 100:
        return f"in {seconds} s"
    return f"in {round(seconds / 60)} min" if seconds < 6_000 else f"in {round(seconds / 3_600)} h"


def _saved(answer: Saved, _: _Reader) -> str:
    return f"saved {visible(answer.path)} ({size_text(answer.size)})"


def _page(lines: list[str], answer: a.Page, nothing: str) -> str:
    if answer.more and answer.next is not UNSET:
        lines.append(f"(more: after {visible(answer.next)})")
    return "\n".join(lines) or nothing


_ANSWERS: Final[dict[type[a.Answer], Callable[[Any, _Reader], str]]] = {
    a.Done: lambda *_: "OK",
    a.Said: lambda answer, _: visible(answer.message),
    a.Sent: _sent,
    a.SessionOpened: lambda answer, _: visible(answer.tokenId),
    a.Messages: _messages,
    a.Conversations: _conversations,
    a.History: _history,
    a.Synced: lambda answer, _: f"epoch {answer.epoch}, {answer.total} entries in all",
    a.Users: _users,
    a.Groups: _groups,
    a.Members: _members,
    a.Realms: _realms,
    a.ActiveUsers: lambda answer, _: "\n".join(map(visible, answer.message)),
    Saved: _saved,
}

_EVENTS: Final[dict[type[Event], Callable[[Any, _Reader], str]]] = {
    e.Welcome: lambda *_: "",
    e.EntryPushed: lambda event, reader: entry_text(event.entry, *reader),
    e.Joined: lambda event, reader: f"joined {place(event.conversation, reader.login)}",
    e.Left: lambda event, reader: f"left {place(event.conversation, reader.login)}",
    e.Read: lambda event, reader: (
        f"you have read up to #{event.seq} with {place(event.conversation, reader.login)}, on another device"
        if reader.login is not None and event.by == reader.login.user
        else f"{short(event.by, reader.login)} has read up to #{event.seq}"
    ),
    e.Delivered: lambda event, reader: f"delivered #{event.seq} to {place(event.conversation, reader.login)}",
    SessionEnded: lambda *_: "the session has ended: log in again",
}
