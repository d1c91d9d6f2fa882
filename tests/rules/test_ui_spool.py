"""Files from a browser: they wait in the tab's folder, whole or not at all, and leave nothing behind."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from client.errors import LocalFileError
from client.model.attached import Loss
from client.ui import pace
from client.ui.pace import CREDIT_S, STALL_S
from client.ui.space import LEAST, Space
from client.ui.spool import AT_ONCE, BEGIN_S, BLOCK, MAX_FILE, MAX_HELD, QUIET_S, LostError, Spool, Spools, State
from tests.rules import virtual_time

CONTENT = os.urandom(3 * BLOCK + 17)
PATIENCE = 30
PLENTY = 1 << 50


class Site:
    """The files of one tab, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "files"
        self.space = Space(folder, PLENTY)
        self.told = 0
        self.spools = Spools(self.folder, self.space, self._tell)

    def _tell(self) -> None:
        self.told += 1

    def files(self) -> list[Path]:
        """What is on the disk once all is removed that is to be."""
        self.space.settle()
        return [path for path in self.folder.rglob("*") if path.is_file()]


def on(folder: Path, test: Callable[[Site], Coroutine[Any, Any, None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(PATIENCE):
            await test(Site(folder))

    asyncio.run(within())


def in_virtual_time(folder: Path, test: Callable[[Site], Coroutine[Any, Any, None]]) -> None:
    """Nothing is written there: threads need real time."""
    virtual_time.run(test(Site(folder)))


async def in_parts(content: bytes, length: int = 65_536, error: Exception | None = None) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), length):
        yield content[begin : begin + length]
    if error is not None:
        raise error


async def silent() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.Event().wait()


def never() -> None:
    """Nobody watches."""


def is_promised(space: Space) -> bool:
    """Whether any room is kept for anything."""
    return (space._promised, space._written) != (0, 0)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT[:BLOCK], CONTENT], ids=len)
def test_what_comes_is_what_waits(tmp_path: Path, content: bytes) -> None:
    async def test(site: Site) -> None:
        spool = site.spools.make("../../etc/passwd", len(content))
        assert spool.state is State.EXPECTED
        grown: list[tuple[int, bool]] = []
        await spool.take(in_parts(content), lambda: grown.append((spool.held, spool.state is State.HERE)))
        path = await spool.whole()
        assert path.read_bytes() == content
        assert path.parent == site.folder
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert grown == sorted(grown)
        assert len(grown) == len(content) // BLOCK + 1, "as it grows, and at the end"
        assert grown[-1] == (len(content), True), "the last that is told is that it is here"
        assert (spool.is_here, spool.loss) == (True, None)
        assert is_promised(site.space)
        spool.remove()
        assert site.files() == []
        assert (spool.is_here, spool.loss, spool.state) == (True, None, State.REMOVED), "that is no loss"
        assert not is_promised(site.space)

    on(tmp_path, test)


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1, BLOCK, 0])
def test_another_size_than_was_said_is_not_kept(tmp_path: Path, size: int) -> None:
    async def test(site: Site) -> None:
        spool = site.spools.make("a", size)
        waiting = asyncio.create_task(spool.whole())
        with pytest.raises(LocalFileError, match="longer" if size < len(CONTENT) else "shorter"):
            await spool.take(in_parts(CONTENT), never)
        with pytest.raises(LostError, match="whole"):
            await waiting
        assert spool.loss is Loss.CUT
        assert site.files() == []
        assert not is_promised(site.space)

    on(tmp_path, test)


