"""The socket in a realm's folder: who may use it, what it takes, and that nothing said there does harm."""

import os
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import msgpack
import psutil
import pytest

from tests.conftest import StartRealm
from tests.faults.few_descriptors import few_descriptors
from tests.realm_process import RealmProcess
from tests.wire.attacker import outside
from tests.wire.dialling import Map, packed
from tests.wire.inside import Operator, inside

LARGEST = 4_096
CROWD = 20
DESCRIPTORS = 200
AT_ONCE = 1_000
TIMES = 600
"""More than strangers may say at once."""


def refusal(answer: Map) -> tuple[str, str]:
    assert answer["status"] == "ERROR", answer
    return answer["code"], answer["message"]


def test_the_operator_is_told_of_peers_and_of_the_front_door(realm: RealmProcess) -> None:
    with inside(realm) as here:
        told = here.peers()
        assert told == {
            "id": 1,
            "status": "OK",
            "realm": "kampus",
            "home": f"127.0.0.1:{realm.door}",
            "peers": [],
        }


@pytest.mark.parametrize(
    ("options", "home"),
    [
        (("--advertise", "chat.example.org:443"), "chat.example.org:443"),
        (("--advertise", "[2001:db8::7]:443"), "[2001:db8::7]:443"),
        (("--host", "0.0.0.0"), None),
    ],
)
def test_the_front_door_as_others_reach_it(start_realm: StartRealm, options: tuple[str, ...], home: str | None) -> None:
    realm = start_realm(options=options)
    with inside(realm) as here:
        told = here.peers()["home"]
    if home is not None:
        assert told == home
        return
    host, _, port = told.rpartition(":")
    assert int(port) == realm.door
    socket.create_connection((host, realm.door), 10).close()


def test_only_its_owner_may_connect(realm: RealmProcess) -> None:
    """Also where the folder is open to all, as one may be that was there before."""
    place = realm.data / "operator"
    assert stat.S_IMODE(realm.data.stat().st_mode) == 0o700
    assert stat.S_ISSOCK(place.stat().st_mode)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    if os.geteuid():
        pytest.skip("only root can be somebody else")
    realm.data.chmod(0o755)
    tries = "import os,socket; os.setuid(65534); socket.socket(socket.AF_UNIX).connect('operator')"
    done = subprocess.run([sys.executable, "-c", tries], cwd=realm.data, capture_output=True, text=True, check=False)
    assert "PermissionError" in done.stderr


def test_nobody_else_says_its_commands(realm: RealmProcess) -> None:
    add = {"realm": "pusat", "address": "127.0.0.1", "port": 1}
    forget = {"realm": "pusat"}
    with outside(realm) as here:
        person = here.person("messi")
        for caller in (person.caller, here.caller()):
            for cmd, arguments in (("operator.peers", {}), ("operator.addpeer", add), ("operator.forgetpeer", forget)):
                code, said = refusal(caller.ask(cmd, **arguments))
                assert code == "forbidden"
                assert "operator" in said


def test_it_takes_no_other_commands(realm: RealmProcess) -> None:
    with inside(realm) as here:
        operator = here.operator()
        others: dict[str, Map] = {
            "info": {},
            "register": {"username": "messi", "password": "surabaya", "country": "X", "name": "Y"},
            "realms": {"tokenId": "x"},
            "link.prove": {"nonce": bytes(16)},
        }
        for cmd, arguments in others.items():
            code, said = refusal(operator.ask(cmd, **arguments))
            assert code == "forbidden", cmd
            assert "here the realm's operator speaks" in said
        assert refusal(operator.ask("operator.stop"))[0] == "unknown_command"
        assert refusal(operator.ask("operator.addpeer", realm="a b", address="x", port=1))[0] == "bad_request"
        assert refusal(operator.ask("operator.forgetpeer", realm="../x"))[0] == "bad_request"
        assert refusal(operator.ask("operator.forgetpeer", realm="pusat"))[0] == "realm_not_found"
        with outside(realm) as there:
            assert there.caller().ask("auth", username="messi", password="surabaya")["code"] == "user_not_found"


def test_the_operator_may_ask_as_often_as_they_like(start_realm: StartRealm) -> None:
    realm = start_realm(config="trusted_clients = []\n[limits]\naddress_per_second = 1\naddress_burst = 1\n")
    with inside(realm) as here:
        operator = here.operator()
        assert {operator.ask("operator.peers")["status"] for _ in range(TIMES)} == {"OK"}


def test_many_operators_at_once(realm: RealmProcess) -> None:
    with inside(realm) as here:
        callers = [here.operator() for _ in range(CROWD)]
        calls = [[caller.post("operator.peers") for _ in range(10)] for caller in callers]
        for caller, mine in zip(callers, calls, strict=True):
            assert [caller.answer()["id"] for _ in mine] == mine


HOSTILE: dict[str, list[bytes]] = {
    "nothing": [b""],
    "not MessagePack": [b"\xc1\xff" * 100],
    "no map": [msgpack.packb([1, 2, 3])],
    "deep": [b"\x91" * 4_000],
    "a map that never ends": [b"\xdf\xff\xff\xff\xff"],
    "frames without end": [b"x"] * 1_000,
    "frames of nothing": [b""] * 50,
    "a chunk": [packed(cmd="chunk", id=1, uploadId="x", offset=0), b"x"],
    "an envelope": [packed(cmd="link.envelope", epoch=1)],
    "another type": [packed(cmd="operator.addpeer", id="x", realm=1)],
    "no UTF-8": [msgpack.packb({"cmd": "operator.peers", "id": 1, "x": "\udcff"}, unicode_errors="surrogateescape")],
    "large": [b"x" * (LARGEST + 1)],
    "larger": [b"x" * (8 << 20)],
}


