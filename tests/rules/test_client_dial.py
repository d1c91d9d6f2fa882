"""Addresses, front doors and identity cards."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from client.connection import Connection
from client.dial import Address, parse_address
from client.errors import IdentityError, ProtocolError, UnreachableError, UsageError
from client.keyring import Keyring, new_key_pair
from tests.rules.client_kit import FakeRealm, run, serving

SHORT = 0.2
"""Patience in seconds, where the test is about its end."""


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path)


@pytest.mark.parametrize(
    ("change", "error", "explanation"),
    [
        ({"version": 2}, ProtocolError, "version 2"),
        ({"realm": "../x"}, ProtocolError, "not a valid one"),
        ({"key": "short"}, ProtocolError, "not a valid one"),
        ({"commands": 0}, ProtocolError, "not a valid one"),
        ({"push": "8891"}, ProtocolError, "not the front door of a realm"),
        ({"key": new_key_pair().public}, IdentityError, "shows another key than before"),
    ],
)
def test_a_card_is_checked_before_anything_is_sent(
    keyring: Keyring, change: dict[str, Any], error: type[Exception], explanation: str
) -> None:
    async def dial(realm: FakeRealm) -> None:
        connection = await Connection.open("127.0.0.1", realm.door_port, keyring.keys(), keyring.pins)
        await connection.close()

    async def test() -> None:
        async with serving(lambda *_: None) as realm:
            await dial(realm)
            realm.card |= change
            with pytest.raises(error, match=explanation):
                await dial(realm)
            assert realm.asked == []

    run(test())


def test_something_else_at_the_address_is_told_from_nothing(keyring: Keyring) -> None:
    async def dial_it(port: int) -> None:
        await Connection.open("127.0.0.1", port, keyring.keys(), keyring.pins, patience=SHORT)

    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(UnreachableError, match="does not answer as the front door"):
            run(dial_it(port))
    with pytest.raises(UnreachableError, match=r"nothing answers at 127\.0\.0\.1:\d+: connection refused"):
        run(dial_it(port))


@pytest.mark.parametrize("host", ["x" * 64 + ".invalid", "a..b", "no host"])
def test_a_name_that_is_none_is_unreachable(keyring: Keyring, host: str) -> None:
    with pytest.raises(UnreachableError, match="nothing answers at"):
        asyncio.run(Connection.open(host, 8889, keyring.keys(), keyring.pins))


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("kampus.example", Address("kampus.example", 8889)),
        ("Kampus.Example:9000", Address("kampus.example", 9000)),
        ("127.0.0.1:1", Address("127.0.0.1", 1)),
        ("::1", Address("::1", 8889)),
        ("[::1]", Address("::1", 8889)),
        ("[::1]:9000", Address("::1", 9000)),
    ],
)
def test_addresses(typed: str, address: Address) -> None:
    assert parse_address(typed) == address


@pytest.mark.parametrize(
    "typed", ["", ":8889", "a:b", "a:0", "a:65536", "[::1", "[::1]8889", "a:-1", "a:\u0665", "a\0b"]
)
def test_wrong_addresses(typed: str) -> None:
    with pytest.raises(UsageError, match="an address is HOST:PORT"):
        parse_address(typed)


def test_addresses_are_written_as_they_are_dialled() -> None:
    assert (str(Address("a", 1)), str(Address("::1", 2))) == ("a:1", "[::1]:2")
