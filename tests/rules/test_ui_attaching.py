"""The files that somebody is about to send, and those of a tab that ends: none is left, none is sent by another."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from client.dial import Address
from client.model.attached import Loss
from client.model.desk import Unsaid
from client.ui.attaching import Attaching
from client.ui.choice import BURST, PER_SECOND, Choice
from client.ui.draw import LoggedOutError
from client.ui.pace import SLOWEST
from client.ui.space import LEAST
from client.ui.spool import AT_ONCE, Spool, State
from client.ui.stay import FILES_S
from client.ui.tabs import LEAST_GRACE_S, SPOOLED, Tab, Tabs
from client.ui.tickets import Save
from schemas.entries import File
from schemas.names import ConversationId
from tests.rules import virtual_time

SECRET = "0123456789abcdef" * 2
TALK = ConversationId("private/henderson@kampus,messi@kampus")
OTHER_TALK = ConversationId("private/lineker@kampus,messi@kampus")
PAGE = "page"
FOTO = File(id="F1", name="foto.jpg", size=3, media_type="image/jpeg", digest=bytes(32))
GRACE = 5.0


class Desk:
    in_view = True

    def __init__(self) -> None:
        self.room: ConversationId | None = TALK


class Chat:
    """A chat that keeps what it is told to send, and takes so many files."""

    def __init__(self) -> None:
        self.desk: Desk | None = Desk()
        self.session = object()
        self.sent: list[Spool] = []
        self.takes = 1_000
        self.carrier = SimpleNamespace(is_busy=False, carried=0)
        self.closed = False

    def send_files(self, conversation: ConversationId, spools: list[Spool]) -> list[Spool]:
        assert self.desk is not None
        assert conversation == self.desk.room
        self.sent += spools[: self.takes]
        return spools[self.takes :]

    async def close(self) -> None:
        self.closed = True


def logged_in(tabs: Tabs) -> tuple[Tab, Chat]:
    tab, chat = tabs.enter(SECRET), Chat()
    tab.chat = cast("Any", chat)
    return tab, chat


def changed() -> None:
    """A window that has nothing to draw."""


def another() -> None:
    """Another one."""


def choose(tab: Tab, *files: tuple[str, int], more: int = 0) -> list[Spool]:
    made = tab.choose(PAGE, TALK, files, more)
    assert made is not None
    return made


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
        tab.show(changed, PAGE)
        attaching = Attaching(tab)
        assert not attaching.can_be_sent
        left_out, sent, _ = choose(tab, ("a", 1), ("b", 2), ("huge", 1 << 50))
        attaching.refresh(TALK)
        assert attaching.is_open
        assert names(attaching.chosen) == ["a", "b", "huge"]
        attaching.leave_out(left_out)
        assert left_out.state is State.REMOVED
        assert attaching.send(TALK)
        assert names(chat.sent) == ["b"]
        assert (attaching.is_open, attaching.chosen) == (False, [])
        attaching.leave_out(sent)
        assert sent.state is State.EXPECTED, "a press that comes late takes nothing back"

    run(tmp_path, test)


def test_files_are_for_the_room_that_is_shown_and_from_the_page_that_shows_it(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.show(changed, PAGE)
        assert chat.desk is not None
        assert tab.choose(PAGE, OTHER_TALK, [("a", 1)]) is None
        assert tab.choose("a copy of the tab", TALK, [("a", 1)]) is None
        chat.desk.room = None
        assert tab.choose(PAGE, TALK, [("a", 1)]) is None
        chat.desk.room = TALK
        tab.show(another, "a copy of the tab")
        assert tab.choose(PAGE, TALK, [("a", 1)]) is None
        assert tab.choose("a copy of the tab", TALK, [("a", 1)])
        assert names(tab.choice.files) == ["a"]

    run(tmp_path, test)


def test_what_was_chosen_for_one_room_is_not_sent_into_another(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.show(changed, PAGE)
        attaching = Attaching(tab)
        (first,) = choose(tab, ("a", 1))
        assert chat.desk is not None
        chat.desk.room = OTHER_TALK
        attaching.refresh(OTHER_TALK)
        assert (attaching.is_open, attaching.chosen, first.state) == (False, [], State.REMOVED)
        chat.desk.room = TALK
        choose(tab, ("a", 1))
        chat.desk.room = OTHER_TALK
        attaching.send(OTHER_TALK)
        assert (chat.sent, attaching.chosen) == ([], [])
        assert tab.choose(PAGE, OTHER_TALK, [("b", 1)])
        assert names(attaching.chosen) == ["b"]

    run(tmp_path, test)


def test_of_very_many_some_are_left_out_and_counted(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.show(changed, PAGE)
        attaching = Attaching(tab)
        for _ in range(3):
            choose(tab, *[("a", 1 << 50)] * (AT_ONCE - 1), more=100)
        attaching.refresh(TALK)
        assert (len(attaching.chosen), attaching.left_over) == (AT_ONCE, 3 * (AT_ONCE - 1 + 100) - AT_ONCE)
        attaching.close()
        assert attaching.left_over == 0
        attaching.choose_own(TALK, tmp_path / "own", "own", 3)
        choose(tab, *[("a", 1 << 50)] * AT_ONCE)
        attaching.choose_own(TALK, tmp_path / "another", "another", 3)
        assert (len(attaching.chosen), attaching.left_over) == (AT_ONCE, 2)
        attaching.send(TALK)
        assert names(chat.sent) == ["own"]
        assert attaching.left_over == 0

    run(tmp_path, test)


def test_what_is_too_much_to_be_sent_now_stays_chosen(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.show(changed, PAGE)
        attaching = Attaching(tab)
        choose(tab, ("a", 1), ("b", 1), ("c", 1))
        attaching.refresh(TALK)
        chat.takes = 1
        assert not attaching.send(TALK)
        assert (names(chat.sent), names(attaching.chosen), attaching.is_open) == (["a"], ["b", "c"], True)

    run(tmp_path, test)


def test_what_is_sent_just_as_the_session_ends_is_still_chosen(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.show(changed, PAGE)
        attaching = Attaching(tab)
        (spool,) = choose(tab, ("a", 1))
        chat.desk = None
        with pytest.raises(LoggedOutError):
            attaching.send(TALK)
        tab.chat = None
        with pytest.raises(LoggedOutError):
            attaching.send(TALK)
        assert (attaching.chosen, spool.state) == ([spool], State.EXPECTED)

    run(tmp_path, test)


def test_who_loads_the_page_anew_goes_on_with_what_is_chosen_and_another_user_does_not(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, _ = logged_in(tabs)
        tab.show(changed, PAGE)
        unsaid = tab._unsaid_by("messi@kampus")
        spool, coming = brought(tab), choose(tab, ("b", 1))[0]
        tab.hide(changed, GRACE)
        tab.show(another, "the page after it")
        assert tab._unsaid_by("messi@kampus") is unsaid
        assert (spool.state, coming.loss) == (State.HERE, Loss.CUT)
        attaching = Attaching(tab)
        attaching.refresh(TALK)
        assert attaching.is_open
        assert names(attaching.chosen) == ["a", "b"]
        assert tab._unsaid_by("neymar@kampus") == Unsaid()
        assert (attaching.chosen, spool.state) == ([], State.REMOVED)

    run(tmp_path, test)


def test_all_tabs_share_the_room_that_there_is(tmp_path: Path) -> None:
    async def test(_: Tabs) -> None:
        tabs = Tabs(tmp_path / "small", Address("127.0.0.1", 8889), room=8 * LEAST)
        losses = []
        for secret in (SECRET, "fedcba9876543210" * 2):
            tab = tabs.enter(secret)
            tab.chat = cast("Any", Chat())
            tab.show(changed, PAGE)
            losses += [spool.loss for spool in choose(tab, ("a", LEAST), ("b", LEAST // 2 + 1))]
        assert losses == [None, None, None, Loss.NO_ROOM], "the second has a quarter of what the first has left"
        await tabs.close()

    run(tmp_path, test)


def test_nobody_chooses_without_end() -> None:
    now = 0.0
    choice = Choice(cast("Any", None), lambda: now)
    assert [choice.may_choose() for _ in range(int(BURST) + 2)] == [True] * int(BURST) + [False] * 2
    now = 2 / PER_SECOND
    assert [choice.may_choose() for _ in range(3)] == [True, True, False]


def test_what_cannot_be_sent_does_not_let_the_dialog_send(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, _ = logged_in(tabs)
        tab.show(changed, PAGE)
        choose(tab, ("huge", 1 << 50))
        assert not Attaching(tab).can_be_sent

    run(tmp_path, test)


def test_closing_the_dialog_gives_all_up(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.show(changed, PAGE)
        attaching = Attaching(tab)
        (spool,) = choose(tab, ("a", 1))
        attaching.refresh(TALK)
        attaching.close()
        assert (attaching.is_open, attaching.chosen, spool.state, chat.sent) == (False, [], State.REMOVED, [])

    run(tmp_path, test)


def test_a_file_of_this_machine_is_sent_from_where_it_is(tmp_path: Path) -> None:
    own = tmp_path / "foto.jpg"
    own.write_bytes(b"abc")

    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        attaching = Attaching(tab)
        attaching.open()
        attaching.choose_own(TALK, own, "foto.jpg", 3)
        attaching.send(TALK)
        assert await chat.sent[0].whole() == own
        attaching.choose_own(TALK, own, "foto.jpg", 3)
        attaching.close()

    run(tmp_path, test)
    assert own.read_bytes() == b"abc"


def test_what_a_page_has_not_begun_to_send_is_lost_with_it(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, _ = logged_in(tabs)
        tab.show(changed, PAGE)
        (spool,) = choose(tab, ("a", 1))
        tab.hide(changed, GRACE)
        assert spool.state is State.EXPECTED, "only its socket may be lost"
        told: list[str] = []
        tab.show(lambda: told.append("told"), "the page after it")
        assert spool.loss is Loss.CUT
        assert told

    run(tmp_path, test)


def brought(tab: Tab) -> Spool:
    """A file that has come here; by hand, for threads need real time."""
    (spool,) = choose(tab, ("a", 4))
    spool.path.parent.mkdir(parents=True, exist_ok=True)
    spool.path.write_bytes(b"halo")
    spool.held, spool.state = 4, State.HERE
    spool._ended.set()
    return spool


def test_a_tab_that_is_left_keeps_its_files_while_one_is_being_sent(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.logged_in(cast("Any", {"host": "a", "port": 1}))
        tab.show(changed, PAGE)
        spool = brought(tab)
        chat.carrier.is_busy = True
        tab.hide(changed, GRACE)
        for _ in range(600):
            chat.carrier.carried += int(SLOWEST * 66)
            await asyncio.sleep(60)
        assert (chat.closed, spool.state) == (False, State.HERE)
        chat.carrier.is_busy = False
        await asyncio.sleep(2 * GRACE)
        assert (chat.closed, spool.state) == (True, State.HERE), "its sockets are freed, and who comes back may send it"
        await asyncio.sleep(FILES_S)
        assert not spool.is_wanted
        tabs.space.settle()
        assert not spool.path.exists()

    run(tmp_path, test)


@pytest.mark.parametrize("saves", [False, True])
def test_what_is_sent_and_does_not_come_on_is_kept_for_an_hour(tmp_path: Path, saves: bool) -> None:
    """A realm may take one byte now and then, for ever."""

    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.logged_in(cast("Any", {"host": "a", "port": 1}))
        tab.show(changed, PAGE)
        spool = brought(tab)
        chat.carrier.is_busy = True
        tab.hide(changed, GRACE)
        saving = save(tab) if saves else None
        for _ in range(59):
            chat.carrier.carried += 1
            await asyncio.sleep(60)
        assert (chat.closed, spool.state) == (False, State.HERE)
        await asyncio.sleep(60 + GRACE)
        assert (chat.closed, spool.is_wanted) == (True, False)
        if saving is not None:
            await saving

    run(tmp_path, test)


def save(tab: Tab) -> "asyncio.Task[None]":
    """A browser saves a file that has no end."""

    async def forever() -> Any:
        await asyncio.Event().wait()

    return asyncio.create_task(tab.running.run(Save(FOTO), forever(), forever))


def test_who_saves_a_file_need_not_stay_for_it(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.logged_in(cast("Any", {"host": "a", "port": 1}))
        tab.show(changed, PAGE)
        spool = brought(tab)
        saving = save(tab)
        tab.hide(changed, 0)
        await asyncio.sleep(FILES_S - 2)
        assert (chat.closed, spool.is_wanted) == (False, True)
        await asyncio.sleep(2 + LEAST_GRACE_S)
        assert (chat.closed, spool.is_wanted) == (False, False), "what waits to be sent waits no longer for that"
        saving.cancel()
        await asyncio.sleep(2 * LEAST_GRACE_S)
        assert chat.closed

    run(tmp_path, test)


def test_a_tab_without_grace_is_not_looked_at_all_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []

    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.show(changed, PAGE)
        chat.carrier.is_busy = True
        is_needed = tab._is_needed

        def noted(left: float) -> bool:
            looked.append(left)
            return is_needed(left)

        monkeypatch.setattr(tab, "_is_needed", noted)
        tab.hide(changed, 0)
        await asyncio.sleep(10.5)
        assert len(looked) == 11

    run(tmp_path, test)


def test_another_user_does_not_inherit_what_the_first_could_not_send(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, _ = logged_in(tabs)
        tab.show(changed, PAGE)
        tab._unsaid_by("messi")
        spool = brought(tab)
        tab.choice.take()
        tab._unsaid_by("messi")
        assert spool.state is State.HERE, "who comes back may send it"
        tab._unsaid_by("neymar")
        assert not spool.is_wanted
        tabs.space.settle()
        assert not spool.path.exists()

    run(tmp_path, test)


def test_who_comes_back_within_the_hour_finds_the_files(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, chat = logged_in(tabs)
        tab.logged_in(cast("Any", {"host": "a", "port": 1}))
        tab.show(changed, PAGE)
        spool = brought(tab)
        tab.hide(changed, GRACE)
        await asyncio.sleep(FILES_S - GRACE)
        assert chat.closed
        tab.show(another, "the page after it")
        await asyncio.sleep(10 * FILES_S)
        assert spool.state is State.HERE
        assert tab.choice.files == [spool]

    run(tmp_path, test)


def test_a_tab_that_is_left_without_files_forgets_all_at_once(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab, _ = logged_in(tabs)
        tab.logged_in(cast("Any", {"host": "a", "port": 1}))
        tab.show(changed, PAGE)
        choose(tab, ("huge", 1 << 50))
        tab.hide(changed, GRACE)
        await asyncio.sleep(2 * GRACE)
        assert tab.choice.files == []
        assert tab._closing is None or tab._closing.when() <= asyncio.get_running_loop().time()

    run(tmp_path, test)


def test_a_tab_that_is_dropped_or_ends_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.ui.tabs.AT_MOST", 1)
    spools: list[Spool] = []

    async def test(tabs: Tabs) -> None:
        for secret in (SECRET, "fedcba9876543210" * 2):
            tab = tabs.enter(secret)
            tab.chat = cast("Any", Chat())
            tab.show(changed, PAGE)
            spools.append(brought(tab))
            tab.hide(changed, GRACE)
            tab.chat = None
        tabs.space.settle()
        assert [spool.path.exists() for spool in spools] == [False, True]

    run(tmp_path, test)
    assert [spool.path.exists() for spool in spools] == [False, False]


def test_a_fresh_process_removes_what_one_before_has_left(tmp_path: Path) -> None:
    left = tmp_path / "tabs" / "0" / SPOOLED / "1"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"left")
    (left.parent.parent / "key.json").write_text("{}")

    async def test(tabs: Tabs) -> None:
        tabs.forget_files()

    run(tmp_path, test)
    assert [path.name for path in left.parent.parent.iterdir()] == ["key.json"]
