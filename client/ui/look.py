"""How Bagan looks: its colours, and the small things that all pages are made of."""

from typing import Final

import flet as ft

from client.harmless import visible
from client.model.people import COLOURS, colour, initials
from client.ui.draw import Handler

SEED: Final = "#00696e"
NARROW: Final = 800
"""Below this width, in logical pixels, one thing is shown at a time."""
LINE: Final = 640
"""No wider is a column of text or controls."""
AVATARS: Final = (
    "#8c1d40", "#9a3412", "#7a4f01", "#3f6212", "#166534", "#115e59",
    "#0c5c7c", "#1e4f9c", "#4338ca", "#6d28d9", "#86198f", "#57534e",
)  # fmt: skip
"""White letters on each are read easily: contrast 5 or more (WCAG AA asks 4.5)."""
PRESENT_LIGHT: Final = "#2e7d32"
assert len(AVATARS) == COLOURS  # each colour of the model has one here


def theme() -> ft.Theme:
    """Material 3 around one colour; Flet makes the dark one of it too."""
    return ft.Theme(color_scheme_seed=SEED, visual_density=ft.VisualDensity.STANDARD)


def avatar(name: str, address: str, *, group: bool = False, active: bool = False, radius: int = 20) -> ft.Control:
    """Initials on the colour of an address, with a dot where somebody is active. It says nothing to screen readers."""
    content: ft.Control = (
        ft.Icon(ft.Icons.GROUP, size=radius, color=ft.Colors.WHITE)
        if group
        else ft.Text(initials(visible(name)), size=radius * 0.8, weight=ft.FontWeight.W_500, color=ft.Colors.WHITE)
    )
    circle = ft.CircleAvatar(content=content, bgcolor=AVATARS[colour(address)], radius=radius)
    if not active:
        return _silent(circle)
    dot = ft.Container(
        width=12, height=12, border_radius=6, bgcolor=PRESENT_LIGHT, right=0, bottom=0,
        border=ft.Border.all(2, ft.Colors.SURFACE),
    )  # fmt: skip
    return _silent(ft.Stack([circle, dot], width=2 * radius, height=2 * radius))


def icon_button(icon: ft.IconData, name: str, on_click: Handler, **looks: object) -> ft.Control:
    """A button with a picture, and a name for those who do not see it."""
    return ft.MergeSemantics(ft.IconButton(icon, tooltip=visible(name), on_click=on_click, **looks))  # type: ignore[arg-type]


def text_field(label: str, **looks: object) -> ft.TextField:
    """A field with an outline that is seen in the dark too: Flet's own is black there."""
    return ft.TextField(
        label=label,
        border_color=ft.Colors.OUTLINE,
        focused_border_color=ft.Colors.PRIMARY,
        **looks,  # type: ignore[arg-type]
    )


def tile(
    name: str,
    on_click: Handler,
    leading: ft.Control,
    heading: ft.Control | str,
    below: ft.Control | str,
    trailing: ft.Control | None = None,
    **looks: object,
) -> ft.Control:
    """A line that can be pressed. Keyboards and screen readers meet one button called `name`, not all that is on it."""
    return ft.MergeSemantics(
        ft.Semantics(
            button=True,
            label=visible(name),
            content=ft.ListTile(
                leading=_silent(leading),
                title=_silent(_shown(heading)),
                subtitle=_silent(_shown(below)),
                trailing=None if trailing is None else _silent(trailing),
                on_click=on_click,
                **looks,  # type: ignore[arg-type]
            ),
        )
    )


def _shown(text: ft.Control | str) -> ft.Control:
    return ft.Text(visible(text)) if isinstance(text, str) else text


def _silent(control: ft.Control) -> ft.Control:
    """Screen readers pass it over."""
    return ft.Semantics(exclude_semantics=True, content=control)


def empty(icon: ft.IconData, what: str, hint: str, *buttons: ft.Control) -> ft.Control:
    """Nothing is here, and what to do about it."""
    below = [ft.Container(height=8), *buttons] if buttons else []
    return ft.Container(
        expand=True,
        alignment=ft.Alignment.CENTER,
        padding=32,
        content=ft.Column(
            [
                ft.Icon(icon, size=56, color=ft.Colors.OUTLINE),
                ft.Text(what, theme_style=ft.TextThemeStyle.TITLE_MEDIUM, text_align=ft.TextAlign.CENTER),
                ft.Text(hint, color=ft.Colors.ON_SURFACE_VARIANT, text_align=ft.TextAlign.CENTER),
                *below,
            ],
            tight=True,
            horizontal_alignment=ft.CrossAxisAlignment.CENTER,
        ),
    )


def title(text: str) -> ft.Control:
    """What a page is."""
    shown = ft.Text(
        visible(text), theme_style=ft.TextThemeStyle.TITLE_LARGE, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS
    )
    return ft.Semantics(header=True, expand=True, content=shown)


def heading(text: str) -> ft.Control:
    """The title of a part of a page."""
    style, weight = ft.TextThemeStyle.TITLE_SMALL, ft.FontWeight.W_600
    shown = ft.Text(text, theme_style=style, color=ft.Colors.PRIMARY, weight=weight)
    return ft.Semantics(header=True, content=shown)


def top(title: ft.Control, *buttons: ft.Control, back: ft.Control | None = None) -> ft.Control:
    """The bar above a page."""
    return ft.Container(
        height=64,
        padding=ft.Padding.only(left=8 if back else 20, right=8),
        content=ft.Row([*([back] if back else []), title, *buttons], spacing=8),
    )


def column(controls: list[ft.Control]) -> ft.Control:
    """A page of text and controls, no wider than reads well, that scrolls where it must."""
    return ft.Column(
        [
            ft.Container(
                padding=ft.Padding.symmetric(horizontal=20),
                content=ft.Column(controls, spacing=12, width=LINE, horizontal_alignment=ft.CrossAxisAlignment.STRETCH),
            )
        ],
        scroll=ft.ScrollMode.AUTO,
        expand=True,
    )
