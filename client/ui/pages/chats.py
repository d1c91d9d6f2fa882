"""The list of conversations, and what is always at hand beside it."""

from datetime import date

import flet as ft

from client.model.glance import Glance
from client.model.places import Chats, Home, Place, Realms, Room, Search, Settings
from client.ui import look
from client.ui.complaint import refusal
from client.ui.draw import Tick, component, row
from client.ui.window import Window
from client.ui.words import Words

TABS: tuple[Place, ...] = (Home(), Chats(), Realms(), Settings())


@component
def sidebar(window: Window) -> ft.Control:
    """The list under a bar of buttons; on narrow screens the buttons are below the page."""
    words = window.words
    buttons = [look.icon_button(ft.Icons.SEARCH, words.search, window.press(lambda: window.go(Search())))]
    if window.wide:
        buttons += [
            look.icon_button(ft.Icons.HOME_OUTLINED, words.home, window.press(lambda: window.go(Home()))),
            look.icon_button(ft.Icons.PUBLIC, words.realms, window.press(lambda: window.go(Realms()))),
            look.icon_button(ft.Icons.SETTINGS_OUTLINED, words.settings, window.press(lambda: window.go(Settings()))),
        ]
    title = ft.Text(words.chats, theme_style=ft.TextThemeStyle.TITLE_LARGE, expand=True)
    return ft.Column([look.top(title, *buttons), conversations(window, window.list_tick)], spacing=0, expand=True)


@component
def conversations(window: Window, tick: Tick) -> ft.Control:  # noqa: ARG001
    """All conversations, newest first."""
    if not window.glances:
        if not window.desk.overview.known:
            return ft.Container(expand=True)
        return look.empty(ft.Icons.FORUM_OUTLINED, window.words.no_chats, window.words.no_chats_hint)
    today = window.today
    rows = [conversation(one.id, window, one, window.words, today) for one in window.glances]
    if len(window.glances) < len(window.desk.overview.rows):
        rows.append(ft.TextButton(window.words.load_more, on_click=window.press(window.list_more)))
    return ft.ListView(
        rows,
        expand=True,
        padding=ft.Padding.only(left=8, right=8, bottom=8),
    )


@row
def conversation(window: Window, one: Glance, words: Words, today: date) -> ft.Control:
    """One line of the list."""
    unread = words.unread.format(count=one.unread) if one.unread else ""
    when = (
        "" if one.at is None else f"{one.at:%H:%M}" if one.at.date() == today else words.short_day(one.at.date(), today)
    )
    who = words.draft if one.draft else words.you if one.own else one.who
    text = words.erased if one.erased else one.text
    if one.refused:
        text = words.bounced.format(why=refusal(words, one.refused))
    queued = words.queued_for.format(realm=one.realm) if one.queued else ""
    name = ", ".join(part for part in (one.title, unread, when, who, queued, text) if part)
    strong = ft.FontWeight.W_600 if one.unread else None
    side: list[ft.Control] = [ft.Text(when, size=12, color=ft.Colors.ON_SURFACE_VARIANT)]
    if one.unread:
        side.append(_badge(one.unread))
    return look.tile(
        name,
        window.press(lambda: window.go(Room(one.id))),
        look.avatar(one.title, one.address, group=one.is_group, active=one.active),
        _title(one, strong),
        _last(one, who, text, strong),
        ft.Column(side, tight=True, spacing=4, horizontal_alignment=ft.CrossAxisAlignment.END, width=72),
        selected=one.is_open,
        selected_tile_color=ft.Colors.SECONDARY_CONTAINER,
        selected_color=ft.Colors.ON_SECONDARY_CONTAINER,
        shape=ft.RoundedRectangleBorder(radius=12),
        content_padding=ft.Padding.symmetric(horizontal=12),
    )


def _title(one: Glance, strong: ft.FontWeight | None) -> ft.Control:
    """A name that is too long for the line is not to push the realm out of it."""
    name = one.title.removesuffix(f" ({one.address})").removesuffix(f"@{one.realm}") if one.realm else one.title
    shown = ft.Text(name, weight=strong, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS)
    if not one.realm:
        return shown
    color = ft.Colors.ON_SURFACE_VARIANT
    beside = ft.Text(f"@{one.realm}", size=13, color=color, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS)
    shown.expand, beside.expand = 3, 2
    shown.expand_loose = beside.expand_loose = True
    return ft.Row([shown, beside], spacing=2)


def _last(one: Glance, who: str, said: str, strong: ft.FontWeight | None) -> ft.Control:
    """What was said last."""
    text = ft.Text(
        f"{who}: {said}" if who and not one.refused else said,
        max_lines=1,
        overflow=ft.TextOverflow.ELLIPSIS,
        weight=strong,
        color=ft.Colors.PRIMARY if one.draft else ft.Colors.ERROR if one.refused else None,
    )
    marks = [ft.Icons.HOURGLASS_EMPTY] * one.queued + [ft.Icons.ATTACH_FILE] * one.is_file
    if not marks:
        return text
    text.expand = True
    return ft.Row([*(ft.Icon(mark, size=14, color=ft.Colors.ON_SURFACE_VARIANT) for mark in marks), text], spacing=2)


@component
def bottom_bar(window: Window, tick: Tick) -> ft.Control:  # noqa: ARG001
    """Where one can go on a narrow screen."""
    words = window.words
    unread = window.desk.unread
    badge = ft.Badge(label=_count(unread)) if unread else None
    names = (
        (words.home, ft.Icons.HOME_OUTLINED, None),
        (words.chats, ft.Icons.FORUM_OUTLINED, badge),
        (words.realms, ft.Icons.PUBLIC, None),
        (words.settings, ft.Icons.SETTINGS_OUTLINED, None),
    )
    return ft.NavigationBar(
        [ft.NavigationBarDestination(icon=ft.Icon(icon, badge=marked), label=label) for label, icon, marked in names],
        selected_index=TABS.index(window.place) if window.place in TABS else 0,
        on_change=window.handle(lambda event: window.go(TABS[int(event.data)])),
    )


def _badge(unread: int) -> ft.Control:
    return ft.Container(
        ft.Text(_count(unread), size=12, color=ft.Colors.ON_PRIMARY, weight=ft.FontWeight.W_600),
        bgcolor=ft.Colors.PRIMARY,
        border_radius=10,
        padding=ft.Padding.symmetric(horizontal=7, vertical=2),
    )


def _count(unread: int) -> str:
    return str(unread) if unread < 100 else "99+"
