"""Many people on one web server: nothing of one is seen by another, and who leaves leaves nothing behind."""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from client import dial
from client.connection import Connection
from client.keyring import Keyring
from client.ui.tabs import Door, Tabs
from schemas import commands
from schemas.names import Address, Name
from tests.browser.conftest import Campus, log_in, open_room, until
from tests.browser.headless import HeadlessPage
from tests.browser.web import StartWeb, WebProcess
from tests.realm_process import RealmProcess

WRITE = "Write a message"
GRACE = ("--grace", "0.5")
MANY = 20


def count(what: str, url: str) -> int:
    """How many pages, or tasks, the web server says that there are."""
    return int(httpx.get(f"{url}/health").json()[what])


def pages(url: str) -> int:
    """How many pages the web server says are open."""
    return count("pages", url)


def sockets(pid: int) -> int:
    """Open connections of a process."""
    return sum(one.status != psutil.CONN_LISTEN for one in psutil.Process(pid).net_connections("tcp"))


def from_browsers(web: WebProcess) -> int:
    """Open connections to a web client: one for each page, and for a while those by which it was loaded."""
    found = psutil.Process(web.pid).net_connections("tcp")
    return sum(one.status != psutil.CONN_LISTEN and one.laddr.port == web.port for one in found)


def test_four_people_see_each_only_what_is_theirs(campus: Campus) -> None:
    people = [campus.visitor(name) for name in ("messi", "henderson", "lineker")]
    for one in people:
        log_in(one, one.name)
    messi, henderson, lineker = people
    stranger = campus.visitor("stranger")
    assert pages(campus.web.url) == 4
    for one, other in ((messi, "henderson"), (henderson, "lineker"), (lineker, "messi")):
        open_room(one, other)
        one.say(WRITE, f"{one.name} to {other}")
    for one, by in ((messi, "lineker"), (henderson, "messi"), (lineker, "henderson")):
        one.sees_soon(f"{by} to {one.name}")
    seen = {one.name: one.text() for one in [*people, stranger]}
    for writer, to in (("messi", "henderson"), ("henderson", "lineker"), ("lineker", "messi")):
        assert {name for name, text in seen.items() if f"{writer} to " in text} == {writer, to}
    assert "Lionel" not in seen["stranger"]
    campus.no_console_errors()


@pytest.mark.thorough
def test_a_closed_tab_frees_its_sockets(campus: Campus, start_web: StartWeb) -> None:
    campus.web = start_web(campus.realm, "second", *GRACE)
    lasting = campus.home("messi")
    until(lambda: from_browsers(campus.web) == 1, "what the page was loaded by is closed")
    files, connections = psutil.Process(campus.web.pid).num_fds(), sockets(campus.web.pid)
    for name in ("henderson", "lineker"):
        leaving = campus.home(name)
        open_room(leaving, "messi")
        assert pages(campus.web.url) == 2
        assert sockets(campus.web.pid) > connections
        leaving.close()
        campus.seated.remove(leaving)
        until(lambda: pages(campus.web.url) == 1, "the page is gone")
        until(lambda: sockets(campus.web.pid) <= connections, "its connections are closed")
        until(lambda: psutil.Process(campus.web.pid).num_fds() <= files, "its files are closed")
    open_room(lasting, "lineker")  # who stays is not disturbed
    lasting.say(WRITE, "still here")
    lasting.sees_soon("stored: still here", times=1)
    campus.no_console_errors()


@pytest.mark.thorough
def test_twenty_at_once_get_what_is_theirs_and_nothing_else(realm: RealmProcess, start_web: StartWeb) -> None:
    """Each opens the room with the next; all of them say something there at the same time, and leave."""
    web = start_web(realm, "web", *GRACE)
    names = [f"user{number}" for number in range(MANY)]
    before, tasks = sockets(web.pid), count("tasks", web.url)

    async def all_of_them() -> None:
        chats = await _log_in(names, dial.Address("127.0.0.1", realm.door), web.home)
        async with AsyncExitStack() as stack:
            pages = []
            for number, name in enumerate(names):
                first, second = sorted((f"{name}@kampus", f"{names[(number + 1) % MANY]}@kampus"))
                page = HeadlessPage(web.url, _secret(number), f"/room/private/{first},{second}")
                pages.append(await stack.enter_async_context(page))
            for page in pages:
                await page.receives(WRITE)
            assert await asyncio.to_thread(count, "pages", web.url) == MANY
            assert await asyncio.to_thread(count, "tasks", web.url) > tasks + MANY
            for name, chat in chats.items():
                beside = names[(names.index(name) + 1) % MANY]
                await chat.ask(commands.Send(id=0, to=Address(beside), message=f"only from {name} to {beside}."))
            for number, page in enumerate(pages):
                own, to, by = names[number], names[(number + 1) % MANY], names[number - 1]
                await page.receives(f"only from {own} to {to}.")
                await page.receives(f"only from {by} to {own}.")
            for number, page in enumerate(pages):
                told = {match.decode() for match in re.findall(rb"only from \w+ to \w+\.", bytes(page.received))}
                own, to, by = names[number], names[(number + 1) % MANY], names[number - 1]
                assert told == {f"only from {own} to {to}.", f"only from {by} to {own}."}
        for chat in chats.values():
            await chat.close()

    asyncio.run(all_of_them())
    until(lambda: pages(web.url) == 0, "all pages are gone")
    until(lambda: sockets(web.pid) <= before, "their connections are closed")
    until(lambda: count("tasks", web.url) <= tasks, "all that was done for them has ended")


def _secret(number: int) -> str:
    return f"{number:032x}"


async def _log_in(names: list[str], door: dial.Address, home: Path) -> dict[str, Connection]:
    """Somebody in each tab, as at a browser; and a second device for each, to write with."""
    tabs, devices = Tabs(home, door), {}
    for number, name in enumerate(names):
        tab, at = tabs.enter(_secret(number)), Door(door.host, door.port)
        account = commands.Register(id=0, username=Name(name), password="surabaya", country="x", name=name.title())
        await (await tab.dial(at)).register(account)
        tab.logged_in(at)
        keyring = Keyring(home / f"device-{name}")
        devices[name] = await Connection.open(door.host, door.port, keyring.keys(), keyring.pins, listen=False)
        await devices[name].ask(commands.Auth(id=0, username=Name(name), password="surabaya"))
    await tabs.close()
    return devices


@pytest.mark.thorough
def test_pages_that_leave_while_they_load_are_no_errors(realm: RealmProcess, start_web: StartWeb) -> None:
    web = start_web(realm, "web", *GRACE)

    async def come_and_go(number: int) -> None:
        page = HeadlessPage(web.url, f"{number:032x}")
        async with page:
            for _ in range(number % 10):  # each a little later than the one before
                await asyncio.to_thread(pages, web.url)
            page.break_off()

    async def all_of_them() -> None:
        for number in range(MANY):
            await come_and_go(number)

    asyncio.run(all_of_them())
    until(lambda: pages(web.url) == 0, "all pages are gone")
    assert web.stop() == 0
    assert web.log() == ""
