"""The bytes of a user's file are not what they were: nobody takes them for the file, and it can be made well."""

import asyncio
import hashlib
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from client.connection import Connection
from client.courier import Courier
from client.errors import ProtocolError
from client.keyring import Keyring
from client.syntax import parse
from realm.store.folder import blob_name
from schemas.entries import File
from tests.realm_process import RealmProcess
from tests.scenarios.operator_kit import operate, works

CONTENT = bytes(range(256)) * 2_000


class Person:
    """Somebody with a client."""

    def __init__(self, connection: Connection, courier: Courier, folder: Path) -> None:
        self.connection, self.courier = connection, courier
        self.saved = folder
        folder.mkdir()

    async def fetch(self, file: File) -> Path:
        """Save it in a folder of their own."""
        return await self.courier.download(file, self.saved)


async def arrive(stack: AsyncExitStack, realm: RealmProcess, name: str, folder: Path) -> Person:
    keyring = Keyring(folder / f"{name}-home")
    opened = await Connection.open("127.0.0.1", realm.door, keyring.keys(), keyring.pins, listen=False)
    connection = await stack.enter_async_context(opened)
    await connection.ask(parse(f"register {name} surabaya Inggris {name.title()}"))
    return Person(connection, await stack.enter_async_context(Courier(connection)), folder / name)


def test_a_changed_byte(realm: RealmProcess, tmp_path: Path) -> None:
    """A client keeps nothing of it, `doctor --full` finds it, and who sends the file makes it well for all."""
    source = tmp_path / "foto.bin"
    source.write_bytes(CONTENT)
    blob = realm.data / blob_name(hashlib.sha256(CONTENT).digest())

    async def play() -> None:
        async with AsyncExitStack() as stack:
            messi = await arrive(stack, realm, "messi", tmp_path)
            henderson = await arrive(stack, realm, "henderson", tmp_path)
            file = await messi.courier.look_up(await messi.courier.upload(source))
            damaged = bytearray(CONTENT)
            damaged[len(damaged) // 2] ^= 1
            blob.write_bytes(damaged)
            with pytest.raises(ProtocolError, match="not the file that was announced"):
                await messi.fetch(file)
            assert [one.stat().st_size for one in messi.saved.iterdir()] in ([], [0])
            assert operate(realm.data, "doctor")[0] == 0, "only --full reads every byte"
            code, lines, _ = operate(realm.data, "doctor", "--full")
            assert code == 1
            assert "are not those that were sent" in "".join(lines)
            await henderson.courier.upload(source)
            assert (await messi.fetch(file)).read_bytes() == CONTENT
            works(realm.data, "doctor", "--full")

    asyncio.run(play())
