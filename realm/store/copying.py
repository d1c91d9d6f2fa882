"""What a backup does with a database: a copy of one moment beside a realm that runs; and a copy that becomes a realm's.

Also the table of what a backup holds, which lies on disk where it grows large.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from realm.store import database
from realm.store.database import FILE, open_database, translated
from realm.store.looking import Looking

PAGES_AT_ONCE: Final = 4_096


def copy_database(looking: Looking, into: Path, told: Callable[[int, int], object] = lambda _done, _all: None) -> None:
    """Copy a database, as it is at one moment, to the folder `into`; `told` is given how much is done, in pages.

    A turn's rows are committed together, so there is all of a turn in it or nothing. Raises StoreError where the one
    cannot be read or the other not be written, and StoreFullError.
    """
    (into / FILE).unlink(missing_ok=True)
    with translated(), looking.frozen():
        looking.connection.execute("SELECT 1 FROM sqlite_master").fetchone()  # this is the moment
        copy = sqlite3.connect(into / FILE)
        try:
            looking.connection.backup(
                copy, pages=PAGES_AT_ONCE, progress=lambda _status, left, pages: told(pages - left, pages)
            )
        finally:
            copy.close()


def renew(folder: Path, draw_epoch: Callable[[], int]) -> None:
    """Make a copy that was put back a realm's database: see `database.renew`.

    Raises StoreError where it cannot be written, and StoreFullError.
    """
    connection = open_database(folder / FILE)
    try:
        with translated():
            database.renew(connection, draw_epoch)
    finally:
        connection.close()


def bring_up(folder: Path) -> None:
    """Bring a copy to the newest schema. Raises StoreError as `open_database` does."""
    open_database(folder / FILE).close()


class Held:
    """The digests of the blobs that a backup holds: a table of its own, on disk where there are many."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)  # no name: a file that nobody sees
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("CREATE TABLE held (digest BLOB PRIMARY KEY) WITHOUT ROWID")

    def add(self, digest: bytes) -> bool:
        """Whether it was not there yet."""
        with translated():
            return self._connection.execute("INSERT OR IGNORE INTO held VALUES (?)", (digest,)).rowcount == 1

    def __contains__(self, digest: bytes) -> bool:
        with translated():
            return self._connection.execute("SELECT 1 FROM held WHERE digest = ?", (digest,)).fetchone() is not None

    def not_among(self, looking: Looking) -> list[bytes]:
        """Those that a database does not name."""
        with translated():
            return [
                one[0] for one in self._connection.execute("SELECT digest FROM held") if not looking.is_blob(one[0])
            ]

    def close(self) -> None:
        """Twice is harmless."""
        self._connection.close()
