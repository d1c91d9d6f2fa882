"""Answers and events as lines for people. The contract's texts stay as they are, letter for letter."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import UNSET

from client.errands import Saved
from client.errors import AnswerError, ClientError
from client.harmless import indented, visible
from client.session import Event, Login, SessionEnded
from schemas import answers as a
from schemas import events as e
from schemas.entries import Entry
from schemas.errors import FIXED_TEXTS
from schemas.names import ConversationId, parse

PUSHED: Final = "» "
"""What a line begins with that nobody here asked for."""
NOTHING_NEW: Final = "(nothing new)"


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
    """A conversation by its other side: a user, or `group name`."""
    kind, parties = parse(ConversationId(conversation))
    me = "" if login is None else login.user
    if kind == "group":
        return f"group {short(parties[0], login)}"
    others = [party for party in parties if party != me] or list(parties[:1])
    return " and ".join(short(party, login) for party in others)


def entry_text(entry: Entry, login: Login | None) -> str:
    """An entry: number, time, sender and what was said; in a group, the group too."""
    kind = parse(entry.conversation).kind
    where = f"[{place(entry.conversation, login)}] " if kind != "private" else ""
    head = f"#{entry.seq} {when(entry.sent_at)} {where}{short(entry.sender, login)}: "
    return head + indented(_said(entry), 4) + (" (queued)" if entry.queued else "")


def _said(entry: Entry) -> str:
    if entry.erased:
        return "(erased)"
    if entry.kind == "file" and entry.file is not UNSET:
        return f"file {visible(entry.file.name)}, {size_text(entry.file.size)} (save {visible(entry.file.id)})"
    if entry.kind == "bounce":
        return f"not delivered: {entry.message}"
    return "" if entry.message is UNSET else entry.message


def answer_text(answer: a.Answer, login: Login | None) -> str:
    """What a person is told when a command has worked; may be several lines."""
    return _ANSWERS[type(answer)](answer, login)


def event_text(event: Event, login: Login | None) -> str:
    """What a person is told of an event; nothing where it is only for programs."""
    text = _EVENTS[type(event)](event, login)
    return PUSHED + text if text else ""


def error_text(error: ClientError) -> str:
    """An error: the contract's own text where it has one."""
    if not isinstance(error, AnswerError) or error.kind in FIXED_TEXTS:
        return visible(str(error))
    text = f"{error.kind}: {error}"
    if error.retry_after is not None:
        text += f" (again in {error.retry_after / 1000:.1f} s)"
    if error.answer.incident is not UNSET:
        text += f" (incident {error.answer.incident})"
    return visible(text)


def _messages(answer: a.Messages, login: Login | None) -> str:
    lines = [entry_text(entry, login) for entry in answer.messages]
    if answer.more:
        lines.append("(more: inbox again)")
    return "\n".join(lines) or NOTHING_NEW


def _history(answer: a.History, login: Login | None) -> str:
    lines = [entry_text(entry, login) for entry in answer.entries]
    if answer.more and answer.entries:
        lines.append(f"(more, of {answer.first} to {answer.head}: before {answer.entries[0].seq}, or after)")
    return "\n".join(lines) or "(nothing said yet)"


def _conversations(answer: a.Conversations, login: Login | None) -> str:
    lines = []
    for head in answer.conversations:
        last = "nothing said yet" if head.last is UNSET else entry_text(head.last, login)
        lines.append(f"{place(head.conversation, login)}: {head.unread} unread; {last}")
    return _page(lines, answer, "(no conversations)")


def _users(answer: a.Users, _: Login | None) -> str:
    lines = []
    for user in answer.users:
        active = " (active)" if user.active else ""
        lines.append(f"{visible(user.username):12} {visible(user.name)}, {visible(user.country)}{active}")
    return _page(lines, answer, "(no users)")


def _groups(answer: a.Groups, _: Login | None) -> str:
    lines = []
    for group in answer.groups:
        joined = ", joined" if group.joined else ""
        lines.append(f"{visible(group.title):12} {group.count} members, admin {visible(group.admin) or '-'}{joined}")
    return _page(lines, answer, "(no groups)")


def _members(answer: a.Members, _: Login | None) -> str:
    lines = [
        f"{visible(member.username):12} {visible(member.name)}{' (active)' if member.active else ''}"
        for member in answer.members
    ]
    return _page(lines, answer, "(no members)")


def _realms(answer: a.Realms, _: Login | None) -> str:
    lines = []
    for realm in answer.realms:
        state = "connected" if realm.connected else "not connected"
        lines.append(f"{visible(realm.realm):12} {visible(realm.address)}:{realm.port} {state}, {realm.queued} queued")
    return "\n".join(lines) or "(no other realms)"


def _saved(answer: Saved, _: Login | None) -> str:
    return f"saved {visible(answer.path)} ({size_text(answer.size)})"


def _page(lines: list[str], answer: a.Page, nothing: str) -> str:
    if answer.more and answer.next is not UNSET:
        lines.append(f"(more: after {visible(answer.next)})")
    return "\n".join(lines) or nothing


_ANSWERS: Final[dict[type[a.Answer], Callable[[Any, Login | None], str]]] = {
    a.Done: lambda *_: "OK",
    a.Said: lambda answer, _: visible(answer.message),
    a.Sent: lambda answer, _: visible(answer.message) + (" (queued)" if answer.queued is True else ""),
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

_EVENTS: Final[dict[type[Event], Callable[[Any, Login | None], str]]] = {
    e.Welcome: lambda *_: "",
    e.EntryPushed: lambda event, login: entry_text(event.entry, login),
    e.Joined: lambda event, login: f"joined {place(event.conversation, login)}",
    e.Left: lambda event, login: f"left {place(event.conversation, login)}",
    e.Read: lambda event, login: (
        f"you have read up to #{event.seq} with {place(event.conversation, login)}, on another device"
        if login is not None and event.by == login.user
        else f"{short(event.by, login)} has read up to #{event.seq}"
    ),
    e.Delivered: lambda event, login: f"delivered #{event.seq} to {place(event.conversation, login)}",
    SessionEnded: lambda *_: "the session has ended: log in again",
}
