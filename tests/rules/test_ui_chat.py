"""Two windows without a window: the chats of two people at a real realm."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import zmq.asyncio
from msgspec import UNSET

from client.dial import Address
from client.errors import BY_CODE, ClientError, LocalFileError, WrongPasswordError
from client.keyring import Keyring
from client.model.desk import Desk, Unsaid
from client.model.room import Fate, Message, Outgoing, rows
from client.ui.chat import Chat
from client.ui.space import Space
from client.ui.spool import Spool, Spools
from schemas import commands
from schemas.entries import Entry
from schemas.errors import Code
from schemas.limits import MAX_MESSAGE
from schemas.names import ConversationId, Name
from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.rules.client_kit import LOGIN, OPENED, run, serving

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
        self._unsaid: dict[str, Unsaid] = {}
        """As a tab keeps it."""
        self.changed: Callable[[], None] = self._changed.set

    async def open(self, home: str) -> Chat:
        def unsaid(user: str) -> Unsaid:
            return self._unsaid.setdefault(user, Unsaid())

        keyring = Keyring(self._folder / home)
        chat = await Chat.open(self._address, keyring, self._context, lambda: self.changed(), unsaid=unsaid)
        self._chats.append(chat)
        return chat

    @property
    def spools(self) -> Spools:
        """A tab's files."""
        return Spools(self._folder / "spools", Space(self._folder))

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


def test_what_no_message_can_be_fails_and_can_be_discarded(start_realm: StartRealm, tmp_path: Path) -> None:
    async def test(windows: Windows, _realm: RealmProcess) -> None:
        messi = await windows.register("messi")
        assert messi.desk is not None
        messi.desk.open(TALK)
        messi.say(TALK, "x" * (MAX_MESSAGE + 1))
        await windows.until(lambda: [fate for _, fate in seen(messi)] == [Fate.FAILED])
        messi.give_up(messi.desk.outgoing[0])
        assert seen(messi) == []

    live(start_realm, tmp_path, test)


def test_a_session_that_is_taken_up_while_somebody_logs_out_is_kept_nowhere(tmp_path: Path) -> None:
    Keyring(tmp_path).remember("kampus", LOGIN)
    leaving: list[asyncio.Task[None]] = []
    chats: list[Chat] = []

    def handle(command: dict[str, Any], times: int) -> dict[str, Any] | None:
        if command["cmd"] != "resume":
            return {"message": "Logout"}
        leaving.append(asyncio.get_running_loop().create_task(chats[0].log_out()))
        return OPENED  # which arrives when that has begun

    async def test() -> None:
        async with serving(handle) as realm:
            context = zmq.asyncio.Context()
            chat = await Chat.open(Address("127.0.0.1", realm.door_port), Keyring(tmp_path), context, lambda: None)
            chats.append(chat)
            with pytest.raises(ClientError):
                await chat.resume()
            await asyncio.gather(*leaving)
            assert Keyring(tmp_path).login("kampus") is None
            assert chat.desk is None
            await chat.close()
            context.destroy(linger=0)

    run(test())


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


def test_files_are_sent_in_their_order_and_seen_by_both(start_realm: StartRealm, tmp_path: Path) -> None:
    async def test(windows: Windows, _realm: RealmProcess) -> None:
        messi, henderson = await windows.register("messi"), await windows.register("henderson")
        assert messi.desk is not None
        assert henderson.desk is not None
        messi.desk.open(TALK)
        spools = windows.spools
        contents = {"large.bin": bytes(1 << 20), "small.txt": b"halo", "empty": b""}
        waiting = [spools.make(name, len(content)) for name, content in contents.items()]
        messi.send_files(TALK, waiting)
        assert seen(messi) == [(name, Fate.SENDING) for name in contents]
        assert messi.carrier.is_busy
        for spool in reversed(waiting):  # the last comes first, and waits for the others
            await spool.take(one_part(contents[spool.name]), lambda: None)
        await windows.until(lambda: seen(messi) == [(name, Fate.STORED) for name in contents])
        await windows.until(lambda: not messi.carrier.is_busy)
        assert [spool.sent for spool in waiting] == [len(content) for content in contents.values()]
        assert [spool.takes_room for spool in waiting] == [False] * len(waiting)
        henderson.desk.open(TALK)
        henderson.follow()
        await windows.until(lambda: seen(henderson) == [(name, None) for name in contents])
        for entry in henderson.desk.entries:
            assert entry.file is not UNSET
            got = [part async for part in henderson.carrier.courier.chunks(entry.file)]
            assert b"".join(got) == contents[entry.file.name]

    live(start_realm, tmp_path, test)


def test_a_file_that_is_given_up_is_not_sent_and_does_not_wait(start_realm: StartRealm, tmp_path: Path) -> None:
    async def test(windows: Windows, _realm: RealmProcess) -> None:
        messi = await windows.register("messi")
        await windows.register("henderson")
        assert messi.desk is not None
        messi.desk.open(TALK)
        spools = windows.spools
        never, soon = spools.make("never", 4), spools.make("soon", 4)
        messi.send_files(TALK, [never, soon])
        await soon.take(one_part(b"soon"), lambda: None)
        messi.give_up(messi.desk.outgoing[0])
        await windows.until(lambda: seen(messi) == [("soon", Fate.STORED)])
        assert not never.is_wanted

    live(start_realm, tmp_path, test)


def test_a_file_that_did_not_come_whole_fails_for_good(start_realm: StartRealm, tmp_path: Path) -> None:
    async def test(windows: Windows, _realm: RealmProcess) -> None:
        messi = await windows.register("messi")
        await windows.register("henderson")
        assert messi.desk is not None
        messi.desk.open(TALK)
        spool = windows.spools.make("half", 4)
        messi.send_files(TALK, [spool])
        with pytest.raises(LocalFileError):
            await spool.take(one_part(b"ha"), lambda: None)
        await windows.until(lambda: seen(messi) == [("half", Fate.FAILED)])
        messi.give_up(messi.desk.outgoing[0])
        assert seen(messi) == []

    live(start_realm, tmp_path, test)


