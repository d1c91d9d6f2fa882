"""The client library: the ten lines of the README, and a conversation that outlives a realm that is killed."""

import asyncio
import re
from pathlib import Path
from typing import Any

from client.connection import Connection
from client.keyring import Keyring
from client.syntax import parse
from schemas.events import AnyEvent, EntryPushed
from tests.realm_process import RealmProcess

README = Path(__file__).parent.parent.parent / "README.md"
PATIENCE = 20


def ten_lines() -> str:
    """The program in the README."""
    found = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


async def connect(realm: RealmProcess, home: Path) -> Connection:
    keyring = Keyring(home)
    return await Connection.open("127.0.0.1", realm.door, keyring.keys(), keyring.pins)


async def entries(connection: Connection, count: int) -> list[str]:
    """The texts of the next entries that are told."""
    texts: list[str] = []
    async with asyncio.timeout(PATIENCE):
        async for event in connection.events():
            if isinstance(event, EntryPushed):
                texts.append(str(event.entry.message))
                if len(texts) == count:
                    break
    return texts


def test_the_ten_lines_of_the_readme(realm: RealmProcess, tmp_path: Path) -> None:
    """They log in, send, and read a live stream."""
    program = ten_lines().replace("8889", str(realm.door)).replace('Path("messi")', f"Path({str(tmp_path)!r})")
    assert len([line for line in program.splitlines() if line.strip()]) <= 14

    async def play() -> None:
        told: asyncio.Queue[AnyEvent] = asyncio.Queue()
        names: dict[str, Any] = {"print": told.put_nowait}
        async with await connect(realm, tmp_path / "henderson") as henderson:
            await henderson.ask(parse("register henderson surabaya Inggris Jordan Henderson"))
            async with await connect(realm, tmp_path / "messi-registers") as messi:
                await messi.ask(parse("register messi surabaya Argentina Lionel Messi"))
            exec(compile(program.replace("asyncio.run(main())", ""), "README.md", "exec"), names)
            reading = asyncio.create_task(names["main"]())
            assert await entries(henderson, 1) == ["halo, selamat malam"]
            await henderson.ask(parse("send messi selamat malam, Leo"))
            async with asyncio.timeout(PATIENCE):
                while not isinstance(await told.get(), EntryPushed):
                    pass
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(play())


def test_what_was_missed_while_the_realm_was_down_is_told_in_order(realm: RealmProcess, tmp_path: Path) -> None:
    async def play() -> None:
        async with (
            await connect(realm, tmp_path / "messi") as messi,
            await connect(realm, tmp_path / "henderson") as henderson,
        ):
            await messi.ask(parse("register messi surabaya Argentina Lionel Messi"))
            await henderson.ask(parse("register henderson surabaya Inggris Jordan Henderson"))
            assert await henderson.live(PATIENCE)
            await messi.ask(parse("send henderson satu"))
            assert await entries(henderson, 1) == ["satu"]
            realm.kill()
            realm.start()
            # Sent at once, while henderson's push is still finding its way back.
            for text in ("dua", "tiga", "empat"):
                await messi.ask(parse(f"send henderson {text}"))
            assert await entries(henderson, 3) == ["dua", "tiga", "empat"]
            assert henderson.mirror is not None
            (shown,) = henderson.mirror.shown.values()
            assert [entry.seq for entry in shown.entries] == [1, 2, 3, 4]

    asyncio.run(play())
