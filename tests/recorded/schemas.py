"""Records the database of a realm in which something of everything has happened, as SQL text, named by its schema.

`python -m tests.recorded.schemas` does so with the newest schema, before a new migration is written; what is recorded
already stays as it is.
"""

import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.realm_process import FAST_HASHING, RealmProcess
from tests.wire.player import Stage

HERE = Path(__file__).parent
TEXT = b"halo, selamat malam\n"
"""The content of the one file that was sent."""
DIGEST = hashlib.sha256(TEXT).digest()
UNFINISHED = hashlib.sha256(b"not all of it has come").digest()
ONE_REALM = """
    messi: register messi surabaya Argentina Lionel Messi
    henderson: register henderson surabaya Inggris Jordan Henderson
    lineker: register lineker surabaya Inggris Gary Lineker
    messi: send henderson halo {1..5}
    henderson hears: halo {1..5}
    henderson: send messi halo juga
    messi hears: halo juga
    henderson: inbox
    messi: read henderson 6
    henderson hears read: seq=6
    messi: addgroup New
    henderson: joingroup new
    lineker: joingroup new
    messi: sendgroup new halo semua
    henderson hears: halo semua
    lineker hears: halo semua
    lineker: leavegroup new
"""
FILES = """
    messi: upload digest=$digest size=20 name=laporan.txt
    messi keeps upload as upload
    messi: chunk upload=$upload offset=0 bytes=$whole
    messi keeps file as file
    messi: sendfile henderson $file
    henderson hears entry: entry.kind=file
    henderson: upload digest=$unfinished size=22 name=besar.bin
    henderson keeps upload as other
    henderson: chunk upload=$other offset=0 bytes=$begin
"""
REALMS = """
    messi: addrealm pusat 127.0.0.1 $door
    bob@pusat: register bob surabaya Inggris Bob
    messi: sendprivaterealm pusat bob halo bob
    bob@pusat hears: halo bob
    bob@pusat: send messi@kampus halo messi
    messi hears: halo messi
"""
QUEUED = {"cmd": "sendprivaterealm", "realm": "pusat", "to": "bob", "message": "queued"}
"""Said by messi when pusat is gone, if there was one."""
VALUES = {"digest": DIGEST, "whole": TEXT, "unfinished": UNFINISHED, "begin": b"not all"}


def path_of(version: int) -> Path:
    """Where a schema is recorded."""
    return HERE / f"schema_{version:04}.sql"


def dump(database: Path) -> tuple[int, str]:
    """The version of a database's schema, and all of it as SQL."""
    with closing(sqlite3.connect(database)) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        return version, "\n".join([*connection.iterdump(), f"PRAGMA user_version = {version};", ""])


@contextmanager
def played(*dialogues: str) -> Iterator[Path]:
    """The database of a realm in which these were played."""
    with tempfile.TemporaryDirectory() as folder:
        kampus = RealmProcess(Path(folder), "kampus", FAST_HASHING).start()
        pusat = RealmProcess(Path(folder), "pusat", FAST_HASHING).start()
        try:
            with Stage(kampus, pusat) as stage:
                stage.play("".join(dialogues), door=pusat.door, **VALUES)
                pusat.kill()
                if REALMS in dialogues:
                    [answer] = stage.actors["messi"].ask([QUEUED])
                    assert answer["queued"], answer
        finally:
            for realm in (kampus, pusat):
                if realm.running:
                    realm.stop()
        yield kampus.data / "realm.db"


def main() -> None:
    """Record the newest schema."""
    with played(ONE_REALM, FILES, REALMS) as database:
        version, text = dump(database)
    if path_of(version).exists():
        print(f"{path_of(version).name} is recorded already, and stays as it is")
        return
    path_of(version).write_text(text)
    print(f"recorded {path_of(version).name}")


if __name__ == "__main__":
    main()
