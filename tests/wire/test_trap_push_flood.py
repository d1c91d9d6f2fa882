"""A session that says more on push than any client has to say: it is cut, and commands keep their places."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import zmq

from tests.realm_process import FAST_HASHING, READY, RealmProcess
from tests.wire.attacker import Listener, Person, Witness, outside

ENOUGH = 3_000
"""Frames on push, more than a key may say at once."""


def flood(listener: Listener, junk: bytes) -> None:
    for _ in range(ENOUGH):
        listener.socket.send(junk)


@pytest.mark.parametrize("junk", ["own topic", "no subscription"])
def test_who_floods_push_is_cut_and_others_notice_nothing(realm: RealmProcess, junk: str) -> None:
    with outside(realm) as here:
        witness = Witness(here)
        attacker: Person = here.person("attacker")
        listener = attacker.listener()
        flood(listener, b"\x01" + attacker.topic if junk == "own topic" else b"\x07")
        listener.dialled.wait(zmq.EVENT_DISCONNECTED)
        witness.notices_nothing()
        listener.close()


def test_a_log_that_nobody_reads_any_more_ends_nothing(tmp_path: Path) -> None:
    """The reader of the log has gone; a warning has to be written; the realm answers on."""
    realm = RealmProcess(tmp_path)
    realm.config.write_text(FAST_HASHING)
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "realm", "run", "--name", "kampus", "--data", str(realm.data)]
    command += ["--config", str(realm.config), "--port", str(realm.door)]
    command += ["--commands-port", str(realm.commands), "--push-port", str(realm.push)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=writer, text=True) as process:
        try:
            assert process.stdout is not None
            assert any(READY.search(line) for line in process.stdout)
            os.close(reader)
            os.close(writer)
            with outside(realm) as here:
                witness = Witness(here)
                attacker = here.person("attacker")
                listener = attacker.listener()
                listener.socket.send(b"\x07")
                listener.dialled.wait(zmq.EVENT_DISCONNECTED)
                witness.notices_nothing()
                listener.close()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=30) == 0
