"""Flushes that fail, and power cuts, below a real realm: an OK is said of what the disk has, and of nothing else.

"An `OK` to a send means: on disk, and flushed."
"""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from realm.keeping.examining import look_at_database
from realm.store import database
from realm.store.looking import Looking
from tests.faults.disk_people import BROKEN, EVERYTHING, FULL, People, people_of
from tests.faults.faulty_disk import FaultyRealm
from tests.faults.faulty_realm.__main__ import OFTEN
from tests.faults.faulty_realm.orders import HANG, Fault
from tests.realm_process import FAST_HASHING, NO_LIMITS

ROUNDS = 40
MANY = 100


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    realm = FaultyRealm(tmp_path, config=NO_LIMITS + FAST_HASHING, dice=random.Random(8))
    realm.start()
    try:
        with people_of(realm) as people:
            yield people
    finally:
        if realm.running:
            realm.kill()


def comes_back(people: People) -> None:
    """On a disk that is well again."""
    people.hear_the_end()
    people.realm.fail()
    people.realm.start()
    people.say_again()
    people.hear_all()
    people.check()


MOMENTS = [
    Fault("sync", "wal", HANG, skip=3),
    Fault("sync", "wal", HANG, skip=9),
    Fault("write", "wal", HANG, skip=40),
    Fault("write", "db", HANG, skip=20),
    Fault("sync", "db", HANG),
    Fault("sync", "files", HANG, skip=1),
]


def test_power_cuts(people: People) -> None:
    """At any moment, and in the middle of a flush, of a write, and of copying the log home."""
    people.say(50)
    people.hear(70)
    people.realm.power_cut()
    comes_back(people)
    for moment in MOMENTS:
        people.realm.fail(moment)
        people.talk(ROUNDS)
        people.hear(EVERYTHING)  # files are behind what is said
        assert people.realm.hangs, f"{moment} was not met"
        people.realm.power_cut()
        comes_back(people)
    assert people.realm.platter.lost, "there was nothing to lose"


@pytest.mark.parametrize("on", ["wal", "all"])
def test_a_flush_fails(people: People, on: str) -> None:
    """What the system takes as written then is not on the disk, and no later flush brings it there.

    With `all` the realm cannot even tidy up as it ends, and begins again on what it left.
    """
    realm = people.realm
    realm.fail(Fault("sync", on, skip=2))
    people.talk(ROUNDS)
    assert realm.ended() == 1
    assert realm.log().splitlines()[-1].startswith("the database failed")
    comes_back(people)
    people.say(5)
    people.hear_all()
    realm.power_cut()
    comes_back(people)


NO_ROOM = {
    "of the log": [Fault("write", "wal", "ENOSPC")],
    "half way, now and then": [Fault("write", "wal", "ENOSPC", skip=30, times=40, part=True)],
    "for files": [Fault("write", "files", "ENOSPC", part=True), Fault("open", "files", "ENOSPC")],
    "for anything": [Fault(op, "all", "ENOSPC") for op in ("write", "open", "shm")],
}


@pytest.mark.parametrize(
    "where",
    [pytest.param(one, marks=[pytest.mark.thorough] * (one in ("of the log", "for files"))) for one in NO_ROOM],
)
def test_there_is_no_room(people: People, where: str) -> None:
    """Who wants to write is told so, the realm goes on, and so does everybody when there is room."""
    people.say(25)
    people.hear_all()
    people.realm.fail(*NO_ROOM[where])
    people.talk(ROUNDS)
    people.hear_all()
    assert set(people.refused()) <= FULL
    assert people.refused(), "nobody was refused"
    people.check()
    people.realm.fail()
    people.say_again()
    people.hear_all()
    people.check()
    people.realm.power_cut()
    comes_back(people)


@pytest.mark.parametrize(
    ("op", "code"),
    [
        ("sync", "EIO"),
        pytest.param("write", "EIO", marks=pytest.mark.thorough),
        pytest.param("sync", "ENOSPC", marks=pytest.mark.thorough),
    ],
)
def test_files_fail(people: People, op: str, code: str) -> None:
    """A file is refused, messages go on; and it can be sent as soon as that is over."""
    realm = people.realm
    realm.fail(Fault(op, "files", code))
    people.talk(10)
    people.say(30)
    people.hear_all()
    assert set(people.refused()) <= (BROKEN if code == "EIO" else FULL)
    assert people.refused(), "nobody was refused"
    assert not any("message" in one.sent[entry] for one in people.talkers for entry in one.sent.keys() - one.answers)
    realm.fail()
    people.say_again()
    people.hear_all()
    assert not any(one.unfinished for one in people.talkers)
    realm.power_cut()
    comes_back(people)


def test_the_log_is_never_copied_home(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite says nothing of that, and the log grows: the realm says it, and goes on; so does `doctor`."""
    realm = people.realm
    monkeypatch.setattr(database, "CHECKPOINT_PAGES", OFTEN)
    realm.fail(Fault("write", "db", "EIO"))
    for _ in range(MANY):
        people.talk(5)
        people.hear_all()
        if "write-ahead log grows" in realm.log():
            break
    with closing(Looking(realm.data)) as looking:
        [found] = look_at_database(looking, quick=True)
    assert found.level == "warning"
    assert "could not be copied home" in found.said
    assert "write-ahead log grows" in realm.log()
    realm.fail()
    people.talk(5)
    people.hear_all()
    with closing(Looking(realm.data)) as looking:
        assert [one.level for one in look_at_database(looking, quick=True)] == ["ok"]
    people.check()
