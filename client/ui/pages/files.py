"""Files: how one looks in a room, a picture at full size, and saving."""

import asyncio
import contextlib
import hashlib
import logging
import mimetypes
from pathlib import Path
from typing import Final

import flet as ft

from client.errors import LocalFileError, NoSuchFileError
from client.filenames import local_name
from client.harmless import visible
from client.model.attached import MAX_PICTURE, Attached, shown_name
from client.model.room import Fate, Message, Outgoing
from client.ui import files, look
from client.ui.draw import Handler, LoggedOutError, Tick, component, kept, part
from client.ui.saving import Saved
from client.ui.tickets import Look, Save
from client.ui.window import Window
from client.ui.words import Words
from schemas.entries import File

SAVE: Final = "bagan:save/"
"""What the page's own script (`page.js`) lets the browser save in place of opening it."""
WIDTH: Final = 260
HEIGHT: Final = 180
"""Logical pixels of a small picture in a room: the same for all, so that nothing moves when it comes."""
LINE: Final = ft.Padding.symmetric(vertical=6, horizontal=16)
ICONS: Final = {
    "image": ft.Icons.IMAGE_OUTLINED,
    "audio": ft.Icons.AUDIO_FILE_OUTLINED,
    "video": ft.Icons.VIDEO_FILE_OUTLINED,
    "text": ft.Icons.DESCRIPTION_OUTLINED,
    "application/pdf": ft.Icons.PICTURE_AS_PDF_OUTLINED,
    "application/zip": ft.Icons.FOLDER_ZIP_OUTLINED,
}

log = logging.getLogger(__name__)


def label(words: Words, file: Attached) -> str:
    """What screen readers say of a file, in place of a text."""
    return f"{file.name}, {words.bytes(file.size)}"


def shown(window: Window, one: Message, file: Attached, words: Words, said: str) -> ft.Control:
    """The file of a message: a small picture if it has one, its name and size, and what can be done with it.

    `said` is what screen readers say of the message.
    """
    told = ft.Semantics(
        identifier=f"message-{one.key}",
        label=said,
        exclude_semantics=True,
        content=_told(one, file, words),
        expand=True,
    )
    line: list[ft.Control] = [told]
    if file.file is not None:
        line.append(_save_button(window, file.file, words.save_file.format(name=file.name)))
    elif one.fate is Fate.SENDING:
        line.append(look.icon_button(ft.Icons.CLOSE, words.cancel_file.format(name=file.name), _cancel(window, one)))
    parts: list[ft.Control] = [small(window, file, words)] if file.is_picture else []
    parts.append(ft.Row(line, spacing=4))
    if one.fate is Fate.SENDING:
        parts.append(bar(file.percent, words.reading if file.coming else words.sending))
    return ft.Column(parts, spacing=8, tight=True, width=WIDTH)


def _told(one: Message, file: Attached, words: Words) -> ft.Control:
    color = ft.Colors.ON_SECONDARY_CONTAINER if one.own else ft.Colors.ON_SURFACE
    lines: list[ft.Control] = [
        ft.Text(file.name, color=color, max_lines=3, overflow=ft.TextOverflow.ELLIPSIS, weight=ft.FontWeight.W_500),
        ft.Text(_state(words, one, file), size=12, color=color),
    ]
    return ft.Row([mark(kind(file.name, file.file)), ft.Column(lines, spacing=0, tight=True, expand=True)])


def _state(words: Words, one: Message, file: Attached) -> str:
    size = words.bytes(file.size)
    if one.fate is not Fate.SENDING:
        return size
    return f"{words.reading if file.coming else words.sending} {file.percent} % · {size}"


def _cancel(window: Window, one: Message) -> Handler:
    def cancel() -> None:
        if (found := outgoing(window, one)) is not None:
            window.chat.give_up(found)

    return window.press(cancel, once=("cancel", one.key))


def outgoing(window: Window, one: Message) -> Outgoing | None:
    """The message that is on its way, if it still is."""
    return next((other for other in window.desk.outgoing if other.entry == one.key), None)


@part
def small(window: Window, file: Attached, words: Words) -> ft.Control:
    """The small picture of a file, which opens the large one."""
    assert file.file is not None
    found = file.file
    nothing = ft.Container(
        ft.Icon(ft.Icons.IMAGE_OUTLINED, size=48, color=ft.Colors.OUTLINE), alignment=ft.Alignment.CENTER
    )
    source = _source(window, found, small=True)
    shown: ft.Control = nothing
    if source:
        shown = ft.Image(src=source, width=WIDTH, height=HEIGHT, fit=ft.BoxFit.COVER, error_content=nothing)

    async def look_at() -> None:
        try:  # what the realm could make small is no larger than a browser can hold
            await window.chat.carrier.courier.thumbnail(found.id)
        except NoSuchFileError:
            window.say(words.no_picture)
        else:
            window.look_at(found)

    return ft.Semantics(
        button=True,
        container=True,
        label=words.show_picture.format(name=file.name),
        exclude_semantics=True,
        content=ft.Container(
            shown,
            bgcolor=ft.Colors.SURFACE_CONTAINER_HIGHEST,
            border_radius=12,
            clip_behavior=ft.ClipBehavior.ANTI_ALIAS,
            width=WIDTH,
            height=HEIGHT,
            on_click=window.press(look_at, once=("look", found.id)),
        ),
    )


