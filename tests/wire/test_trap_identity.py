"""A stranger who announces the routing id that a ROUTER will give out next, and so trips its assertion.

libzmq never seeds `rand()`, from which a ROUTER takes its first id; each connection without an id of its own
gets the next number. So a stranger could abort the process before authenticating.
"""

import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
import zmq

from tests.realm_process import RealmProcess
from tests.wire.attacker import Outside, Witness, outside
from tests.wire.dialling import Keys, new_keys, packed
from tests.wire.unprotected import unprotected
from tests.wire.zmtp import ConnectionEndedError, RawPeer

ROUTERS = 8
"""The attack tries the ids of so many sockets, for it need not know which of them it talks to."""

AHEAD = 32
STRANGERS = 64

DRAWS = "import ctypes; rand = ctypes.CDLL(None).rand; print(*(rand() for _ in range({})))"

Connect = Callable[[bytes], None]


def claimed_ids() -> list[bytes]:
    """What unseeded ROUTERs call their connection number `AHEAD`; see generate_random in libzmq."""
    program = [sys.executable, "-c", DRAWS.format(2 * ROUTERS)]
    drawn = map(int, subprocess.run(program, capture_output=True, text=True, check=True).stdout.split())
    firsts = (low | (high << 31) for low, high in zip(drawn, drawn, strict=True))
    return [b"\0" + struct.pack(">I", (first + AHEAD) % 2**32) for first in firsts]


def attack(connect: Connect) -> None:
    """Claim the ids, then connect until a ROUTER wants to give one of them out."""
    for claimed in claimed_ids():
        connect(claimed)
    for _ in range(STRANGERS):
        connect(b"")


def raw_connections(stack: ExitStack, port: int) -> Connect:
    """Connections by plain TCP, each with the identity that it is told to announce."""

    def connect(identity: bytes) -> None:
        peer = stack.enter_context(RawPeer(port))
        peer.shake_hands(identity=identity)
        if not identity:
            peer.ask()

    return connect


def curve_connections(here: Outside, keys: Keys) -> Connect:
    """The same by libzmq's own means, with CURVE, on the commands port."""

    def connect(identity: bytes) -> None:
        options: dict[str, Any] = {"routing_id": identity} if identity else {}
        dialled = here.dial(zmq.DEALER, here.realm.commands, keys, **options)
        dialled.wait(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        if not identity:
            dialled.socket.send(packed(cmd="info", id=1))
            assert dialled.socket.poll(20_000)

    return connect


def test_the_attack_kills_a_router_that_is_not_protected() -> None:
    with unprotected("router") as (port, process), ExitStack() as stack:
        with pytest.raises((ConnectionEndedError, ConnectionRefusedError)):
            attack(raw_connections(stack, port))
        assert process.wait(timeout=20) == -signal.SIGABRT


def test_a_realm_survives_it_at_the_front_door(realm: RealmProcess) -> None:
    with outside(realm) as here, ExitStack() as stack:
        witness = Witness(here)
        attack(raw_connections(stack, realm.door))
        witness.notices_nothing()
        assert here.card()["realm"] == "kampus"
    assert realm.stop() == 0


def test_a_realm_survives_it_on_the_commands_port(realm: RealmProcess) -> None:
    with outside(realm) as here:
        witness = Witness(here)
        attack(curve_connections(here, new_keys()))
        witness.notices_nothing()
    assert realm.stop() == 0
