"""What all sockets have that are on a network, whoever opens them."""

import asyncio

import zmq
import zmq.asyncio

from broker import outgoing, sockets
from broker.keyfiles import KeyPair
from client.dial import open_socket


def test_who_listens_says_no_ping() -> None:
    """For each answer libzmq would go through the timers of all; see `faults/test_silent_peers.py`."""
    context, keys = sockets.make_context(), KeyPair(*zmq.curve_keypair())
    opened = [
        sockets.open_door(context, "127.0.0.1", 0),
        sockets.open_commands(context, keys, "127.0.0.1", 0),
        sockets.open_push(context, keys, "127.0.0.1", 0),
    ]
    assert [one.heartbeat_ivl for one in opened] == [0] * 3
    context.destroy(linger=0)


def test_no_socket_stops_its_input() -> None:
    """With such a bound (`rcvhwm`) whoever resets a connection that has reached it can end the process."""
    context, keys = sockets.make_context(), KeyPair(*zmq.curve_keypair())
    opened = [
        sockets.open_door(context, "127.0.0.1", 0),
        sockets.open_commands(context, keys, "127.0.0.1", 0),
        sockets.open_push(context, keys, "127.0.0.1", 0),
        outgoing.open_call(context, "127.0.0.1", 1_000, None, ""),
        *(outgoing.open_link(context, keys, keys.public.decode(), "127.0.0.1", bulk=bulk) for bulk in (False, True)),
    ]
    assert [one.rcvhwm for one in opened] == [sockets.NO_BOUND] * 6
    context.destroy(linger=0)

    async def of_a_client() -> list[int]:
        own = zmq.asyncio.Context()
        opened = [open_socket(own, kind, "127.0.0.1") for kind in (zmq.DEALER, zmq.SUB)]
        bounds = [int(one.rcvhwm) for one in opened]
        own.destroy(linger=0)
        return bounds

    assert asyncio.run(of_a_client()) == [0, 0]
