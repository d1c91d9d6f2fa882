"""Databases in memory: what SQLite has committed there stays over the lives of a realm, and nothing else does."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from realm.store import database
from realm.store.sqlite import SqliteStore, SqliteTx
from schemas.names import Name


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
        source.backup(self.connection)
        self.connection.execute("PRAGMA foreign_keys = ON")

    def copy(self) -> "Database":
        """All that is committed now, as it is now."""
        return Database(self.connection)

    def become(self, other: "Database") -> None:
        """Put what another holds in the place of all that is here."""
        other.connection.backup(self.connection)

    def draw_epoch(self, epoch: int) -> None:
        """Have the realm's epoch be another."""
        self.connection.execute("UPDATE realm SET epoch = ?", (epoch,))

    def hold(self, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        """Hold these rows of each table, and nothing else."""
        self.roll_back()
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


class StoreInMemory(SqliteStore):
    """The store of one life of a realm; the database is there before it, and after."""

    def __init__(self, file: Database, realm: Name, draw_epoch: Callable[[], int]) -> None:
        self._file = file
        self._connection = file.connection
        self.realm, self.epoch = database.claim(self._connection, realm, draw_epoch)
        self._tx = SqliteTx(self._connection)

    def close(self) -> None:
        """Leave the database as it was committed."""
        self._file.roll_back()
