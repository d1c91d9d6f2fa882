"""What the pages with lists of the realm's have in common: a field to search, the rows, and more of them."""

from collections.abc import Awaitable, Callable
from typing import Any

import flet as ft
from msgspec import UNSET

from client.model.places import Place, Room
from client.model.who import name_here
from client.ui import look
from client.ui.complaint import complaint
from client.ui.draw import Tick, component, part, typed_in
from client.ui.listing import Finder, Listing
from client.ui.window import Window
from client.ui.words import GROUP_JOINED
from schemas import answers, commands, names
from schemas.answers import GroupSeen, UserSeen
from schemas.names import Name

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
    shown.append(rows(window, finder, draw, nothing, tick, window.people_tick))
    return ft.Column(shown, spacing=8, expand=True)


def back_button(window: Window) -> ft.Control:
    """To where this place hangs."""
    return look.icon_button(ft.Icons.ARROW_BACK, window.words.back, window.press(window.back))


@part
def search_field(window: Window, typed: Callable[[str], None], label: str, *, autofocus: bool = False) -> ft.Control:
    """What somebody looks for."""
    return ft.Row(
        [
            look.text_field(
                label,
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
def rows(
    window: Window,
    finder: Finder[Any, Any],
    draw: DrawRow,
    nothing: ft.Control,
    tick: Tick,  # noqa: ARG001 - see `draw.py`
    people_tick: Tick,  # noqa: ARG001
) -> ft.Control:
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
        others = [user for user in answer.users if user.username != own]
        for user in others:
            window.people.list(user.username, user.name, active=user.active)
        return others

    def make(text: str) -> Listing[answers.Users, UserSeen]:
        command = commands.Users(id=0, find=text or UNSET)
        return Listing(window.chat.ask, command, take, tick.redraw)

    return Finder(make, window.start_task)


def group_finder(window: Window, tick: Tick, *, joined: bool | None = None) -> Finder[answers.Groups, GroupSeen]:
    """The groups that the user is in, or all that the user is not in; all of them where `joined` is left open."""

    def take(answer: answers.Groups) -> list[GroupSeen]:
        return [group for group in answer.groups if joined in (None, group.joined)]

    def make(text: str) -> Listing[answers.Groups, GroupSeen]:
        command = commands.Groups(id=0, find=text or UNSET, joined=bool(joined))
        return Listing(window.chat.ask, command, take, tick.redraw)

    return Finder(make, window.start_task)


def person(window: Window, user: UserSeen) -> ft.Control:
    """A user to write to."""
    words, address = window.words, window.chat.address(user.username)
    active, name = window.people.is_active(address), name_here(user.name, address)
    return look.tile(
        f"{name}, {words.active if active else words.inactive}",
        window.press(lambda: window.go(window.private_room(address))),
        look.avatar(name, address, active=active),
        name,
        f"{user.username} · {user.country}",
    )


def group(
    window: Window,
    group: GroupSeen,
    name: str,
    press: Callable[[], Awaitable[None]],
    below: str,
    trailing: ft.Control | None = None,
) -> ft.Control:
    """A group that can be pressed."""
    face = look.avatar(group.title, window.chat.address(Name(group.group)), group=True)
    return look.tile(name, window.press(press, once=("group", group.group)), face, group.title, below, trailing)


def group_room(window: Window, group: GroupSeen) -> Room:
    """The place where a group talks."""
    return Room(names.group(window.chat.address(group.group)))


async def join(window: Window, group: GroupSeen, place: Place) -> None:
    """Become a member, and go to a place."""
    await window.chat.ask(commands.JoinGroup(id=0, group=Name(group.group)))
    await window.go(place, GROUP_JOINED.format(group=group.title))