def test_a_page_that_leaves_leaves_nothing(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        spool = site.spools.make("a", len(CONTENT))
        with pytest.raises(RuntimeError, match="gone"):
            await spool.take(in_parts(CONTENT[:-9], error=RuntimeError("gone")), never)
        assert (spool.loss, site.files()) == (Loss.CUT, [])

    on(tmp_path, test)


def test_one_that_is_removed_while_it_comes_does_not_come_on(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        spool, read = site.spools.make("a", len(CONTENT)), 0

        async def parts() -> AsyncIterator[bytes]:
            nonlocal read
            async for part in in_parts(CONTENT):
                read += len(part)
                if read > BLOCK:
                    site.spools.clear()
                yield part

        with pytest.raises(LocalFileError, match="not wanted"):
            await spool.take(parts(), never)
        assert read <= 2 * BLOCK
        assert site.files() == []
        assert not is_promised(site.space)

    on(tmp_path, test)


def test_one_that_is_removed_ends_at_once_though_nothing_comes(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        spool = site.spools.make("a", len(CONTENT))
        loop = asyncio.get_running_loop()
        began = loop.time()
        loop.call_later(0.1, spool.remove)
        with pytest.raises(LocalFileError, match="not wanted"):
            await spool.take(silent(), never)
        assert loop.time() - began < STALL_S / 10
        assert site.files() == []

    on(tmp_path, test)


def test_one_that_does_not_come_on_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "STALL_S", 0.05)

    async def test(site: Site) -> None:
        spool = site.spools.make("a", len(CONTENT))
        with pytest.raises(LocalFileError, match="not come on"):
            await spool.take(silent(), never)
        assert spool.loss is Loss.CUT

    on(tmp_path, test)


def test_one_that_comes_too_slowly_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One byte now and then would hold the room of all of it."""

    async def test(site: Site) -> None:
        spool, behind = site.spools.make("a", MAX_FILE), site.spools.make("b", MAX_FILE)
        in_memory(spool, monkeypatch)

        async def trickle() -> AsyncIterator[bytes]:
            while True:
                yield b"x"
                await asyncio.sleep(STALL_S - 1)

        with pytest.raises(LocalFileError, match="not come on"):
            await spool.take(trickle(), never)
        assert STALL_S <= virtual_time.now() <= 2 * STALL_S
        with pytest.raises(LostError):
            await behind.whole()
        assert virtual_time.now() <= 2 * STALL_S + BEGIN_S
        assert site.files() == []
        assert not is_promised(site.space)

    in_virtual_time(tmp_path, test)


def test_what_came_fast_gives_it_no_time_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        spool = site.spools.make("a", MAX_FILE)
        in_memory(spool, monkeypatch)

        async def burst() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield bytes(BLOCK)
            while True:
                yield b"x"
                await asyncio.sleep(STALL_S / 2)

        with pytest.raises(LocalFileError, match="not come on"):
            await spool.take(burst(), never)
        assert virtual_time.now() <= CREDIT_S + STALL_S

    in_virtual_time(tmp_path, test)


def test_one_that_comes_just_fast_enough_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        spool = site.spools.make("a", 40 * BLOCK)
        in_memory(spool, monkeypatch)

        async def parts() -> AsyncIterator[bytes]:
            for _ in range(40):
                await asyncio.sleep(STALL_S - 1)
                yield bytes(BLOCK)

        await spool.take(parts(), never)
        assert spool.is_here

    in_virtual_time(tmp_path, test)


def test_what_is_gathered_is_written_when_nothing_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else many that stall would each hold almost a block of memory."""

    async def test(site: Site) -> None:
        spool, held = site.spools.make("a", 2 * BLOCK), list[int]()
        in_memory(spool, monkeypatch)

        async def parts() -> AsyncIterator[bytes]:
            yield bytes(BLOCK - 1)
            held.append(spool.held)
            await asyncio.sleep(QUIET_S + 0.1)
            held.append(spool.held)
            yield bytes(BLOCK + 1)

        await spool.take(parts(), never)
        assert held == [0, BLOCK - 1]
        assert spool.is_here

    in_virtual_time(tmp_path, test)


def in_memory(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written to nowhere, without a thread."""

    async def here(work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    class Nowhere:
        def write(self, data: memoryview) -> int:
            return len(data)

        def close(self) -> None:
            """Nothing to close."""

    monkeypatch.setattr("client.ui.spool.in_thread", here)
    monkeypatch.setattr(spool, "_create", Nowhere)


def test_what_is_lost_or_removed_or_here_is_not_taken(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        removed, lost, here = (site.spools.make("a", 3) for _ in range(3))
        await here.take(in_parts(b"abc"), never)
        removed.remove()
        lost.lose(Loss.CUT)
        here_is = await here.whole()
        for spool in (removed, lost, here):
            with pytest.raises(LocalFileError, match="not wanted"):
                await spool.take(in_parts(b"xyz"), never)
        assert site.files() == [here_is], "nor is a file made for it"
        assert here_is.read_bytes() == b"abc"

    on(tmp_path, test)


@pytest.mark.parametrize(
    ("number", "loss"),
    [
        (errno.ENOSPC, Loss.NO_ROOM),
        (errno.EDQUOT, Loss.NO_ROOM),
        (errno.EIO, Loss.BROKEN),
        (errno.EACCES, Loss.BROKEN),
    ],
)
def test_a_disk_that_does_not_take_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, loss: Loss
) -> None:
    class Full:
        def write(self, _data: bytes) -> int:
            raise OSError(number, os.strerror(number))

        def close(self) -> None:
            """Nothing to close."""

    async def test(site: Site) -> None:
        spool = site.spools.make("a", 3)
        monkeypatch.setattr(spool, "_create", Full)
        with pytest.raises(LocalFileError, match=os.strerror(number)):
            await spool.take(in_parts(b"abc"), never)
        with pytest.raises(LostError) as lost:
            await spool.whole()
        assert (spool.loss, lost.value.loss) == (loss, loss)

    on(tmp_path, test)


# how long one is waited for


def test_what_its_page_never_sends_is_lost_in_the_end(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        spool = site.spools.make("a", 3)
        with pytest.raises(LostError):
            await spool.whole()
        assert virtual_time.now() == BEGIN_S
        assert spool.loss is Loss.CUT
        assert site.told == 1, "the window has it drawn"
        assert not is_promised(site.space)

    in_virtual_time(tmp_path, test)


def test_a_file_waits_as_long_as_its_page_sends_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(site: Site) -> None:
        first, second = site.spools.make("first", 3), site.spools.make("second", 3)
        held = asyncio.Event()

        async def fill(*_: object) -> None:
            await held.wait()

        monkeypatch.setattr(first, "_fill", fill)
        taking = asyncio.create_task(first.take(in_parts(b"abc"), never))
        await asyncio.sleep(100 * BEGIN_S)
        assert second.state is State.EXPECTED
        held.set()
        await taking
        await asyncio.sleep(BEGIN_S - 1)
        assert second.state is State.EXPECTED, "from then on it has its time"
        await asyncio.sleep(2)
        assert second.loss is Loss.CUT

    in_virtual_time(tmp_path, test)


def test_what_a_page_has_begun_to_send_goes_on_without_it(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        begun, waiting = site.spools.make("begun", 3), site.spools.make("waiting", 3)

        async def parts() -> AsyncIterator[bytes]:
            yield b"ab"
            site.spools.page_left()
            yield b"c"

        await begun.take(parts(), never)
        site.spools.page_left()
        assert (begun.state, waiting.state) == (State.HERE, State.LOST)
        assert site.told == 2

    on(tmp_path, test)


def test_a_code_finds_what_may_still_be_brought(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        first, second = site.spools.make("first", 3), site.spools.make("second", 3)
        assert site.spools.find(first.code) is first
        assert site.spools.find(second.code) is second
        assert site.spools.find(second.code[:-1]) is None
        assert len(first.code) >= 32
        assert first.code not in str(first.path)

        async def parts() -> AsyncIterator[bytes]:
            assert site.spools.find(first.code) is first, "it may be given up while it comes"
            yield b"abc"

        await first.take(parts(), never)
        second.remove()
        assert site.spools.find(first.code) is None, "what is here is nobody's to take back"
        assert site.spools.find(second.code) is None

    on(tmp_path, test)


# how much


def test_no_more_than_a_tab_may_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.ui.space.SPARED", -PLENTY)

    async def test(site: Site) -> None:
        assert site.spools.make("a", MAX_FILE + 1).loss is Loss.TOO_LARGE
        held = [site.spools.make("a", MAX_FILE) for _ in range(MAX_HELD // MAX_FILE)]
        assert [one.loss for one in held] == [None] * len(held)
        assert site.spools.make("a", 1).loss is Loss.NO_ROOM
        held[0].remove()
        assert site.spools.make("a", 1).loss is None
        site.spools.clear()
        assert not is_promised(site.space)

    on(tmp_path, test)


def test_a_tab_gets_a_part_of_what_is_free_at_the_time(tmp_path: Path) -> None:
    async def test(_: Site) -> None:
        space = Space(tmp_path, 64 * LEAST)
        one, other = Spools(tmp_path / "one", space), Spools(tmp_path / "other", space)
        assert [one.make("a", 8 * LEAST).loss for _ in range(3)] == [None, None, Loss.NO_ROOM]
        assert other.make("a", 13 * LEAST).loss is Loss.NO_ROOM
        assert other.make("a", 12 * LEAST).loss is None
        for spools in (one, other):
            spools.clear()

    on(tmp_path, test)


def test_no_more_at_once_than_a_tab_may_have(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        made = [site.spools.make("a", 1) for _ in range(AT_ONCE + 1)]
        assert [one.loss for one in made] == [None] * AT_ONCE + [Loss.NO_ROOM]

    on(tmp_path, test)


def test_one_that_is_given_up_counts_until_it_comes_no_more(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        others = [site.spools.make("a", 1) for _ in range(AT_ONCE - 1)]
        spool = site.spools.make("a", len(CONTENT))

        async def parts() -> AsyncIterator[bytes]:
            yield CONTENT[:BLOCK]
            yield CONTENT[BLOCK : 2 * BLOCK]
            spool.remove()
            assert site.spools.make("a", 1).loss is Loss.NO_ROOM
            assert site.space._written == 2 * BLOCK
            yield CONTENT[2 * BLOCK :]

        with pytest.raises(LocalFileError):
            await spool.take(parts(), never)
        assert site.files() == []
        assert site.spools.make("a", 1).loss is None
        assert len(others) == AT_ONCE - 1

    on(tmp_path, test)


def test_what_is_given_up_is_not_on_the_loop_to_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To remove some gigabytes takes a while, in which nobody else would be served."""

    where: list[str] = []
    unlink = Path.unlink

    def noted(path: Path, missing_ok: bool = False) -> None:
        where.append(threading.current_thread().name)
        unlink(path, missing_ok)

    async def test(site: Site) -> None:
        spool = site.spools.make("a", 3)
        await spool.take(in_parts(b"abc"), never)
        monkeypatch.setattr(Path, "unlink", noted)
        spool.remove()
        assert not spool.takes_room
        assert site.files() == []
        assert len(where) == 1
        assert where[0] != threading.main_thread().name

    on(tmp_path, test)


# those that are no browser's


def test_a_persons_own_file_is_never_removed(tmp_path: Path) -> None:
    own = tmp_path / "foto.jpg"
    own.write_bytes(b"abc")

    async def test(site: Site) -> None:
        spool = Spool.of_own(own, "foto.jpg", 3)
        assert await spool.whole() == own
        spool.remove()
        assert site.files() == []
        assert own.read_bytes() == b"abc"
        with pytest.raises(LocalFileError):
            await spool.whole()

    on(tmp_path, test)


class Seen(NamedTuple):
    held: int
    read: int
    sent: int
    doing: str
    percent: int


@pytest.mark.parametrize(
    "seen",
    [
        Seen(0, 0, 0, "reading", 0),
        Seen(100, 0, 0, "reading", 50),
        Seen(200, 0, 0, "sending", 0),
        Seen(200, 50, 0, "reading", 25),
        Seen(200, 200, 0, "sending", 0),
        Seen(200, 200, 50, "sending", 25),
        Seen(200, 200, 200, "sending", 100),
        Seen(200, 200, 300, "sending", 100),
    ],
)
def test_how_far_it_is(seen: Seen) -> None:
    spool = Spool(Path("x"), "a", 200)
    spool.held, spool.read, spool.sent = seen.held, seen.read, seen.sent
    assert ("reading" if spool.is_being_read else "sending", spool.percent) == (seen.doing, seen.percent)
