"""Search over people, groups and conversations, as somebody types."""

import flet as ft

from client.model.glance import glances
from client.ui import look
from client.ui.draw import Tick, component, kept
from client.ui.listing import Finder
from client.ui.pages import lists
from client.ui.pages.chats import conversation
from client.ui.window import Window
from schemas import answers
from schemas.answers import GroupSeen, UserSeen

AT_MOST: int = 20
"""Rows of each kind."""


class Results:
    """What was found of each kind."""

    def __init__(self, window: Window, tick: Tick) -> None:
        self.people: Finder[answers.Users, UserSeen] = lists.people_finder(window, tick)
        self.groups: Finder[answers.Groups, GroupSeen] = lists.group_finder(window, tick)
        self._tick = tick

    @property
    def text(self) -> str:
        """What is looked for."""
        return self.people.text

    @property
    def is_nothing(self) -> bool:
        """Whether the realm has said that it has nothing of that."""
        return all(one.listing.fetched and not one.listing.rows for one in (self.people, self.groups))

    def typed(self, text: str) -> None:
        """Look for this."""
        self.people.typed(text)
        self.groups.typed(text)
        self._tick.redraw()


@component
def page(window: Window) -> ft.Control:
    """The field, and what it finds."""
    tick = kept(Tick)
    found = kept(lambda: Results(window, tick))
    return ft.Column(
        [
            look.top(
                ft.Container(
                    lists.search_field(window, found.typed, window.words.search_hint, autofocus=True), expand=True
                ),
                back=lists.back_button(window),
            ),
            results(window, found, tick, window.people_tick),
        ],
        expand=True,
    )


@component
def results(window: Window, found: Results, tick: Tick, people_tick: Tick) -> ft.Control:  # noqa: ARG001
    """Conversations first: one has been there before."""
    words, text = window.words, found.text.casefold()
    if not text:
        return look.empty(ft.Icons.SEARCH, words.search, words.search_empty)
    shown: list[ft.Control] = []

    def section(name: str, rows: list[ft.Control]) -> None:
        if rows:
            shown.append(ft.Container(look.heading(name), padding=ft.Padding.only(left=16, top=12)))
            shown.extend(rows)

    today = window.today
    everything = glances(window.desk, window.people.presence.active, window.visit.zone)
    chats = [one for one in everything if text in one.title.casefold() or text in one.address][:AT_MOST]
    section(words.chats, [conversation(one.id, window, one, words, today) for one in chats])
    section(words.people, [lists.person(window, user) for user in found.people.listing.rows[:AT_MOST]])
    section(words.groups, [_group(window, group) for group in found.groups.listing.rows[:AT_MOST]])
    asked = (found.people.listing, found.groups.listing)
    shown += [lists.problem(window, one) for one in asked if one.problem is not None]
    if not shown and found.is_nothing:
        return look.empty(ft.Icons.SEARCH_OFF, words.nothing_found.format(text=found.text), words.search_other)
    return ft.ListView(shown, expand=True, padding=ft.Padding.symmetric(horizontal=8))


def _group(window: Window, group: GroupSeen) -> ft.Control:
    """A group to go to; one that the user is not in is joined first."""
    words, room = window.words, lists.group_room(window, group)
    count = words.count_members(group.count)
    if group.joined:
        return lists.group(window, group, f"{group.title}, {count}", lambda: window.go(room), count)
    join, name = f"{count} · {words.join}", f"{words.join}: {group.title}, {count}"
    return lists.group(window, group, name, lambda: lists.join(window, group, room), join)
