"""Private Chat: everybody else, to write to."""

import flet as ft

from client.ui import look
from client.ui.draw import Tick, component, kept
from client.ui.pages import lists
from client.ui.window import Window
from client.ui.words import PRIVATE_CHAT


@component
def page(window: Window) -> ft.Control:
    """The other users of the realm."""
    tick = kept(Tick)
    finder = kept(lambda: lists.people_finder(window, tick))
    words = window.words
    nothing = look.empty(ft.Icons.PERSON_ADD_ALT, words.no_others, words.no_others_hint)
    return lists.page(
        window, PRIVATE_CHAT, finder, tick, lambda user: lists.person(window, user), nothing, search=words.search_people
    )
