"""What is held of a connection is known to the byte."""

from collections.abc import Iterator

import pytest
import zmq

from broker import sockets
from broker.holding import CLEAR, SEALED, Holding, Kind
from broker.keyfiles import KeyPair
from tests.wire.dialling import PATIENCE_MS

SIZES = [0, 1, 200, 220, 222, 223, 253, 254, 255, 256, 257, 5_000, 100_000]
"""On both sides of where headers become longer, with and without a seal."""


@pytest.fixture
def context() -> Iterator[sockets.Context]:
    made = sockets.make_context()
    yield made
    made.destroy(linger=0)


@pytest.mark.parametrize("kind", [CLEAR, SEALED], ids=["clear", "sealed"])
def test_what_was_taken_is_what_came(context: sockets.Context, kind: Kind) -> None:
    with context.socket(zmq.ROUTER) as taker, context.socket(zmq.DEALER) as sayer:
        assert held_after(taker, sayer, kind) == [0, 0, 0]


def held_after(taker: sockets.Socket, sayer: sockets.Socket, kind: Kind) -> list[int]:
    """What seems to be held after each of three messages, all of which were taken."""
    if kind is SEALED:
        keys = KeyPair(*zmq.curve_keypair())
        taker.curve_server, taker.curve_secretkey = True, keys.secret
        sayer.curve_publickey, sayer.curve_secretkey = zmq.curve_keypair()
        sayer.curve_serverkey = keys.public
    port = taker.bind_to_random_port("tcp://127.0.0.1")
    holding = Holding({})
    sayer.connect(f"tcp://127.0.0.1:{port}")
    held: list[int] = []
    for sizes in ([1], SIZES, SIZES * 20):
        sayer.send_multipart([bytes(size) for size in sizes])
        assert taker.poll(PATIENCE_MS)
        frames = sockets.receive_now(taker)
        descriptor = int(frames[-1].get(zmq.SRCFD))
        if not held:
            holding.began(descriptor, kind)
        else:
            holding.took(frames[1:])
        connection = holding._connections[descriptor]
        received = holding._received(descriptor)
        assert received is not None
        held.append(received - connection.before - connection.took)
    holding.close()
    return held
