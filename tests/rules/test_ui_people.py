"""Who is who in one window: names as lists tell them, and who is active as the realm said last."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from client.model.desk import Desk, mirror_of_a_window
from client.model.overview import Conversation
from client.ui.people import People
from schemas import answers, commands
from schemas.limits import MAX_ITEMS
from schemas.names import Address, ConversationId, Name

USER = "henderson@kampus"
TALK = ConversationId("private/henderson@kampus,messi@kampus")
MESSI, LINEKER = Address("messi@kampus"), Address("lineker@kampus")


class Chat:
    """A realm that knows who is active, and what somebody is called."""

    def __init__(self, *active: str) -> None:
        self.active = active
        self.asked: list[object] = []
        self.changed: Callable[[], None] = lambda: None

    def address(self, name: str) -> Address:
        return Address(f"{name}@kampus")

    async def ask(self, command: commands.Sync | commands.Users) -> answers.Synced | Any:
        self.asked.append(command)
        if isinstance(command, commands.Users):
            return SimpleNamespace(users=[SimpleNamespace(username=Name("messi"), name="Lionel Messi")])
        assert isinstance(command.watch, list)
        return answers.Synced(id=0, epoch=1, total=0, active={one: one in self.active for one in command.watch})


def people_of(chat: Any, *rows: Conversation) -> People:
    desk = Desk(mirror_of_a_window(USER), "Henderson")
    desk.overview.rows = {row.id: row for row in rows}
    return People(chat, desk, lambda: chat.changed())


def ask_once(chat: Chat, people: People) -> None:
    """Until the realm has said who is active."""

    async def once() -> None:
        changed = asyncio.Event()
        chat.changed = changed.set
        people.watch()
        asking = asyncio.create_task(people.presence.run())
        await changed.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(once())


def test_who_is_on_the_page_is_as_the_list_said_until_the_realm_says_more() -> None:
    chat = Chat(LINEKER)
    people = people_of(chat)
    people.list("messi", "Lionel Messi", active=True)
    people.list("lineker", "Gary Lineker", active=False)
    assert people.listed == {MESSI: True, LINEKER: False}
    ask_once(chat, people)
    assert people.listed == {MESSI: False, LINEKER: True}, "what changed since is seen on a page that is open"
    people.leave_page()
    assert people.listed == {}


def test_who_is_seen_is_watched_and_no_more_than_the_realm_takes() -> None:
    chat = Chat()
    people = people_of(chat, Conversation(TALK, "Messi", head=1))
    for number in range(2 * MAX_ITEMS):
        people.list(f"user{number}", f"User {number}", active=False)
    people.leave_page()
    for number in range(MAX_ITEMS - 2):
        people.list(f"other{number}", f"Other {number}", active=False)
    ask_once(chat, people)
    (asked,) = chat.asked
    assert isinstance(asked, commands.Sync)
    assert isinstance(asked.watch, list)
    assert len(asked.watch) == MAX_ITEMS - 1
    assert {MESSI, "other0@kampus"} <= set(asked.watch)


def test_titles() -> None:
    people = people_of(Chat())
    assert people.title(TALK) == "messi"
    people.list("messi", "Lionel \u202eMessi", active=True)
    assert people.title(TALK) == "Lionel \\u202eMessi", "nobody turns the line around"
    assert people.title(ConversationId("private/ani@elsewhere,henderson@kampus")) == "ani@elsewhere"
    assert people.title(ConversationId("group/new@kampus")) == "new"
    listed = people_of(Chat(), Conversation(TALK, "Leo", head=1))
    assert listed.title(TALK) == "Leo"


def test_somebody_of_whom_no_list_told_is_asked_for_once() -> None:
    chat = Chat()
    people = people_of(chat)
    for _ in range(2):
        asyncio.run(people.find(TALK))
    assert people.title(TALK) == "Lionel Messi"
    assert len(chat.asked) == 1
