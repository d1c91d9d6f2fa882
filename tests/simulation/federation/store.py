"""Databases in memory: what SQLite has committed there stays over the lives of a realm, and nothing else does."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from realm.store import database
from realm.store.interface import StoreFullError
from realm.store.sqlite import SqliteStore, SqliteTx
from schemas.names import Name

MOST_PAGES = 1 << 30


class Databases:
    """Databases with the newest schema, and nothing said in them.

    One that is given back is emptied and given out again: its statements are compiled already, which takes longer than
    most of what they are asked.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is empty: the first is made there, as a realm makes its own."""
        made = database.open_database(folder / database.FILE)
        self._first = sqlite3.connect(":memory:")
        made.backup(self._first)
        made.close()
        tables = [name for (name,) in self._first.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        self._rows = {table: self._first.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
        self._free: list[Database] = []

    def take(self) -> "Database":
        """One in which nothing was said."""
        return self._free.pop() if self._free else Database(self._first)

    def give_back(self, one: "Database") -> None:
        """It is not needed any longer."""
        one.hold(self._rows)
        self._free.append(one)


class Database:
    """The file of a realm, as it were: a kill, unlike a power cut, loses no write, and nobody else opens it."""

    def __init__(self, source: sqlite3.Connection) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=256)
        self.full = False
        source.backup(self.connection)
        self.connection.execute("PRAGMA foreign_keys = ON")

    def copy(self) -> "Database":
        """All that is committed now, as it is now."""
        return Database(self.connection)

    def become(self, other: "Database") -> None:
        """Put what another holds in the place of all that is here."""
        other.connection.backup(self.connection)

    def holds(self) -> set[tuple[str, str]]:
        """The ids and senders of all entries."""
        return set(self.connection.execute("SELECT id, sender FROM entries"))

    def fill(self, *, to_the_brim: bool) -> None:
        """The disk is full: no page is added any more; or nothing at all can be written."""
        if to_the_brim:
            self.full = True
        else:
            pages = self.connection.execute("PRAGMA page_count").fetchone()[0]
            self.connection.execute(f"PRAGMA max_page_count = {pages}")

    def make_room(self) -> None:
        """The disk is full no longer."""
        self.full = False
        self.connection.execute(f"PRAGMA max_page_count = {MOST_PAGES}")

    def draw_epoch(self, epoch: int) -> None:
        """Have the realm's epoch be another."""
        self.connection.execute("UPDATE realm SET epoch = ?", (epoch,))

    def hold(self, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        """Hold these rows of each table, and nothing else."""
        self.roll_back()
        self.make_room()
        self.connection.execute("PRAGMA foreign_keys = OFF")
        for table, these in rows.items():
            self.connection.execute(f"DELETE FROM {table}")
            for row in these:
                self.connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        self.connection.execute("PRAGMA foreign_keys = ON")

    def roll_back(self) -> None:
        """The process ends: what it has not committed never was."""
        if self.connection.in_transaction:
            self.connection.rollback()


class FillingTx(SqliteTx):
    """Writes nothing while the disk is full to the brim."""

    def __init__(self, file: Database) -> None:
        super().__init__(file.connection)
        self._file = file

    def _must_be_writable(self) -> None:
        if self._file.full:
            raise StoreFullError("the disk is full")
        super()._must_be_writable()


class StoreInMemory(SqliteStore):
    """The store of one life of a realm; the database is there before it, and after."""

    def __init__(self, file: Database, realm: Name, draw_epoch: Callable[[], int]) -> None:
        self._file = file
        self._connection = file.connection
        self.realm, self.epoch = database.claim(self._connection, realm, draw_epoch)
        self._tx = FillingTx(file)

    def close(self) -> None:
        """Leave the database as it was committed."""
        self._file.roll_back()
