"""Files through faults: memory stays bounded, a full disk is said and mended, a killed realm loses nothing of them."""

import asyncio
import hashlib
import os
import resource
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from msgspec import UNSET

from client.connection import Connection
from client.courier import Courier
from client.errors import AnswerError
from client.file_lines import NOT_YET
from client.keyring import Keyring
from schemas import commands
from schemas.answers import Sent
from schemas.entries import File
from schemas.errors import Code
from schemas.names import Address, ConversationId, Name
from tests.conftest import StartRealm
from tests.realm_process import NO_LIMITS, RealmProcess

MIB = 1 << 20
LARGE = 128 * MIB
RESIDENT = 100 * 10**6
"""What the whole process of a realm may take, whatever the size of a file."""
FULL_AT = 4 * MIB
"""No file of the realm may grow beyond; its database is far smaller."""
UPLOADS = "uploads"


async def person(stack: AsyncExitStack, realm: RealmProcess, folder: Path, name: str) -> Connection:
    """A user with an account, connected."""
    keyring = Keyring(folder / name)
    connection = await stack.enter_async_context(
        await Connection.open("127.0.0.1", realm.door, keyring.keys(), keyring.pins, listen=False, patience=2)
    )
    account = commands.Register(id=0, username=Name(name), password="surabaya", country="x", name=name.title())
    await connection.ask(account)
    return connection


def written(path: Path, size: int) -> bytes:
    """The digest of a file of that size with random content."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(size // MIB):
            block = os.urandom(MIB)
            digest.update(block)
            file.write(block)
    return digest.digest()


def what(sent: Sent) -> File:
    """The file that was sent."""
    assert sent.file_info is not UNSET
    return sent.file_info


def digest_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def test_a_large_file_passes_through_a_small_realm(start_realm: StartRealm, tmp_path: Path) -> None:
    """Its memory does not grow with the file, up or down; the bytes that arrive are the bytes that left."""
    realm = start_realm(config=NO_LIMITS)
    source = tmp_path / "large.bin"
    digest = written(source, LARGE)
    largest = 0

    def watch(_done: int, _size: int) -> None:
        nonlocal largest
        largest = max(largest, realm.resident_bytes())

    async def both_ways() -> Path:
        async with AsyncExitStack() as stack:
            messi = await person(stack, realm, tmp_path, "messi")
            henderson = await person(stack, realm, tmp_path, "henderson")
            up = await stack.enter_async_context(Courier(messi))
            command = commands.SendFile(id=0, to=Address("henderson"), file=NOT_YET)
            sent = await up.send(command, source, progress=watch)
            down = await stack.enter_async_context(Courier(henderson))
            return await down.download(what(sent), tmp_path / "arrived.bin", progress=watch)

    arrived = asyncio.run(both_ways())
    assert digest_of(arrived) == digest
    assert 0 < largest < RESIDENT


def test_a_full_disk_is_said_and_the_upload_goes_on_when_there_is_room(start_realm: StartRealm, tmp_path: Path) -> None:
    """`unavailable`: the rest of the realm is untouched, there is no half of a file, and nothing that came is lost."""
    realm = start_realm()
    source = tmp_path / "six.bin"
    digest = written(source, 6 * MIB)
    whole = resource.prlimit(realm.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(realm.pid, resource.RLIMIT_FSIZE, (FULL_AT, whole[1]))
    reached: list[int] = []

    async def when_there_is_room() -> Path:
        async with AsyncExitStack() as stack:
            messi = await person(stack, realm, tmp_path, "messi")
            courier = await stack.enter_async_context(Courier(messi))
            with pytest.raises(AnswerError) as refused:
                await courier.upload(source)
            assert refused.value.code == Code.UNAVAILABLE
            await messi.ask(commands.Send(id=0, to=Address("messi"), message="still here"))
            assert not list((realm.data / "blobs").glob("*/*"))
            assert [path.stat().st_size for path in (realm.data / UPLOADS).iterdir()] == [FULL_AT]
            resource.prlimit(realm.pid, resource.RLIMIT_FSIZE, whole)
            file = await courier.upload(source, progress=lambda done, _size: reached.append(done))
            return await courier.download(await courier.look_up(file), tmp_path / "back.bin")

    assert digest_of(asyncio.run(when_there_is_room())) == digest
    assert min(filter(None, reached)) >= FULL_AT, "what had come is sent again"


def test_a_realm_that_is_killed_in_the_middle_goes_on_where_it_was(start_realm: StartRealm, tmp_path: Path) -> None:
    """kill -9 after a third: what was held is not sent again, and the file arrives whole, once."""
    realm = start_realm(config=NO_LIMITS)
    source = tmp_path / "large.bin"
    digest = written(source, 24 * MIB)
    offsets: list[int] = []

    def watch(done: int, size: int) -> None:
        offsets.append(done)
        if len(offsets) > 1 and done > size // 3 and realm.running and not restarted:
            restarted.append(done)
            realm.kill()
            realm.start()

    restarted: list[int] = []

    async def through_a_kill() -> Path:
        async with AsyncExitStack() as stack:
            messi = await person(stack, realm, tmp_path, "messi")
            courier = await stack.enter_async_context(Courier(messi))
            command = commands.SendFile(id=0, to=Address("messi"), file=NOT_YET)
            sent = await courier.send(command, source, progress=watch)
            history = await messi.ask(commands.History(id=0, conversation=ConversationId(sent.conversation)))
            assert [entry.file for entry in history.entries] == [sent.file_info]
            return await courier.download(what(sent), tmp_path / "back.bin")

    assert digest_of(asyncio.run(through_a_kill())) == digest
    assert restarted
    after = offsets[offsets.index(restarted[0]) + 1 :]
    assert after
    assert min(after) >= restarted[0], "what was held before the kill was held after it"
    assert not list((realm.data / UPLOADS).iterdir())
    assert len(list((realm.data / "blobs").glob("*/*"))) == 1
