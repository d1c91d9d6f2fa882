"""One other realm: how the link to it fares, whom to write to there, and what came from it."""

import re
from collections.abc import Callable

import flet as ft
from msgspec import UNSET

from client.harmless import visible
from client.model.places import Room
from client.ui import look
from client.ui.draw import Tick, component, kept, part, typed_in
from client.ui.pages import lists, mail
from client.ui.pages.realms import face, state
from client.ui.window import Window
from schemas import commands, names
from schemas.names import NAME_PATTERN, Address, ConversationId, Name


@component
def page(window: Window, realm: Name) -> ft.Control:
    """All of it."""
    words, user = window.words, Address(window.desk.user)
    mail_tick = kept(Tick)

    def with_person(name: Name) -> ConversationId:
        return names.private(user, names.full(name, realm))

    def with_group(name: Name) -> ConversationId:
        return names.sent(user, names.full(name, realm))

    async def fetch() -> None:
        await _fetch(window, realm, mail_tick, after=False)

    async def fetch_more() -> None:
        await _fetch(window, realm, mail_tick, after=True)

    button = look.icon_button(ft.Icons.MAIL_OUTLINED, words.fetch, window.press(fetch))
    came_from = ft.Container(look.heading(words.came_from.format(realm=realm)), expand=True)
    return ft.Column(
        [
            look.top(look.title(realm), back=lists.back_button(window)),
            look.column(
                [
                    link(window, realm, window.peers_tick),
                    ft.Container(height=4),
                    look.heading(words.write_there),
                    to_whom(window, words.username, with_person, ft.Icons.PERSON, first=True),
                    to_whom(window, words.group, with_group, ft.Icons.GROUP, first=False),
                    ft.Container(height=4),
                    ft.Row([came_from, button]),
                    mail.came(window, realm, mail_tick, fetch_more),
                    ft.Container(height=16),
                ]
            ),
        ],
        expand=True,
    )


async def _fetch(window: Window, realm: Name, tick: Tick, *, after: bool) -> None:
    """Fetch what came from a realm since it was fetched last."""
    peers = window.peers  # somebody else may be here when the answer is
    got = await window.chat.ask(commands.GetRealmInbox(id=0, realm=realm))
    peers.fetched(realm, got, after=after)
    window.say(window.words.fetched.format(count=len(got.messages)))
    tick.redraw()


@component
def link(window: Window, realm: Name, tick: Tick) -> ft.Control:  # noqa: ARG001 - see `draw.py`
    """Where it is, and whether it answers."""
    words = window.words
    row = next((row for row in window.peers.rows or () if row.realm == realm), None)
    if row is None:
        return ft.Text(window.peers.link(realm), color=ft.Colors.ERROR)
    where = f"{visible(row.address)}:{row.port}"
    if row.down_since is not UNSET or row.queued:
        where += f" · {words.waiting_there.format(count=row.queued)}"
    lines = [state(window.peers.link(realm), row), ft.Text(where, size=12, color=ft.Colors.ON_SURFACE_VARIANT)]
    return ft.Row([face(row), ft.Column(lines, spacing=2, tight=True, expand=True)], spacing=16)


@part
def to_whom(
    window: Window, label: str, conversation: Callable[[Name], ConversationId], icon: ft.IconData, *, first: bool
) -> ft.Control:
    """Somebody there, or a group, to write to."""
    typed = ft.use_ref("")
    trouble, complain = ft.use_state("")
    words = window.words

    async def go() -> None:
        name = (typed.current or "").strip()
        if re.match(NAME_PATTERN, name):
            await window.go(Room(conversation(names.fold(name))))
        else:
            complain(words.name_hint)

    def keep(event: ft.Event[ft.TextField]) -> None:
        typed.current = typed_in(event)

    press = window.press(go, once=("write", label))
    name = look.text_field(
        label, prefix_icon=icon, expand=True, dense=True, on_change=keep, on_submit=press, autofocus=first
    )
    button = ft.FilledTonalButton(words.open_chat, on_click=press)
    shown: list[ft.Control] = [ft.Row([name, button], spacing=12)]
    if trouble:
        shown.append(ft.Semantics(live_region=True, content=ft.Text(trouble, color=ft.Colors.ERROR, size=12)))
    return ft.Column(shown, spacing=4, tight=True)
