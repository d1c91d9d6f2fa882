"""What all sockets have that are on a network, whoever opens them."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import zmq
import zmq.asyncio

from broker import outgoing, sockets
from broker.keyfiles import KeyPair
from client.dial import open_socket


class Opened(NamedTuple):
    """Sockets of a realm."""

    listening: list[sockets.Socket]
    links: list[sockets.Socket]
    call: sockets.Socket


@pytest.fixture
def opened() -> Iterator[Opened]:
    context, keys = sockets.make_context(), KeyPair(*zmq.curve_keypair())
    key, here = keys.public.decode(), "127.0.0.1"
    listening = [
        sockets.open_door(context, here, 0),
        sockets.open_commands(context, keys, here, 0),
        sockets.open_push(context, keys, here, 0),
    ]
    links = [outgoing.open_link(context, keys, key, here, bulk=bulk) for bulk in (False, True)]
    yield Opened(listening, links, outgoing.open_call(context, here, 1_000, None, ""))
    context.destroy(linger=0)


def test_who_listens_says_no_ping_and_links_do(opened: Opened) -> None:
    """For what comes after one libzmq goes through the timers of all; see `faults/test_silent_peers.py`."""
    assert [one.heartbeat_ivl for one in opened.listening] == [0] * 3
    assert [one.heartbeat_ivl for one in opened.links] == [outgoing.PING_MS] * 2


def test_what_strangers_do_at_the_door_delays_nobody_inside(opened: Opened) -> None:
    """Measured by `storm-pings` (tests/soak)."""
    door, *inside = (*opened.listening, *opened.links, opened.call)
    assert door.affinity == sockets.AT_DOOR
    assert [one.affinity for one in inside] == [sockets.INSIDE] * 5
    assert sockets.AT_DOOR & sockets.INSIDE == 0


def test_who_vanished_is_given_up_by_the_system(opened: Opened) -> None:
    for one in opened.listening:
        asks = one.tcp_keepalive, one.tcp_keepalive_idle, one.tcp_keepalive_intvl, one.tcp_keepalive_cnt
        assert asks == (1, sockets.KEEPALIVE_S, sockets.KEEPALIVE_S, sockets.KEEPALIVES)
        assert one.get(zmq.TCP_MAXRT) == sockets.UNREAD_MS


def test_no_socket_stops_its_input(opened: Opened) -> None:
    """With such a bound (`rcvhwm`) whoever resets a connection that has reached it can end the process."""
    assert [one.rcvhwm for one in (*opened.listening, *opened.links, opened.call)] == [sockets.NO_BOUND] * 6

    async def of_a_client() -> list[int]:
        own = zmq.asyncio.Context()
        opened = [open_socket(own, kind, "127.0.0.1") for kind in (zmq.DEALER, zmq.SUB)]
        bounds = [int(one.rcvhwm) for one in opened]
        own.destroy(linger=0)
        return bounds

    assert asyncio.run(of_a_client()) == [0, 0]
