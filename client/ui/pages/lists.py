"""What the pages with lists of the realm's have in common: a field to search, the rows, and more of them."""

from collections.abc import Callable
from typing import Any

import flet as ft
from msgspec import UNSET

from client.ui import look
from client.ui.complaint import complaint
from client.ui.draw import Tick, component, part, typed_in
from client.ui.listing import Finder, Listing
from client.ui.window import Window
from schemas import answers, commands
from schemas.answers import GroupSeen, UserSeen

DrawRow = Callable[[Any], ft.Control]


def page(
    window: Window,
    title: str,
    finder: Finder[Any, Any],
    tick: Tick,
    draw: DrawRow,
    nothing: ft.Control,
    *buttons: ft.Control,
    search: str = "",
) -> ft.Control:
    """A page with a title, a way back, a field to search if `search` names it, and rows."""
    shown = [look.top(look.title(title), *buttons, back=back_button(window))]
    if search:
        shown.append(
            ft.Container(search_field(window, finder.typed, search), padding=ft.Padding.symmetric(horizontal=16))
        )
    shown.append(rows(window, finder, draw, nothing, tick))
    return ft.Column(shown, spacing=8, expand=True)


def back_button(window: Window) -> ft.Control:
    """To where this place hangs."""
    return look.icon_button(ft.Icons.ARROW_BACK, window.words.back, window.press(window.back))


@part
def search_field(window: Window, typed: Callable[[str], None], label: str, *, autofocus: bool = False) -> ft.Control:
    """What somebody looks for."""
    return ft.Row(
        [
            ft.TextField(
                label=label,
                prefix_icon=ft.Icons.SEARCH,
                dense=True,
                border_radius=24,
                autofocus=autofocus,
                expand=True,
                on_change=window.handle(lambda event: typed(typed_in(event))),
            )
        ]
    )


@component
def rows(window: Window, finder: Finder[Any, Any], draw: DrawRow, nothing: ft.Control, tick: Tick) -> ft.Control:  # noqa: ARG001
    """What was found so far."""
    words, listing = window.words, finder.listing
    ft.use_effect(listing.fetch, dependencies=[])
    if listing.problem is not None:
        return problem(window, listing)
    if not listing.rows:
        if not listing.fetched:
            return ft.Container(expand=True)
        if finder.text:
            return look.empty(ft.Icons.SEARCH_OFF, words.nothing_found.format(text=finder.text), words.search_other)
        return nothing
    shown = [draw(one) for one in listing.rows]
    if listing.more:
        more = ft.TextButton(words.load_more, on_click=window.press(listing.fetch))
        shown.append(ft.Row([more], alignment=ft.MainAxisAlignment.CENTER))
    return ft.ListView(shown, expand=True, padding=ft.Padding.symmetric(horizontal=8))


def problem(window: Window, listing: Listing[Any, Any]) -> ft.Control:
    """Why there is no list, and a way to try again."""
    assert listing.problem is not None
    said = ft.Text(complaint(window.words, listing.problem), color=ft.Colors.ERROR)
    again = ft.TextButton(window.words.retry, on_click=window.press(listing.fetch))
    return ft.Container(ft.Column([said, again], tight=True), padding=20, expand=True)


def people_finder(window: Window, tick: Tick) -> Finder[answers.Users, UserSeen]:
    """All users but oneself."""
    own = window.desk.user.partition("@")[0]

    def take(answer: answers.Users) -> list[UserSeen]:
        for user in answer.users:
            window.learn_name(window.chat.address(user.username), user.name)
        return [user for user in answer.users if user.username != own]

    def make(text: str) -> Listing[answers.Users, UserSeen]:
        command = commands.Users(id=0, find=text or UNSET)
        return Listing(window.chat.ask, command, take, tick.redraw)

    return Finder(make, window.start_task)


def group_finder(window: Window, tick: Tick, *, joined: bool) -> Finder[answers.Groups, GroupSeen]:
    """The groups that the user is in, or all that the user is not in."""

    def take(answer: answers.Groups) -> list[GroupSeen]:
        return [group for group in answer.groups if group.joined == joined]

    def make(text: str) -> Listing[answers.Groups, GroupSeen]:
        command = commands.Groups(id=0, find=text or UNSET, joined=joined)
        return Listing(window.chat.ask, command, take, tick.redraw)

    return Finder(make, window.start_task)


def person(window: Window, user: UserSeen) -> ft.Control:
    """A user to write to."""
    words = window.words
    address = window.chat.address(user.username)
    return look.tile(
        f"{user.name}, {words.active if user.active else words.inactive}",
        window.press(lambda: window.go(window.private_room(address))),
        look.avatar(user.name, address, active=user.active),
        user.name,
        f"{user.username} · {user.country}",
    )
