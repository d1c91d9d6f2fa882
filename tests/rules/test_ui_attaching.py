"""The files that somebody is about to send, and those of a tab that ends: none is left, none is sent by another."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from client.dial import Address
from client.model.attached import Loss
from client.ui.attaching import Attaching
from client.ui.spool import Spool
from client.ui.tabs import SPOOLED, Tab, Tabs
from client.ui.tickets import Bring
from schemas.names import ConversationId
from tests.rules import virtual_time

SECRET = "0123456789abcdef" * 2
TALK = ConversationId("private/henderson@kampus,messi@kampus")
GRACE = 5.0


class Desk:
    room = TALK
    in_view = True


class Chat:
    """A chat that keeps what it is told to send."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.sent: list[Spool] = []
        self.carrier = SimpleNamespace(is_busy=False)
        self.closed = False

    def send_files(self, _conversation: ConversationId, spools: list[Spool]) -> None:
        self.sent += spools

    async def close(self) -> None:
        self.closed = True


def logged_in(tabs: Tabs) -> tuple[Tab, Chat]:
    tab, chat = tabs.enter(SECRET), Chat()
    tab.chat = cast("Any", chat)
    return tab, chat


def changed() -> None:
    """A window that has nothing to draw."""


def run(home: Path, test: Callable[[Tabs], Coroutine[Any, Any, None]]) -> None:
    async def within() -> None:
        tabs = Tabs(home, Address("127.0.0.1", 8889), GRACE)
        try:
            await test(tabs)
        finally:
            await tabs.close()

    virtual_time.run(within())


def names(spools: list[Spool]) -> list[str]:
    return [spool.name for spool in spools]


def test_what_is_chosen_opens_the_dialog_and_is_sent_from_there(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.show(changed)
        attaching = Attaching(tab)
        assert not attaching.can_be_sent
        for name, size in (("a", 1), ("b", 2), ("huge", 1 << 50)):
            tab.choose(name, size)
        attaching.refresh()
        assert attaching.is_open
        assert names(attaching.chosen) == ["a", "b", "huge"]
        attaching.leave_out(attaching.chosen[0])
        attaching.send(TALK)
        assert names(chat.sent) == ["b"]
        assert (attaching.is_open, attaching.chosen) == (False, [])

    run(tmp_path, test)


def test_what_cannot_be_sent_does_not_let_the_dialog_send(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, _ = logged_in(tabs)
        tab.show(changed)
        tab.choose("huge", 1 << 50)
        assert not Attaching(tab).can_be_sent

    run(tmp_path, test)


def test_closing_the_dialog_gives_all_up(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.show(changed)
        attaching = Attaching(tab)
        spool = tab.choose("a", 1)
        assert spool is not None
        attaching.refresh()
        attaching.close()
        assert (attaching.is_open, attaching.chosen, spool.loss, chat.sent) == (False, [], Loss.CUT, [])

    run(tmp_path, test)


def test_a_file_of_this_machine_is_sent_from_where_it_is(tmp_path: Path) -> None:
    own = tmp_path / "foto.jpg"
    own.write_bytes(b"abc")

    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        attaching = Attaching(tab)
        attaching.open()
        attaching.choose_own(own, "foto.jpg", 3)
        attaching.send(TALK)
        assert await chat.sent[0].whole() == own
        attaching.choose_own(own, "foto.jpg", 3)
        attaching.close()

    run(tmp_path, test)
    assert own.read_bytes() == b"abc"


def test_what_a_page_has_not_begun_to_send_is_lost_with_it(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, _ = logged_in(tabs)
        tab.show(changed)
        spool = tab.choose("a", 1)
        assert spool is not None
        tab.hide(changed, GRACE)
        assert spool.loss is Loss.CUT

    run(tmp_path, test)


def brought(tab: Tab) -> Spool:
    """A file that has come here; by hand, for threads need real time."""
    spool = tab.choose("a", 4)
    assert spool is not None
    spool.path.parent.mkdir()
    spool.path.write_bytes(b"halo")
    spool.held = 4
    spool._ended.set()
    return spool


def test_a_tab_that_is_left_keeps_its_files_while_one_is_being_sent(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.logged_in(cast("Any", {"host": "a", "port": 1}))
        tab.show(changed)
        spool = brought(tab)
        code = tab.tickets.give(tab.session, Bring(spool))
        chat.carrier.is_busy = True
        tab.hide(changed, GRACE)
        await asyncio.sleep(10 * GRACE)
        assert (chat.closed, spool.path.exists()) == (False, True)
        chat.carrier.is_busy = False
        await asyncio.sleep(2 * GRACE)
        assert (chat.closed, spool.path.exists()) == (True, False)
        assert tab.tickets.find(chat.desk, code) is None

    run(tmp_path, test)


def test_a_fresh_process_removes_what_one_before_has_left(tmp_path: Path) -> None:
    left = tmp_path / "tabs" / "0" / SPOOLED / "1"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"left")
    (left.parent.parent / "key.json").write_text("{}")

    async def test(tabs: Tabs) -> None:
        tabs.forget_files()

    run(tmp_path, test)
    assert [path.name for path in left.parent.parent.iterdir()] == ["key.json"]
