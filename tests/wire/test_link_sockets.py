"""What a realm does on the wire towards others: who it says it is, what it takes from them, and that it ends."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import zmq

from tests.faults.little_unread import little_unread
from tests.realm_process import RealmProcess
from tests.wire.attacker import Outside, outside, refusal
from tests.wire.dialling import Map, Sockets, new_keys, packed, received, unpacked

LARGE: Final = 60_000
ENDLESS: Final = 500
"""Messages of 30 MB: more than the systems of both sides take in."""
AGAIN_MS: Final = 20


class OtherRealm(Sockets):
    """A front door and commands, served by hand."""

    def __init__(self, **options: Any) -> None:
        """With `options` of the socket for commands."""
        super().__init__()
        self.keys = new_keys()
        self.door, self.commands = self.socket(zmq.ROUTER), self.socket(zmq.ROUTER)
        for name, value in options.items():
            setattr(self.commands, name, value)
        self.commands.curve_server = True
        self.commands.curve_publickey, self.commands.curve_secretkey = self.keys.public, self.keys.secret
        self.door_port, self.commands_port = (
            one.bind_to_random_port("tcp://127.0.0.1") for one in (self.door, self.commands)
        )

    def show_card(self, **changes: object) -> None:
        """Answer one who asks at the front door."""
        caller, asked = received(self.door)
        assert unpacked(asked)["cmd"] == "identity"
        card: Map = {"status": "OK", "realm": "pusat", "version": 1, "features": [], "push": 1}
        card |= {"key": self.keys.public.decode(), "commands": self.commands_port}
        self.door.send_multipart([caller, packed(**card | changes)])


@contextmanager
def other_realm(**options: Any) -> Iterator[OtherRealm]:
    made = OtherRealm(**options)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def here(realm: RealmProcess) -> Iterator[Outside]:
    with outside(realm) as made:
        yield made


def test_an_introduction_is_said_with_the_realms_own_key_and_front_door(here: Outside) -> None:
    with other_realm() as other:
        person = here.person("messi")
        person.post("addrealm", realm="pusat", address="127.0.0.1", port=other.door_port)
        other.show_card()
        caller, frame = received(other.commands)
        said = unpacked(frame)
        assert said.items() >= {"cmd": "link.introduce", "realm": "kampus", "address": "127.0.0.1"}.items()
        assert said["port"] == here.realm.door
        other.commands.send_multipart([caller, packed(id=said["id"], status="OK")])
        assert person.caller.answer()["status"] == "OK"
        _, hello = received(other.commands)
        assert unpacked(hello)["cmd"] == "link.hello", "the link is made, and says who it is"


def test_what_a_peer_does_not_read_has_a_bound(tmp_path: Path) -> None:
    """It need not read what it is sent to acknowledge it, and be sent more."""
    with (
        little_unread(tmp_path, 1024) as realm,
        outside(realm) as here,
        other_realm(rcvbuf=4096, rcvhwm=1) as other,
    ):
        person = here.person("messi")
        person.post("addrealm", realm="pusat", address="127.0.0.1", port=other.door_port)
        other.show_card()
        caller, frame = received(other.commands)
        other.commands.send_multipart([caller, packed(id=unpacked(frame)["id"], status="OK")])
        assert person.caller.answer()["status"] == "OK"
        link, frame = received(other.commands)
        hello = unpacked(frame)
        had = {"epoch": hello["epoch"], "n": hello["next"] - 1, "hash": bytes(32)}
        told = {"status": "OK", "realm": "pusat", "version": 1, "features": [], "received": had}
        other.commands.send_multipart([link, packed(id=hello["id"], **told)])
        for number in range(hello["next"], hello["next"] + ENDLESS):
            if "too much unread" in realm.log():
                break
            person.post("send", to="bob@pusat", message="x" * LARGE)
            ack = packed(cmd="link.ack", epoch=hello["epoch"], after=had["n"], upto=number, results={})
            while not person.caller.socket.poll(AGAIN_MS):
                other.commands.send_multipart([link, ack])
            assert person.caller.answer()["status"] == "OK"
    assert f"by=127.0.0.1:{other.commands_port}" in realm.log()


def test_a_card_of_somebody_else_is_unreachable(here: Outside) -> None:
    with other_realm() as other:
        person = here.person("messi")
        person.post("addrealm", realm="pusat", address="127.0.0.1", port=other.door_port)
        other.show_card(realm="kota")
        assert refusal(person.caller.answer()) == "realm_unreachable"
        assert not other.commands.poll(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_realm_that_waits_for_a_silent_one_ends_without_it(tmp_path: Path, number: signal.Signals) -> None:
    realm = RealmProcess(tmp_path).start()
    try:
        with socket.create_server(("127.0.0.1", 0)) as mute, outside(realm) as here:
            person = here.person("messi")
            person.post("addrealm", realm="pusat", address="127.0.0.1", port=mute.getsockname()[1])
            with mute.accept()[0]:
                realm.send_signal(number)
                assert realm.stop() == 0
        assert "Traceback" not in realm.log()
    finally:
        if realm.running:
            realm.kill()
