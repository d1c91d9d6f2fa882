"""A flood that ends in a reset: libzmq 4.3.5 aborts where a connection is lost whose input it has stopped.

It stops the input of a connection for which as many messages wait as the socket may hold (`rcvhwm`). If that is reset
then, and a heartbeat of its own falls due or a PING is behind the messages, it asserts that nothing was lost
(`stream_engine_base.cpp`, `!_io_error`; issue 4364), and the process is gone. So no socket of ours has such a bound.
"""

from collections.abc import Callable

import pytest

from tests.realm_process import RealmProcess
from tests.wire.attacker import Outside, Witness, at_the_door, on_commands, outside
from tests.wire.zmtp import RawPeer, command, frame

FLOODS = 10
AT_ONCE = 2_500
"""Messages, each with a PING behind it: more than a realm takes in while they come."""


def flood_at_the_door(here: Outside) -> tuple[RawPeer, bytes]:
    """Of a stranger there."""
    return at_the_door(here), (frame(b"?") + command(b"PING", bytes(2))) * AT_ONCE


def flood_on_commands(here: Outside) -> tuple[RawPeer, bytes]:
    """Of whoever has a key."""
    peer = on_commands(here)
    return peer, b"".join(peer.part(b"?", 0) + peer.ping() for _ in range(AT_ONCE))


@pytest.mark.parametrize("begin", [flood_at_the_door, flood_on_commands])
def test_a_flood_that_ends_in_a_reset_ends_no_realm(
    realm: RealmProcess, begin: Callable[[Outside], tuple[RawPeer, bytes]]
) -> None:
    with outside(realm) as here:
        witness = Witness(here)
        for _ in range(FLOODS):
            peer, flood = begin(here)
            peer.write(flood)
            peer.reset()
        witness.notices_nothing()
    assert realm.stop() == 0
