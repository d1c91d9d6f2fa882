"""A realm whose disk is full: what writes is refused in a sentence, to users and operator, and the realm goes on.

Where it is a disk of memory's, the system has to let this user mount it. At length in `python -m tests.soak`.
"""

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.full_disk import SMALL, full_disk
from tests.faults.small_disk import CannotMountError, SmallDisk, mounted
from tests.realm_process import RealmProcess
from tests.scenarios.operator_kit import operate, works

PASSWORD = "surabaya\n"
WRITES = (
    ("user", "add", "henderson"), ("user", "reset", "messi"), ("user", "disable", "messi"),
    ("user", "admin", "messi", "on"),
    ("erase", "messi", "--yes"),
)  # fmt: skip
READS = (("user", "list"), ("status",), ("peers",), ("invite-user",))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[SmallDisk]:
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(mounted(tmp_path / "small"))
        except CannotMountError as error:
            pytest.fail(str(error))
        yield disk


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


@pytest.mark.thorough
def test_beside_a_realm_that_runs(small: SmallDisk) -> None:
    realm = RealmProcess(small.place)
    realm.start()
    try:
        works(realm.data, "user", "add", "messi", stdin=PASSWORD)
        small.fill()
        for _ in range(2):  # until what the write-ahead log has of room is taken too
            operate(realm.data, "user", "add", "lineker", stdin=PASSWORD)
        refused(realm.data)
        for words in READS:
            assert operate(realm.data, *words)[0] == 0, words
        code, _, errors = operate(realm.data, "backup", "--overwrite", small.place / "b.tar")
        assert code == 1
        assert "make room" in errors
        assert operate(realm.data, "doctor")[0] == 1, "there is no room"
        assert realm.running
        small.make_room()
        works_again(realm.data)
        works(realm.data, "backup", small.place / "b.tar")
    finally:
        assert realm.stop() == 0


def test_one_of_three_realms(tmp_path: Path) -> None:
    """It is killed while its disk is full, and comes back when there is room. What it could not take waited for it."""
    with full_disk(tmp_path, random.Random(8), mount=False) as full:
        full.round(SMALL)
        full.check()
