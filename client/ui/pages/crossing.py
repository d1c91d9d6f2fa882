"""What a room shows of messages that cross to another realm: why one waits, and which was refused there."""

import flet as ft

from client.model.bounce import Bounce
from client.model.who import other_realm, party
from client.ui.complaint import refusal
from client.ui.draw import Tick, component, row
from client.ui.window import Window
from client.ui.words import Words
from schemas.names import ConversationId


def queued(window: Window, words: Words) -> str:
    """What is said of a message that waits, whatever is known of the other realm."""
    return words.queued_for.format(realm=_realm(window))


def _realm(window: Window) -> str:
    room = window.room.conversation
    return (other_realm(room, window.desk.user) or "?") if room is not None else "?"


def link(window: Window, conversation: ConversationId, title: str) -> str:
    """How the other realm of a conversation fares; empty where it crosses to none.

    It begins with whose conversation it is, where a long name in the title may have cut that off.
    """
    realm, address = other_realm(conversation, window.desk.user), party(conversation, window.desk.user)
    if realm is None:
        return ""
    return ": ".join(filter(None, (realm if title == address else address, window.peers.link(realm))))


@component
def waits(window: Window, words: Words, tick: Tick) -> ft.Control:  # noqa: ARG001 - see `draw.py`
    """Below messages that wait: for which realm, and why. It is drawn again by itself, and the message is not."""
    told = window.peers.queued(words, _realm(window))
    return ft.Text(told, size=12, color=ft.Colors.ON_SURFACE_VARIANT, text_align=ft.TextAlign.END)


@row
def bounce(window: Window, one: Bounce, words: Words) -> ft.Control:
    """A message was refused: which, and why; and a way to say it anew."""
    why = words.bounced.format(why=refusal(words, one.code))
    about = words.bounced_about.format(text=one.about) if one.about else words.bounced_unknown
    color = ft.Colors.ON_ERROR_CONTAINER
    lines: list[ft.Control] = [
        ft.Text(why, color=color, weight=ft.FontWeight.W_600),
        ft.Text(about, color=color, size=13),
        ft.Text(f"{one.sender} · {one.at:%H:%M}", color=color, size=11),
    ]
    told = ft.Semantics(
        identifier=f"bounce-{one.key}",
        label=f"{one.sender}, {one.at:%H:%M}, {why}. {about}",
        exclude_semantics=True,
        expand=True,
        expand_loose=True,
        content=ft.Column(lines, spacing=2, tight=True),
    )
    top = ft.Row([ft.Icon(ft.Icons.ERROR_OUTLINE, color=color), told], spacing=12, tight=True)
    inside: list[ft.Control] = [top]

    def again() -> None:
        room, entry = window.room.conversation, window.desk.find_own(one.re)
        if room is None or entry is None:
            window.say(words.bounced_unknown)
        elif not window.desk.unsaid.may_send(room):
            window.say(words.too_many_wait)
        else:
            window.chat.say_once_more(room, entry)
            window.room.to_end(window.desk)

    is_offered = bool(one.about) and not one.is_resent
    if is_offered:
        press = window.press(again, once=("again", one.re))
        button = ft.TextButton(words.retry, on_click=press, style=ft.ButtonStyle(color=color))
        inside.append(ft.Row([button], alignment=ft.MainAxisAlignment.END, tight=True))
    card = ft.Container(
        ft.Column(inside, spacing=0, tight=True, horizontal_alignment=ft.CrossAxisAlignment.END),
        bgcolor=ft.Colors.ERROR_CONTAINER,
        border_radius=16,
        padding=ft.Padding.only(left=14, right=14, top=10, bottom=2 if is_offered else 10),
        expand=True,
        expand_loose=True,
    )
    shown = ft.Row([ft.Container(width=48), card], alignment=ft.MainAxisAlignment.END, spacing=8)
    return ft.Container(shown, padding=ft.Padding.symmetric(vertical=8))
