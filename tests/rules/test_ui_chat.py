"""Two windows without a window: the chats of two people at a real realm."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import zmq.asyncio

from client.dial import Address
from client.errors import BY_CODE, WrongPasswordError
from client.keyring import Keyring
from client.model.room import Fate, Message, rows
from client.ui.chat import Chat
from schemas import commands
from schemas.errors import Code
from schemas.names import ConversationId, Name
from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.rules.client_kit import LOGIN, run, serving

PATIENCE = 30
TALK = ConversationId("private/henderson@kampus,messi@kampus")


class Windows:
    """Opens chats, and waits until they show something."""

    def __init__(self, realm: RealmProcess, folder: Path) -> None:
        self._address = Address("127.0.0.1", realm.door)
        self._folder = folder
        self._context = zmq.asyncio.Context()
        self._changed = asyncio.Event()
        self._chats: list[Chat] = []

    async def open(self, home: str) -> Chat:
        chat = await Chat.open(self._address, Keyring(self._folder / home), self._context, self._changed.set)
        self._chats.append(chat)
        return chat

    async def register(self, name: str) -> Chat:
        chat = await self.open(name)
        await chat.register(
            commands.Register(id=0, username=Name(name), password="surabaya", country="Inggris", name=name.title())
        )
        await self.until(lambda: chat.online)
        return chat

    async def until(self, shown: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not shown():
                self._changed.clear()
                await self._changed.wait()

    async def close(self) -> None:
        for chat in self._chats:
            await chat.close()
        self._context.destroy(linger=0)


def seen(chat: Chat) -> list[tuple[str, Fate | None]]:
    """The texts in the room that is open, and what has become of one's own."""
    desk = chat.desk
    assert desk is not None
    shown = desk.shown
    entries = shown.entries if shown else []
    seq = shown.seen if shown else 0
    row = desk.overview.rows.get(desk.room) if desk.room else None
    all_rows = rows(
        entries, desk.outgoing, user=desk.user, name=desk.name, seen=max(seq, row.seen if row else 0), zone=UTC
    )
    return [(one.text, one.fate) for one in all_rows if isinstance(one, Message)]


def greeted(chat: Chat) -> str:
    return chat.desk.name if chat.desk else ""


def live(
    start_realm: StartRealm, folder: Path, test: Callable[[Windows, RealmProcess], Coroutine[Any, Any, None]]
) -> None:
    realm = start_realm()

    async def run() -> None:
        windows = Windows(realm, folder)
        try:
            await test(windows, realm)
        finally:
            await windows.close()

    asyncio.run(run())


def test_a_message_is_seen_and_its_sender_sees_that_it_was_read(start_realm: StartRealm, tmp_path: Path) -> None:
    async def test(windows: Windows, _realm: RealmProcess) -> None:
        messi, henderson = await windows.register("messi"), await windows.register("henderson")
        assert messi.desk is not None
        assert henderson.desk is not None
        messi.desk.open(TALK)
        messi.say(TALK, "halo, selamat malam")
        theirs = henderson.desk
        await windows.until(lambda: [(row.title, row.unread) for row in theirs.overview.newest_first] == [("Messi", 1)])
        henderson.desk.open(TALK)
        henderson.follow()
        await windows.until(lambda: seen(henderson) == [("halo, selamat malam", None)])
        await windows.until(lambda: not any(row.unread for row in theirs.overview.rows.values()))
        await windows.until(lambda: seen(messi) == [("halo, selamat malam", Fate.READ)])

    live(start_realm, tmp_path, test)


def test_a_send_to_nobody_fails_and_says_why(start_realm: StartRealm, tmp_path: Path) -> None:
    async def test(windows: Windows, _realm: RealmProcess) -> None:
        messi = await windows.register("messi")
        nobody = ConversationId("private/messi@kampus,nobody@kampus")
        assert messi.desk is not None
        messi.desk.open(nobody)
        messi.say(nobody, "halo")
        await windows.until(lambda: seen(messi) == [("halo", Fate.FAILED)])
        (one,) = messi.desk.outgoing
        assert one.why == "User tidak ada"
        await windows.register("nobody")
        messi.say_again(nobody, one)
        await windows.until(lambda: seen(messi) == [("halo", Fate.STORED)])

    live(start_realm, tmp_path, test)


def test_a_window_that_opens_again_is_still_logged_in(start_realm: StartRealm, tmp_path: Path) -> None:
    async def test(windows: Windows, _realm: RealmProcess) -> None:
        await windows.register("messi")
        again = await windows.open("messi")
        assert await again.resume()
        assert greeted(again) == "Messi"
        await again.log_out()
        assert greeted(again) == ""
        assert not await (await windows.open("messi")).resume()
        with pytest.raises(WrongPasswordError):
            await again.log_in("messi", "wrong password")

    live(start_realm, tmp_path, test)


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.SESSION_NOT_FOUND])
def test_a_session_that_cannot_be_taken_up_now_is_kept(tmp_path: Path, code: Code) -> None:
    """Only the realm's word that it does not know a session ends one."""
    Keyring(tmp_path).remember("kampus", LOGIN)
    refusals = [code, Code.SESSION_NOT_FOUND]

    def handle(command: dict[str, Any], times: int) -> dict[str, Any]:
        assert command["cmd"] == "resume"
        return {"status": "ERROR", "code": refusals.pop(0), "message": "not now"}

    async def test() -> None:
        async with serving(handle) as realm:
            context = zmq.asyncio.Context()
            chat = await Chat.open(Address("127.0.0.1", realm.door_port), Keyring(tmp_path), context, lambda: None)
            with pytest.raises(BY_CODE[code]):
                await chat.resume()
            assert Keyring(tmp_path).login("kampus") == LOGIN
            assert not await chat.resume()
            assert Keyring(tmp_path).login("kampus") is None
            await chat.close()
            context.destroy(linger=0)

    run(test())
