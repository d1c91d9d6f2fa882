"""A program that is forked does what the same program does that was started."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests import forking
from tests.realm_process import RealmProcess


def started(module: str, *words: str, env: dict[str, str], typed: bytes) -> tuple[int, bytes, bytes]:
    command = [sys.executable, "-m", module, *words]
    done = subprocess.run(command, env=env, input=typed, capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("module", "words", "typed"),
    [
        ("realm", ("run", "--help"), b""),
        ("realm", ("fly",), b""),
        ("realm", ("invite", "--data", "no such folder é \udcff"), b""),
        ("client", (), b"help\nwhat\n"),
    ],
)
def test_it_says_the_same_and_ends_the_same(
    module: str, words: tuple[str, ...], typed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = os.environ | {"BAGAN_HOME": str(tmp_path), "BAGAN_REALM": "127.0.0.1:1", "LC_ALL": "C", "COLUMNS": "60"}
    plain = env | {"PYTHONPATH": str(Path(forking.__file__).parents[1])}
    assert forking.run(module, words, env, typed) == started(module, *words, env=plain, typed=typed)


def test_what_is_killed_says_by_what(tmp_path: Path) -> None:
    realm = RealmProcess(tmp_path).start()
    assert realm.process is not None
    pid = realm.pid
    assert realm.process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        realm.process.wait(timeout=0)
    realm.kill()
    assert realm.process.poll() == -signal.SIGKILL
    assert not psutil.pid_exists(pid)
