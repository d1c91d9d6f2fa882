"""A realm's folder with something of everything in it, made without a process."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import zmq

from realm.store.database import FILE
from realm.store.interface import Tx
from realm.store.rows import Draft, StoredFile, UploadRow
from realm.store.sqlite import SqliteStore
from schemas import names
from schemas.names import Address, ConversationId, Name
from tests.rules.store_kit import TALK, begin_talk, draft

PICTURE, SOUND = b"\x89PNG" * 5_000, b"RIFF" * 3
EPOCH = 7
GROUP = names.group(Address("new@kampus"))
ALL = (PICTURE, SOUND)


def digest_of(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def blob_path(folder: Path, data: bytes) -> Path:
    shown = digest_of(data).hex()
    return folder / "blobs" / shown[:2] / shown


def put_blob(folder: Path, data: bytes) -> None:
    path = blob_path(folder, data)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(data)


def add_file(tx: Tx, name: str, data: bytes) -> StoredFile:
    return tx.add_file(StoredFile(name, 1, name, len(data), "image/png", digest_of(data)), now=1)


def send_file(tx: Tx, to: ConversationId, entry: str, file: StoredFile) -> None:
    tx.append(to, Draft(entry, "a@kampus", "A", 5, bytes(16), file=file.shown))


@contextmanager
def opened(folder: Path, name: str | None = "kampus") -> Iterator[Tx]:
    """One transaction on a realm's folder."""
    with closing(SqliteStore(folder, Name(name) if name else None, lambda: EPOCH)) as store, store.transaction() as tx:
        yield tx


def make_realm(folder: Path) -> Path:
    """Two users, what they said to each other, two files, an upload under way, a key and settings."""
    folder.mkdir(mode=0o700)
    (folder / "realm.key").write_bytes(zmq.curve_keypair()[1] + b"\n")
    (folder / "realm.key").chmod(0o600)
    (folder / "bagan.toml").write_text('registration = "closed"\n')
    (folder / "bagan.toml").chmod(0o600)
    with opened(folder) as tx:
        begin_talk(tx)
        for number in range(50):
            tx.append(TALK, draft(f"e{number}", f"halo {number}", "ab"[number % 2] + "@kampus"))
        send_file(tx, TALK, "picture", add_file(tx, "foto.png", PICTURE))
        send_file(tx, TALK, "sound", add_file(tx, "suara.wav", SOUND))
        tx.append(TALK, Draft("bounce", "a@kampus", "A", 6, bytes(16), "tidak ada", re="e1", code="user_not_found"))
        tx.open_upload(UploadRow("u", 2, digest_of(b"not yet"), 7, "x", 1))
    for data in ALL:
        put_blob(folder, data)
    (folder / "uploads").mkdir()
    (folder / "uploads" / "u").write_bytes(b"not")
    return folder


def texts(folder: Path) -> list[object]:
    """All that was said."""
    with opened(folder, None) as tx:
        page = tx.history(TALK, limit=1_000, max_bytes=1 << 30, after=0)
        return [entry.message or entry.file for entry in page.entries]


def execute(folder: Path, *statements: str) -> None:
    """Do to the database what nobody should."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)
