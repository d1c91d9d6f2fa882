"""The routes for files: whose a file is, how it is named, and that nothing else comes of it, whoever asks."""

import asyncio
import hashlib
import os
import re
import socket
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import unquote

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from starlette.requests import ClientDisconnect

from client.dial import Address
from client.errors import AnswerError, ClosedError, NoAnswerError
from client.model.attached import MAX_PICTURE, Loss
from client.model.places import Room as RoomPlace
from client.model.places import route
from client.ui import files
from client.ui.choice import BURST
from client.ui.files import PAGE_HEADER, PREFIX, TAB_HEADER, address, bring_address, router
from client.ui.giving import Given, begin
from client.ui.hangup import Line
from client.ui.spool import AT_ONCE, BLOCK, MAX_FILE, State
from client.ui.tabs import Door, Tab, Tabs
from client.ui.tickets import Look, Save
from schemas.entries import File
from schemas.errors import Code
from schemas.names import ConversationId

SECRET, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
PAGE = "page"
TALK, OTHER_TALK = (ConversationId(f"private/{name}@kampus,messi@kampus") for name in ("henderson", "lineker"))
HOST = "bagan.example:8550"
PATIENCE = 30
PART = 65_536
CONTENT = os.urandom(5 * PART + 7)
SMALL = b"RIFF....WEBP"


def file_of(content: bytes = CONTENT, name: str = "foto.jpg", media_type: str = "image/jpeg") -> File:
    digest = hashlib.sha256(content).digest()
    return File(id="F1", name=name, size=len(content), media_type=media_type, digest=digest)


FOTO = file_of()


class Realm:
    """A courier, as far as routes use one: it has one file, of which it sends `sent`."""

    def __init__(self, sent: bytes = CONTENT, error: Exception | None = None) -> None:
        self.sent, self.error = sent, error
        self.asked: list[int] = []
        self.open = 0

    async def chunks(self, _file: File, offset: int = 0) -> AsyncGenerator[bytes]:
        self.asked.append(offset)
        self.open += 1
        try:
            for begin in range(offset, len(self.sent), PART):
                yield self.sent[begin : begin + PART]
            if self.error is not None:
                raise self.error
        finally:
            self.open -= 1

    async def thumbnail(self, _file: str) -> bytes:
        if self.error is not None:
            raise self.error
        return SMALL


class Room:
    room: str | None = TALK


class Chat:
    """Somebody is logged in, and a room is open."""

    def __init__(self, realm: Realm) -> None:
        self.carrier = SimpleNamespace(courier=realm, is_busy=False, carried=0)
        self.desk: Room | None = Room()
        self.session = object()

    async def close(self) -> None:
        """Nothing is open."""


