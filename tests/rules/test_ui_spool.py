"""Files from a browser: they wait in the tab's folder, whole or not at all, and leave nothing behind."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from client.errors import LocalFileError
from client.model.attached import Loss
from client.ui import spool as module
from client.ui.spool import AT_ONCE, BLOCK, MAX_FILE, MAX_HELD, Spool, Spools

CONTENT = os.urandom(3 * BLOCK + 17)
PATIENCE = 30


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(PATIENCE):
            await test()

    asyncio.run(within())


async def in_parts(content: bytes, length: int = 65_536, error: Exception | None = None) -> AsyncIterator[bytes]:
    for begin in range(0, len(content), length):
        yield content[begin : begin + length]
    if error is not None:
        raise error


def never() -> None:
    """Nobody watches."""


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("content", [b"", b"x", CONTENT[:BLOCK], CONTENT], ids=len)
def test_what_comes_is_what_waits(tmp_path: Path, content: bytes) -> None:
    async def test() -> None:
        spool = Spools(tmp_path / "files").make("../../etc/passwd", len(content))
        grown: list[int] = []
        await spool.take(in_parts(content), lambda: grown.append(spool.held))
        path = await spool.whole()
        assert path.read_bytes() == content
        assert path.parent == tmp_path / "files"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700
        assert grown == sorted(grown)
        assert (spool.is_here, spool.loss, grown[-1]) == (True, None, len(content))
        spool.remove()
        assert not files(tmp_path)

    run(test)


@pytest.mark.parametrize("size", [len(CONTENT) - 1, len(CONTENT) + 1, BLOCK, 0])
def test_another_size_than_was_said_is_not_kept(tmp_path: Path, size: int) -> None:
    async def test() -> None:
        spool = Spools(tmp_path).make("a", size)
        waiting = asyncio.create_task(spool.whole())
        with pytest.raises(LocalFileError, match="longer" if size < len(CONTENT) else "shorter"):
            await spool.take(in_parts(CONTENT), never)
        with pytest.raises(LocalFileError, match="whole"):
            await waiting
        assert spool.loss is Loss.CUT
        assert not files(tmp_path)

    run(test)


def test_a_page_that_leaves_leaves_nothing(tmp_path: Path) -> None:
    async def test() -> None:
        spool = Spools(tmp_path).make("a", len(CONTENT))
        with pytest.raises(RuntimeError, match="gone"):
            await spool.take(in_parts(CONTENT[:-9], error=RuntimeError("gone")), never)
        assert (spool.loss, files(tmp_path)) == (Loss.CUT, [])

    run(test)


def test_one_that_is_removed_while_it_comes_does_not_come_on(tmp_path: Path) -> None:
    async def test() -> None:
        spools = Spools(tmp_path)
        spool, read = spools.make("a", len(CONTENT)), 0

        async def parts() -> AsyncIterator[bytes]:
            nonlocal read
            async for part in in_parts(CONTENT):
                read += len(part)
                if read > BLOCK:
                    spools.clear()
                yield part

        with pytest.raises(LocalFileError, match="not wanted"):
            await spool.take(parts(), never)
        assert read <= 3 * BLOCK
        assert not files(tmp_path)

    run(test)


def test_one_that_was_removed_before_it_came_is_not_made(tmp_path: Path) -> None:
    async def test() -> None:
        spools = Spools(tmp_path)
        spool = spools.make("a", len(CONTENT))
        spools.clear()
        with pytest.raises(LocalFileError):
            await spool.take(in_parts(CONTENT), never)
        assert not files(tmp_path)

    run(test)


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def write(self, _data: bytes) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            """Nothing to close."""

    async def test() -> None:
        spool = Spools(tmp_path).make("a", 3)
        monkeypatch.setattr(spool, "_create", Full)
        with pytest.raises(LocalFileError, match="No space"):
            await spool.take(in_parts(b"abc"), never)
        assert spool.loss is Loss.NO_ROOM

    run(test)


def test_no_more_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARED", 0)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2 * MAX_HELD))
    spools = Spools(tmp_path)
    assert spools.make("a", MAX_FILE + 1).loss is Loss.TOO_LARGE
    held = [spools.make("a", MAX_FILE) for _ in range(MAX_HELD // MAX_FILE)]
    assert [one.loss for one in held] == [None] * len(held)
    assert spools.make("a", 1).loss is Loss.NO_ROOM
    held[0].remove()
    assert spools.make("a", 1).loss is None
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000))
    assert spools.make("a", 1_001).loss is Loss.NO_ROOM
    assert spools.make("a", 1_000).loss is None


def test_no_more_at_once_than_a_tab_may_have(tmp_path: Path) -> None:
    spools = Spools(tmp_path)
    assert [spools.make("a", 1).loss for _ in range(AT_ONCE + 1)] == [None] * AT_ONCE + [Loss.NO_ROOM]


def test_a_persons_own_file_is_never_removed(tmp_path: Path) -> None:
    own = tmp_path / "foto.jpg"
    own.write_bytes(b"abc")

    async def test() -> None:
        spool = Spool.of_own(own, "foto.jpg", 3)
        assert await spool.whole() == own
        spool.remove()
        assert own.read_bytes() == b"abc"
        with pytest.raises(LocalFileError):
            await spool.whole()

    run(test)


class Seen(NamedTuple):
    held: int
    sent: int
    percent: int


@pytest.mark.parametrize(
    "seen", [Seen(0, 0, 0), Seen(100, 0, 50), Seen(200, 0, 0), Seen(200, 50, 25), Seen(200, 200, 100)]
)
def test_how_far_it_is(seen: Seen) -> None:
    spool = Spool(Path("x"), "a", 200)
    spool.held, spool.sent = seen.held, seen.sent
    assert spool.percent == seen.percent
