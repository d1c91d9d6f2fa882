"""Groups: those of the user, a new one, those to join, and who is in one."""

import re

import flet as ft

from client.model.places import Home, Members, NewGroup, OtherGroups
from client.model.who import name_here
from client.ui import look
from client.ui.draw import Tick, component, kept, part, typed_in
from client.ui.listing import Finder, Listing
from client.ui.pages import lists
from client.ui.window import Window
from client.ui.words import ADD_GROUP_CHAT, GROUP_ADDED, GROUP_CHAT, JOIN_GROUP_CHAT
from schemas import answers, commands, names
from schemas.answers import GroupSeen, MemberSeen
from schemas.names import NAME_PATTERN, Name

NAMED: int = 8
"""Members that are named under a group; others are counted."""


@component
def page(window: Window) -> ft.Control:
    """Group Chat: the user's groups with their members."""
    tick = kept(Tick)
    finder = kept(lambda: lists.group_finder(window, tick, joined=True))
    words = window.words

    def draw(group: GroupSeen) -> ft.Control:
        members = [] if not group.members else list(group.members)
        named = ", ".join(members[:NAMED]) + (" …" if group.count > NAMED else "")
        below = f"{words.count_members(group.count)}: {named}"
        members_button = look.icon_button(
            ft.Icons.PEOPLE_OUTLINE,
            words.members_of.format(group=group.title),
            window.press(lambda: window.go(Members(Name(group.group)))),
        )
        return ft.Row(
            [
                ft.Container(
                    lists.group(
                        window,
                        group,
                        f"{group.title}, {below}",
                        lambda: window.go(lists.group_room(window, group)),
                        below,
                    ),
                    expand=True,
                ),
                members_button,
            ]
        )

    add = look.icon_button(ft.Icons.GROUP_ADD, ADD_GROUP_CHAT, window.press(lambda: window.go(NewGroup())))
    join = look.icon_button(ft.Icons.GROUPS, JOIN_GROUP_CHAT, window.press(lambda: window.go(OtherGroups())))
    nothing = look.empty(ft.Icons.GROUP, words.no_groups, words.no_groups_hint)
    return lists.page(window, GROUP_CHAT, finder, tick, draw, nothing, join, add, search=words.search_groups)


@component
def join_page(window: Window) -> ft.Control:
    """Join Group Chat: the groups that the user is not in."""
    tick = kept(Tick)
    finder = kept(lambda: lists.group_finder(window, tick, joined=False))
    words = window.words

    def draw(group: GroupSeen) -> ft.Control:
        count = words.count_members(group.count)
        add = ft.Icon(ft.Icons.ADD, color=ft.Colors.PRIMARY)
        return lists.group(
            window, group, f"{group.title}, {count}", lambda: lists.join(window, group, Home()), count, add
        )

    nothing = look.empty(ft.Icons.GROUPS, words.no_groups_to_join, words.no_groups_to_join_hint)
    return lists.page(window, JOIN_GROUP_CHAT, finder, tick, draw, nothing, search=words.search_groups)


@part
def add_page(window: Window) -> ft.Control:
    """Add Group Chat: a name for it."""
    typed = ft.use_ref("")
    words = window.words

    async def add() -> None:
        name = (typed.current or "").strip()
        if not name:
            window.say(words.fill_in.format(field=words.group_name))
            return
        if not re.match(NAME_PATTERN, name):
            window.say(f"{words.group_name}: {words.name_hint}")
            return
        await window.chat.ask(commands.AddGroup(id=0, group=name))
        await window.go(Home(), GROUP_ADDED)

    def keep(event: ft.Event[ft.TextField]) -> None:
        typed.current = typed_in(event)

    field = look.text_field(
        words.group_name, autofocus=True, on_change=keep, on_submit=window.press(add), helper=words.name_hint
    )
    button = ft.FilledButton(words.save, on_click=window.press(add))
    return ft.Column(
        [
            look.top(look.title(ADD_GROUP_CHAT), back=lists.back_button(window)),
            look.column([field, ft.Row([button], alignment=ft.MainAxisAlignment.END)]),
        ],
        expand=True,
    )


@component
def members_page(window: Window, group: Name) -> ft.Control:
    """Who is in a group; its admin may remove others, and anybody may leave."""
    tick = kept(Tick)
    finder = kept(lambda: _member_finder(window, group, tick))
    admin, set_admin = ft.use_state("")
    words, own = window.words, window.desk.user.partition("@")[0]
    conversation = names.group(window.chat.address(group))
    row = window.desk.overview.rows.get(conversation)

    async def find_admin() -> None:
        found = await window.chat.ask(commands.Groups(id=0, find=group, joined=True))
        set_admin(next((one.admin for one in found.groups if one.group == group), ""))

    ft.use_effect(lambda: window.start_task(find_admin()), dependencies=[])

    async def leave() -> None:
        said = await window.chat.ask(commands.LeaveGroup(id=0, group=group))
        await window.go(Home(), said.message)

    async def remove(member: MemberSeen) -> None:
        said = await window.chat.ask(commands.RemoveMember(id=0, group=group, username=Name(member.username)))
        window.say(said.message)
        await finder.again()

    def draw(member: MemberSeen) -> ft.Control:
        address = window.chat.address(member.username)
        active, shown = window.people.is_active(address), name_here(member.name, address)
        is_you = f" ({words.you})" if member.username == own else ""
        pressed = look.tile(
            f"{shown}, {words.active if active else words.inactive}",
            window.press(lambda: window.go(window.private_room(address))),
            look.avatar(shown, address, active=active),
            shown + is_you,
            f"{member.username} · {words.admin}" if member.username == admin else member.username,
        )
        if own != admin or member.username == own:
            return pressed
        name, once = words.remove_member.format(name=shown), ("remove", member.username)
        button = look.icon_button(ft.Icons.PERSON_REMOVE_OUTLINED, name, window.press(lambda: remove(member), once))
        return ft.Row([ft.Container(pressed, expand=True), button])

    title = row.title if row is not None else group
    leave_button = ft.TextButton(words.leave_group, icon=ft.Icons.LOGOUT, on_click=window.press(leave))
    return lists.page(window, title, finder, tick, draw, ft.Container(expand=True), leave_button)


def _member_finder(window: Window, group: Name, tick: Tick) -> Finder[answers.Members, MemberSeen]:
    def take(answer: answers.Members) -> list[MemberSeen]:
        for member in answer.members:
            window.people.list(member.username, member.name, active=member.active)
        return answer.members

    def make(_: str) -> Listing[answers.Members, MemberSeen]:
        return Listing(window.chat.ask, commands.Members(id=0, group=group), take, tick.redraw)

    return Finder(make, window.start_task)
