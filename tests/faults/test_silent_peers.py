"""Of a peer that says nothing the system asks in 15 s whether it is there: libzmq does not (`broker/sockets.py`)."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.patience import tries
from broker.sockets import KEEPALIVE_S
from tests.wire.attacker import Outside, served
from tests.wire.curve import CurvePeer
from tests.wire.dialling import new_keys
from tests.wire.zmtp import RawPeer

TICKS = 100
"""In a second, as the system counts them (`USER_HZ`)."""
KEEPALIVE = 2
"""The timer of a connection that waits for nothing else (Documentation/networking/proc_net_tcp.rst)."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with served(tmp_path_factory.mktemp("silent")) as sockets:
        yield sockets


def timer(port: int, source: int) -> tuple[int, float]:
    """Which timer runs for the realm's side of a connection, and the seconds until it ends."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, _, runs, *_ = line.split()
        if (local[-4:], remote[-4:]) == (f"{port:04X}", f"{source:04X}"):
            which, ticks = runs.split(":")
            return int(which, 16), int(ticks, 16) / TICKS
    raise AssertionError("the realm has no such connection")


def at_the_door(here: Outside) -> tuple[int, RawPeer]:
    """A stranger there."""
    peer = RawPeer(here.realm.door)
    peer.shake_hands()
    return here.realm.door, peer


def on_commands(here: Outside) -> tuple[int, RawPeer]:
    """Whoever has a key."""
    told = {b"Socket-Type": b"DEALER"}
    return here.realm.commands, CurvePeer(here.realm.commands, here.server_key, new_keys(), told)


def on_push(here: Outside) -> tuple[int, RawPeer]:
    """A user."""
    keys = here.person("silent").keys
    return here.realm.push, CurvePeer(here.realm.push, here.server_key, keys, {b"Socket-Type": b"SUB"})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a connection's timers")
@pytest.mark.parametrize("begin", [at_the_door, on_commands, on_push])
def test_the_system_asks_a_silent_peer_soon(here: Outside, begin: Callable[[Outside], tuple[int, RawPeer]]) -> None:
    port, peer = begin(here)
    with peer:
        for _ in tries(10.0, 0.01):
            which, seconds = timer(port, peer.source)
            if which == KEEPALIVE and seconds <= KEEPALIVE_S:
                return
    raise AssertionError(f"the system waits for {seconds:g} s (timer {which})")
