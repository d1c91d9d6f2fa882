"""What has become of an own message, as a mark and in words."""

import flet as ft

from client.model.room import Fate, Message
from client.ui.complaint import refusal
from client.ui.pages import crossing
from client.ui.window import Window
from client.ui.words import Words


def foot(one: Message) -> ft.Control:
    """When it was said, and a mark for what has become of it."""
    color = ft.Colors.ON_SECONDARY_CONTAINER if one.own else ft.Colors.ON_SURFACE_VARIANT
    inside: list[ft.Control] = [ft.Text(f"{one.at:%H:%M}", size=11, color=color)]
    if one.fate is not None:
        icon = {
            Fate.SENDING: ft.Icons.SCHEDULE,
            Fate.STORED: ft.Icons.DONE,
            Fate.QUEUED: ft.Icons.HOURGLASS_EMPTY,
            Fate.DELIVERED: ft.Icons.DONE,
            Fate.BOUNCED: ft.Icons.ERROR_OUTLINE,
            Fate.READ: ft.Icons.DONE_ALL,
            Fate.FAILED: ft.Icons.ERROR_OUTLINE,
        }[one.fate]
        inside.append(
            ft.Icon(icon, size=14, color=ft.Colors.ERROR if one.fate in (Fate.FAILED, Fate.BOUNCED) else color)
        )
    return ft.Row(inside, spacing=4, tight=True)


def told(window: Window, words: Words, one: Message) -> str:
    """It in words; nothing of what others have said."""
    match one.fate:
        case None:
            return ""
        case Fate.SENDING:
            return words.sending
        case Fate.STORED:
            return words.stored
        case Fate.QUEUED:
            return crossing.queued(window, words)
        case Fate.DELIVERED:
            return words.delivered
        case Fate.BOUNCED:
            return words.bounced.format(why=refusal(words, one.why))
        case Fate.READ:
            return words.read
        case Fate.FAILED:
            return words.failed.format(why=one.why)
