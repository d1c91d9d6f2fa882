"""A window without a page: what is pressed twice, and what is done as nobody is logged in any more."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import flet as ft
import pytest
from msgspec import structs

from client.dial import Address
from client.errors import ClientError, LocalFileError
from client.local import Progress
from client.model.desk import Desk
from client.model.places import Home, Room
from client.ui.chat import Chat
from client.ui.draw import Handler, LoggedOutError
from client.ui.pages import files, room
from client.ui.people import People
from client.ui.tabs import Tabs
from client.ui.visits import Visit
from client.ui.window import Stage, Window
from schemas.entries import File
from schemas.names import ConversationId

SECRET = "0123456789abcdef" * 2
TALK = ConversationId("private/henderson@kampus,messi@kampus")
FOTO = File(id="F1", name="foto.jpg", size=3, media_type="image/jpeg", digest=bytes(32))


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


def test_a_session_that_ends_leaves_nothing_to_read(tmp_path: Path) -> None:
    async def test(window: Window) -> None:
        window.page.update = lambda *_: None  # type: ignore[method-assign]
        window.tab.show(window.wake)
        window.stage = Stage.CHAT
        window.say("Berhasil Join rahasia")
        window.refresh()
        assert (window.stage, window.notice) == (Stage.SIGN_IN, "")

    in_window(tmp_path, test)


@pytest.mark.parametrize(("other", "begun"), [("F1", 1), ("F2", 2)])
def test_what_is_done_to_one_file_does_not_keep_one_from_doing_it_to_another(
    tmp_path: Path, other: str, begun: int
) -> None:
    async def test(window: Window) -> None:
        deeds = Deeds()
        saves = [window.press(deeds.drawn(), once=("save", file)) for file in ("F1", other)]
        assert await deeds.twice(*saves) == begun

    in_window(tmp_path, test)


def test_each_button_of_a_file_is_told_from_those_of_others(tmp_path: Path) -> None:
    """A slow one would disable all."""

    async def test(window: Window) -> None:
        pressed: list[object] = []
        press = window.press

        def noted(work: Any, once: Hashable = None) -> Handler:
            pressed.append(once)
            return press(work, once)

        window.press = noted  # type: ignore[method-assign]
        for number in (1, 2):
            file = structs.replace(FOTO, id=f"F{number}")
            files._save_button(window, file, "Save")
            files._cancel(window, cast("Any", SimpleNamespace(key=f"M{number}")))
            room._failed(window, cast("Any", SimpleNamespace(key=f"M{number}", why="", file=None)), window.words)
        assert None not in pressed
        assert len(set(pressed)) == len(pressed) == 2 * 4

    in_window(tmp_path, test)


class Chosen:
    """A chat with a room that is open, and a user."""

    def __init__(self) -> None:
        self.desk = SimpleNamespace(user="messi@kampus", room=TALK, in_view=True, open=self._open, close=self._close)

    def _open(self, room: ConversationId) -> None:
        self.desk.room = room

    def _close(self) -> None:
        self.desk.room = None

    def follow(self) -> None:
        """Nothing is asked."""

    async def close(self) -> None:
        """There is nothing to close."""


def test_who_leaves_the_room_has_chosen_nothing_for_the_next(tmp_path: Path) -> None:
    async def test(window: Window) -> None:
        window.tab.chat = cast("Chat", Chosen())
        window.tab.show(window.wake)
        window.stage = Stage.CHAT
        window._people = cast("People", SimpleNamespace(leave_page=lambda: None, find=nothing))
        window._arrive(Room(TALK))
        made = window.tab.choose("", TALK, [("a", 1)])
        assert made is not None
        (spool,) = made
        window.attaching.refresh(TALK)
        window.look_at(FOTO)
        window._arrive(Room(TALK))
        assert (window.attaching.is_open, spool.is_wanted, window.picture) == (True, True, FOTO)
        window._arrive(Home())
        assert (window.attaching.is_open, spool.is_wanted, window.picture) == (False, False, None)

    async def nothing(_: ConversationId) -> None:
        """Nobody is asked for."""

    in_window(tmp_path, test)


def test_who_loads_the_page_anew_finds_the_dialog_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> None:
        """Nobody is asked for."""

    people = SimpleNamespace(leave_page=lambda: None, find=nothing, presence=SimpleNamespace(run=nothing))
    monkeypatch.setattr("client.ui.window.People", lambda *_: people)
    monkeypatch.setattr("client.ui.window.Peers", lambda *_: SimpleNamespace(run=nothing))
    monkeypatch.setattr(Chosen, "ask", nothing, raising=False)

    async def test(window: Window) -> None:
        chat = Chosen()
        window.tab.chat = cast("Chat", chat)
        window.tab.show(window.wake)
        window.place = Room(TALK)
        assert window.tab.choose("", TALK, [("a", 1)])
        window._enter(cast("Chat", chat), cast("Desk", chat.desk))
        window.attaching.refresh(TALK)
        assert window.attaching.is_open
        assert [spool.is_wanted for spool in window.attaching.chosen] == [True]

    in_window(tmp_path, test)


class Downloads:
    """A courier that saves a file as far as it is let."""

    def __init__(self, error: ClientError | None = None) -> None:
        self.error = error
        self.go = asyncio.Event()
        self.half = asyncio.Event()
        self.cancelled = False

    async def download(self, _file: File, path: Path, progress: Progress, reading: Progress) -> Path:
        reading(0, 2)
        progress(1, 2)
        self.half.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        if self.error is not None:
            raise self.error
        return path


def saving(folder: Path, courier: Downloads, test: Callable[[Window], Coroutine[Any, Any, None]]) -> None:
    async def within(window: Window) -> None:
        window.tab.chat = cast("Chat", SimpleNamespace(carrier=SimpleNamespace(courier=courier), close=courier.go.wait))
        task = window.start_task(files._save_here(window, FOTO, folder / "foto.jpg"))
        await courier.half.wait()
        (one,) = window.saving.under_way
        assert (one.file, one.percent) == (FOTO, 50)
        await test(window)
        courier.go.set()
        await asyncio.wait({task})
        assert window.saving.under_way == []

    in_window(folder, within)


def test_a_file_that_is_saved_here_is_told_where(tmp_path: Path) -> None:
    seen: list[Window] = []

    async def test(window: Window) -> None:
        seen.append(window)

    saving(tmp_path, Downloads(), test)
    assert seen[0].notice == seen[0].words.saved.format(path=f"{tmp_path / 'foto.jpg'}")


def test_a_file_that_cannot_be_saved_here_is_told_in_a_sentence_of_its_own(tmp_path: Path) -> None:
    seen: list[Window] = []

    async def test(window: Window) -> None:
        seen.append(window)

    saving(tmp_path, Downloads(LocalFileError("the disk is full")), test)
    assert seen[0].notice == seen[0].words.not_saved


def test_who_cancels_ends_what_is_saved_here(tmp_path: Path) -> None:
    courier, seen = Downloads(), list[Window]()

    async def test(window: Window) -> None:
        seen.append(window)
        window.saving.under_way[0].cancel()
        await asyncio.sleep(0)

    saving(tmp_path, courier, test)
    assert (courier.cancelled, seen[0].notice) == (True, "")