class Site:
    """The routes of a web client with two tabs; somebody is logged in at each."""

    def __init__(self, home: Path, realm: Realm | None = None) -> None:
        (home / "tabs").mkdir(exist_ok=True)
        self.home = home
        self.realm = realm or Realm()
        self.tabs = Tabs(home, Address("127.0.0.1", 8889))
        self.told = 0
        self.changed = asyncio.Event()
        self.tab, self.other = self._enter(SECRET), self._enter(OTHER)
        self.told = 0
        self.app = FastAPI()
        self.app.include_router(router(self.tabs))
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}")

    def _enter(self, secret: str) -> Tab:
        tab = self.tabs.enter(secret)
        tab.chat = cast("Any", Chat(self.realm))
        tab.show(self.tell, PAGE)
        return tab

    def tell(self) -> None:
        self.told += 1
        self.changed.set()

    def log_out(self) -> None:
        self.tab.chat = None
        self.tab.logged_out()

    async def ask(
        self,
        *chosen: tuple[str, int],
        room: ConversationId = TALK,
        more: int = 0,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Say that somebody has chosen files, one if not told otherwise, as this tab's page does."""
        headers = {TAB_HEADER: SECRET, PAGE_HEADER: PAGE, "origin": f"http://{HOST}", **(headers or {})}
        told = [{"name": name, "size": size} for name, size in chosen or [("foto.jpg", len(CONTENT))]]
        asked = {"route": route(RoomPlace(room)), "files": told, "more": more}
        return await self.client.post(PREFIX, json=asked, headers=headers)

    async def chosen(self, size: int = len(CONTENT)) -> str:
        """Where the one file is to be put that somebody has chosen."""
        (where,) = (await self.ask(("foto.jpg", size))).json()["addresses"]
        return f"/{where}"

    async def put(self, address: str, content: bytes | AsyncIterator[bytes] = CONTENT, **headers: str) -> int:
        answer = await self.client.put(address, content=content, headers=headers)
        ends = answer.headers.get("connection") == "close"
        assert ends == (answer.status_code != 204), "what is refused is not read to its end"
        return answer.status_code

    def spooled(self) -> list[Path]:
        """What is on the disk once all is removed that is to be."""
        self.tabs.space.settle()
        return spooled(self.home)

    async def get(self, address: str, **headers: str) -> httpx.Response:
        return await self.client.get(address, headers=headers)


def on(home: Path, test: Callable[[Site], Coroutine[Any, Any, None]], realm: Realm | None = None) -> None:
    async def within() -> None:
        site = Site(home, realm)
        try:
            async with asyncio.timeout(PATIENCE):
                await test(site)
        finally:
            await site.tabs.close()

    asyncio.run(within())


def answer_to(site: Site, file: File = FOTO) -> Given:
    start = partial(begin, cast("Any", site.realm), file, {})
    return Given(site.tab.running, Save(file), start, lambda: None)


def spooled(home: Path) -> list[Path]:
    return [path for path in home.rglob("files/*") if path.is_file()]


# here


def test_what_a_page_brings_waits_for_its_tab(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        answer = await site.ask(("../foto 😀.jpg", len(CONTENT)))
        assert answer.status_code == 201
        assert [spool.name for spool in site.tab.choice.files] == ["../foto 😀.jpg"]
        assert site.other.choice.files == []
        assert site.told == 1
        (where,) = answer.json()["addresses"]
        assert await site.put(where) == 204
        assert site.told == 2, "the window sees that it is here"
        (spool,) = site.tab.choice.files
        assert (await spool.whole()).read_bytes() == CONTENT
        assert [path.parent.parent.name for path in spooled(tmp_path)] == [site.tab.name]
        assert not {"foto", SECRET} & set(re.split(r"\W", str(spooled(tmp_path))))

    on(tmp_path, test)
    assert not spooled(tmp_path), "the end of the process leaves nothing"


def test_files_that_are_chosen_at_once_are_asked_for_at_once(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        answer = await site.ask(("a", 1), ("huge", MAX_FILE + 1), ("b", 0), more=7)
        first, none, last = answer.json()["addresses"]
        assert none is None
        assert [spool.loss for spool in site.tab.choice.files] == [None, Loss.TOO_LARGE, None]
        assert site.tab.choice.left_over == 7
        assert await site.put(last, b"") == 204
        assert await site.put(first, b"x") == 204
        many = (await site.ask(*[("a", 1)] * AT_ONCE)).json()["addresses"]
        assert len(many) == AT_ONCE - 3
        assert site.told == 4

    on(tmp_path, test)


def test_files_are_for_the_room_of_the_page_that_shows_the_tab(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        for status, room, page in ((409, OTHER_TALK, PAGE), (409, TALK, "a copy of the tab"), (409, TALK, "")):
            assert (await site.ask(room=room, headers={PAGE_HEADER: page})).status_code == status
        headers = {TAB_HEADER: SECRET, PAGE_HEADER: PAGE}
        for where in ("/", "/room/", "/members/new", "/room/private/messi@kampus"):
            asked = {"route": where, "files": [{"name": "a", "size": 1}]}
            assert (await site.client.post(PREFIX, json=asked, headers=headers)).status_code == 409
        assert site.tab.choice.files == []
        swapped = ConversationId("private/messi@kampus,henderson@kampus")
        assert (await site.ask(room=swapped)).status_code == 201

    on(tmp_path, test)


def test_nobody_chooses_without_end(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        answers = [(await site.ask()).status_code for _ in range(int(BURST) + 1)]
        assert answers == [201] * int(BURST) + [429]

    on(tmp_path, test)


@pytest.mark.parametrize(
    "headers",
    [
        {TAB_HEADER: ""},
        {TAB_HEADER: "f" * 32},
        {TAB_HEADER: SECRET[:-1]},
        {"origin": "http://evil.example"},
        {"origin": "null"},
    ],
    ids=str,
)
def test_only_the_page_of_a_tab_may_bring(tmp_path: Path, headers: dict[str, str]) -> None:
    async def test(site: Site) -> None:
        assert (await site.ask(headers=headers)).status_code == 403
        assert site.tab.choice.files == site.other.choice.files == []

    on(tmp_path, test)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b'{"route": "/", "files": []}',
        b'{"route": "/", "files": [{"name": 1, "size": 1}]}',
        b'{"route": "/", "files": [{"name": "", "size": 1}]}',
        b'{"route": "/", "files": [{"name": "a", "size": -1}]}',
        b'{"route": "/", "files": [{"name": "a", "size": 1}], "more": -1}',
        b'{"route": "/", "files": [' + b", ".join([b'{"name": "a", "size": 1}'] * (AT_ONCE + 1)) + b"]}",
    ],
)
def test_what_is_no_question_is_refused(tmp_path: Path, body: bytes) -> None:
    async def test(site: Site) -> None:
        answer = await site.client.post(PREFIX, content=body, headers={TAB_HEADER: SECRET})
        assert answer.status_code == 400
        answer = await site.client.post(PREFIX, content=b'{"name": "' + b"a" * 200_000, headers={TAB_HEADER: SECRET})
        assert answer.status_code == 413
        assert site.tab.choice.files == []

    on(tmp_path, test)


def test_nothing_is_brought_where_no_room_is_open_or_nobody_logged_in(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        desk = cast("Any", site.tab.chat).desk
        desk.room = None
        assert (await site.ask()).status_code == 409
        desk.room = Room.room
        site.tab.changed = None
        assert (await site.ask()).status_code == 409, "no window shows it"
        site.log_out()
        assert (await site.ask()).status_code == 403
        assert site.tab.choice.files == []

    on(tmp_path, test)


@pytest.mark.parametrize("more", [-1, 1])
def test_another_size_than_was_said_is_refused(tmp_path: Path, more: int) -> None:
    async def test(site: Site) -> None:
        assert await site.put(await site.chosen(len(CONTENT) - more)) == 400
        (spool,) = site.tab.choice.files
        assert spool.loss is Loss.CUT
        assert not site.spooled()

    on(tmp_path, test)


def test_an_address_lets_one_file_in_once(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        where = await site.chosen()
        assert await site.put(where, origin="http://evil.example") == 404, "and that changes nothing"
        assert (await site.get(where)).status_code == 404
        code = where.rpartition(".")[2]
        assert await site.put(f"{PREFIX}/{site.other.name}.{code}") == 404
        assert await site.put(where) == 204
        assert await site.put(where) == 404
        assert await site.put(address(site.tab, Save(FOTO))) == 404

    on(tmp_path, test)


def test_what_a_browser_cannot_read_is_lost(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        where = await site.chosen(0)
        told = site.told
        assert (await site.client.delete(where)).status_code == 204
        (spool,) = site.tab.choice.files
        assert (spool.loss, site.told) == (Loss.CUT, told + 1)
        assert (await site.client.delete(where)).status_code == 404
        assert await site.put(where, b"") == 404
        where = await site.chosen()
        assert (await site.client.delete(where, headers={"origin": "http://evil.example"})).status_code == 404
        assert await site.put(where) == 204
        assert (await site.client.delete(where)).status_code == 404, "what is here stays"
        assert [one.state for one in site.tab.choice.files] == [State.LOST, State.HERE]

    on(tmp_path, test)


def test_after_the_logout_nothing_comes_in_or_stays(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        before = await site.chosen()
        await site.put(await site.chosen())
        assert site.spooled()
        site.log_out()
        assert await site.put(before) == 404
        assert not site.spooled()
        site.tab.chat = cast("Any", Chat(site.realm))
        assert await site.put(before) == 404, "another session"

    on(tmp_path, test)


def test_what_is_chosen_comes_in_though_the_session_is_taken_up_anew(tmp_path: Path) -> None:
    """A page sends one file after the other, which may take hours, and shows any number of pictures meanwhile."""

    async def test(site: Site) -> None:
        where = await site.chosen()
        site.tab.logged_in(Door("127.0.0.1", 8889))
        await site.tab.hang_up()
        for number in range(2_000):
            address(site.other, Look(structs.replace(FOTO, id=f"F{number}"), small=True))
        site.tab.hide(site.tell, 0)
        assert await site.put(where) == 204
        (spool,) = site.tab.choice.files
        assert spool.state is State.HERE

    on(tmp_path, test)


def test_who_logs_out_while_a_file_comes_stops_it(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield CONTENT
            site.log_out()
            yield CONTENT

        where = await site.chosen(2 * len(CONTENT))
        assert await site.put(where, parts()) == 400
        assert not site.spooled()

    on(tmp_path, test)


def test_a_page_that_leaves_while_it_sends_a_file_has_lost_it(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        where = await site.chosen()
        (spool,) = site.tab.choice.files
        told = site.told
        assert await site.put(where, left_after(CONTENT[:9])) == 204, "which nobody hears"
        assert spool.loss is Loss.CUT
        assert site.told > told

    async def left_after(part: bytes) -> AsyncIterator[bytes]:
        yield part
        raise ClientDisconnect

    on(tmp_path, test)


def test_who_cancels_ends_what_the_browser_sends(tmp_path: Path) -> None:
    """At a real server: it would read all that is on its way to an answer that was given long ago."""

    async def test(site: Site) -> None:
        async with served(site) as listening:
            spool = site.tab.spools.make("large", 4 << 30)
            head = (
                f"PUT {bring_address(site.tab, spool)} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {spool.size}\r\n\r\n"
            )
            reader, writer = await asyncio.open_connection(*listening)
            writer.write(head.encode() + bytes(BLOCK))  # more than is read would reset the connection
            await writer.drain()
            while not spool.held:
                site.changed.clear()
                await site.changed.wait()
            spool.remove()
            said = await reader.read()
            assert said.startswith(b"HTTP/1.1 400 ")
            writer.close()
            assert not site.spooled()

    on(tmp_path, test)


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[tuple[str, int]]:
    """At a real server, as it is when the process serves."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        site.app, http=Line, log_config=None, log_level="warning", lifespan="off", timeout_graceful_shutdown=10
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]))
    try:
        yield listening.getsockname()
    finally:
        server.should_exit = True
        await serving


# there


def test_a_file_is_saved_as_it_is_and_runs_nowhere(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        page = file_of(name="laporan.html", media_type="text/html")
        answer = await site.get(address(site.tab, Save(page)))
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-length"] == f"{len(CONTENT)}"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert_safe(answer)
        assert site.realm.open == 0

    on(tmp_path, test)


def assert_safe(answer: httpx.Response, kept: str = "private, no-store") -> None:
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["cache-control"] == kept


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("foto liburan.jpg", "foto liburan.jpg"),
        ("café 😀.txt", "caf_ _.txt"),
        ('a"; filename="b.exe', "a__ filename__b.exe"),
        ("../../etc/passwd", "passwd"),
        ("line\r\nSet-Cookie: a", "line__Set-Cookie_ a"),
    ],
)
def test_a_name_is_told_as_it_is_and_in_plain_letters(tmp_path: Path, name: str, plain: str) -> None:
    async def test(site: Site) -> None:
        answer = await site.get(address(site.tab, Save(file_of(name=name))))
        assert f'filename="{plain}"' in answer.headers["content-disposition"]
        assert "set-cookie" not in answer.headers

    on(tmp_path, test)


@given(st.text(max_size=300))
def test_whatever_a_name_is_the_header_has_one_of_each_kind(name: str) -> None:
    called = files._called("attachment", file_of(name=name))
    found = re.fullmatch(r"attachment; filename=\"([\w.() -]+)\"; filename\*=UTF-8''([\w.~%-]+)", called, re.ASCII)
    assert found
    told = unquote(found[2], errors="strict")
    assert "/" not in told
    assert told not in (".", "..")


def test_a_browser_goes_on_with_what_it_has(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        where, tag = address(site.tab, Save(FOTO)), f'"{FOTO.digest.hex()}"'
        rest = await site.get(where, range="bytes=100-", **{"if-range": tag})
        assert (rest.status_code, rest.content) == (206, CONTENT[100:])
        assert rest.headers["content-range"] == f"bytes 100-{len(CONTENT) - 1}/{len(CONTENT)}"
        assert rest.headers["content-length"] == f"{len(CONTENT) - 100}"
        assert (await site.get(where, range="bytes=100-", **{"if-range": '"other"'})).content == CONTENT
        for unread in ("bytes=1-2", "bytes=-5", "lines=1-", "bytes=0-"):
            assert (await site.get(where, range=unread)).status_code == 200
        assert (await site.get(where, range=f"bytes={len(CONTENT)}-")).status_code == 416
        assert site.realm.asked == [100, 0, 0, 0, 0, 0]

    on(tmp_path, test)


def test_nothing_of_one_tab_is_at_the_address_of_another(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        where = address(site.tab, Save(FOTO))
        code = where.rpartition(".")[2]
        for wrong in (f"{site.other.name}.{code}", f"{site.tab.name}.{code}x", f"{'0' * 32}.{code}", code, f".{code}"):
            assert (await site.get(f"{PREFIX}/{wrong}")).status_code == 404
        assert SECRET not in where
        site.log_out()
        assert (await site.get(where)).status_code == 404
        site.tab.chat = cast("Any", Chat(site.realm))
        assert (await site.get(where)).status_code == 404
        assert (await site.get(address(site.tab, Save(FOTO)))).status_code == 200

    on(tmp_path, test)


@pytest.mark.parametrize("sent", [CONTENT[:-1] + b"?", CONTENT[::-1]])
def test_what_is_not_the_file_does_not_arrive_whole(tmp_path: Path, sent: bytes) -> None:
    async def test(site: Site) -> None:
        body = b""
        with pytest.raises((httpx.HTTPError, AssertionError)):  # the application ends without its end
            async with site.client.stream("GET", address(site.tab, Save(FOTO))) as answer:
                async for part in answer.aiter_bytes():
                    body += part
        assert len(body) < len(CONTENT)
        assert site.realm.open == 0

    on(tmp_path, test, Realm(sent))


def test_a_small_file_that_is_not_the_announced_one_is_refused(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        assert (await site.get(address(site.tab, Save(file_of(b"abc"))))).status_code == 503

    on(tmp_path, test, Realm(b"abd"))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AnswerError.of(Code.FILE_NOT_FOUND), 404),
        (NoAnswerError("no answer"), 503),
        (ClosedError("closed"), 503),
    ],
)
def test_what_the_realm_does_not_give_is_told_by_a_status(tmp_path: Path, error: Exception, status: int) -> None:
    async def test(site: Site) -> None:
        for purpose in (Save(FOTO), Look(FOTO, small=True), Look(FOTO, small=False)):
            assert (await site.get(address(site.tab, purpose))).status_code == status

    on(tmp_path, test, Realm(b"", error))


def test_pictures_are_shown_small_and_whole(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        small = await site.get(address(site.tab, Look(FOTO, small=True)))
        assert (small.content, small.headers["content-type"]) == (SMALL, "image/webp")
        whole = await site.get(address(site.tab, Look(FOTO, small=False)))
        assert (whole.content, whole.headers["content-type"]) == (CONTENT, "image/jpeg")
        assert whole.headers["content-disposition"].startswith("inline;")
        assert_safe(small, "private, max-age=3600")
        assert_safe(whole)

    on(tmp_path, test)


@pytest.mark.parametrize(
    "file",
    [
        file_of(media_type="image/svg+xml"),
        file_of(media_type="text/html"),
        file_of(media_type="application/pdf"),
        structs.replace(FOTO, size=MAX_PICTURE + 1),
    ],
    ids=lambda file: file.media_type,
)
def test_nothing_else_is_shown_in_a_browser(tmp_path: Path, file: File) -> None:
    async def test(site: Site) -> None:
        assert (await site.get(address(site.tab, Look(file, small=False)))).status_code == 404
        assert site.realm.asked == []

    on(tmp_path, test)


def test_a_browser_that_leaves_ends_what_was_fetched_for_it(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        left, sent = asyncio.Event(), list[bytes]()

        async def receive() -> dict[str, Any]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.body":
                sent.append(message["body"])
                left.set()
                await asyncio.Event().wait()  # nobody reads any more

        await answer_to(site)({"type": "http"}, receive, send)
        assert sent == [CONTENT[:PART]]
        assert site.realm.open == 0

    on(tmp_path, test)


def test_memory_is_bounded_whatever_the_size(tmp_path: Path) -> None:
    size, block = 64 << 20, bytes(PART)
    large = structs.replace(FOTO, size=size, digest=hashlib.sha256(bytes(size)).digest())

    class Endless(Realm):
        async def chunks(self, _file: File, offset: int = 0) -> AsyncGenerator[bytes]:
            for _ in range(offset, size, PART):
                yield bytes(PART)

    async def test(site: Site) -> None:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(0, size, PART):
                yield block

        spool = site.tab.spools.make("large", size)
        received = 0

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            return {}

        async def send(message: Any) -> None:
            nonlocal received
            received += len(message.get("body", b""))

        tracemalloc.start()
        try:
            await spool.take(parts(), site.tell)
            await answer_to(site, large)({"type": "http"}, receive, send)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert (spool.is_here, received) == (True, size)
        assert peak < 8 << 20

    on(tmp_path, test, Endless())


def test_an_address_that_was_to_be_used_soon_expires(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        now = 0.0
        site.tab.tickets._clock = lambda: now
        save = address(site.tab, Save(FOTO))
        assert (await site.get(save)).status_code == 200
        now = Save.lasts
        assert (await site.get(save)).status_code == 404

    on(tmp_path, test)


def test_an_address_is_good_as_long_as_something_comes_from_there(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        now = 0.0
        site.tab.tickets._clock = lambda: now
        save = address(site.tab, Save(FOTO))
        now = Save.lasts - 1
        assert (await site.get(save)).status_code == 200
        now = 2 * Save.lasts - 2
        assert (await site.get(save)).status_code == 200

    on(tmp_path, test)


def test_who_comes_back_to_the_session_goes_on_with_a_download(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        site.tab.logged_in(Door("127.0.0.1", 8889))
        where, chat = address(site.tab, Save(FOTO)), site.tab.chat
        await site.tab.hang_up()
        answer = await site.get(where, range="bytes=100-")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), "a browser may try again"
        site.tab.chat = chat
        assert (await site.get(where, range="bytes=100-")).content == CONTENT[100:]
        await site.tab.hang_up()
        site.log_out()
        assert (await site.get(where)).status_code == 404

    on(tmp_path, test)


def test_what_a_page_says_of_files_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "STALL_S", 0.05)

    async def test(site: Site) -> None:
        async def parts() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.Event().wait()

        answer = await site.client.post(PREFIX, content=parts(), headers={TAB_HEADER: SECRET})
        assert (answer.status_code, answer.headers["connection"]) == (408, "close")

    on(tmp_path, test)
