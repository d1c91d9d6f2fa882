"""How a realm ends: in one clear sentence where it cannot start, and in answers where it is told to stop."""

import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from tests.conftest import StartRealm
from tests.realm_process import NO_LIMITS, RealmProcess
from tests.wire.attacker import PASSWORD, Caller, outside
from tests.wire.dialling import Map, packed, unpacked

POSTED = 1_500
AT_ONCE = 100
ANSWERED_FIRST = 300
ENDS = [signal.SIGTERM, signal.SIGINT]


def refused(data: Path, *options: str, name: str = "kampus", lines: int = 1) -> str:
    """The one sentence, or the lines, in which a realm says why it does not start."""
    command = [sys.executable, "-m", "realm", "run", "--name", name, "--data", str(data), "--port", "0"]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1, ended
    assert "is ready" not in ended.stdout
    assert "Traceback" not in ended.stderr
    sentence = ended.stderr.strip()
    assert len(sentence.splitlines()) == lines
    assert len(sentence) > 20
    return sentence


def ended(realm: RealmProcess, number: signal.Signals) -> int:
    """The exit code to which the signal leads."""
    assert realm.process is not None
    realm.send_signal(number)
    realm.process.wait(timeout=60)
    return realm.stop()


def test_a_second_realm_on_the_same_folder(realm: RealmProcess) -> None:
    assert str(realm.data) in refused(realm.data)
    with outside(realm) as here:
        assert here.card()["realm"] == "kampus"
    realm.kill()
    assert realm.start().stop() == 0, "the lock outlived its process"


