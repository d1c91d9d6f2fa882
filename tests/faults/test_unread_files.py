"""Who asks for files and does not read what comes costs others nothing, and a realm little memory."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import msgpack
import pytest
import zmq

from client.connection import Connection
from client.courier import Courier
from client.keyring import Keyring
from schemas import commands
from schemas.names import Name
from tests.conftest import StartRealm
from tests.realm_process import NO_LIMITS, RealmProcess

MIB = 1 << 20
PART = 256 * 1024
ASKED = 1_000
"""Parts of a file that are asked for and not read; kept, they would take 250 MiB."""
GROWTH = 48 * MIB
"""What may wait for one connection (8 MiB in the realm, and what the system takes), and two turns."""


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much a peer has acknowledged")
def test_a_reader_who_does_not_read_gets_no_more(start_realm: StartRealm, tmp_path: Path) -> None:
    realm = start_realm(config=NO_LIMITS)
    source = tmp_path / "one.bin"
    source.write_bytes(bytes(MIB))

    async def deaf_and_not() -> None:
        async with AsyncExitStack() as stack:
            keyring = Keyring(tmp_path / "messi")
            opened = await Connection.open("127.0.0.1", realm.door, keyring.keys(), keyring.pins, listen=False)
            messi = await stack.enter_async_context(opened)
            account = commands.Register(
                id=0, username=Name("messi"), password="surabaya", country="x", name="Lionel Messi"
            )
            session = await messi.ask(account)
            courier = await stack.enter_async_context(Courier(messi))
            file = await courier.upload(source)
            keys = keyring.keys()
            before = realm.resident_bytes()
            answered, grown = await asyncio.to_thread(
                ask_and_not_read, realm, messi.key, (keys.public.encode(), keys.secret.encode()), session.tokenId, file
            )
            assert grown - before < GROWTH
            assert answered.count("OK") > 8, "until then it was served"
            assert answered.count("rate_limited") > ASKED // 2
            whole = b"".join([part async for part in courier.chunks(await courier.look_up(file))])
            assert whole == bytes(MIB), "who reads is served"

    asyncio.run(deaf_and_not())


def ask_and_not_read(
    realm: RealmProcess, server: str, keys: tuple[bytes, bytes], token: str, file: str
) -> tuple[list[str], int]:
    """Ask for the same part again and again, and only then read; how each was answered, and the realm's memory."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as deaf:
        deaf.linger = 0
        deaf.rcvhwm = 1
        deaf.sndhwm = 0
        deaf.curve_serverkey = server.encode()
        deaf.curve_publickey, deaf.curve_secretkey = keys
        deaf.connect(f"tcp://127.0.0.1:{realm.commands}")
        largest = 0
        command = {"cmd": "download", "tokenId": token, "file": file, "offset": 0, "size": PART}
        with context.socket(zmq.DEALER) as other:
            other.linger = 0
            other.curve_serverkey = server.encode()
            other.curve_publickey, other.curve_secretkey = keys
            other.connect(f"tcp://127.0.0.1:{realm.commands}")
            for number in range(ASKED):
                deaf.send(msgpack.packb({**command, "id": number}))
                if number % 8 == 0:  # an answer on another connection: the realm has had its turns
                    other.send(msgpack.packb({"cmd": "resume", "id": 0, "tokenId": token}))
                    assert other.poll(10_000)
                    other.recv()
                    largest = max(largest, realm.resident_bytes())
        answers = []
        for _ in range(ASKED):
            assert deaf.poll(10_000)
            answer = msgpack.unpackb(deaf.recv_multipart()[0])
            answers.append(answer.get("code", "OK"))
        return answers, largest
