"""A large file through a real web process, without a browser: its memory stays small, and it gives back what it got."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx

from client.dial import Address
from client.model.places import Room, route
from client.ui.tabs import Door, Tabs
from schemas import commands, names
from schemas.names import Name
from tests.browser.headless import HeadlessPage
from tests.browser.web import StartWeb, WebProcess
from tests.realm_process import RealmProcess

SECRET, PAGE = "0123456789abcdef" * 2, "page"
NOTES = names.private(names.Address("messi@kampus"), names.Address("messi@kampus"))
SIZE = 256 << 20
BLOCK = bytes(1 << 20)
AT_MOST = 200 << 20
PATIENCE = 110
TICKET = re.compile(rb"bagan:save/([\w-]+\.[\w-]+)")


async def log_in(home: Path, realm: RealmProcess, name: str) -> None:
    """Leave a tab as somebody who has registered at a browser does."""
    door = Door("127.0.0.1", realm.door)
    tabs = Tabs(home, Address("127.0.0.1", realm.door))
    tab = tabs.enter(SECRET)
    chat = await tab.dial(door)
    await chat.register(
        commands.Register(id=0, username=Name(name), password="surabaya", country="Argentina", name=name.title())
    )
    tab.logged_in(door)
    await tabs.close()


async def watch(web: WebProcess, seen: list[int]) -> None:
    while True:
        seen.append(web.resident_bytes())
        await asyncio.sleep(0.1)


async def content() -> AsyncIterator[bytes]:
    for _ in range(0, SIZE, len(BLOCK)):
        yield BLOCK


def test_a_large_file_passes_through_little_memory(realm: RealmProcess, start_web: StartWeb, tmp_path: Path) -> None:
    asyncio.run(log_in(tmp_path / "web-home", realm, "messi"))
    web, seen = start_web(realm), list[int]()

    async def test(client: httpx.AsyncClient, page: HeadlessPage) -> None:
        await page.receives("Write a message")
        headers = {"Bagan-Tab": SECRET, "Bagan-Page": PAGE}
        about: dict[str, Any] = {"route": route(Room(NOTES)), "files": [{"name": "besar.bin", "size": SIZE}]}
        asked = await client.post("/files", json=about, headers=headers)
        assert asked.status_code == 201
        (address,) = asked.json()["addresses"]
        await page.press("Send File")
        length = {"Content-Length": f"{SIZE}"}
        assert (await client.put(f"/{address}", content=content(), headers=length)).status_code == 204
        await page.press("Save besar.bin")
        await page.receives("bagan:save/")
        found = TICKET.search(page.received)
        assert found
        hasher = hashlib.sha256()
        async with client.stream("GET", f"/files/{found[1].decode()}") as answer:
            async for part in answer.aiter_bytes(len(BLOCK)):
                hasher.update(part)
        assert hasher.digest() == hashlib.sha256(bytes(SIZE)).digest()
        assert not [path for path in web.home.glob("tabs/*/files/*") if path.is_file()]

    asyncio.run(_within(web, seen, test))
    assert max(seen) < AT_MOST, f"{max(seen) / 1e6:.0f} MB"


async def _within(web: WebProcess, seen: list[int], test: Callable[[httpx.AsyncClient, HeadlessPage], Any]) -> None:
    async with AsyncExitStack() as keep:
        await keep.enter_async_context(asyncio.timeout(PATIENCE))
        client = await keep.enter_async_context(httpx.AsyncClient(base_url=web.url, timeout=PATIENCE))
        page = await keep.enter_async_context(HeadlessPage(web.url, SECRET, route(Room(NOTES)), page=PAGE))
        watching = asyncio.create_task(watch(web, seen))
        try:
            await test(client, page)
        finally:
            watching.cancel()
