"""The whole page: what is wrong, how something went, and below it whatever the window shows now."""

import flet as ft

from client.harmless import visible
from client.model.places import (
    Chats,
    Groups,
    Home,
    Members,
    NewGroup,
    NewRealm,
    OtherGroups,
    Peer,
    People,
    Realms,
    Room,
    Search,
    Settings,
)
from client.ui import look
from client.ui.draw import Tick, component
from client.ui.pages import (
    chats,
    files,
    groups,
    home,
    new_realm,
    peer,
    people,
    realms,
    room,
    search,
    settings,
    sign_in,
)
from client.ui.sign_in import SignIn
from client.ui.window import Stage, Window


@component
def draw_app(window: Window, form: SignIn) -> ft.Control:
    """All of it."""
    return ft.SafeArea(
        expand=True,
        content=ft.Column(
            [strip(window, window.strip), stage(window, form, window.whole)],
            spacing=0,
            expand=True,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
    )


@component
def strip(window: Window, tick: Tick) -> ft.Control:  # noqa: ARG001 - see `draw.py`
    """What is wrong, for as long as it is; and how something went, until it is put away."""
    lines: list[ft.Control] = []
    if window.stage is Stage.CHAT and window.banner:
        lines.append(_line(ft.Icons.CLOUD_OFF, window.banner, ft.Colors.ERROR_CONTAINER, ft.Colors.ON_ERROR_CONTAINER))
    if window.notice:
        put_away = look.icon_button(ft.Icons.CLOSE, window.words.close, window.press(lambda: window.say("")))
        colours = ft.Colors.SECONDARY_CONTAINER, ft.Colors.ON_SECONDARY_CONTAINER
        lines.append(_line(ft.Icons.INFO_OUTLINE, window.notice, *colours, put_away))
    lines += files.saving(window)
    return ft.Column(lines, spacing=0, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)


def _line(icon: ft.IconData, text: str, back: str, front: str, *buttons: ft.Control) -> ft.Control:
    said = ft.Semantics(live_region=True, expand=True, content=ft.Text(visible(text), color=front))
    return ft.Container(
        bgcolor=back,
        padding=ft.Padding.symmetric(vertical=6, horizontal=16),
        content=ft.Row([ft.Icon(icon, color=front, size=20), said, *buttons]),
    )


@component
def stage(window: Window, form: SignIn, tick: Tick) -> ft.Control:  # noqa: ARG001
    """What kind of page it is."""
    match window.stage:
        case Stage.SIGN_IN:
            return sign_in.page(window, form)
        case Stage.CONNECTING:
            return sign_in.connecting(window, form)
        case Stage.ELSEWHERE:
            return look.empty(ft.Icons.TAB, window.words.elsewhere, window.words.elsewhere_hint)
        case Stage.CHAT:
            return _wide(window, form) if window.wide else _narrow(window, form)


def _wide(window: Window, form: SignIn) -> ft.Control:
    place = Home() if isinstance(window.place, Chats) else window.place
    beside = ft.Container(width=340, bgcolor=ft.Colors.SURFACE_CONTAINER_LOW, content=chats.sidebar(window))
    return ft.Row(
        [beside, ft.Container(pane(window, form, place), expand=True)],
        spacing=0,
        expand=True,
        vertical_alignment=ft.CrossAxisAlignment.STRETCH,
    )


def _narrow(window: Window, form: SignIn) -> ft.Control:
    if isinstance(window.place, Home | Chats | Realms | Settings):
        body = chats.sidebar(window) if isinstance(window.place, Chats) else pane(window, form, window.place)
        return ft.Column(
            [ft.Container(body, expand=True), chats.bottom_bar(window, window.list_tick)], spacing=0, expand=True
        )
    return ft.Container(pane(window, form, window.place), expand=True)


def pane(window: Window, form: SignIn, place: object) -> ft.Control:
    """The one place that the window is at."""
    match place:
        case People():
            return people.page(window)
        case Groups():
            return groups.page(window)
        case NewGroup():
            return groups.add_page(window)
        case OtherGroups():
            return groups.join_page(window)
        case Members(group):
            return groups.members_page(window, group)
        case Room(conversation):
            return room.page(window, conversation)
        case Realms():
            return realms.page(window)
        case NewRealm():
            return new_realm.page(window)
        case Peer(realm):
            return peer.page(window, realm)
        case Settings():
            return settings.page(window, form)
        case Search():
            return search.page(window)
        case _:
            return home.page(window, form)
