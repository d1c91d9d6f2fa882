"""A chat room: who it is with, and what was said."""

import re
from dataclasses import replace
from datetime import date
from typing import Final

import flet as ft

from client.model.bounce import Bounce
from client.model.links import find_links, host
from client.model.places import Members
from client.model.reading import Block
from client.model.room import Day, Fate, Message, Row
from client.model.who import is_elsewhere, is_group, is_sent, is_to_group, name_beside, other, party, short
from client.ui import look
from client.ui.draw import Tick, component, row
from client.ui.pages import attach, crossing, fates, files, lists
from client.ui.pages.composer import composer
from client.ui.window import Window
from client.ui.words import Words
from schemas import commands
from schemas.names import ConversationId, Name

SMALL: Final = ft.ButtonStyle(
    text_style=ft.TextStyle(size=12), icon_size=14, padding=ft.Padding.symmetric(horizontal=8, vertical=2)
)
SCROLL_MS: Final = 100
"""So often the page says where the reader is."""


@component
def page(window: Window, conversation: ConversationId) -> ft.Control:
    """All of the room."""
    return ft.Column(
        [
            header(window, conversation, window.room.head, window.peers_tick),
            ft.Stack(
                [messages(window, conversation, window.room.list), pill(window, window.room.pill)],
                fit=ft.StackFit.EXPAND,
                expand=True,
            ),
            composer(conversation, window, conversation, window.words),
            attach.dialog(window, window.attaching.tick),
            files.picture(window, window.picture_tick),
        ],
        spacing=0,
        expand=True,
    )


@component
def header(
    window: Window,
    conversation: ConversationId,
    tick: Tick,  # noqa: ARG001
    peers_tick: Tick,  # noqa: ARG001
) -> ft.Control:
    """Who it is with."""
    words, desk = window.words, window.desk
    in_group, address = is_group(conversation), party(conversation, desk.user)
    title, active = window.people.title(conversation), window.people.is_active(other(conversation, desk.user))
    below = words.group if in_group else words.active if active else words.inactive
    if not in_group:
        below = f"{short(address, desk.user)} · {below}"  # anybody may call themselves as the title says
    if address == desk.user:
        below = words.notes
    if elsewhere := crossing.link(window, conversation, title):
        below = f"{elsewhere} · {words.sent_there}" if is_sent(conversation) else elsewhere

    async def fetch() -> None:
        got = await window.chat.ask(commands.Inbox(id=0))
        window.say(words.fetched.format(count=len(got.messages)))

    buttons = [look.icon_button(ft.Icons.MAIL_OUTLINED, words.fetch, window.press(fetch))]
    if in_group:
        group = Name(address.partition("@")[0])
        name = words.members_of.format(group=title)
        buttons.insert(
            0, look.icon_button(ft.Icons.PEOPLE_OUTLINE, name, window.press(lambda: window.go(Members(group))))
        )
    said = ft.Row(
        [
            look.avatar(title, address, group=is_to_group(conversation), active=active),
            ft.Column(
                [
                    ft.Text(
                        title,
                        theme_style=ft.TextThemeStyle.TITLE_MEDIUM,
                        max_lines=1,
                        overflow=ft.TextOverflow.ELLIPSIS,
                    ),
                    ft.Text(
                        below,
                        size=12,
                        color=ft.Colors.ON_SURFACE_VARIANT,
                        max_lines=1,
                        overflow=ft.TextOverflow.ELLIPSIS,
                    ),
                ],
                spacing=0,
                tight=True,
                expand=True,
            ),
        ],
        expand=True,
    )
    back = None if window.wide else lists.back_button(window)
    bar = look.top(ft.Container(said, expand=True), *buttons, back=back)
    return ft.Column([bar, ft.Divider(height=1)], spacing=0)