@pytest.mark.parametrize("option", ["--port", "--commands-port", "--push-port"])
def test_a_used_port(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        port = str(used.getsockname()[1])
        free = ("--commands-port", "0", "--push-port", "0")
        assert port in refused(tmp_path / "data", *free, option, port)


def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    assert "192.0.2.1" in refused(tmp_path / "data", "--host", "192.0.2.1")
    assert "no.such.host.invalid" in refused(tmp_path / "data", "--host", "no.such.host.invalid")


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    """Something else stands in its place, or above it: root cannot write there either."""
    in_place = tmp_path / "file"
    in_place.write_text("not a folder")
    assert str(in_place) in refused(in_place)
    assert str(in_place) in refused(in_place / "data")
    assert in_place.read_text() == "not a folder"


def test_a_folder_without_a_name(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "realm", "run", "--data", str(tmp_path / "data"), "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert "--name" in ended.stderr
    assert "Traceback" not in ended.stderr


Harm = Callable[[Path], object]
HARM: dict[str, tuple[Harm, str]] = {
    "an empty key file": (lambda data: (data / "realm.key").write_bytes(b""), "realm.key"),
    "a short key": (lambda data: (data / "realm.key").write_bytes(b"abc"), "realm.key"),
    "a key of other bytes": (lambda data: (data / "realm.key").write_bytes(b"\xff\0" * 20), "realm.key"),
    "a key of other letters": (lambda data: (data / "realm.key").write_text("~" * 40), "realm.key"),
    "a key that all can read": (lambda data: (data / "realm.key").chmod(0o644), "realm.key"),
    "a key that is a folder": (lambda data: in_place_of(data / "realm.key").mkdir(), "realm.key"),
    "a newer database": (lambda data: make_newer(data / "realm.db"), "newer"),
    "no database": (lambda data: (data / "realm.db").write_bytes(b"not a database" * 1_000), "realm.db"),
    # An empty realm with the old one's key would look to everybody as if all had been erased.
    "a database that is gone": (lambda data: in_place_of(data / "realm.db"), "its database is missing"),
    "a database that is empty": (lambda data: (data / "realm.db").write_bytes(b""), "its database is missing or empty"),
    "a database that is a folder": (lambda data: in_place_of(data / "realm.db").mkdir(), "realm.db"),
}


def in_place_of(path: Path) -> Path:
    path.unlink()
    return path


def make_newer(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 100000")
    database.close()


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a realm that has run, and ended well."""
    realm = RealmProcess(tmp_path_factory.mktemp("used"))
    assert realm.start().stop() == 0
    return realm.data


@pytest.mark.parametrize(("harm", "named"), HARM.values(), ids=HARM.keys())
def test_a_folder_that_came_to_harm(used: Path, tmp_path: Path, harm: Harm, named: str) -> None:
    data = shutil.copytree(used, tmp_path / "data")
    harm(data)
    before = {path: path.read_bytes() for path in data.iterdir() if path.is_file()}
    assert named in refused(data)
    assert {path: path.read_bytes() for path in before} == before, "what is wrong is left for a person to mend"


def test_another_name_for_the_folder(used: Path) -> None:
    sentence = refused(used, name="pusat")
    assert "kampus" in sentence
    assert "pusat" in sentence


CONFIGS = {
    "no TOML": "registration = ",
    "not UTF-8": "registration = '\udcff'",
    "an unknown key": "registraton = 'open'",
    "an unknown table": "[limit]\nsessions_per_user = 5",
    "another type": "[limits]\nsessions_per_user = 'many'",
    "below its least": "[limits]\nsessions_per_user = 0",
    "no network": "trusted_clients = ['localhost']",
    "too little memory to hash": "[hashing]\nmemory_kib = 8\nlanes = 4",
}


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS.keys())
def test_settings_that_cannot_be_meant(tmp_path: Path, text: str) -> None:
    config = tmp_path / "wrong.toml"
    config.write_bytes(text.encode(errors="surrogateescape"))
    sentence = refused(tmp_path / "data", "--config", str(config), lines=2)
    assert sentence.startswith(f"the settings file {config} cannot be used:\n  line ")


def test_settings_that_are_not_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.toml")
    assert missing in refused(tmp_path / "data", "--config", missing)


@pytest.mark.parametrize("number", ENDS)
def test_a_signal_right_after_the_ready_line_ends_it_well(realm: RealmProcess, number: signal.Signals) -> None:
    assert ended(realm, number) == 0
    assert "Traceback" not in realm.log()


@pytest.mark.parametrize("number", ENDS)
def test_what_was_taken_in_is_answered_before_the_end(start_realm: StartRealm, number: signal.Signals) -> None:
    """What is stored was answered, and what was answered is stored."""
    realm = start_realm(config=NO_LIMITS)
    with outside(realm) as here:
        person = here.person("messi")
        dialled = here.dial(zmq.DEALER, realm.commands, person.keys)
        for call in range(POSTED):
            fields = {"cmd": "send", "id": call, "tokenId": person.token, "to": "messi", "message": f"{call}"}
            dialled.socket.send(packed(**fields))
        answers: list[Map] = []
        while len(answers) < ANSWERED_FIRST:
            answers.append(unpacked(dialled.socket.recv()))
        assert ended(realm, number) == 0
        dialled.wait(zmq.EVENT_DISCONNECTED)
        while dialled.socket.poll(0):
            answers.append(unpacked(dialled.socket.recv()))
        dialled.close()

        realm.start()
        conversation = "private/messi@kampus,messi@kampus"
        head = person.done("history", conversation=conversation, limit=1)["head"]
        assert sorted(answer["seq"] for answer in answers) == list(range(1, head + 1))


@pytest.mark.parametrize("number", ENDS)
def test_a_login_that_is_being_checked_is_answered_before_the_end(tmp_path: Path, number: signal.Signals) -> None:
    realm = RealmProcess(tmp_path, config="[hashing]\nmemory_kib = 65536\npasses = 4\nlanes = 1\nworkers = 1\n")
    try:
        with outside(realm.start()) as here:
            dialled = here.dial(zmq.DEALER, realm.commands, here.person("messi").keys)
            caller = Caller(dialled.socket)
            login = caller.post("auth", username="messi", password=PASSWORD)
            assert caller.ask("info")["status"] == "OK", "the login is not yet taken in"
            assert ended(realm, number) == 0
            answer = caller.answer()
            assert answer["id"] == login
            assert answer["status"] == "OK"
    finally:
        if realm.running:
            realm.kill()
