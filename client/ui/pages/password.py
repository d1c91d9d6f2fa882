"""A password, which an eye reveals."""

from collections.abc import Callable

import flet as ft

from client.ui import look
from client.ui.draw import Handler, row, typed_in
from client.ui.words import Words


@row
def field(
    words: Words,
    label: str,
    keep: Callable[[str], None],
    submit: Handler,
    press: Callable[[Callable[[], None]], Handler],
    *,
    new: bool,
    icon: ft.IconData | None = None,
) -> ft.Control:
    """One field; `keep` is told what stands in it, `press` makes the eye's handler."""
    revealed, reveal = ft.use_state(False)  # noqa: FBT003 - Flet's own way to say it
    eye = look.icon_button(
        ft.Icons.VISIBILITY_OFF if revealed else ft.Icons.VISIBILITY,
        words.hide_password if revealed else words.show_password,
        press(lambda: reveal(not revealed)),
    )
    return look.text_field(
        label,
        password=not revealed,
        on_change=lambda event: keep(typed_in(event)),
        on_submit=submit,
        prefix_icon=icon,
        helper=words.password_hint if new else None,
        suffix_icon=eye,
        autofill_hints=[ft.AutofillHint.NEW_PASSWORD if new else ft.AutofillHint.PASSWORD],
    )
