"""A realm that a version of every earlier schema has left is started by this one, and serves its old users."""

import sqlite3
from pathlib import Path

import pytest

from tests.realm_process import RealmProcess
from tests.recorded.schemas import DIGEST, HERE, TEXT
from tests.wire.player import Stage

RECORDED = sorted(HERE.glob("schema_*.sql"))
BEFORE_FILES = 2
BEFORE_REALMS = 3


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: path.stem)
def test_old_users_find_what_they_had(tmp_path: Path, recorded: Path) -> None:
    version = int(recorded.stem.rpartition("_")[2])
    realm = RealmProcess(tmp_path)
    realm.data.mkdir(mode=0o700)
    with sqlite3.connect(realm.data / "realm.db") as database:
        database.executescript(recorded.read_text())
    database.close()
    if version > BEFORE_FILES:
        shown = DIGEST.hex()
        (realm.data / "blobs" / shown[:2]).mkdir(parents=True)
        (realm.data / "blobs" / shown[:2] / shown).write_bytes(TEXT)
    realm.options = ("--new-key",)
    realm.start()
    try:
        with Stage(realm) as stage:
            stage.play("""
                messi: auth messi surabaya
                henderson: auth henderson surabaya
                henderson: history limit=6 after=0 messi
                henderson gets entries (seq, from, message):
                    {1..5}, messi@kampus, halo {1..5}
                    6, henderson@kampus, halo juga
                henderson: groups joined=true
                henderson gets groups (title, count, members):
                    New, 2, [henderson, messi]
                messi: sendgroup new masih di sini
                henderson hears: masih di sini
                messi: history group/new@kampus
                messi gets entries (seq, message):
                    1, halo semua
                    2, masih di sini
                lineker: auth lineker surabaya
                lineker: joingroup new
                messi: send henderson baru
                henderson hears: baru
            """)
            if version > BEFORE_FILES:
                stage.play(
                    """
                    henderson: history after=6 limit=1 messi
                    henderson gets entries (seq, kind, file.name):
                        7, file, laporan.txt
                    henderson keeps entries as entries
                    """
                )
                file = stage.values["entries"][0]["file"]["id"]
                stage.play(
                    """
                    henderson: download file=$file offset=0 size=100
                    henderson gets: size=20 bytes=$whole
                    """,
                    file=file,
                    whole=TEXT,
                )
            if version > BEFORE_REALMS:
                stage.play("""
                    messi: realms
                    messi gets realms (realm, queued):
                        pusat, 1
                    messi: getrealminbox pusat
                    messi gets messages (from, message):
                        bob@pusat, halo messi
                """)
    finally:
        realm.kill()
    assert "error" not in realm.log().lower()
