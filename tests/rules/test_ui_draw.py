"""What fails on a page is told and logged, and takes nothing else along."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import flet as ft
import pytest

from client.errors import ClientError, UsageError
from client.ui.draw import _guarded, handler

Work = Callable[[Any], Awaitable[None] | None]


def told_by(work: Work, event: object = None) -> list[ClientError | None]:
    """What `failed` is told when this handler has an event."""
    told: list[ClientError | None] = []
    asyncio.run(_await(handler(work, told.append)(event)))
    return told


async def _await(done: Awaitable[None]) -> None:
    await done


def sync(error: BaseException | None = None) -> Work:
    def work(_event: object) -> None:
        if error is not None:
            raise error

    return work


def late(error: BaseException | None = None) -> Work:
    async def work(_event: object) -> None:
        await asyncio.sleep(0)
        if error is not None:
            raise error

    return work


BOTH = pytest.mark.parametrize("kind", [sync, late])


@BOTH
def test_what_a_person_can_be_told(kind: Callable[..., Work], caplog: pytest.LogCaptureFixture) -> None:
    error = UsageError("a name is missing")
    with caplog.at_level(logging.DEBUG):
        assert told_by(kind(error)) == [error]
    assert "a name is missing" not in caplog.text


@BOTH
def test_what_nobody_expected_is_logged(kind: Callable[..., Work], caplog: pytest.LogCaptureFixture) -> None:
    assert told_by(kind(ZeroDivisionError("by nothing"))) == [None]
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("client.ui.draw", logging.ERROR)
    assert "by nothing" in caplog.text


@BOTH
def test_what_works_tells_nothing(kind: Callable[..., Work], caplog: pytest.LogCaptureFixture) -> None:
    assert told_by(kind()) == []
    assert not caplog.records


@BOTH
def test_the_end_of_a_window_is_no_failure(kind: Callable[..., Work]) -> None:
    with pytest.raises(asyncio.CancelledError):
        told_by(kind(asyncio.CancelledError()))


def test_a_handler_has_the_event_and_is_awaited_to_its_end() -> None:
    seen: list[object] = []

    async def work(event: object) -> None:
        await asyncio.sleep(0)
        seen.append(event)

    told_by(work, "event")
    told_by(seen.append, "another")
    assert seen == ["event", "another"]


def test_what_cannot_be_drawn_is_a_mark(caplog: pytest.LogCaptureFixture) -> None:
    @_guarded
    def picture(name: str, *, size: int) -> ft.Control:
        """A picture."""
        raise KeyError(f"{name} {size}")

    drawn = picture("messi", size=3)
    assert isinstance(drawn, ft.Icon)
    assert "picture could not be drawn" in caplog.text
    assert "messi 3" in caplog.text
    assert picture.__doc__ == "A picture."


def test_what_can_be_drawn_is_drawn(caplog: pytest.LogCaptureFixture) -> None:
    text = ft.Text("halo")
    assert _guarded(lambda: text)() is text
    assert not caplog.records
