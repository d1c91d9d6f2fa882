"""Lists of the realm's: page by page, and searched as somebody types."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from msgspec import UNSET

from client.errors import NoAnswerError
from client.ui.listing import TYPING_S, Finder, Listing
from schemas import answers, commands
from schemas.answers import UserSeen
from tests.rules import virtual_time
from tests.rules.virtual_time import now

Users = Listing[answers.Users, str]


class Realm:
    """Lists `names`, two to a page; an answer takes as long as `takes` says, or fails with `error`."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[commands.Users] = []
        self.times: list[float] = []
        self.takes: dict[str, float] = {}
        self.error: Exception | None = None
        self.changes = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def ask(self, command: Any) -> answers.Users:
        assert isinstance(command, commands.Users)
        self.asked.append(command)
        self.times.append(now())
        find = "" if command.find is UNSET else command.find
        await asyncio.sleep(self.takes.get(find, 0.01))
        if self.error is not None:
            raise self.error
        found = [name for name in self.names if find in name]
        start = 0 if command.after is UNSET else int(command.after)
        more = start + 2 < len(found)
        seen = [UserSeen(username=name, name=name, country="x", active=False) for name in found[start : start + 2]]
        return answers.Users(id=1, users=seen, more=more, next=str(start + 2) if more else UNSET)

    def _changed(self) -> None:
        self.changes += 1

    def listing(self, find: str = "") -> Users:
        command = commands.Users(id=0, find=find or UNSET)
        return Listing(self.ask, command, lambda page: [user.username for user in page.users], self._changed)

    def finder(self) -> Finder[answers.Users, str]:
        return Finder(self.listing, self._start)

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        return task

    @property
    def found(self) -> list[str]:
        return ["" if command.find is UNSET else command.find for command in self.asked]


def test_a_list_comes_page_by_page() -> None:
    async def test() -> None:
        realm = Realm("a", "b", "c", "d", "e")
        listing = realm.listing()
        assert (listing.rows, listing.more, listing.fetched) == ([], True, False)
        await listing.fetch()
        assert (listing.rows, listing.more, listing.fetched) == (["a", "b"], True, True)
        await listing.fetch()
        await listing.fetch()
        assert (listing.rows, listing.more) == (["a", "b", "c", "d", "e"], False)
        await listing.fetch()
        assert [command.after for command in realm.asked] == [UNSET, "2", "4"]
        assert realm.changes == 3

    virtual_time.run(test())


def test_an_empty_list_is_one() -> None:
    async def test() -> None:
        listing = Realm().listing()
        await listing.fetch()
        assert (listing.rows, listing.more, listing.fetched) == ([], False, True)

    virtual_time.run(test())


def test_it_asks_once_at_a_time() -> None:
    async def test() -> None:
        realm = Realm("a", "b", "c")
        listing = realm.listing()
        await asyncio.gather(*(listing.fetch() for _ in range(5)))
        assert listing.rows == ["a", "b"]
        assert len(realm.asked) == 1

    virtual_time.run(test())


def test_a_problem_is_kept_until_it_is_asked_again() -> None:
    async def test() -> None:
        realm = Realm("a", "b", "c")
        listing = realm.listing()
        await listing.fetch()
        realm.error = NoAnswerError("no answer")
        await listing.fetch()
        assert str(listing.problem) == "no answer"
        assert (listing.rows, listing.more, realm.changes) == (["a", "b"], True, 2)
        realm.error = None
        again = asyncio.create_task(listing.fetch())
        await asyncio.sleep(0)
        assert not listing.problem
        await again
        assert listing.rows == ["a", "b", "c"]

    virtual_time.run(test())


def test_what_is_no_answer_of_the_realm_is_raised_and_it_can_go_on() -> None:
    async def test() -> None:
        realm = Realm("a")
        listing = realm.listing()
        realm.error = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            await listing.fetch()
        realm.error = None
        await listing.fetch()
        assert listing.rows == ["a"]

    virtual_time.run(test())


def test_who_left_while_it_asked_may_come_back() -> None:
    async def test() -> None:
        realm = Realm("a")
        listing = realm.listing()
        asking = asyncio.create_task(listing.fetch())
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await listing.fetch()
        assert listing.rows == ["a"]

    virtual_time.run(test())


# searched


def test_it_waits_until_the_typing_rests() -> None:
    async def test() -> None:
        realm = Realm("messi", "neymar")
        finder = realm.finder()
        await finder.listing.fetch()
        for text in ("n", "ne", "ney", "neym"):
            finder.typed(text)
            await asyncio.sleep(TYPING_S / 2)
        last = now() - TYPING_S / 2
        assert finder.listing.rows == ["messi", "neymar"]
        await asyncio.sleep(1)
        assert realm.found == ["", "neym"]
        assert realm.times[-1] == pytest.approx(last + TYPING_S)
        assert (finder.text, finder.listing.rows) == ("neym", ["neymar"])

    virtual_time.run(test())


def test_blanks_are_no_other_search() -> None:
    async def test() -> None:
        realm = Realm("messi", "neymar")
        finder = realm.finder()
        finder.typed("  ")
        finder.typed("mes")
        await asyncio.sleep(1)
        finder.typed(" mes ")
        await asyncio.sleep(1)
        assert realm.found == ["mes"]

    virtual_time.run(test())


def test_a_late_answer_to_an_earlier_text_is_not_shown() -> None:
    async def test() -> None:
        realm = Realm("messi", "neymar")
        realm.takes = {"mes": 9}
        finder = realm.finder()
        finder.typed("mes")
        await asyncio.sleep(1)
        finder.typed("ney")
        await asyncio.sleep(1)
        assert finder.listing.rows == ["neymar"]
        await asyncio.sleep(20)
        assert (finder.text, finder.listing.rows) == ("ney", ["neymar"])
        assert realm.found == ["mes", "ney"]

    virtual_time.run(test())


def test_what_has_changed_is_fetched_anew() -> None:
    async def test() -> None:
        realm = Realm("messi", "neymar")
        finder = realm.finder()
        finder.typed("m")
        await asyncio.sleep(1)
        realm.names = ("messi", "maradona", "neymar", "moore")
        await finder.again()
        assert (finder.listing.rows, finder.listing.more) == (["messi", "maradona"], True)
        assert realm.found == ["m", "m"]

    virtual_time.run(test())
