"""Connections without a handshake: no limit by address sees them, and each takes a descriptor of the realm."""

import socket
from contextlib import ExitStack
from pathlib import Path

from tests.faults.few_descriptors import FewDescriptors
from tests.wire.attacker import HARD_LIMITS, Witness, outside

DESCRIPTORS = 400
SILENT = 1_000
"""More than twice as many as there are."""


def test_connections_of_silent_strangers_keep_nobody_out(tmp_path: Path) -> None:
    realm = FewDescriptors(tmp_path, DESCRIPTORS, HARD_LIMITS)
    try:
        realm.start()
        with outside(realm) as here, ExitStack() as silent:
            witness = Witness(here)
            for number in range(SILENT):
                port = (realm.door, realm.commands, realm.push)[number % 3]
                silent.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            witness.notices_nothing()
            here.person("newcomer").send("newcomer", "halo")
        assert realm.stop() == 0
        assert "too many strangers" in realm.log()
    finally:
        if realm.running:
            realm.kill()
