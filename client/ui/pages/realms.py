"""The realms that this one knows, and how the links to them fare."""

import flet as ft
from msgspec import UNSET, structs

from client.harmless import visible
from client.model.places import NewRealm, Peer
from client.ui import look
from client.ui.complaint import complaint
from client.ui.draw import Tick, component, row
from client.ui.pages import lists
from client.ui.window import Window
from client.ui.words import Words
from schemas.answers import RealmSeen
from schemas.names import Name


@component
def page(window: Window) -> ft.Control:
    """All of them, and a way to add one."""
    words = window.words
    back = lists.back_button(window) if window.wide else None
    top = look.top(look.title(words.realms), add_button(window, window.peers_tick), back=back)
    return ft.Column([top, rows(window, window.peers_tick)], spacing=8, expand=True)


@component
def add_button(window: Window, tick: Tick) -> ft.Control:  # noqa: ARG001 - see `draw.py`
    """Where there is no list, the way to add one stands in its place."""
    if not window.peers.rows:
        return ft.Container(width=0)
    return look.icon_button(ft.Icons.ADD, window.words.add_realm, window.press(lambda: window.go(NewRealm())))


@component
def rows(window: Window, tick: Tick) -> ft.Control:  # noqa: ARG001 - see `draw.py`
    """A line for each."""
    words, known = window.words, window.peers.rows
    if known is None:
        if window.peers.problem is None:
            return ft.Container(expand=True)
        said = ft.Text(complaint(words, window.peers.problem), color=ft.Colors.ERROR)
        again = ft.TextButton(words.retry, on_click=window.press(window.peers.look))
        return ft.Container(ft.Column([said, again], tight=True), padding=20, expand=True)
    if not known:
        go = window.press(lambda: window.go(NewRealm()))
        button = ft.FilledButton(words.add_realm, icon=ft.Icons.ADD, on_click=go)
        return look.empty(ft.Icons.PUBLIC, words.no_realms, words.no_realms_hint, button)
    shown = [_realm(one.realm, window, as_drawn(one), window.peers.link(one.realm), words) for one in known]
    return ft.ListView(shown, expand=True, padding=ft.Padding.symmetric(horizontal=8))


def as_drawn(realm: RealmSeen) -> RealmSeen:
    """Without the times, which `link` tells: of hundreds only those are drawn anew of which something is seen."""
    return structs.replace(realm, last_contact=None, down_since=UNSET, next_try=UNSET)


@row
def _realm(window: Window, realm: RealmSeen, link: str, words: Words) -> ft.Control:
    name = visible(realm.realm)
    waiting = words.waiting_there.format(count=realm.queued) if realm.queued else ""
    door = f"{visible(realm.address)}:{realm.port}"
    below = " · ".join(part for part in (door, waiting) if part)
    return look.tile(
        ", ".join(part for part in (name, link, waiting, door) if part),
        window.press(lambda: window.go(Peer(Name(realm.realm))), once=("realm", realm.realm)),
        face(realm),
        name,
        ft.Column([state(link, realm), ft.Text(below, size=12)], spacing=2, tight=True),
        ft.Icon(ft.Icons.CHEVRON_RIGHT),
        shape=ft.RoundedRectangleBorder(radius=12),
    )


def face(realm: RealmSeen) -> ft.Control:
    """What stands for a realm, with a dot where it answers."""
    return look.avatar(realm.realm, f"@{realm.realm}", active=realm.connected)


def state(link: str, realm: RealmSeen | None) -> ft.Control:
    """How the link to a realm fares; what is wrong is seen without colours too."""
    if realm is None:
        return ft.Text(link)
    down = not realm.connected
    icon = ft.Icons.CLOUD_OFF if down else ft.Icons.CLOUD_DONE_OUTLINED
    color = ft.Colors.ERROR if down else ft.Colors.PRIMARY
    return ft.Row([ft.Icon(icon, size=16, color=color), ft.Text(link, color=color, expand=True)], spacing=6)
