"""A connection is cut by its descriptor, which may serve something else by then."""

import os
import socket
from typing import Any, cast

import pytest
import zmq

from broker.sockets import cut

HERE = "127.0.0.1"


class Frame:
    """One that came on a descriptor, from an address."""

    def __init__(self, descriptor: int, address: str) -> None:
        self._told: dict[Any, Any] = {zmq.SRCFD: descriptor, "Peer-Address": address}

    def get(self, what: Any) -> Any:
        return self._told[what]


def cut_at(descriptor: int, address: str = HERE) -> None:
    cut(cast("zmq.Frame", Frame(descriptor, address)))


@pytest.mark.parametrize(("address", "ended"), [(HERE, True), ("127.0.0.2", False)])
def test_a_connection_from_that_address_alone(address: str, *, ended: bool) -> None:
    with socket.create_server((HERE, 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            cut_at(accepted.fileno(), address)
            if ended:
                assert client.recv(1) == b""
            else:
                accepted.send(b"x")
                assert client.recv(1) == b"x"


def test_the_operators_socket_is_left_alone() -> None:
    """It may have got the descriptor; nobody at its other end has an address."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        cut_at(ours.fileno())
        ours.send(b"x")
        assert theirs.recv(1) == b"x"


def test_a_file_or_nothing_is_left_alone() -> None:
    reader, writer = os.pipe()
    cut_at(reader)
    os.write(writer, b"x")
    assert os.read(reader, 1) == b"x"
    os.close(reader)
    os.close(writer)
    cut_at(reader)
