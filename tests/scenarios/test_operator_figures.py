"""Figures for Prometheus, and `status`: what they tell of a real realm, and who may ask."""

import http.client
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import StartRealm
from tests.realm_process import FAST_HASHING, RealmProcess, free_ports
from tests.scenarios.test_operator_settings import says, wait_until
from tests.wire.attacker import Outside, outside

SILENT = 40
"""More than may be connected at once."""
CROWD = 100
"""Answered one after the other while the loop is gone, each for as long as that may take, they would last minutes."""


def figures(port: int) -> dict[str, float]:
    """What is told now, by `name{label=value}`."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    asked.request("GET", "/metrics")
    answer = asked.getresponse()
    assert answer.status == 200
    text = answer.read().decode()
    asked.close()
    return {
        sample.name + "".join(f"|{value}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def counted(start_realm: StartRealm, port: int) -> RealmProcess:
    return start_realm(config=f"figures.port = {port}\n")


def busy(here: Outside) -> None:
    """Two people, three messages and two errors."""
    messi, henderson = here.person("messi"), here.person("henderson")
    for number in range(3):
        messi.send("henderson", str(number))
    assert messi.ask("send", to="nobody", message="x")["code"] == "user_not_found"
    assert henderson.ask("no such thing \x1b{}")["code"] == "unknown_command"


def test_what_is_told(counted: RealmProcess, port: int) -> None:
    with outside(counted) as here:
        busy(here)
        told = figures(port)
        assert told["bagan_up"] == 1
        assert told["bagan_commands_total|ok|send"] == 3
        assert told["bagan_commands_total|user_not_found|send"] == 1
        assert told["bagan_commands_total|unknown_command|unreadable"] == 1
        assert told["bagan_errors_total|user_not_found"] == 1
        assert told["bagan_errors_total|internal_error"] == 0
        assert (told["bagan_sessions"], told["bagan_users_active"]) == (2, 2)
        assert told["bagan_connections|commands"] >= 2
        assert told["bagan_pushes_total"] == 3
        assert told["bagan_turn_seconds_count"] == told["bagan_turn_inputs_count"]
        assert told["bagan_turn_inputs_sum"] >= 7
        assert told["bagan_commit_seconds_count"] >= told["bagan_turn_seconds_count"]
        assert told["process_resident_memory_bytes"] > 1_000_000
        assert told["bagan_database_bytes"] > 0
        assert told["bagan_jobs|hash|running"] == 0
        assert any(name.startswith("bagan_info|") and "kampus" in name for name in told)
        before = set(told)
        for number in range(20):
            here.caller().ask(f"cmd-{number}")
        assert set(figures(port)) - before <= {"bagan_commands_total|ok|operator.figures"}, "labels have a bound"
    assert counted.stop() == 0
    assert "Traceback" not in counted.log()


def test_who_asks_otherwise_harms_nobody(counted: RealmProcess, port: int) -> None:
    for sent in (b"", b"\0" * 100, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", b"GET /" + b"x" * 70_000):
        with socket.create_connection(("127.0.0.1", port), 30) as raw:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            with suppress(ConnectionResetError):
                while raw.recv(4_096):
                    pass
    silent = socket.create_connection(("127.0.0.1", port), 30)
    assert figures(port)["bagan_up"] == 1, "after who says nothing was cut"
    silent.close()
    assert counted.stop() == 0
    assert "Traceback" not in counted.log()


def test_who_asks_a_byte_at_a_time_keeps_neither_others_nor_the_realm_waiting(counted: RealmProcess, port: int) -> None:
    cut = threading.Event()

    def drip(raw: socket.socket) -> None:
        with suppress(OSError):
            raw.sendall(b"GET /metrics HTTP/1.1\r\n")
            while not cut.wait(0.2):
                raw.sendall(b"X")

    with socket.create_connection(("127.0.0.1", port), 30) as raw:
        dripping = threading.Thread(target=drip, args=(raw,))
        dripping.start()
        try:
            assert figures(port)["bagan_up"] == 1
            with socket.create_connection(("127.0.0.1", port), 30) as other:
                dripping_too = threading.Thread(target=drip, args=(other,))
                dripping_too.start()
                assert counted.stop() == 0
        finally:
            cut.set()
            dripping.join()
    dripping_too.join()


def test_many_who_ask_nothing_keep_nobody_waiting(counted: RealmProcess, port: int) -> None:
    """One after the other, each for as long as it may be silent, they would keep others waiting for minutes."""
    with ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for _ in range(SILENT)]
        assert figures(port)["bagan_up"] == 1
        assert all(one.recv(1) == b"" for one in silent), (
            "those who came first have made room, the others' time is over"
        )


def test_a_crowd_that_asks_keeps_no_realm_from_ending(counted: RealmProcess, port: int) -> None:
    """All of it is answered in turn, with a bound on threads; what waits when the realm stops is not."""
    with ExitStack() as stack:
        threads = 0
        for _ in range(CROWD):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            one.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            threads = max(threads, psutil.Process(counted.pid).num_threads())
        assert threads < CROWD
        assert figures(port)["bagan_up"] == 1
        for _ in range(CROWD):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            one.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert counted.stop() == 0, "within the time that a supervisor gives it"
    assert "Traceback" not in counted.log()


def test_a_port_that_is_taken(tmp_path: Path, port: int) -> None:
    realm = RealmProcess(tmp_path, config=f"figures.port = {port}\n{FAST_HASHING}")
    with socket.create_server(("127.0.0.1", port)), pytest.raises(RuntimeError) as raised:
        realm.start()
    assert f"127.0.0.1:{port} cannot be listened on for figures (Address already in use)" in str(raised.value)
    assert "Traceback" not in str(raised.value)
    assert realm.stop() == 1


def test_status(counted: RealmProcess, port: int, tmp_path: Path) -> None:
    with outside(counted) as here:
        busy(here)
        done = says("status", "--data", str(counted.data))
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert re.fullmatch(rf"kampus  runs since .*, Bagan \S+, process {counted.pid}", lines[0])
        ports = f"commands {counted.commands}, push {counted.push}, figures {port}"
        assert f"listens at   127.0.0.1:{counted.door}, {ports}" in lines
        assert f"settings     {counted.config}" in lines
        assert "people       2 users active, 2 sessions" in lines
        assert "messages     3 in the last minute, 3 in the last hour" in lines
        assert "refused      user_not_found 1, unknown_command 1" in lines
        assert "incidents    none" in lines
        told = json.loads(says("status", "--json", "--data", str(counted.data)).stdout)
        assert (told["running"], told["sessions"], told["served"]["pid"]) == (True, 2, counted.pid)
        assert told["connections"]["commands"] >= 2
    assert says("status", "--watch", "--json", "--data", str(counted.data)).returncode == 2
    assert "needs a terminal" in says("status", "--watch", "--data", str(counted.data)).stderr

    counted.stop()
    done = says("status", "--data", str(counted.data), "--config", str(counted.config))
    assert done.stdout.startswith("kampus  is not running: this is what its folder knows\n")
    assert "people       2 sessions\n" in done.stdout
    nowhere = says("status", "--data", str(tmp_path / "no"))
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert nowhere.stderr.startswith("no realm has run on the folder")


def test_status_that_is_watched(realm: RealmProcess) -> None:
    """It shows what comes, and that the realm stops; Ctrl-C ends it without a word."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "realm", "status", "--watch", "--data", str(realm.data)]
    watching = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    screen = b""

    def shows(what: bytes) -> bool:
        nonlocal screen
        screen += os.read(ours, 65_536)
        return what in screen

    wait_until(lambda: shows(b"runs"))
    realm.stop()
    wait_until(lambda: shows(b"is not running"))
    watching.send_signal(signal.SIGINT)
    _, errors = watching.communicate(timeout=30)
    os.close(ours)
    assert (watching.returncode, errors) == (0, b"")
