"""The dialog in which files are chosen for the room that is open."""

from pathlib import Path
from typing import Final

import flet as ft

from client.model.attached import shown_name
from client.ui import look
from client.ui.complaint import lost
from client.ui.draw import Tick, component
from client.ui.pages import files
from client.ui.spool import AT_ONCE, Spool
from client.ui.window import Window
from client.ui.words import CANCEL, SEND_FILE, Words

CHOOSE: Final = "bagan:choose"
"""An address that the page's own script (`page.js`) understands: the browser lets somebody choose."""
WIDTH: Final = 420
"""Of the dialog, in logical pixels."""


@component
def dialog(window: Window, tick: Tick) -> ft.Control:  # noqa: ARG001 - see `draw.py`
    """The files that somebody has chosen for this room; nothing while nobody does."""
    attaching, words = window.attaching, window.words
    ft.use_dialog(_dialog(window, words) if attaching.is_open else None)
    return ft.Container(height=0)


def _dialog(window: Window, words: Words) -> ft.AlertDialog:
    attaching = window.attaching

    def send() -> None:
        if window.room.conversation is not None:
            window.say("" if attaching.send(window.room.conversation) else words.too_many_wait)
            window.room.to_end(window.desk)

    shown: list[ft.Control] = [_chosen(window, words, spool) for spool in attaching.chosen]
    if attaching.left_over:
        told = words.files_left_over.format(count=attaching.left_over, most=AT_ONCE)
        shown.append(ft.Text(told, size=12, color=ft.Colors.ERROR))
    shown.append(_choose(window, words))
    if window.page.web and window.wide:
        shown.append(ft.Text(words.drop_hint, size=12, color=ft.Colors.ON_SURFACE_VARIANT))
    return ft.AlertDialog(
        modal=True,
        scrollable=True,
        title=ft.Text(words.attach),
        content=ft.Column(
            shown,
            tight=True,
            spacing=12,
            width=WIDTH,
            horizontal_alignment=ft.CrossAxisAlignment.STRETCH,
        ),
        actions=[
            ft.TextButton(CANCEL, on_click=window.press(attaching.close)),
            ft.FilledButton(SEND_FILE, disabled=not attaching.can_be_sent, on_click=window.press(send)),
        ],
    )


def _choose(window: Window, words: Words) -> ft.Control:
    """Opens the browser's own dialog, or the system's."""
    name = words.choose_another if window.attaching.chosen else words.choose_file
    if window.page.web:
        return ft.OutlinedButton(name, icon=ft.Icons.FOLDER_OPEN, action=ft.OpenUrl(CHOOSE))

    async def pick() -> None:
        room = window.room.conversation
        for file in await ft.FilePicker().pick_files(allow_multiple=True):
            if file.path and room is not None and room == window.room.conversation:
                window.attaching.choose_own(room, Path(file.path), file.name, file.size)

    return ft.OutlinedButton(name, icon=ft.Icons.FOLDER_OPEN, on_click=window.press(pick))


def _chosen(window: Window, words: Words, spool: Spool) -> ft.Control:
    name = shown_name(spool.name)
    wrong = "" if spool.loss is None else lost(words, spool.loss)
    told: list[ft.Control] = [
        ft.Text(name, max_lines=2, overflow=ft.TextOverflow.ELLIPSIS),
        ft.Text(
            wrong or words.bytes(spool.size),
            size=12,
            color=ft.Colors.ERROR if wrong else ft.Colors.ON_SURFACE_VARIANT,
        ),
    ]
    if not wrong and not spool.is_here:
        told.append(files.bar(spool.percent, words.reading))
    leave_out = window.press(lambda: window.attaching.leave_out(spool), once=("leave out", spool.code))
    return ft.Row(
        [
            files.mark(ft.Icons.ERROR_OUTLINE if wrong else files.kind(name, None)),
            ft.Column(told, spacing=2, tight=True, expand=True),
            look.icon_button(ft.Icons.CLOSE, words.leave_out.format(name=name), leave_out),
        ]
    )