def test_hostile_frames(realm: RealmProcess) -> None:
    with inside(realm) as here:
        for what, frames in HOSTILE.items():
            operator = here.operator()
            with suppress(ConnectionError):  # of what is too large no more is taken
                for frame in frames:
                    operator.say(frame)
            assert here.peers()["status"] == "OK", what
    assert realm.stop() == 0
    assert "internal error" not in realm.log()
    assert "Traceback" not in realm.log()


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\0" * 64,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" + b"\0" * 8 + b"\x7f\x03" + b"A" * 100,
        (LARGEST + 1).to_bytes(4, "big"),
        os.urandom(4_096),
    ],
)
def test_hostile_bytes(realm: RealmProcess, sent: bytes) -> None:
    with inside(realm) as here:
        with socket.socket(socket.AF_UNIX) as raw:
            raw.connect(here.path)
            raw.sendall(sent)
            assert here.peers()["status"] == "OK"
        assert here.peers()["status"] == "OK"
    assert realm.stop() == 0


def test_what_is_no_frame_ends_the_connection(realm: RealmProcess) -> None:
    with inside(realm) as here:
        operator = here.operator()
        operator.connection.sendall((LARGEST + 1).to_bytes(4, "big"))
        with pytest.raises(ConnectionError):
            operator.answer()
        dripping = here.operator()
        said = packed(cmd="operator.peers", id=1)
        for byte in len(said).to_bytes(4, "big") + said:
            dripping.connection.sendall(bytes([byte]))
        assert dripping.answer()["status"] == "OK", "however it comes"


def test_who_asks_and_does_not_read_keeps_nobody_waiting(realm: RealmProcess) -> None:
    with inside(realm) as here:
        deaf = here.operator()
        with pytest.raises(ConnectionError):  # it is cut
            for call in range(300_000):
                deaf.say(packed(cmd="operator.peers", id=call))
                if call % AT_ONCE == 0:
                    assert here.peers()["status"] == "OK"
    assert realm.stop() == 0


def test_who_is_slow_to_read_has_all_answers(realm: RealmProcess) -> None:
    """More than the system takes at once."""
    with inside(realm) as here:
        operator = here.operator()
        calls = [operator.post("operator.peers") for _ in range(TIMES * 10)]
        assert here.peers()["status"] == "OK"
        assert [operator.answer()["id"] for _ in calls] == calls


def test_the_operator_gets_in_where_no_descriptor_is_left(tmp_path: Path) -> None:
    """One of them; others wait until there is one. It ended realms where libzmq listened there."""
    with few_descriptors(tmp_path, DESCRIPTORS) as realm, inside(realm) as here, ExitStack() as many:
        first = here.operator()
        assert first.ask("operator.peers")["status"] == "OK"
        while psutil.Process(realm.pid).num_fds() < DESCRIPTORS:
            one = Operator(here.path)
            many.enter_context(one.connection)
            assert one.ask("operator.peers")["status"] == "OK"
        assert many.enter_context(closing(Operator(here.path))).ask("operator.peers")["status"] == "OK"
        waiting = here.operator()
        asked = waiting.post("operator.peers")
        assert first.ask("operator.peers")["status"] == "OK"
        many.close()
        assert waiting.answer()["id"] == asked


def test_a_socket_that_was_left_is_replaced_and_the_last_is_removed(realm: RealmProcess) -> None:
    place = realm.data / "operator"
    realm.kill()
    left = place.lstat()
    assert stat.S_ISSOCK(left.st_mode), "SIGKILL leaves it"
    place.chmod(0o666)
    realm.start()
    assert stat.S_IMODE(place.lstat().st_mode) == 0o600
    with inside(realm) as here:
        assert here.peers()["realm"] == "kampus"
    assert realm.stop() == 0
    assert not place.exists()


def test_what_is_no_socket_is_left_alone(realm: RealmProcess, tmp_path: Path) -> None:
    """The realm runs without, and says so."""
    realm.stop()
    place, elsewhere = realm.data / "operator", tmp_path / "elsewhere"
    elsewhere.write_text("not ours")
    place.symlink_to(elsewhere)
    realm.start()
    assert "the operator's commands will not reach this realm" in realm.log()
    with outside(realm) as here:
        assert here.card()["realm"] == "kampus"
    assert realm.stop() == 0
    assert place.is_symlink()
    assert elsewhere.read_text() == "not ours"


@pytest.mark.parametrize("name", ["x" * 120, "@x", "data é 数据"])
def test_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    """A socket's own path has room for 108 bytes, and a leading @ would be something else."""
    (tmp_path / name).mkdir()
    realm = RealmProcess(tmp_path / name)
    try:
        realm.start()
        with inside(realm) as here:
            assert here.peers()["realm"] == "kampus"
        command = [sys.executable, "-m", "realm", "peers", "--json", "--data", str(realm.data)]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        assert '"running": true' in told
        assert realm.stop() == 0
        assert not (realm.data / "operator").exists()
    finally:
        if realm.running:
            realm.kill()


def test_what_the_operator_waits_for_keeps_no_realm_from_stopping(realm: RealmProcess) -> None:
    """A dial is given up, as those of users are; what was answered before is delivered."""
    with socket.create_server(("127.0.0.1", 0)) as mute, inside(realm) as here:
        operator = here.operator()
        operator.post("operator.addpeer", realm="pusat", address="127.0.0.1", port=mute.getsockname()[1])
        hung, _ = mute.accept()
        asked = operator.post("operator.peers")
        with hung:
            assert operator.answer()["id"] == asked
            assert realm.stop() == 0
