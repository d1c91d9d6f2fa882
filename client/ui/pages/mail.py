"""What came from another realm and was fetched last. It is a catch-up: messages appear in their chats without it."""

from collections.abc import Awaitable, Callable

import flet as ft
from msgspec import UNSET

from client.harmless import visible
from client.model.attached import of_entry
from client.model.brief import one_line
from client.model.places import Room
from client.model.times import moment
from client.model.who import is_group, name_beside
from client.ui import look
from client.ui.complaint import refusal
from client.ui.draw import Tick, component
from client.ui.window import Window
from schemas.entries import Entry
from schemas.names import Name

Fetch = Callable[[], Awaitable[None]]


@component
def came(window: Window, realm: Name, tick: Tick, more: Fetch) -> ft.Control:  # noqa: ARG001 - see `draw.py`
    """The entries, each of which leads to its conversation."""
    words, fetched = window.words, window.peers.mail.get(realm)
    if fetched is None:
        return ft.Text(words.came_from_hint, color=ft.Colors.ON_SURFACE_VARIANT)
    if not fetched:
        return ft.Text(words.nothing_came.format(realm=realm), color=ft.Colors.ON_SURFACE_VARIANT)
    shown = [_entry(window, entry) for entry in fetched]
    if realm in window.peers.more:
        button = ft.TextButton(words.load_more, on_click=window.press(more))
        shown.append(ft.Row([button], alignment=ft.MainAxisAlignment.CENTER))
    return ft.Column(shown, spacing=0, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _entry(window: Window, entry: Entry) -> ft.Control:
    words, at = window.words, moment(entry.sent_at, window.visit.zone)
    clock, today = f"{at:%H:%M}", window.today
    when = clock if at.date() == today else f"{words.short_day(at.date(), today)} {clock}"
    who = name_beside(visible(entry.name), visible(entry.sender))
    where = window.people.title(entry.conversation) if is_group(entry.conversation) else ""
    text = _text(window, entry)
    mark = ft.Icons.ATTACH_FILE if entry.kind == "file" else ft.Icons.ERROR_OUTLINE if entry.kind == "bounce" else None
    said = ft.Text(text, max_lines=2, overflow=ft.TextOverflow.ELLIPSIS, expand=mark is not None)
    below = ft.Row([ft.Icon(mark, size=16), said], spacing=4) if mark is not None else said
    heading = " · ".join(part for part in (who, where) if part)
    return look.tile(
        ", ".join((heading, when, text)),
        window.press(lambda: window.go(Room(entry.conversation)), once=("mail", entry.conversation, entry.seq)),
        look.avatar(entry.name, entry.sender),
        heading,
        below,
        ft.Text(when, size=12, color=ft.Colors.ON_SURFACE_VARIANT),
        content_padding=ft.Padding.symmetric(horizontal=4),
        shape=ft.RoundedRectangleBorder(radius=12),
    )


def _text(window: Window, entry: Entry) -> str:
    if entry.erased:
        return window.words.erased
    if entry.kind == "bounce":
        return window.words.bounced.format(why=refusal(window.words, entry.code or ""))
    file = of_entry(entry)
    if file is not None:
        return f"{file.name}, {window.words.bytes(file.size)}"
    return "" if entry.message is UNSET else one_line(entry.message)
