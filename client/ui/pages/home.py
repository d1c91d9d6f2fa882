"""Home: the greeting, the session, and where one can go."""

import flet as ft

from client.harmless import visible
from client.model.places import Groups, NewGroup, OtherGroups, People, Place, Realms
from client.ui import look
from client.ui.draw import component
from client.ui.sign_in import SignIn
from client.ui.window import Window
from client.ui.words import ADD_GROUP_CHAT, GROUP_CHAT, JOIN_GROUP_CHAT, LOGOUT, PRIVATE_CHAT

ENTRIES: tuple[tuple[str, ft.IconData, Place], ...] = (
    (PRIVATE_CHAT, ft.Icons.PERSON, People()),
    (GROUP_CHAT, ft.Icons.GROUP, Groups()),
    (ADD_GROUP_CHAT, ft.Icons.GROUP_ADD, NewGroup()),
    (JOIN_GROUP_CHAT, ft.Icons.GROUPS, OtherGroups()),
)


@component
def page(window: Window, form: SignIn) -> ft.Control:
    """What the contract says of it."""
    words, desk = window.words, window.desk
    entries = (*ENTRIES, (words.other_realms, ft.Icons.PUBLIC, Realms()))
    hints = dict(zip((entry[0] for entry in entries), words.entry_hints, strict=True))

    def entry(name: str, icon: ft.IconData, place: Place) -> ft.Control:
        return ft.Card(
            col={"xs": 12, "sm": 12 if place == Realms() else 6},
            content=look.tile(
                name,
                window.press(lambda: window.go(place)),
                ft.Icon(icon, color=ft.Colors.PRIMARY),
                name,
                hints[name],
                content_padding=ft.Padding.symmetric(horizontal=16, vertical=8),
            ),
        )

    return look.column(
        [
            ft.Container(height=16),
            ft.Row(
                [
                    look.avatar(desk.name, desk.user, radius=32),
                    ft.Column(
                        [
                            ft.Text(
                                words.greeting.format(name=visible(desk.name)),
                                theme_style=ft.TextThemeStyle.HEADLINE_SMALL,
                            ),
                            ft.Text(visible(desk.user), color=ft.Colors.ON_SURFACE_VARIANT),
                        ],
                        spacing=2,
                        expand=True,
                    ),
                ],
                spacing=16,
            ),
            _token(window),
            ft.ResponsiveRow([entry(*one) for one in entries], spacing=8, run_spacing=8),
            ft.Container(height=8),
            ft.Row([ft.OutlinedButton(LOGOUT, icon=ft.Icons.LOGOUT, on_click=window.press(form.sign_out))]),
        ]
    )


def _token(window: Window) -> ft.Control:
    words, token = window.words, window.chat.token

    async def copy() -> None:
        await ft.Clipboard().set(token)
        window.say(words.copied)

    return ft.Row(
        [
            ft.Icon(ft.Icons.KEY, size=18, color=ft.Colors.ON_SURFACE_VARIANT),
            ft.Text(f"{words.session_token}: {token[:8]}…", color=ft.Colors.ON_SURFACE_VARIANT),
            look.icon_button(ft.Icons.CONTENT_COPY, words.copy, window.press(copy), icon_size=18),
        ],
        spacing=8,
    )
