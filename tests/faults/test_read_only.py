"""A folder that cannot be written: the operator is told that, and not that something is damaged."""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import StartRealm
from tests.scenarios.operator_kit import operate, works

DROP = 24
OVERRIDES = (1, 2)
"""What lets root read and write whatever the bits of a file say; see capabilities(7) and prctl(2)."""


def say_as_anybody(*words: object) -> tuple[int, str, str]:
    """What `python -m realm` says to somebody whom the bits of a folder bind, as they do not root."""
    libc = ctypes.CDLL(None)

    def be_bound() -> None:
        for one in OVERRIDES:
            libc.prctl(DROP, one, 0, 0, 0)

    bound = be_bound if os.getuid() == 0 else None
    command = [sys.executable, "-m", "realm", *map(str, words)]
    done = subprocess.run(command, capture_output=True, preexec_fn=bound, timeout=60, check=False, text=True)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def barred(start_realm: StartRealm) -> Path:
    """The folder of a realm that was killed, so that its log has what the database lacks."""
    realm = start_realm()
    works(realm.data, "user", "add", "messi", stdin="surabaya\n")
    realm.kill()
    (realm.data / "realm.db-shm").unlink()
    realm.data.chmod(0o500)
    return realm.data


def test_it_is_said(barred: Path) -> None:
    code, told, errors = say_as_anybody("doctor", "--json", "--data", barred)
    assert (code, errors) == (1, "")
    wrong = {one["about"]: one for one in json.loads(told)["findings"] if one["level"] == "problem"}
    assert "nothing may be written" in wrong["folder"]["said"]
    assert "cannot be written" in wrong["database"]["said"]
    assert "backup" not in wrong["database"]["advice"]
    code, told, errors = say_as_anybody("run", "--data", barred, "--port", "0")
    assert code == 1
    assert len(errors.splitlines()) == 1
    assert "may write to the folder" in errors
    barred.chmod(0o700)
    assert [line.split()[0] for line in works(barred, "user", "list")[1:]] == ["messi"]
    assert operate(barred, "doctor", "--quick")[0] == 0
