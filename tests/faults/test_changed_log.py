"""A byte of the write-ahead log changes while no realm runs: SQLite drops what is behind it, and does not say so."""

import fcntl
import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from realm.store import frames
from realm.store.database import FILE
from tests.conftest import StartRealm
from tests.faults.lost_answers import lose_from
from tests.scenarios.operator_kit import operate
from tests.wire.player import Stage

HEADER, FRAME, SECTOR = 32, 24 + 4_096, 512
TRANSACTIONS = 30
TRIES = 60
IN_USE = 128
"""The byte of the index that everybody locks who uses it: https://www.sqlite.org/walformat.html."""


class Killed:
    """A database whose process was killed, with all in its log."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self.folder = folder
        with closing(sqlite3.connect(folder / "made", isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE said (what)")
            for _ in range(TRANSACTIONS):
                database.execute("BEGIN")
                for _ in range(dice.randrange(1, 4)):
                    database.execute("INSERT INTO said VALUES (randomblob(?))", (dice.randrange(10, 9_000),))
                database.execute("COMMIT")
            self.base, self.log = (folder / "made").read_bytes(), (folder / "made-wal").read_bytes()
        count = (len(self.log) - HEADER) // FRAME
        lasts = [at for at in range(count) if any(self.log[HEADER + at * FRAME + 4 :][:4])]
        self.ends = [HEADER + (at + 1) * FRAME for at in lasts]
        """Where in the log transactions end."""

    def dropped(self, log: bytes | bytearray) -> int:
        """What is said of this log, once SQLite has read it."""
        (self.folder / "kept").write_bytes(self.base)
        (self.folder / "kept-wal").write_bytes(log)
        (self.folder / "kept-shm").unlink(missing_ok=True)
        with closing(sqlite3.connect(f"file:{self.folder}/kept?mode=ro", uri=True)) as database:
            database.execute("PRAGMA user_version").fetchone()
            return frames.dropped(self.folder / "kept")


@pytest.fixture
def killed(tmp_path: Path) -> Killed:
    return Killed(tmp_path, random.Random(8))


def test_a_changed_byte(killed: Killed) -> None:
    """Wherever it is, but in the last transaction, of which so much is not known."""
    dice = random.Random(8)
    places = [dice.randrange(killed.ends[-2]) for _ in range(TRIES)]
    header = [HEADER + FRAME * dice.randrange(20) + at for at in range(24)]
    for at in [*places, *header, *range(HEADER)]:
        log = bytearray(killed.log)
        log[at] ^= dice.randrange(1, 256)
        assert killed.dropped(log), f"byte {at} of the log"
    assert killed.dropped(killed.log) == 0


def test_power_cuts(killed: Killed) -> None:
    """Of the transaction that was not flushed some sectors are there, or all, and nobody was told of it."""
    dice = random.Random(8)
    for _ in range(TRIES):
        last = dice.randrange(1, len(killed.ends))
        log = bytearray(killed.log[: killed.ends[last]])
        for at in range(killed.ends[last - 1], len(log), SECTOR):
            if dice.random() < 0.5:
                log[at : at + SECTOR] = bytes(len(log[at : at + SECTOR]))
        assert killed.dropped(log[: dice.randrange(killed.ends[last - 1], len(log))]) == 0
        assert killed.dropped(log) == 0


def test_a_realm_says_so(start_realm: StartRealm) -> None:
    """And so does `doctor`, before it has started on it."""
    realm = start_realm()
    with Stage(realm) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Lionel Messi
            henderson: register henderson surabaya Inggris Jordan Henderson
            henderson: logout
        """)
        for number in range(9):
            stage.play(f"messi: send henderson pesan {number}")
    realm.kill()
    lose_from(realm, "pesan 4")
    code, lines, _ = operate(realm.data, "doctor", "--json")
    [found] = [one for one in json.loads(lines[0])["findings"] if one["about"] == "database"]
    assert (code, found["level"]) == (1, "problem")
    assert "transactions are behind a damaged place of realm.db-wal" in found["said"]
    realm.start()
    assert "write-ahead log damaged" in realm.log()


def test_looking_at_the_index_gives_up_none_of_its_locks(start_realm: StartRealm) -> None:
    """Else whoever opens the database next takes the index for nobody's, and empties it below the realm."""
    realm = start_realm()
    for _ in range(2):
        with (realm.data / f"{FILE}-shm").open("r+b") as index, pytest.raises(BlockingIOError):
            fcntl.lockf(index, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, IN_USE)
        realm.kill()
        realm.start()  # with a log that is left
