"""A window without a page: what is pressed twice, and what is done as nobody is logged in any more."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import flet as ft
import pytest

from client.dial import Address
from client.ui.chat import Chat
from client.ui.draw import Handler, LoggedOutError
from client.ui.tabs import Tabs
from client.ui.visits import Visit
from client.ui.window import Window

SECRET = "0123456789abcdef" * 2


def in_window(folder: Path, test: Callable[[Window], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        tabs = Tabs(folder, Address("127.0.0.1", 8889))
        try:
            page = cast("ft.Page", SimpleNamespace(route="/", width=1280))
            await test(Window(page, tabs.enter(SECRET), Visit(SECRET, "en", UTC, "")))
        finally:
            await tabs.close()

    asyncio.run(run())


class Deeds:
    """What is done as often as it is let, once somebody says so."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()

    def drawn(self) -> Callable[[], Coroutine[Any, Any, None]]:
        """A function that each drawing makes anew."""

        async def do() -> None:
            self.begun += 1
            await self.go.wait()

        return do

    async def twice(self, *handlers: Handler) -> int:
        """How often it was begun by all of them at once."""
        pressed = [asyncio.ensure_future(handler(None)) for handler in handlers]
        await asyncio.sleep(0)  # each has begun now
        self.go.set()
        await asyncio.gather(*pressed)
        return self.begun


def test_what_is_under_way_is_not_begun_again(tmp_path: Path) -> None:
    async def test(window: Window) -> None:
        deeds = Deeds()
        field, button = window.press(deeds.drawn()), window.press(deeds.drawn())
        assert await deeds.twice(field, button) == 1
        await button(None)
        assert deeds.begun == 2, "once it is done it can be done again"

    in_window(tmp_path, test)


def test_lambdas_are_told_apart_by_what_they_do(tmp_path: Path) -> None:
    async def test(window: Window) -> None:
        for first, second, begun in (("a", "a", 1), ("a", "b", 2), (None, None, 2)):
            deeds = Deeds()
            do = deeds.drawn()
            handlers = [window.press(lambda: do(), once) for once in (first, second)]  # noqa: B023
            assert await deeds.twice(*handlers) == begun

    in_window(tmp_path, test)


def test_what_failed_can_be_done_again(tmp_path: Path) -> None:
    async def test(window: Window) -> None:
        async def fail() -> None:
            raise RuntimeError

        for _ in range(2):
            window.say("")
            await window.press(fail)(None)
            assert window.notice == window.words.wrong

    in_window(tmp_path, test)


def test_what_is_done_just_as_a_session_ends_is_no_error(tmp_path: Path) -> None:
    async def test(window: Window) -> None:
        async def look() -> None:
            assert window.desk

        with pytest.raises(LoggedOutError):
            assert window.desk
        assert not window.is_logged_in
        await window.press(look)(None)
        assert window.notice == ""

    in_window(tmp_path, test)


class Looked:
    """A chat and its desk, of which is asked what somebody looks at."""

    def __init__(self) -> None:
        self.desk = SimpleNamespace(in_view=False)
        self.followed = 0

    def follow(self) -> None:
        self.followed += 1

    async def close(self) -> None:
        """There is nothing to close."""


def test_a_window_that_is_shown_elsewhere_marks_nothing_read(tmp_path: Path) -> None:
    async def test(window: Window) -> None:
        chat = Looked()
        window.tab.chat = cast("Chat", chat)
        seen = cast("ft.AppLifecycleStateChangeEvent", SimpleNamespace(state=ft.AppLifecycleState.SHOW))
        window.tab.show(lambda: None)
        window._looked_at(seen)
        assert (chat.desk.in_view, chat.followed) == (False, 0)
        window.tab.show(window.wake)
        window._looked_at(seen)
        assert (chat.desk.in_view, chat.followed) == (True, 1)

    in_window(tmp_path, test)
