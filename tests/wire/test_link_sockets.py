"""What a realm does on the wire towards others: who it says it is, what it takes from them, and that it ends."""

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from tests.realm_process import RealmProcess
from tests.wire.attacker import Outside, outside, refusal
from tests.wire.dialling import Map, Sockets, new_keys, packed, received, unpacked


class OtherRealm(Sockets):
    """A front door and commands, served by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = new_keys()
        self.door, self.commands = self.socket(zmq.ROUTER), self.socket(zmq.ROUTER)
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
def other_realm() -> Iterator[OtherRealm]:
    made = OtherRealm()
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
