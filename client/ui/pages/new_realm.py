"""Add a realm: its name, where its front door is, and its key where that is known."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import flet as ft
from msgspec import UNSET

from client.dial import DEFAULT_PORT
from client.errors import ClientError, RealmUnreachableError
from client.harmless import visible
from client.model.places import Realms
from client.ui import look
from client.ui.complaint import complaint
from client.ui.draw import Tick, component, kept, part, typed_in
from client.ui.pages import lists
from client.ui.window import Window
from client.ui.words import Words
from schemas import commands
from schemas.names import NAME_PATTERN, Name

KEY_LENGTH = 40
HOST_LENGTH = 253


@dataclass(eq=False)
class Form:
    """What is typed, and what becomes of it. Fields are as they were typed."""

    realm: str = ""
    address: str = ""
    port: str = str(DEFAULT_PORT)
    key: str = ""
    busy: bool = False
    trouble: str = ""
    hint: str = ""
    tick: Tick = field(default_factory=Tick)

    def amiss(self, words: Words) -> str:
        """What is wrong with what was typed, as far as that can be seen from here."""
        asked = (self.realm, words.realm), (self.address, words.address), (self.port, words.port)
        if missing := next((name for typed, name in asked if not typed.strip()), ""):
            return words.fill_in.format(field=missing)
        if not re.match(NAME_PATTERN, self.realm.strip()):
            return f"{words.realm}: {words.name_hint}"
        if len(self.address.strip()) > HOST_LENGTH or re.search(r"[\s/]|^[^:]*:\d*$|\]:", self.address.strip()):
            return f"{words.address}: {words.address_hint}"
        if not re.fullmatch(r"[0-9]{1,5}", self.port.strip()) or not 1 <= int(self.port) <= 65_535:
            return f"{words.port}: {words.port_hint}"
        if self.key.strip() and len(self.key.strip()) != KEY_LENGTH:
            return f"{words.realm_key}: {words.realm_key_hint}"
        return ""

    def command(self) -> commands.AddRealm:
        """The command for what was typed, where nothing is amiss."""
        return commands.AddRealm(
            id=0,
            realm=Name(self.realm.strip()),
            address=self.address.strip().strip("[]"),
            port=int(self.port),
            key=self.key.strip() or UNSET,
        )

    def say(self, trouble: str = "", hint: str = "", *, busy: bool = False) -> None:
        """Show how it goes."""
        self.trouble, self.hint, self.busy = trouble, hint, busy
        self.tick.redraw()


@part
def page(window: Window) -> ft.Control:
    """The form. It is drawn once: being drawn again eats what is typed."""
    form, words = kept(Form), window.words

    async def add() -> None:
        await submit(window, form)

    def text(name: str, label: str, **looks: object) -> ft.TextField:
        def keep(event: ft.Event[ft.TextField]) -> None:
            setattr(form, name, typed_in(event))

        value = getattr(form, name)
        return look.text_field(label, value=value, on_change=keep, on_submit=window.press(add, once=form), **looks)

    fields: list[ft.Control] = [
        text("realm", words.realm, prefix_icon=ft.Icons.PUBLIC, autofocus=True, helper=words.name_hint),
        text("address", words.address, prefix_icon=ft.Icons.DNS_OUTLINED, helper=words.address_hint),
        text("port", words.port, prefix_icon=ft.Icons.SENSOR_DOOR_OUTLINED, keyboard_type=ft.KeyboardType.NUMBER),
        text("key", words.realm_key, prefix_icon=ft.Icons.KEY, helper=words.realm_key_hint),
    ]
    top = look.top(look.title(words.add_realm), back=lists.back_button(window))
    return ft.Column([top, look.column([*fields, below(window, form, form.tick, add)])], expand=True)


async def submit(window: Window, form: Form) -> None:
    """Add the realm. That takes a while: who goes elsewhere meanwhile is left there, and told."""
    words, place, desk, peers = window.words, window.place, window.desk, window.peers
    if amiss := form.amiss(words):
        form.say(amiss)
        return
    form.say(busy=True)
    command, hint = form.command(), ""
    try:
        said = visible((await window.chat.ask(command)).message)
    except ClientError as error:
        said, added = complaint(words, error), False
        hint = words.not_added_hint if isinstance(error, RealmUnreachableError) else ""
    else:
        added = True
        peers.look()
    form.say("" if added else said, hint)
    if not window.is_logged_in or window.desk is not desk:
        return  # somebody else is here
    if window.place is not place:
        window.say(f"{command.realm}: {said}")
    elif added:
        await window.go(Realms(), said)


@component
def below(window: Window, form: Form, tick: Tick, add: Callable[[], Awaitable[None]]) -> ft.Control:  # noqa: ARG001 - see `draw.py`
    """Why it did not work, and the button, which waits while the other realm is asked."""
    words = window.words
    shown: list[ft.Control] = []
    if form.trouble:
        lines: list[ft.Control] = [ft.Text(form.trouble, color=ft.Colors.ERROR)]
        if form.hint:
            lines.append(ft.Text(form.hint, color=ft.Colors.ON_SURFACE_VARIANT, size=12))
        shown.append(ft.Semantics(live_region=True, content=ft.Column(lines, spacing=4, tight=True)))
    if form.busy:
        ring = ft.ProgressRing(width=18, height=18, stroke_width=2)
        said = ft.Semantics(live_region=True, expand=True, content=ft.Text(words.dialling))
        shown.append(ft.Row([ring, said], spacing=12))
    button = ft.FilledButton(words.add_realm, disabled=form.busy, on_click=window.press(add, once=form))
    shown.append(ft.Row([button], alignment=ft.MainAxisAlignment.END))
    return ft.Column(shown, spacing=12, tight=True, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
