"""Of a peer that says nothing the system asks in 15 s whether it is there: libzmq does not (`broker/sockets.py`)."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.patience import tries
from broker.sockets import KEEPALIVE_S
from tests.wire.attacker import Outside, at_the_door, on_commands, on_push, served
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


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a connection's timers")
@pytest.mark.parametrize(
    ("port", "begin"),
    [("door", at_the_door), ("commands", on_commands), ("push", lambda here: on_push(here, "ana"))],
)
def test_the_system_asks_a_silent_peer_soon(here: Outside, port: str, begin: Callable[[Outside], RawPeer]) -> None:
    with begin(here) as peer:
        for _ in tries(10.0, 0.01):
            which, seconds = timer(getattr(here.realm, port), peer.source)
            if which == KEEPALIVE and seconds <= KEEPALIVE_S:
                return
    raise AssertionError(f"the system waits for {seconds:g} s (timer {which})")
