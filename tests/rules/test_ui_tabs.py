"""Tabs: what stays of each between its windows, on disk and in memory, and what of it nobody else may see."""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import zmq

from client.dial import Address
from client.errors import ClosedError, IdentityError, KeyringError, UsageError, UserNotFoundError
from client.ui import tabs as module
from client.ui.chat import Chat
from client.ui.tabs import FORGOTTEN_S, Door, Tab, Tabs
from client.ui.tickets import Save
from schemas import commands
from schemas.entries import File
from schemas.names import ConversationId, Name
from tests.conftest import StartRealm
from tests.rules import virtual_time

PATIENCE = 30
SECRET = "0123456789abcdef" * 2
OTHER = "fedcba9876543210" * 2
ELSEWHERE = Address("realm.example", 8889)
TALK = ConversationId("private/messi@kampus,nobody@kampus")
GRACE = 5.0


def folder_of(home: Path, secret: str = SECRET) -> Path:
    return home / "tabs" / hashlib.sha256(secret.encode()).hexdigest()[:32]


def with_tabs(home: Path, test: Callable[[Tabs], Coroutine[Any, Any, None]], own: Address = ELSEWHERE) -> None:
    """Run a test with tabs, in a real event loop."""

    async def run() -> None:
        tabs = Tabs(home, own)
        try:
            async with asyncio.timeout(PATIENCE):
                await test(tabs)
        finally:
            await tabs.close()

    asyncio.run(run())


async def register(tab: Tab, door: Door, name: str = "messi") -> Chat:
    chat = await tab.dial(door)
    await chat.register(
        commands.Register(id=0, username=Name(name), password="surabaya", country="Inggris", name=name.title())
    )
    tab.logged_in(door)
    return chat


# on disk