@component
def messages(window: Window, conversation: ConversationId, tick: Tick) -> ft.Control:  # noqa: ARG001
    """What was said, the newest below; upside down, so that older ones come in without moving the others."""
    room, words = window.room, window.words
    if not room.blocks:
        if not room.known and window.desk.overview.rows.get(conversation) is not None:
            return ft.Container(expand=True)
        name = window.people.title(conversation)
        return look.empty(ft.Icons.WAVING_HAND_OUTLINED, words.no_messages, words.no_messages_hint.format(name=name))
    today, in_group = window.today, is_group(conversation)
    # Flutter keeps the reader where they are by counting rows from the first on: it stays, and so does their number.
    end = ft.Container(key="end", height=1)
    passed = (empty(f"passed-{number}", height) for number, height in enumerate(room.passed))
    shown_in = room.lists
    drawn = ft.ListView(
        [end, *passed, *(block(one.key, window, one, words, today, in_group) for one in reversed(room.blocks))],
        key=f"messages-{conversation}-{shown_in}",
        reverse=True,
        expand=True,
        padding=ft.Padding.symmetric(horizontal=16, vertical=8),
        scroll_interval=SCROLL_MS,
        on_scroll=window.handle(lambda event: _scrolled(window, event, shown_in)),
    )
    return ft.SelectionArea(drawn)


def _scrolled(window: Window, event: ft.OnScrollEvent, shown_in: int) -> None:
    if shown_in == window.room.lists and window.room.scrolled(event, window.desk):
        window.chat.follow()


@row
def empty(height: float) -> ft.Control:
    """The room of a block that the reader has passed."""
    return ft.Container(height=height)


@row
def block(window: Window, shown: Block, words: Words, today: date, in_group: bool) -> ft.Control:
    """Some rows that stay as they are together."""
    return ft.Column(
        [_row(window, one, words, today, in_group) for one in shown.rows],
        spacing=2,
        on_size_change=window.handle(lambda event: window.room.reading.measured(shown.key, event.height)),
    )


def _row(window: Window, one: Row, words: Words, today: date, in_group: bool) -> ft.Control:
    match one:
        case Day():
            return day(words, one, today)
        case Bounce():
            return crossing.bounce(f"bounce-{one.key}", window, one, words)
        case Message():
            return message(one.key, window, one, words, in_group)


def day(words: Words, one: Day, today: date) -> ft.Control:
    """Between two days."""
    said = words.day(one.day, today)
    return ft.Container(
        ft.Semantics(
            identifier=one.key,  # or else screen readers get it together with what is around it
            label=said,
            exclude_semantics=True,
            content=ft.Text(said, size=12, color=ft.Colors.ON_SURFACE_VARIANT),
        ),
        alignment=ft.Alignment.CENTER,
        padding=ft.Padding.only(top=12, bottom=8),
    )


@row
def message(window: Window, one: Message, words: Words, in_group: bool) -> ft.Control:
    """One message. Screen readers get it as one sentence, with what became of it."""
    if one.erased:
        one = replace(one, text=words.erased)
    fate = fates.told(window, words, one)
    tells_who = in_group or is_elsewhere(one.sender, window.desk.user)
    username = short(one.sender, window.desk.user) if tells_who else ""  # a name may be another's too
    name = name_beside(one.name, username)
    label = ", ".join(part for part in (words.you if one.own else name, f"{one.at:%H:%M}", fate) if part)
    links = [] if one.file else find_links(one.text)
    inside: list[ft.Control] = []
    if tells_who and one.begins and not one.own:
        inside.append(_sender(one.name, username))
    if one.file is None:
        inside.append(_text(one, links))
    else:
        inside.append(files.shown(window, one, one.file, words, f"{label}: {files.label(words, one.file)}"))
    inside.append(fates.foot(one))
    bubble = ft.Container(
        ft.Column(inside, spacing=2, tight=True, horizontal_alignment=ft.CrossAxisAlignment.START),
        bgcolor=_back(one),
        border_radius=_corners(one),
        padding=ft.Padding.symmetric(horizontal=12, vertical=8),
    )
    said: ft.Control = bubble
    if one.file is None:  # the parts of a file speak for themselves
        said = ft.Semantics(
            identifier=f"message-{one.key}", label=f"{label}: {one.text}", exclude_semantics=True, content=bubble
        )
    below: list[ft.Control] = [_link(link) for link in dict.fromkeys(found[0] for found in links)]
    if one.fate is Fate.FAILED:
        below.append(_failed(window, one, words))
    if one.tells:
        below.append(crossing.waits(window, words, window.peers_tick))
    column = ft.Column(
        [said, *below],
        spacing=2,
        tight=True,
        expand=True,
        expand_loose=True,
        horizontal_alignment=ft.CrossAxisAlignment.END if one.own else ft.CrossAxisAlignment.START,
    )
    space = ft.Container(width=48)
    side: list[ft.Control] = [space, column] if one.own else [_face(one, in_group), column, space]
    return ft.Container(
        ft.Row(
            side,
            spacing=8,
            alignment=ft.MainAxisAlignment.END if one.own else ft.MainAxisAlignment.START,
            vertical_alignment=ft.CrossAxisAlignment.END,
        ),
        padding=ft.Padding.only(top=8 if one.begins else 0),
    )