def test_a_failed_file_is_sent_again_once_however_often_that_is_asked(start_realm: StartRealm, tmp_path: Path) -> None:
    async def test(windows: Windows, realm: RealmProcess) -> None:
        messi = await windows.register("messi")
        assert messi.desk is not None
        nobody = ConversationId("private/messi@kampus,nobody@kampus")
        messi.desk.open(nobody)
        spool = windows.spools.make("a", 4)
        messi.send_files(nobody, [spool])
        await spool.take(one_part(b"halo"), lambda: None)
        (one,) = messi.desk.outgoing
        again = 0
        begun: list[Outgoing] = []
        start = messi._start_sending

        def begin(desk: Desk, conversation: ConversationId, one: Outgoing, after: Any = None) -> "asyncio.Task[None]":
            begun.append(one)
            return start(desk, conversation, one, after)

        def say_again() -> None:
            """At once, when the first try may not have ended yet."""
            nonlocal again
            if one.fate is Fate.FAILED and not again:
                again += 1
                messi.say_again(nobody, one)
                messi.say_again(nobody, one)
            windows._changed.set()

        messi._start_sending = begin  # type: ignore[method-assign]
        windows.changed = say_again
        await windows.until(lambda: again == 1 and seen(messi) == [("a", Fate.FAILED)])
        assert begun == [one]
        assert spool.is_here, "it can be sent again still"
        await windows.register("nobody")
        messi.say_again(nobody, one)
        assert messi.carrier.is_busy
        messi.give_up(one)
        assert seen(messi) == []
        await windows.until(lambda: not messi.carrier.is_busy)
        assert not spool.is_wanted

    live(start_realm, tmp_path, test)


def test_what_was_on_its_way_goes_on_over_the_next_chat_in_its_order(start_realm: StartRealm, tmp_path: Path) -> None:
    async def test(windows: Windows, _realm: RealmProcess) -> None:
        messi, henderson = await windows.register("messi"), await windows.register("henderson")
        assert messi.desk is not None
        messi.desk.open(TALK)
        spools = windows.spools
        waiting = [spools.make(name, len(name)) for name in ("first", "second", "third")]
        messi.send_files(TALK, waiting)
        await messi.close()
        assert not messi.carrier.is_busy
        assert [spool.is_wanted for spool in waiting] == [True] * 3
        again = await windows.open("messi")
        assert await again.resume()
        assert again.desk is not None
        again.desk.open(TALK)
        again.follow()
        assert seen(again) == [(spool.name, Fate.SENDING) for spool in waiting]
        for spool in reversed(waiting):
            await spool.take(one_part(spool.name.encode()), lambda: None)
            await asyncio.sleep(0.3)  # in which one that did not wait for the others would be there
        await windows.until(lambda: seen(again) == [(spool.name, Fate.STORED) for spool in waiting])
        assert henderson.desk is not None
        henderson.desk.open(TALK)
        henderson.follow()
        await windows.until(lambda: [name for name, _ in seen(henderson)] == ["first", "second", "third"])
        assert [spool.takes_room for spool in waiting] == [False] * 3

    live(start_realm, tmp_path, test)


def test_no_more_files_are_on_their_way_than_messages_may_be(
    start_realm: StartRealm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.model.desk.WAITING", 2)

    async def test(windows: Windows, _realm: RealmProcess) -> None:
        messi = await windows.register("messi")
        assert messi.desk is not None
        messi.desk.open(TALK)
        waiting: list[Spool] = [windows.spools.make("a", 4) for _ in range(3)]
        assert messi.send_files(TALK, waiting) == waiting[2:]
        assert messi.send_files(TALK, waiting[2:]) == waiting[2:]
        assert len(seen(messi)) == 2
        assert not messi.send_files(TALK, [])

    live(start_realm, tmp_path, test)


async def one_part(content: bytes) -> AsyncIterator[bytes]:
    yield content


def test_what_was_refused_elsewhere_is_sent_once_more_and_no_oftener(start_realm: StartRealm, tmp_path: Path) -> None:
    pusat = start_realm("pusat")
    there = ConversationId("private/ana@pusat,messi@kampus")

    async def test(windows: Windows, _realm: RealmProcess) -> None:
        messi = await windows.register("messi")
        await messi.ask(commands.AddRealm(id=0, realm=Name("pusat"), address="127.0.0.1", port=pusat.door))
        assert messi.desk is not None
        messi.desk.open(there)
        messi.follow()
        pusat.stop()
        messi.say(there, "halo")
        await windows.until(lambda: len(entries(messi)) == 1)
        pusat.start()
        await windows.until(lambda: len(entries(messi)) == 2)
        halo, bounce = entries(messi)
        assert (bounce.kind, bounce.re) == ("bounce", halo.id)
        pusat.stop()
        messi.say_once_more(there, halo)
        messi.say_once_more(there, halo)  # a double click
        await windows.until(lambda: len(entries(messi)) == 3)
        messi.say_once_more(there, halo)  # as from another window, or a page that was loaded anew
        messi.say(there, "selesai")
        await windows.until(lambda: entries(messi)[-1].message == "selesai")
        assert [entry.message for entry in entries(messi) if entry.kind == "text"] == ["halo", "halo", "selesai"]

    live(start_realm, tmp_path, test)


def entries(chat: Chat) -> list[Entry]:
    assert chat.desk is not None
    return list(chat.desk.entries)
