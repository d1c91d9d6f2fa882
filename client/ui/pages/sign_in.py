"""Login and register."""

import flet as ft

from client.dial import Address
from client.ui import look
from client.ui.draw import Tick, component, part, typed_in
from client.ui.pages import password
from client.ui.sign_in import SignIn
from client.ui.window import Window
from client.ui.words import LANGUAGES, Words


@component
def page(window: Window, form: SignIn) -> ft.Control:
    """The form in the middle of the page."""
    words = window.words
    change = words.have_account if form.registering else words.no_account

    def turn() -> None:
        form.registering = not form.registering
        form.password = ""  # its field is another one
        window.trouble = ""
        window.whole.redraw()

    return _middle(
        [
            _brand(words),
            *offers(window, form),
            fields(form, words, form.registering, form.chosen),
            problem(window, window.form_tick),
            submit(window, form, window.form_tick),
            ft.TextButton(change, on_click=window.press(turn)),
            languages(window),
        ]
    )


@component
def connecting(window: Window, form: SignIn) -> ft.Control:
    """Somebody is logged in here, and the realm does not answer yet."""
    said = window.trouble or window.words.connecting
    return _middle(
        [
            _brand(window.words),
            ft.ProgressRing(),
            ft.Semantics(live_region=True, content=ft.Text(said, text_align=ft.TextAlign.CENTER)),
            ft.TextButton(window.words.sign_in, on_click=window.press(form.sign_out)),
        ]
    )


@part
def fields(form: SignIn, words: Words, registering: bool, chosen: str) -> ft.Control:
    """What is typed; drawn once, so that nothing of it is lost. `chosen` is the realm that was pressed."""

    def kept(name: str) -> ft.EventHandler[ft.Event[ft.TextField]]:
        def keep(event: ft.Event[ft.TextField]) -> None:
            setattr(form, name, typed_in(event))

        return keep

    def field(label: str, name: str, hints: list[ft.AutofillHint], **looks: object) -> ft.Control:
        return look.text_field(
            label,
            key=f"{name}-{registering}-{chosen if name == 'realm' else ''}",
            value=getattr(form, name),
            on_change=kept(name),
            on_submit=form.window.press(form.submit),
            autofill_hints=hints,
            **looks,
        )

    who = ft.AutofillHint
    shown: list[ft.Control] = [
        field(words.realm, "realm", [], prefix_icon=ft.Icons.PUBLIC),
        field(
            words.username,
            "username",
            [who.USERNAME],
            prefix_icon=ft.Icons.PERSON,
            autofocus=True,
            helper=words.name_hint if registering else None,
        ),
        password.field(
            f"password-{registering}",
            words,
            words.password,
            lambda typed: setattr(form, "password", typed),
            form.window.press(form.submit),
            form.window.press,
            new=registering,
            icon=ft.Icons.LOCK_OUTLINED,
        ),
    ]
    if registering:
        shown += [
            field(words.display_name, "name", [who.NAME], prefix_icon=ft.Icons.BADGE_OUTLINED),
            field(words.country, "country", [who.COUNTRY_NAME], prefix_icon=ft.Icons.FLAG_OUTLINED),
            field(words.invite, "invite", [], prefix_icon=ft.Icons.MAIL_OUTLINED),
        ]
    return ft.AutofillGroup(content=ft.Column(shown, spacing=14, horizontal_alignment=ft.CrossAxisAlignment.STRETCH))


def offers(window: Window, form: SignIn) -> list[ft.Control]:
    """The realms that are offered, the chosen one marked."""

    def offer(name: str, door: Address) -> ft.Control:
        press = window.press(lambda: form.choose(door), once=("choose", name))
        if str(door) == form.realm:
            return ft.FilledTonalButton(name, icon=ft.Icons.CHECK, on_click=press, expand=True)
        return ft.OutlinedButton(name, on_click=press, expand=True)

    return [ft.Row([offer(*one) for one in form.offered])] if form.offered else []


@component
def problem(window: Window, tick: Tick) -> ft.Control:  # noqa: ARG001
    """Why it did not work."""
    if not window.trouble:
        return ft.Container(height=0)
    return ft.Semantics(live_region=True, content=ft.Text(window.trouble, color=ft.Colors.ERROR))


@component
def submit(window: Window, form: SignIn, tick: Tick) -> ft.Control:  # noqa: ARG001
    """The button, which waits while it is asked."""
    return ft.FilledButton(
        window.words.register if form.registering else window.words.sign_in,
        height=48,
        disabled=form.busy,
        on_click=window.press(form.submit),
    )


@component
def languages(window: Window) -> ft.Control:
    """All languages there are, each in its own words."""

    def choose(code: str) -> ft.Control:
        chosen = code == window.words.code
        return ft.TextButton(
            LANGUAGES[code].language,
            disabled=chosen,
            on_click=window.press(lambda: window.choose_language(code)),
        )

    return ft.Row([choose(code) for code in LANGUAGES], alignment=ft.MainAxisAlignment.CENTER)


def _brand(words: Words) -> ft.Control:
    return ft.Column(
        [
            ft.Image(src="bagan.svg", width=64, height=64, exclude_from_semantics=True),
            ft.Text("Bagan", theme_style=ft.TextThemeStyle.HEADLINE_MEDIUM),
            ft.Text(words.claim, color=ft.Colors.ON_SURFACE_VARIANT),
        ],
        spacing=4,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )


def _middle(controls: list[ft.Control]) -> ft.Control:
    inside = ft.Column(controls, width=380, tight=True, spacing=16, horizontal_alignment=ft.CrossAxisAlignment.STRETCH)
    return ft.Column(
        [ft.Container(padding=24, content=inside)],
        expand=True,
        scroll=ft.ScrollMode.AUTO,
        alignment=ft.MainAxisAlignment.CENTER,
        horizontal_alignment=ft.CrossAxisAlignment.CENTER,
    )
