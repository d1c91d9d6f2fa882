"""A byte of a write-ahead log that a realm has left changes, so that SQLite drops what was answered from there on."""

from realm.store.database import FILE
from tests.realm_process import RealmProcess


def lose_from(realm: RealmProcess, text: str) -> None:
    """Damage the transaction in which this was said. The realm must have been killed."""
    path = realm.data / f"{FILE}-wal"
    log = bytearray(path.read_bytes())
    log[log.index(text.encode())] ^= 1
    path.write_bytes(log)
