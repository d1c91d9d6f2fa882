"""A realm whose disk is full, and its operator: what writes is refused in a sentence, and the realm goes on.

The disk is a small one of memory's, which the system has to let this user mount.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.scenarios.operator_kit import operate, works

pytestmark = pytest.mark.thorough
SIZE = "8m"
PASSWORD = "surabaya\n"
WRITES = (
    ("user", "add", "henderson"), ("user", "reset", "messi"), ("user", "disable", "messi"),
    ("user", "admin", "messi", "on"),
    ("erase", "messi", "--yes"),
)  # fmt: skip
READS = (("user", "list"), ("status",), ("peers",), ("invite-user",))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], capture_output=True, check=False
    )
    if done.returncode:
        pytest.fail(f"this test mounts a small disk: say it as root ({done.stderr.decode().strip()})")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path) -> Path:
    """Take all room that is left; the file to remove for that to be over."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue
    return filler


def refused(data: Path) -> None:
    for words in WRITES:
        code, lines, errors = operate(data, *words, stdin=PASSWORD)
        assert (code, lines) == (1, []), words
        assert "full" in errors, words
        assert len(errors.splitlines()) == 1, words


def works_again(data: Path) -> None:
    works(data, "user", "add", "henderson", stdin=PASSWORD)
    assert [line.split()[0] for line in works(data, "user", "list")[1:]] == ["henderson", "messi"]
    found = json.loads(operate(data, "doctor", "--json")[1][0])["findings"]
    assert {one["about"] for one in found if one["level"] == "problem"} <= {"disk"}, "it is small even so"


def test_beside_a_realm_that_runs(small: Path, start_realm: StartRealm) -> None:
    realm = RealmProcess(small)
    realm.start()
    try:
        works(realm.data, "user", "add", "messi", stdin=PASSWORD)
        filler = fill(small)
        for _ in range(2):  # until what the write-ahead log has of room is taken too
            operate(realm.data, "user", "add", "lineker", stdin=PASSWORD)
        refused(realm.data)
        for words in READS:
            assert operate(realm.data, *words)[0] == 0, words
        code, _, errors = operate(realm.data, "backup", "--overwrite", small / "b.tar")
        assert code == 1
        assert "make room" in errors
        assert operate(realm.data, "doctor")[0] == 1, "there is no room"
        assert realm.running
        filler.unlink()
        works_again(realm.data)
        works(realm.data, "backup", small / "b.tar")
    finally:
        assert realm.stop() == 0