@pytest.fixture
def open_umask() -> Iterator[None]:
    """What is not closed on purpose is open."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_secret_is_nowhere_on_disk(start_realm: StartRealm, tmp_path: Path, open_umask: None) -> None:
    door, home = Door("127.0.0.1", start_realm().door), tmp_path / "home"

    async def test(tabs: Tabs) -> None:
        await register(tabs.enter(SECRET), door)

    with_tabs(home, test)
    folder = folder_of(home)
    assert [one.name for one in (home / "tabs").iterdir()] == [folder.name]
    assert {"key.json", "realm.json", "session-kampus.json"} <= {file.name for file in folder.iterdir()}
    for path in home.rglob("*"):
        assert SECRET not in str(path)
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("key.json", "realm.json", "session-kampus.json"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600


def test_the_realm_of_a_tab_is_remembered_until_the_logout(tmp_path: Path) -> None:
    door = Door("127.0.0.1", 8889, "key")

    async def remember(tabs: Tabs) -> None:
        assert tabs.enter(SECRET).door is None
        tabs.enter(SECRET).logged_in(door)

    async def forget(tabs: Tabs) -> None:
        assert tabs.enter(SECRET).door == door
        assert tabs.enter(OTHER).door is None
        tabs.enter(SECRET).logged_out()
        assert tabs.enter(SECRET).door is None

    async def forgotten(tabs: Tabs) -> None:
        assert tabs.enter(SECRET).door is None

    for test in (remember, forget, forgotten):
        with_tabs(tmp_path, test)


def test_a_tab_is_itself_as_long_as_the_process_lives(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tab = tabs.enter(SECRET)
        assert tabs.enter(OTHER) is not tab
        assert tabs.enter(SECRET) is tab

    with_tabs(tmp_path, test)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"host": 7, "port": 1}', '{"host": "a"}', "\xff"])
def test_a_damaged_file_is_told(tmp_path: Path, content: str) -> None:
    folder = folder_of(tmp_path)
    folder.mkdir(parents=True)
    (folder / "realm.json").write_bytes(content.encode("latin-1"))

    async def test(tabs: Tabs) -> None:
        with pytest.raises(KeyringError, match="damaged"):
            tabs.enter(SECRET)
        tabs.enter(OTHER)

    with_tabs(tmp_path, test)


@pytest.mark.parametrize("in_the_way", ["tabs", f"tabs/{folder_of(Path()).name}"])
def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path, in_the_way: str) -> None:
    (tmp_path / in_the_way).parent.mkdir(exist_ok=True)
    (tmp_path / in_the_way).write_text("in the way")

    async def test(tabs: Tabs) -> None:
        with pytest.raises(KeyringError):
            tabs.enter(SECRET).logged_in(Door("a", 1))

    with_tabs(tmp_path, test)


def test_a_page_that_only_looks_leaves_nothing(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tabs.enter(SECRET)

    with_tabs(tmp_path, test)
    assert not list(tmp_path.iterdir())


def age(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(folder, (then, then))


def test_old_tabs_are_forgotten_and_young_ones_kept(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tabs.forget_old()  # there is no folder yet
        for secret in (SECRET, OTHER):
            tabs.enter(secret).logged_in(Door("a", 1))
        age(folder_of(tmp_path), FORGOTTEN_S + 60)
        age(folder_of(tmp_path, OTHER), FORGOTTEN_S - 3_600)
        tabs.forget_old()
        assert not folder_of(tmp_path).exists()
        assert (folder_of(tmp_path, OTHER) / "realm.json").exists()

    with_tabs(tmp_path, test)


def test_a_tab_that_comes_back_is_young_again(tmp_path: Path) -> None:
    async def begin(tabs: Tabs) -> None:
        tabs.enter(SECRET).logged_in(Door("a", 1))
        age(folder_of(tmp_path), FORGOTTEN_S + 60)

    async def again(tabs: Tabs) -> None:
        tabs.enter(SECRET)
        tabs.forget_old()
        assert folder_of(tmp_path).exists()

    with_tabs(tmp_path, begin)
    with_tabs(tmp_path, again)


def test_a_tab_that_comes_back_to_a_process_that_lives_long_is_young_again(tmp_path: Path) -> None:
    async def test(tabs: Tabs) -> None:
        tabs.enter(SECRET).logged_in(Door("a", 1))
        age(folder_of(tmp_path), FORGOTTEN_S + 60)
        tabs.enter(SECRET)
        tabs.forget_old()
        assert folder_of(tmp_path).exists()

    with_tabs(tmp_path, test)


# whom it trusts


@pytest.mark.parametrize(
    ("is_own", "has_key", "shared"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_only_the_operators_realm_is_pinned_for_all(
    start_realm: StartRealm, tmp_path: Path, is_own: bool, has_key: bool, shared: bool
) -> None:
    address, home = Address("127.0.0.1", start_realm().door), tmp_path / "home"

    async def test(tabs: Tabs) -> None:
        key = (await tabs.enter(OTHER).dial(Door(*address))).fingerprint if has_key else None
        (home / "pins.json").unlink(missing_ok=True)
        await tabs.enter(SECRET).dial(Door(*address, key))
        assert (home / "pins.json").exists() == shared
        assert (folder_of(home) / "pins.json").exists() != shared
        pins = home / "pins.json" if shared else folder_of(home) / "pins.json"
        assert f"{address}" in pins.read_text()

    with_tabs(home, test, own=address if is_own else ELSEWHERE)


# its connection


def test_a_tab_has_one_connection_and_speaks_to_one_realm(start_realm: StartRealm, tmp_path: Path) -> None:
    first, second = Door("127.0.0.1", start_realm().door), Door("127.0.0.1", start_realm("pusat").door)

    async def test(tabs: Tabs) -> None:
        tab = tabs.enter(SECRET)
        chat, same = await asyncio.gather(tab.dial(first), tab.dial(first))
        assert chat is same is tab.chat
        other = await tab.dial(second)
        assert (chat.realm, other.realm) == ("kampus", "pusat")
        assert tab.chat is other

    with_tabs(tmp_path / "home", test)


def test_what_is_unsaid_survives_the_connection_and_not_the_logout(start_realm: StartRealm, tmp_path: Path) -> None:
    door = Door("127.0.0.1", start_realm().door)

    async def test(tabs: Tabs) -> None:
        tab, changed = tabs.enter(SECRET), asyncio.Event()
        tab.show(changed.set)
        chat = await register(tab, door)
        assert chat.desk is not None
        chat.desk.open(TALK)
        chat.desk.unsaid.drafts[TALK] = "besok"
        chat.say(TALK, "halo")  # to nobody who is there
        while not chat.desk.outgoing[0].why:
            changed.clear()
            await changed.wait()
        await tab.hang_up()
        assert tab.chat is None

        again = await tab.dial(door)
        assert again is not chat
        assert await again.resume()
        assert again.desk is not None
        assert again.desk.unsaid.drafts == {TALK: "besok"}
        assert [(one.text, bool(one.why)) for one in again.desk.unsaid.outgoing[TALK]] == [("halo", True)]

        tab.logged_out()
        await again.log_out()
        await again.log_in("messi", "surabaya")
        assert again.desk is not None
        assert (again.desk.unsaid.drafts, again.desk.unsaid.outgoing) == ({}, {})

    with_tabs(tmp_path / "home", test)


def test_what_one_user_has_not_said_is_not_shown_to_the_next(start_realm: StartRealm, tmp_path: Path) -> None:
    door = Door("127.0.0.1", start_realm().door)

    async def test(tabs: Tabs) -> None:
        tab = tabs.enter(SECRET)
        chat = await register(tab, door)
        assert chat.desk is not None
        chat.desk.unsaid.drafts[TALK] = "besok"
        chat = await register(tab, door, "neymar")
        assert chat.desk is not None
        assert chat.desk.unsaid.drafts == {}

    with_tabs(tmp_path / "home", test)


# its windows


class Closing:
    """A chat of which nothing is wanted but to be closed."""

    desk = None
    carrier = SimpleNamespace(is_busy=False, carried=0)

    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        await asyncio.sleep(0.1)
        self.closed += 1


def in_window(tmp_path: Path, test: Callable[[Tab, Closing], Coroutine[Any, Any, None]]) -> None:
    """Run a test with a tab that has a chat, and a clock that does not wait."""

    async def run() -> None:
        tabs = Tabs(tmp_path, ELSEWHERE)
        try:
            tab, chat = tabs.enter(SECRET), Closing()
            tab.chat = cast("Chat", chat)
            await test(tab, chat)
        finally:
            await tabs.close()

    virtual_time.run(run())


def nothing() -> None:
    """A window that does nothing."""


def another() -> None:
    """Another window."""


def test_a_tab_that_nobody_shows_is_closed_after_the_grace(tmp_path: Path) -> None:
    async def test(tab: Tab, chat: Closing) -> None:
        tab.show(nothing)
        await asyncio.sleep(10 * GRACE)
        assert tab.chat is not None
        tab.hide(nothing, GRACE)
        assert tab.changed is None
        await asyncio.sleep(GRACE - 0.1)
        assert tab.chat is not None
        await asyncio.sleep(1)
        assert not tab.chat
        assert chat.closed == 1

    in_window(tmp_path, test)


def test_tickets_outlive_the_connection_and_not_the_login(tmp_path: Path) -> None:
    async def test(tab: Tab, chat: Closing) -> None:
        file = File(id="F1", name="foto.jpg", size=3, media_type="image/jpeg", digest=bytes(32))
        tab.logged_in(Door("a", 1))
        code = tab.tickets.give("session", Save(file))
        await tab.hang_up()
        assert tab.tickets.find("session", code) == Save(file)
        tab.logged_out()
        assert tab.tickets.find("session", code) is None
        code = tab.tickets.give("session", Save(file))
        await tab.hang_up()
        assert tab.tickets.find("session", code) is None, "nobody was logged in"

    in_window(tmp_path, test)


def test_a_session_is_the_same_over_its_connections(start_realm: StartRealm, tmp_path: Path) -> None:
    door = Door("127.0.0.1", start_realm().door)

    async def test(tabs: Tabs) -> None:
        tab = tabs.enter(SECRET)
        await register(tab, door)
        first = tab.session
        await tab.hang_up()
        assert tab.session is None
        chat = await tab.dial(door)
        assert await chat.resume()
        assert first is not None
        assert tab.session == first
        await chat.log_out()
        await chat.log_in("messi", "surabaya")
        assert tab.session != first

    with_tabs(tmp_path / "home", test)


def test_a_window_that_comes_within_the_grace_finds_the_chat(tmp_path: Path) -> None:
    async def test(tab: Tab, chat: Closing) -> None:
        for _ in range(3):
            tab.show(nothing)
            tab.hide(nothing, GRACE)
            await asyncio.sleep(GRACE - 0.1)
        tab.show(another)
        await asyncio.sleep(10 * GRACE)
        assert tab.chat is cast("Chat", chat)
        assert not chat.closed

    in_window(tmp_path, test)


def test_a_window_that_is_not_shown_any_more_hides_nothing(tmp_path: Path) -> None:
    async def test(tab: Tab, chat: Closing) -> None:
        tab.show(nothing)
        tab.show(another)
        tab.hide(nothing, GRACE)
        assert tab.changed is another
        await asyncio.sleep(10 * GRACE)
        assert tab.chat is cast("Chat", chat)
        assert not chat.closed

    in_window(tmp_path, test)


def test_a_window_is_told_that_another_shows_its_tab(tmp_path: Path) -> None:
    async def test(tab: Tab, chat: Closing) -> None:
        told: list[str] = []
        tab.show(lambda: told.append("first"))
        tab.show(another)
        assert told == ["first"]

    in_window(tmp_path, test)


def test_a_window_that_comes_at_the_last_moment_keeps_the_chat(tmp_path: Path) -> None:
    async def test(tab: Tab, chat: Closing) -> None:
        tab.show(nothing)
        tab.hide(nothing, GRACE)
        asyncio.get_running_loop().call_later(GRACE, tab.show, another)  # after the grace, in the same turn
        await asyncio.sleep(GRACE)
        await asyncio.sleep(1)
        assert tab.chat is cast("Chat", chat)
        assert not chat.closed

    in_window(tmp_path, test)


def test_tabs_that_somebody_shows_are_not_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_MOST", 3)
    secrets = [f"{number:032x}" for number in range(4)]

    async def test(tabs: Tabs) -> None:
        entered = [tabs.enter(secret) for secret in secrets[:3]]
        entered[0].show(nothing)
        entered.append(tabs.enter(secrets[3]))
        assert tabs.enter(secrets[0]) is entered[0]
        assert tabs.enter(secrets[3]) is entered[3]
        assert tabs.enter(secrets[1]) is not entered[1], "the one that was entered longest ago makes room"

    with_tabs(tmp_path, test)


def test_the_tab_that_is_entered_is_not_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_MOST", 1)

    async def test(tabs: Tabs) -> None:
        tabs.enter(OTHER).show(nothing)
        assert tabs.enter(SECRET) is tabs.enter(SECRET)

    with_tabs(tmp_path, test)


def test_the_key_of_a_link_counts_where_the_tab_is_connected_already(start_realm: StartRealm, tmp_path: Path) -> None:
    door = Door("127.0.0.1", start_realm().door)

    async def test(tabs: Tabs) -> None:
        tab = tabs.enter(SECRET)
        chat = await tab.dial(door)
        assert await tab.dial(Door(door.host, door.port, chat.fingerprint)) is chat
        with pytest.raises(IdentityError):
            await tab.dial(Door(door.host, door.port, zmq.curve_keypair()[0].decode()))

    with_tabs(tmp_path, test)


def test_a_tab_that_is_left_while_it_dials_keeps_no_connection(start_realm: StartRealm, tmp_path: Path) -> None:
    door = Door("127.0.0.1", start_realm().door)

    async def test(tabs: Tabs) -> None:
        tab, shown = tabs.enter(SECRET), print
        tab.show(shown)
        dialling = asyncio.create_task(tab.dial(door))
        tab.hide(shown, 0)
        chat = await dialling
        with pytest.raises(ClosedError):
            await chat.log_in("messi", "surabaya")
        assert tab.chat is None

    with_tabs(tmp_path, test)


def test_a_tab_where_nobody_logged_in_leaves_nothing_on_disk(start_realm: StartRealm, tmp_path: Path) -> None:
    door = Door("127.0.0.1", start_realm().door)

    async def test(tabs: Tabs) -> None:
        tab = tabs.enter(SECRET)
        chat = await tab.dial(door)
        with pytest.raises(UserNotFoundError):
            await chat.log_in("nobody", "surabaya")
        assert folder_of(tmp_path).exists()
        await tab.hang_up()
        assert not folder_of(tmp_path).exists()

    with_tabs(tmp_path, test)


def test_a_logout_shows_at_once_and_reaches_the_realm(start_realm: StartRealm, tmp_path: Path) -> None:
    door = Door("127.0.0.1", start_realm().door)

    async def test(tabs: Tabs) -> None:
        tab, other = tabs.enter(SECRET), tabs.enter(OTHER)
        await register(tab, door)
        asking = await register(other, door, "henderson")
        tab.log_out()
        assert tab.chat is None
        assert tab.door is None
        assert not list(folder_of(tmp_path).glob("session-*"))
        while (await asking.ask(commands.Info(id=0))).message != ["henderson"]:
            pass  # each question takes a while

    with_tabs(tmp_path, test)


def test_a_tab_of_another_realm_is_nowhere_where_only_the_own_may_be_used(tmp_path: Path) -> None:
    async def at_another(tabs: Tabs) -> None:
        tabs.enter(SECRET).logged_in(Door("127.0.0.1", 9999))
        tabs.enter(OTHER).logged_in(Door(*ELSEWHERE))

    async def only_own() -> None:
        tabs = Tabs(tmp_path, ELSEWHERE, only_own=True)
        try:
            tab = tabs.enter(SECRET)
            assert tab.door is None
            assert tabs.enter(OTHER).door == Door(*ELSEWHERE)
            with pytest.raises(UsageError):
                await tab.dial(Door("127.0.0.1", 9999))
        finally:
            await tabs.close()

    with_tabs(tmp_path, at_another)
    asyncio.run(only_own())
