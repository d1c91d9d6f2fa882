"""A chat room: who it is with, what was said, and what one is writing."""

import re
from datetime import date
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

import flet as ft

from client.model.places import Members
from client.model.reading import Block
from client.model.room import Day, Fate, Message, Outgoing
from client.model.who import other
from client.ui import look
from client.ui.draw import Tick, component, row, typed_in
from client.ui.pages import lists
from client.ui.window import Window
from client.ui.words import Words
from schemas import commands
from schemas.names import ConversationId, Name, parse

LINK: Final = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'…]")
"""What is a link in a message: only addresses of the web, and nothing that hides behind another text."""
LINKS: Final = 10
"""More of one message are text like any other."""
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
            header(window, conversation, window.room.head),
            ft.Stack(
                [messages(window, conversation, window.room.list), pill(window, window.room.pill)],
                fit=ft.StackFit.EXPAND,
                expand=True,
            ),
            composer(conversation, window, conversation, window.words),
        ],
        spacing=0,
        expand=True,
    )


@component
def header(window: Window, conversation: ConversationId, tick: Tick) -> ft.Control:  # noqa: ARG001
    """Who it is with."""
    words, desk = window.words, window.desk
    kind, parties = parse(conversation)
    is_group = kind == "group"
    address = other(conversation, desk.user) or parties[0]
    title, active = window.title_of(conversation), window.is_active(conversation)
    below = words.group if is_group else words.active if active else words.inactive
    if address == desk.user:
        below = words.notes

    async def fetch() -> None:
        got = await window.chat.ask(commands.Inbox(id=0))
        window.say(words.fetched.format(count=len(got.messages)))

    buttons = [look.icon_button(ft.Icons.MAIL_OUTLINED, words.fetch, window.press(fetch))]
    if is_group:
        group = Name(address.partition("@")[0])
        name = words.members_of.format(group=title)
        buttons.insert(
            0, look.icon_button(ft.Icons.PEOPLE_OUTLINE, name, window.press(lambda: window.go(Members(group))))
        )
    said = ft.Row(
        [
            look.avatar(title, address, group=is_group, active=active),
            ft.Column(
                [
                    ft.Text(
                        title,
                        theme_style=ft.TextThemeStyle.TITLE_MEDIUM,
                        max_lines=1,
                        overflow=ft.TextOverflow.ELLIPSIS,
                    ),
                    ft.Text(below, size=12, color=ft.Colors.ON_SURFACE_VARIANT),
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
        name = window.title_of(conversation)
        return look.empty(ft.Icons.WAVING_HAND_OUTLINED, words.no_messages, words.no_messages_hint.format(name=name))
    today, is_group = window.today, conversation.startswith("group/")
    # Flutter keeps the reader at the row that was the first, so the first has to stay the same.
    end = ft.Container(key="end", height=1)
    shown_in = room.lists
    drawn = ft.ListView(
        [end, *(block(one.key, window, one, words, today, is_group) for one in reversed(room.blocks))],
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
def block(window: Window, shown: Block, words: Words, today: date, is_group: bool) -> ft.Control:
    """Some rows that stay as they are together."""
    return ft.Column(
        [
            day(words, one, today) if isinstance(one, Day) else message(one.key, window, one, words, is_group)
            for one in shown.rows
        ],
        spacing=2,
    )


def day(words: Words, one: Day, today: date) -> ft.Control:
    """Between two days."""
    return ft.Container(
        ft.Text(words.day(one.day, today), size=12, color=ft.Colors.ON_SURFACE_VARIANT),
        alignment=ft.Alignment.CENTER,
        padding=ft.Padding.only(top=12, bottom=8),
    )


@row
def message(window: Window, one: Message, words: Words, is_group: bool) -> ft.Control:
    """One message. Screen readers get it as one sentence, with what became of it."""
    fate = _fate(words, one)
    label = ", ".join(part for part in (words.you if one.own else one.name, f"{one.at:%H:%M}", fate) if part)
    links = _find_links(one.text)
    inside: list[ft.Control] = []
    if is_group and one.begins and not one.own:
        inside.append(ft.Text(one.name, size=12, weight=ft.FontWeight.W_600, color=ft.Colors.PRIMARY))
    inside.append(_text(one, links))
    inside.append(_foot(one))
    bubble = ft.Container(
        ft.Column(inside, spacing=2, tight=True, horizontal_alignment=ft.CrossAxisAlignment.START),
        bgcolor=_back(one),
        border_radius=_corners(one),
        padding=ft.Padding.symmetric(horizontal=12, vertical=8),
    )
    said = ft.Semantics(
        identifier=f"message-{one.key}", label=f"{label}: {one.text}", exclude_semantics=True, content=bubble
    )
    below: list[ft.Control] = [_link(link) for link in dict.fromkeys(found[0] for found in links)]
    if one.fate is Fate.FAILED:
        below.append(_failed(window, one, words))
    column = ft.Column(
        [said, *below],
        spacing=2,
        tight=True,
        expand=True,
        expand_loose=True,
        horizontal_alignment=ft.CrossAxisAlignment.END if one.own else ft.CrossAxisAlignment.START,
    )
    space = ft.Container(width=48)
    side: list[ft.Control] = [space, column] if one.own else [_face(one, is_group), column, space]
    return ft.Container(
        ft.Row(
            side,
            spacing=8,
            alignment=ft.MainAxisAlignment.END if one.own else ft.MainAxisAlignment.START,
            vertical_alignment=ft.CrossAxisAlignment.END,
        ),
        padding=ft.Padding.only(top=8 if one.begins else 0),
    )


def _face(one: Message, is_group: bool) -> ft.Control:
    if not is_group:
        return ft.Container(width=0)
    return look.avatar(one.name, one.sender, radius=16) if one.ends else ft.Container(width=32)


def links_in(text: str) -> list[str]:
    """The links in a text, as far as they are ones."""
    return [found[0] for found in _find_links(text)]


def _find_links(text: str) -> list[re.Match[str]]:
    return [found for found in islice(LINK.finditer(text), LINKS) if _host(found[0])]


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""


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
    return ft.TextButton(_host(link), icon=ft.Icons.OPEN_IN_NEW, url=link, tooltip=link, style=SMALL)


def _foot(one: Message) -> ft.Control:
    color = ft.Colors.ON_SECONDARY_CONTAINER if one.own else ft.Colors.ON_SURFACE_VARIANT
    inside: list[ft.Control] = [ft.Text(f"{one.at:%H:%M}", size=11, color=color)]
    if one.fate is not None:
        icon = {
            Fate.SENDING: ft.Icons.SCHEDULE,
            Fate.STORED: ft.Icons.DONE,
            Fate.READ: ft.Icons.DONE_ALL,
            Fate.FAILED: ft.Icons.ERROR_OUTLINE,
        }[one.fate]
        inside.append(ft.Icon(icon, size=14, color=ft.Colors.ERROR if one.fate is Fate.FAILED else color))
    return ft.Row(inside, spacing=4, tight=True)


def _failed(window: Window, one: Message, words: Words) -> ft.Control:
    def of_it() -> Outgoing | None:
        return next((other for other in window.desk.outgoing if other.entry == one.key), None)

    def again() -> None:
        if (found := of_it()) is not None and window.room.conversation is not None:
            window.chat.say_again(window.room.conversation, found)

    def discard() -> None:
        if (found := of_it()) is not None:
            window.desk.discard(found)
            window.wake()

    return ft.Row(
        [
            ft.Text(words.failed.format(why=one.why), size=12, color=ft.Colors.ERROR),
            ft.TextButton(words.retry, on_click=window.press(again)),
            ft.TextButton(words.discard, on_click=window.press(discard)),
        ],
        wrap=True,
        tight=True,
    )


def _fate(words: Words, one: Message) -> str:
    match one.fate:
        case None:
            return ""
        case Fate.SENDING:
            return words.sending
        case Fate.STORED:
            return words.stored
        case Fate.READ:
            return words.read
        case Fate.FAILED:
            return words.failed.format(why=one.why)


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


@row
def composer(window: Window, conversation: ConversationId, words: Words) -> ft.Control:
    """What one is writing. It is drawn anew only when it was sent: nothing that arrives disturbs the typing."""
    turn, set_turn = ft.use_state(0)
    unsaid = window.desk.unsaid
    written = ft.use_ref(unsaid.drafts.get(conversation, ""))

    def keep(event: ft.Event[ft.TextField]) -> None:
        written.current = typed_in(event)
        unsaid.draft(conversation, written.current)

    def send() -> None:
        text = (written.current or "").strip()
        if not text:
            return
        written.current = ""
        unsaid.draft(conversation, "")
        set_turn(turn + 1)
        window.say("")
        window.chat.say(conversation, text)
        window.room.to_end(window.desk)

    field = ft.TextField(
        key=f"{conversation}-{turn}",
        label=words.write,
        value=written.current or "",
        expand=True,
        multiline=True,
        shift_enter=True,
        min_lines=1,
        max_lines=6,
        autofocus=True,
        border_radius=24,
        dense=True,
        on_change=keep,
        on_submit=window.press(send),
    )
    return ft.Container(
        ft.Row(
            [field, look.icon_button(ft.Icons.SEND, words.send, window.press(send), icon_color=ft.Colors.PRIMARY)],
            vertical_alignment=ft.CrossAxisAlignment.END,
        ),
        padding=ft.Padding.only(left=16, right=8, top=8, bottom=12),
    )