def _source(window: Window, file: File, *, small: bool) -> str | bytes:
    """Where a picture is, for a browser; a window of this machine asks nobody for addresses, and gets its bytes."""
    data, set_data = ft.use_state(b"")
    turn, set_turn = ft.use_state(0)

    async def fetch() -> None:
        courier = window.chat.carrier.courier
        if small:
            with contextlib.suppress(NoSuchFileError):
                set_data(await courier.thumbnail(file.id))
        else:
            async with contextlib.aclosing(courier.chunks(file)) as parts:
                whole = b"".join([part async for part in parts])
            if hashlib.sha256(whole).digest() == file.digest:
                set_data(whole)

    async def renew() -> None:
        await asyncio.sleep(Look.lasts / 4)  # it may have been given before, and be half as old as it can get
        set_turn(turn + 1)

    in_browser = window.page.web
    started: list[asyncio.Task[None]] = kept(list)

    def start() -> None:
        started.append(window.start_task(renew() if in_browser else fetch()))

    def stop() -> None:
        if started:
            started.pop(0).cancel()

    ft.use_effect(start, dependencies=[file.id, small, turn], cleanup=stop)
    return files.address(window.tab, Look(file, small)) if in_browser else data


@component
def picture(window: Window, tick: Tick) -> ft.Control:  # noqa: ARG001
    """A picture at full size; nothing while nobody looks at one."""
    found = window.picture
    ft.use_dialog(None if found is None else _picture(window, found, window.words))
    return ft.Container(height=0)


def _picture(window: Window, found: File, words: Words) -> ft.AlertDialog:
    name = shown_name(found.name)

    def close() -> None:
        window.look_at(None)

    return ft.AlertDialog(
        title=ft.Text(name, max_lines=1, overflow=ft.TextOverflow.ELLIPSIS, theme_style=ft.TextThemeStyle.TITLE_MEDIUM),
        inset_padding=12,
        content_padding=ft.Padding.symmetric(horizontal=16, vertical=8),
        content=ft.Container(
            large(window, found, words),
            width=(window.page.width or look.NARROW) * 0.9,
            height=(window.page.height or look.NARROW) * 0.7,
            alignment=ft.Alignment.CENTER,
        ),
        actions=[
            _save_button(window, found, words.save_file.format(name=name)),
            ft.TextButton(words.close, on_click=window.press(close)),
        ],
        on_dismiss=window.press(close),
    )


@part
def large(window: Window, found: File, words: Words) -> ft.Control:
    """The picture itself, which can be drawn larger still."""
    source = _source(window, found, small=found.size > MAX_PICTURE)
    if not source:
        return ft.ProgressRing()
    placeholder = files.address(window.tab, Look(found, small=True)) if window.page.web else None
    shown = ft.Image(
        src=source,
        placeholder_src=placeholder,
        placeholder_fit=ft.BoxFit.CONTAIN,
        fit=ft.BoxFit.CONTAIN,
        semantics_label=shown_name(found.name),
        error_content=ft.Text(words.no_picture, text_align=ft.TextAlign.CENTER),
    )
    return ft.InteractiveViewer(shown, max_scale=8)


def _save_button(window: Window, file: File, name: str) -> ft.Control:
    async def save() -> None:
        await _save(window, file)

    return look.icon_button(ft.Icons.DOWNLOAD, name, window.press(save, once=("save", file.id)))


async def _save(window: Window, file: File) -> None:
    """Let the browser save a file where it does; a window of this machine asks where."""
    if window.page.web:
        code = window.tab.tickets.give(window.tab.session, Save(file))
        await ft.UrlLauncher().launch_url(f"{SAVE}{window.tab.name}.{code}")
        return
    path = await ft.FilePicker().save_file(file_name=local_name(file.name))
    if path:
        window.start_task(_save_here(window, file, Path(path)))


async def _save_here(window: Window, file: File, path: Path) -> None:
    try:
        saved = await window.saving.save(window.chat.carrier.courier, file, path)
    except LocalFileError as error:
        log.info("%s", error)
        window.say(window.words.not_saved)
    except LoggedOutError:
        log.info("a file was to be saved just as a session ended")
    else:
        if saved is not None:
            window.say(window.words.saved.format(path=visible(str(saved))))


def saving(window: Window) -> list[ft.Control]:
    """How far the files are that a window of this machine saves, each with a way to end that."""
    return [_saving(window, one) for one in window.saving.under_way]


def _saving(window: Window, one: Saved) -> ft.Control:
    name, words = shown_name(one.file.name), window.words
    cancel = window.press(one.cancel, once=("cancel", one))
    told = ft.Text(words.saving.format(name=name, percent=one.percent), expand=True)
    button = look.icon_button(ft.Icons.CLOSE, words.cancel_file.format(name=name), cancel)
    return ft.Container(ft.Row([ft.Icon(ft.Icons.DOWNLOAD, size=20), told, button]), padding=LINE)


def kind(name: str, file: File | None) -> ft.IconData:
    """What it is, as the realm has seen in it; before that, as its name says."""
    media_type = (mimetypes.guess_type(name)[0] or "") if file is None else file.media_type
    return ICONS.get(media_type) or ICONS.get(media_type.partition("/")[0], ft.Icons.INSERT_DRIVE_FILE_OUTLINED)


def bar(percent: int, doing: str) -> ft.Control:
    """How far something is, to screen readers too."""
    bar = ft.ProgressBar(value=percent / 100, border_radius=2, semantics_label=doing, semantics_value=percent)
    return ft.Semantics(container=True, content=bar)


def mark(icon: ft.IconData) -> ft.Control:
    """A picture that stands for a file."""
    return ft.Container(
        ft.Icon(icon, color=ft.Colors.PRIMARY),
        bgcolor=ft.Colors.SURFACE,
        border_radius=10,
        width=40,
        height=40,
        alignment=ft.Alignment.CENTER,
    )
