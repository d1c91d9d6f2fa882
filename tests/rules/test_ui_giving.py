"""Who does not read what is given, leaves, or asks for too much of it: at a real server, for its buffers count too."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from msgspec import structs

from client.errors import NoAnswerError
from client.ui.files import PREFIX, TAB_HEADER, address, bring_address
from client.ui.running import AT_ONCE, FULL, SMALL_LANES, TOO_MANY
from client.ui.spool import State
from client.ui.tickets import Look, Save
from schemas.entries import File
from tests.rules.test_ui_files import CONTENT, FOTO, HOST, PART, SECRET, SMALL, Realm, Site, on, served

LARGE = 32 << 20


class Unread(Realm):
    """It has a file that is larger than what a system holds for a reader."""

    def __init__(self) -> None:
        super().__init__()
        self.held = asyncio.Event()

    async def chunks(self, _file: File, offset: int = 0) -> AsyncGenerator[bytes]:
        self.open += 1
        try:
            for _ in range(offset, LARGE, PART):
                yield bytes(PART)
        finally:
            self.open -= 1

    async def thumbnail(self, _file: str) -> bytes:
        self.open += 1
        try:
            await self.held.wait()
        finally:
            self.open -= 1
        return SMALL


Raw = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def asks(listening: tuple[str, int], where: str) -> Raw:
    """Ask, and read nothing that is not asked for."""
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    own.connect(listening)
    reader, writer = await asyncio.open_connection(sock=own, limit=4_096)
    writer.write(f"GET {where} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    return reader, writer


async def status(raw: Raw) -> int:
    return int((await raw[0].readline()).split()[1])


async def length_of(raw: Raw) -> int:
    """Bytes of an answer that come until the connection ends."""
    await raw[0].readuntil(b"\r\n\r\n")
    length = 0
    while part := await raw[0].read(PART):
        length += len(part)
    return length


async def until(true: Callable[[], bool]) -> None:
    """What ends is seen nowhere else."""
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def large(site: Site) -> str:
    return address(site.tab, Save(structs.replace(FOTO, size=LARGE)))


def leave_all(asked: list[Raw]) -> None:
    for _, writer in asked:
        writer.transport.abort()


def test_what_nobody_reads_ends_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("client.ui.giving.STALL_S", 0.3)

    async def test(site: Site) -> None:
        async with served(site) as listening:
            asked = [await asks(listening, large(site))]
            assert await status(asked[0]) == 200
            assert site.realm.open == 1
            await until(lambda: site.realm.open == 0)
            await until(lambda: not site.tab.running.is_saving)
            leave_all(asked)

    on(tmp_path, test, Unread())
    assert not caplog.records, "that is no error"


@pytest.mark.parametrize("how", ["hang_up", "log_out"])
def test_what_a_browser_is_being_given_ends_with_the_session(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(site: Site) -> None:
        async with served(site) as listening:
            asked = [await asks(listening, large(site))]
            assert await status(asked[0]) == 200
            if how == "hang_up":
                await site.tab.hang_up()
            else:
                site.log_out()
            await until(lambda: site.realm.open == 0)
            assert 0 < await length_of(asked[0]) < LARGE
            leave_all(asked)

    on(tmp_path, test, Unread())
    assert not caplog.records


def test_a_tab_is_given_so_many_files_at_once_and_the_process_so_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(site: Site) -> None:
        async with served(site) as listening:
            asked = [await asks(listening, large(site)) for _ in range(AT_ONCE)]
            assert [await status(one) for one in asked] == [200] * AT_ONCE
            refused = await asks(listening, large(site))
            assert await status(refused) == TOO_MANY
            other = address(site.other, Save(structs.replace(FOTO, size=LARGE)))
            free = await asks(listening, other)
            assert await status(free) == 200, "another tab has its own"
            monkeypatch.setattr("client.ui.running.IN_ALL", AT_ONCE + 1)
            full = await asks(listening, other)
            assert await status(full) == FULL
            leave_all([*asked, refused, free, full])
            await until(lambda: site.realm.open == site.tabs.crowd.files == 0)

    on(tmp_path, test, Unread())


def test_a_room_of_small_pictures_is_shown_beside_what_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    realm = Unread()

    async def test(site: Site) -> None:
        async with served(site) as listening:
            saves = [await asks(listening, large(site)) for _ in range(AT_ONCE)]
            looks = [structs.replace(FOTO, id=f"F{number}") for number in range(5 * SMALL_LANES)]
            shown = [await asks(listening, address(site.tab, Look(one, small=True))) for one in looks]
            await until(lambda: realm.open == AT_ONCE + SMALL_LANES)
            monkeypatch.setattr("client.ui.running.SMALL", len(shown))
            more = await asks(listening, address(site.tab, Look(FOTO, small=True)))
            assert await status(more) == TOO_MANY
            realm.held.set()
            assert [await status(one) for one in shown] == [200] * len(shown)
            leave_all([*saves, *shown, more])
            await until(lambda: site.tabs.crowd.files == site.tabs.crowd.small == 0)

    on(tmp_path, test, realm)


def test_who_leaves_before_anything_comes_is_not_fetched_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    realm = Unread()

    async def test(site: Site) -> None:
        async with served(site) as listening:
            _, writer = await asks(listening, address(site.tab, Look(FOTO, small=True)))
            await until(lambda: realm.open == 1)
            writer.close()
            await until(lambda: realm.open == 0)

    on(tmp_path, test, realm)
    assert not caplog.records


def test_what_the_realm_cuts_is_cut_quietly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test(site: Site) -> None:
        async with served(site) as listening:
            raw = await asks(listening, address(site.tab, Save(FOTO)))
            assert await status(raw) == 200
            assert 0 < await length_of(raw) < len(CONTENT)
            leave_all([raw])

    on(tmp_path, test, Realm(CONTENT[:-1], NoAnswerError("no answer")))
    assert not caplog.records


def test_the_end_of_the_process_is_quiet_while_files_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("client.ui.hangup.LAST_S", 0.2)
    asked: list[Raw] = []

    async def test(site: Site) -> None:
        async with served(site) as listening:
            spool = site.tab.spools.make("large", 4 << 30)
            asked.append(await asks(listening, large(site)))
            assert await status(asked[0]) == 200
            for head in (f"PUT {bring_address(site.tab, spool)}", f"POST {PREFIX}"):
                said = (
                    f"{head} HTTP/1.1\r\nHost: {HOST}\r\n{TAB_HEADER}: {SECRET}\r\nContent-Length: {spool.size}\r\n\r\n"
                )
                asked.append(await asyncio.open_connection(*listening))
                asked[-1][1].write(said.encode() + b"{")
            await until(lambda: spool.state is State.COMING)
        leave_all(asked)

    on(tmp_path, test, Unread())
    assert not caplog.records
