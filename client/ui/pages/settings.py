"""Profile and settings."""

from collections.abc import Awaitable, Callable

import flet as ft
from flet.components.hooks.use_ref import MutableRef

from client.harmless import visible
from client.ui import look
from client.ui.draw import component, part, typed_in
from client.ui.pages import lists, password
from client.ui.preferences import THEMES
from client.ui.sign_in import SignIn, is_long_enough
from client.ui.window import Window
from client.ui.words import LANGUAGES, LOGOUT
from schemas import commands
from schemas.keys import fingerprint


@component
def page(window: Window, form: SignIn) -> ft.Control:
    """Who one is here, how it looks, and whose realm this is."""
    words, desk = window.words, window.desk
    themes = {"system": words.theme_system, "light": words.theme_light, "dark": words.theme_dark}
    top = look.top(look.title(words.settings), back=lists.back_button(window) if window.wide else None)
    return ft.Column(
        [
            top,
            look.column(
                [
                    look.heading(words.profile),
                    ft.ListTile(
                        leading=look.avatar(desk.name, desk.user, radius=24),
                        title=visible(desk.name),
                        subtitle=desk.user,
                    ),
                    look.heading(words.theme),
                    choice(
                        window, [(code, themes[code]) for code in THEMES], window.preferences.theme, window.choose_theme
                    ),
                    look.heading(words.language_label),
                    choice(
                        window,
                        [(code, LANGUAGES[code].language) for code in LANGUAGES],
                        words.code,
                        window.choose_language,
                    ),
                    look.heading(words.change_password),
                    new_password(window),
                    look.heading(words.fingerprint),
                    ft.Text(fingerprint(window.chat.fingerprint), font_family="monospace"),
                    ft.Text(f"{window.chat.realm} · {window.chat.door}", color=ft.Colors.ON_SURFACE_VARIANT),
                    ft.Row([ft.OutlinedButton(LOGOUT, icon=ft.Icons.LOGOUT, on_click=window.press(form.sign_out))]),
                    ft.Container(height=16),
                ]
            ),
        ],
        expand=True,
    )


@component
def choice(
    window: Window, options: list[tuple[str, str]], chosen: str, choose: Callable[[str], Awaitable[None]]
) -> ft.Control:
    """One of a few."""
    now, set_now = ft.use_state(chosen)

    async def take(code: str) -> None:
        set_now(code)
        await choose(code)

    return ft.RadioGroup(
        value=now,
        on_change=window.handle(lambda event: take(typed_in(event))),
        content=ft.Row([ft.Radio(value=code, label=name) for code, name in options], wrap=True),
    )


@part
def new_password(window: Window) -> ft.Control:
    """The old password and a new one."""
    old, new = ft.use_ref(""), ft.use_ref("")
    turn, set_turn = ft.use_state(0)
    words = window.words

    async def change() -> None:
        if window.notice == words.password_changed and not old.current and not new.current:
            return  # the second click of two
        for typed, name in ((old, words.old_password), (new, words.new_password)):
            if not typed.current:
                window.say(words.fill_in.format(field=name))
                return
        if not is_long_enough(new.current or ""):
            window.say(f"{words.new_password}: {words.password_hint}")
            return
        await window.chat.ask(commands.Passwd(id=0, old=old.current or "", new=new.current or ""))
        old.current = new.current = ""
        set_turn(turn + 1)
        window.say(words.password_changed)

    def field(ref: MutableRef[str], name: str, *, new: bool) -> ft.Control:
        def keep(typed: str) -> None:
            ref.current = typed

        return password.field(f"{name}-{turn}", words, name, keep, window.press(change), window.press, new=new)

    return ft.Column(
        [
            field(old, words.old_password, new=False),
            field(new, words.new_password, new=True),
            ft.Row([ft.FilledButton(words.change_password, on_click=window.press(change))]),
        ],
        horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
    )
