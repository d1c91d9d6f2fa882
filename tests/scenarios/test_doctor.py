"""`doctor`, beside a realm that runs and where none does: each thing that can be wrong is found and said."""

import hashlib
import json
import os
import pty
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartRealm
from tests.realm_process import RealmProcess, free_ports
from tests.scenarios.operator_kit import operate
from tests.wire.player import Stage

TEXT = b"halo, selamat malam\n"
DIGEST = hashlib.sha256(TEXT).hexdigest()
FUTURE_MS = 4_000_000_000_000


def found(data: Path, *words: object) -> dict[str, Any]:
    code, lines, errors = operate(data, "doctor", "--json", *words)
    assert errors == ""
    (line,) = lines
    told: dict[str, Any] = json.loads(line)
    assert code == (0 if told["well"] else 1)
    return told


def wrong(told: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What is not well: about, level, and both sentences in one."""
    return [
        (one["about"], one["level"], f"{one['said']}: {one['advice']}")
        for one in told["findings"]
        if one["level"] != "ok"
    ]


def only(told: dict[str, Any]) -> tuple[str, str, str]:
    """The one thing that is wrong."""
    listed = wrong(told)
    assert len(listed) == 1, listed
    return listed[0]


def populate(realm: RealmProcess) -> None:
    with Stage(realm) as stage:
        stage.play(
            """
            messi: register messi surabaya Argentina Lionel Messi
            messi: send messi halo {1..5}
            messi: upload digest=$digest size=20 name=laporan.txt
            messi keeps upload as upload
            messi: chunk upload=$upload offset=0 bytes=$whole
            messi keeps file as file
            messi: sendfile messi $file
            """,
            digest=bytes.fromhex(DIGEST),
            whole=TEXT,
        )


def test_two_realms_that_are_well_and_then_one_is_gone(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    populate(kampus)
    with Stage(kampus) as stage:
        stage.play(f"""
            messi: auth messi surabaya
            messi: addrealm pusat 127.0.0.1 {pusat.door}
        """)
    code, lines, errors = operate(kampus.data, "doctor", "--full")
    assert (code, errors) == (0, "")
    assert lines[0] == f"kampus on {kampus.data}, which runs (process {kampus.pid})"
    assert lines[-1] == "all is well"
    text = "\n".join(lines)
    for sentence in (
        f"the front door shows kampus's card and key at 127.0.0.1:{kampus.door}",
        f"commands are answered at 127.0.0.1:{kampus.commands}",
        f"push takes connections at 127.0.0.1:{kampus.push}",
        "6 entries in 1 conversation: every chain holds",
        "1 file with 20 bytes, every byte of them as it was sent",
        f"it answers at 127.0.0.1:{pusat.door} with its key, in ",
    ):
        assert sentence in text
    pusat.kill()
    told = found(kampus.data, "--quick")
    assert told["running"]
    assert told["well"], "that another realm is down is no problem of this one"
    about, level, sentence = only(told)
    assert (about, level) == ("peer pusat", "warning")
    assert f"nothing answers at 127.0.0.1:{pusat.door}" in sentence

    other = RealmProcess(pusat.data.parent, "lain")
    other.door = pusat.door
    other.start()
    try:
        assert [(about, level) for about, level, _ in wrong(found(kampus.data))] == [("peer pusat", "problem")]
    finally:
        other.kill()


def test_the_settings_are_those_that_the_realm_goes_by(start_realm: StartRealm) -> None:
    realm = start_realm(config="[files]\nrealm_bytes = 9_000_000_000_000_000\n")
    assert not (realm.data / "settings.toml").exists()
    about, level, said = only(found(realm.data))
    assert (about, level) == ("disk", "warning")
    assert "files.realm_bytes" in said


def test_where_others_are_told_that_it_is(start_realm: StartRealm) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        elsewhere = f"127.0.0.1:{nobody.getsockname()[1]}"
        realm = start_realm(options=("--advertise", elsewhere))
        about, level, said = only(found(realm.data))
    assert (about, level) == ("ports", "warning")
    assert f"others are told {elsewhere}, where this machine does not reach it: nothing answers at" in said
    assert "--advertise" in said


def execute(data: Path, statement: str) -> None:
    with closing(sqlite3.connect(data / "realm.db")) as database, database:
        database.execute(statement)


def blob(data: Path) -> Path:
    return data / "blobs" / DIGEST[:2] / DIGEST


def stray(data: Path) -> None:
    (data / "blobs" / "ab").mkdir()
    (data / "blobs" / "ab" / ("ab" * 32)).write_text("hello")


HARMS: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "folder": (lambda data: data.chmod(0o750), "folder", "problem", "say chmod 700"),
    "database mode": (lambda data: (data / "realm.db").chmod(0o640), "folder", "problem", "say chmod 600"),
    "key mode": (lambda data: (data / "realm.key").chmod(0o640), "key", "problem", "say chmod 600"),
    "no key": (lambda data: (data / "realm.key").unlink(), "key", "problem", "put it back from a backup"),
    "an entry": (
        lambda data: execute(data, "UPDATE entries SET message = 'halo 9' WHERE message = 'halo 3'"),
        "entries",
        "problem",
        "in private/messi@kampus,messi@kampus: entry 3 does not follow",
    ),
    "a missing entry": (
        lambda data: execute(data, "DELETE FROM entries WHERE message = 'halo 2'"),
        "entries",
        "problem",
        "entry 2 is missing",
    ),
    "the last entry": (
        lambda data: execute(data, "UPDATE conversations SET head = head + 1"),
        "entries",
        "problem",
        "entry 7 is missing",
    ),
    "a row that names nothing": (
        lambda data: execute(data, "INSERT INTO attachments VALUES (99, 'nothing')"),
        "database",
        "problem",
        "names one of files that is not there",
    ),
    "a lost file": (lambda data: blob(data).unlink(), "files", "problem", f"put blobs/{DIGEST[:2]}/{DIGEST} back"),
    "a short file": (lambda data: blob(data).write_bytes(TEXT[:-1]), "files", "problem", "are 19 and not 20"),
    "a changed file": (lambda data: blob(data).write_bytes(TEXT.upper()), "files", "problem", "are not those"),
    "a stray file": (stray, "files", "warning", "1 file of 5 bytes that nothing names"),
    "the clock": (
        lambda data: execute(data, f"UPDATE conversations SET latest = {FUTURE_MS} << 12"),
        "clock",
        "problem",
        "behind what was stored last",
    ),
    "no database": (
        lambda data: (data / "realm.db").write_bytes(b"x" * 50_000),
        "database",
        "problem",
        "restore the last good backup",
    ),
    "a newer schema": (
        lambda data: execute(data, "PRAGMA user_version = 999"),
        "database",
        "problem",
        "written by a newer Bagan",
    ),
}


@pytest.fixture(scope="module")
def rested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a realm that has run."""
    realm = RealmProcess(tmp_path_factory.mktemp("rested")).start()
    try:
        populate(realm)
    finally:
        realm.stop()
    return realm.data


@pytest.mark.parametrize("harm", HARMS)
def test_each_harm_is_found_and_only_that(rested: Path, tmp_path: Path, harm: str) -> None:
    data = tmp_path / "kampus"
    subprocess.run(["cp", "-a", rested, data], check=True)
    do, about, level, sentence = HARMS[harm]
    do(data)
    told = found(data, "--full", "--port", free_ports(1)[0])
    assert not told["running"]
    found_about, found_level, said = only(told)
    assert (found_about, found_level) == (about, level)
    assert sentence in said


def test_a_port_that_is_taken(rested: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        about, level, said = only(found(rested, "--push-port", port, "--port", free_ports(1)[0]))
    assert (about, level) == ("ports", "problem")
    assert f"127.0.0.1:{port} cannot be listened on (Address already in use)" in said


def test_settings_that_cannot_be_used(rested: Path, tmp_path: Path) -> None:
    config = tmp_path / "bad.toml"
    config.write_text("registration = 'perhaps'\n")
    about, level, said = only(found(rested, "--config", config, "--port", free_ports(1)[0]))
    assert (about, level) == ("settings", "problem")
    assert "registration" in said
    config.write_text("[files]\nrealm_bytes = 9_000_000_000_000_000\n")
    about, level, said = only(found(rested, "--config", config, "--port", free_ports(1)[0]))
    assert (about, level) == ("disk", "warning")
    assert "files.realm_bytes" in said


@pytest.mark.thorough
def test_a_realm_that_hangs(start_realm: StartRealm) -> None:
    """Whatever does not answer is said, and the rest is looked at all the same."""
    realm = start_realm()
    with Stage(realm) as stage:
        stage.play("messi: register messi surabaya Argentina Lionel Messi")
    realm.send_signal(signal.SIGSTOP)
    try:
        told = found(realm.data, "--port", realm.door)
    finally:
        realm.send_signal(signal.SIGCONT)
    about, level, said = only(told)  # that its ports are taken is as it should be
    assert (about, level) == ("process", "problem")
    assert "has not answered for" in said
    assert [one for one in told["findings"] if one["about"] == "entries" and one["level"] == "ok"]
    assert not [one for one in told["findings"] if one["about"] == "ports"], "nobody is to end what listens there"


def test_what_is_said_of_it_is_used_rightly(rested: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    code, lines, errors = operate(nowhere, "doctor")
    assert (code, lines) == (1, [])
    assert errors.startswith(f"no realm has run on the folder {nowhere} yet")
    assert not nowhere.exists()
    assert (
        operate(rested, "doctor", "--port", "x")[0]
        == operate(rested, "doctor", "--hasty")[0]
        == operate(rested, "doctor", "more")[0]
        == 2
    )


def test_at_a_terminal_no_line_is_too_long(rested: Path) -> None:
    ours, theirs = pty.openpty()
    with closing(os.fdopen(ours, "rb", buffering=0)) as screen:
        environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm", "NO_COLOR": "1"}
        command = [sys.executable, "-m", "realm", "doctor", "--data", str(rested), "--port", str(free_ports(1)[0])]
        subprocess.run(command, stdout=theirs, env=environment, stderr=subprocess.DEVNULL, timeout=60, check=True)
        os.close(theirs)
        shown = b""
        try:
            while part := screen.read(4_096):
                shown += part
        except OSError:  # as Linux says that nobody writes any more
            pass
    head, _, *rows, _, last = shown.decode().splitlines()
    assert head.startswith("the realm on ")
    assert last == "all is well"
    assert max(map(len, rows)) <= 80
    assert rows[0].startswith("ok  folder ")