def _sender(name: str, username: str) -> ft.Control:
    strong = ft.TextStyle(weight=ft.FontWeight.W_600, color=ft.Colors.PRIMARY)
    weak = ft.TextStyle(color=ft.Colors.ON_SURFACE_VARIANT)
    beside = [ft.TextSpan(f"  {username}", style=weak)] if username != name else []
    return ft.Text(spans=[ft.TextSpan(name, style=strong), *beside], size=12)


def _face(one: Message, in_group: bool) -> ft.Control:
    if not in_group:
        return ft.Container(width=0)
    return look.avatar(one.name, one.sender, radius=16) if one.ends else ft.Container(width=32)


def _text(one: Message, links: list[re.Match[str]]) -> ft.Control:
    color = ft.Colors.ON_SECONDARY_CONTAINER if one.own else ft.Colors.ON_SURFACE
    if not links:
        return ft.Text(one.text, color=color)
    link_style = ft.TextStyle(decoration=ft.TextDecoration.UNDERLINE)
    spans, at = list[ft.TextSpan](), 0
    for found in links:
        spans.append(ft.TextSpan(one.text[at : found.start()]))
        spans.append(ft.TextSpan(found[0], url=found[0], style=link_style))
        at = found.end()
    spans.append(ft.TextSpan(one.text[at:]))
    return ft.Text(spans=spans, color=color)


def _link(link: str) -> ft.Control:
    """A link again below its message, for keyboards and screen readers, which do not reach into the text."""
    return ft.TextButton(host(link), icon=ft.Icons.OPEN_IN_NEW, url=link, tooltip=link, style=SMALL)


def _failed(window: Window, one: Message, words: Words) -> ft.Control:
    def again() -> None:
        if (found := files.outgoing(window, one)) is not None and window.room.conversation is not None:
            window.chat.say_again(window.room.conversation, found)

    def discard() -> None:
        if (found := files.outgoing(window, one)) is not None:
            window.chat.give_up(found)

    buttons: list[ft.Control] = [
        ft.TextButton(words.discard, on_click=window.press(discard, once=("discard", one.key)))
    ]
    if one.file is None or not one.file.is_lost:
        buttons.insert(0, ft.TextButton(words.retry, on_click=window.press(again, once=("again", one.key))))
    why = ft.Text(words.failed.format(why=one.why), size=12, color=ft.Colors.ERROR)
    return ft.Row([why, *buttons], wrap=True, tight=True, run_spacing=0, alignment=ft.MainAxisAlignment.END)


def _back(one: Message) -> str:
    return ft.Colors.SECONDARY_CONTAINER if one.own else ft.Colors.SURFACE_CONTAINER_HIGH


def _corners(one: Message) -> ft.BorderRadius:
    """Round, but for the corner that points to who has said it."""
    tail = 4 if one.ends else 16
    return ft.BorderRadius(16, 16, 16 if one.own else tail, tail if one.own else 16)


@component
def pill(window: Window, tick: Tick) -> ft.Control:  # noqa: ARG001
    """What waits below the page."""
    room, words = window.room, window.words
    if not room.below:
        return ft.Container(bottom=0, left=0, height=0)  # a larger one would take what is meant for the messages
    name = f"{words.new_messages} ({room.below})"
    return ft.Container(
        ft.FilledButton(name, icon=ft.Icons.ARROW_DOWNWARD, on_click=window.press(lambda: room.to_end(window.desk))),
        bottom=12,
        left=0,
        right=0,
        alignment=ft.Alignment.CENTER,
    )
