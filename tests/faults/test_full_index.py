"""A disk so full that SQLite's index of the write-ahead log cannot grow, while somebody reads for long."""

from contextlib import closing
from pathlib import Path

import pytest

from realm.store.looking import Looking
from tests.faults.disk_people import FULL
from tests.faults.realm_flows import Map, history
from tests.faults.small_disk import PAGE, CannotMountError, SmallDisk, mounted
from tests.realm_process import FAST_HASHING, NO_LIMITS, RealmProcess
from tests.scenarios.operator_kit import works
from tests.wire.player import Stage
from tests.wire.player_actor import Actor
from tests.wire.stranger import new_ulid

FRAMES = 4_062
"""Of the log, for which the first part of its index has room."""
FRAME = 24 + 4_096
PART = 1 << 15
"""Bytes of a part of the index."""
BEYOND = 100
LONG, SHORT = "x" * 60_000, "halo"
CONVERSATION = "private/henderson@kampus,messi@kampus"


@pytest.mark.thorough
def test_no_room_for_the_index_of_the_log(tmp_path: Path) -> None:
    """The log cannot be begun anew as long as somebody reads; there is room for its frames, and not for their index.

    Who writes is told that the disk is full, no OK is lost, and the realm goes on as soon as there is room.
    """
    try:
        with mounted(tmp_path / "small") as disk:
            _play(disk)
    except CannotMountError as error:
        pytest.fail(str(error))


def _play(disk: SmallDisk) -> None:
    realm = RealmProcess(disk.place, config=NO_LIMITS + FAST_HASHING)
    realm.start()
    try:
        with Stage(realm) as stage:
            stage.play("""
                messi: register messi surabaya Argentina Lionel Messi
                henderson: register henderson surabaya Inggris Jordan Henderson
            """)
            oks = _write_beyond_it(realm, stage.actor("messi"), disk)
        realm.kill()
        disk.make_room()
        realm.start()
        with Stage(realm) as stage:
            stage.play("messi: auth messi surabaya")
            kept = history(stage.actor("messi"), CONVERSATION)
        assert {entry["id"]: entry["seq"] for entry in kept} == oks
        works(realm.data, "doctor")
    finally:
        realm.kill()


def _write_beyond_it(realm: RealmProcess, messi: Actor, disk: SmallDisk) -> Map:
    """The number of each that was OK, by entry."""
    log, index = (realm.data / f"realm.db-{name}" for name in ("wal", "shm"))
    oks: Map = {}
    lacked = 0
    with closing(Looking(realm.data)) as reader, reader.frozen():
        reader.entries()
        while log.stat().st_size < (FRAMES - 60) * FRAME:
            _say(messi, LONG, oks)
        assert index.stat().st_size == PART
        disk.fill()
        while log.stat().st_size < (FRAMES + BEYOND) * FRAME:
            if not _say(messi, SHORT, oks):
                lacked += PART < index.stat().st_size < 2 * PART
                disk.give(PAGE)
    assert lacked, "there was always room for the index"
    return oks


def _say(messi: Actor, text: str, oks: Map) -> bool:
    entry = new_ulid()
    [answer] = messi.ask([{"cmd": "send", "to": "henderson", "message": text, "entry": entry}])
    if answer["status"] == "OK":
        oks[entry] = answer["seq"]
        return True
    assert answer["message"] in FULL, answer
    return False
