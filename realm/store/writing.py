"""What all rows of the SQLite store share: the connection, and writes that open a savepoint when needed."""

import sqlite3
from types import TracebackType
from typing import Any

from realm.store.database import OUR_FAULT, translate
from realm.store.interface import StoreFullError


class Writing:
    """One transaction on one connection; the operations are in the classes built on it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._read = connection.execute
        self._attempting = False
        self._saved = False
        self.writable = True

    def attempt(self) -> "Attempt":
        """See `Tx.attempt`."""
        return Attempt(self)

    def _write(self, statement: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        """Execute a statement that changes rows, under the savepoint of the attempt.

        A savepoint costs as much as an insert, and many commands only read: the first write opens it.
        """
        if not self.writable:
            raise StoreFullError("the disk is full")
        if self._attempting and not self._saved:
            self._connection.execute("SAVEPOINT attempt")
            self._saved = True
        return self._connection.execute(statement, values)

    def enter(self) -> None:
        """Begin an attempt; there is one at a time."""
        assert not self._attempting
        self._attempting, self._saved = True, False

    def leave(self, *, undo: bool) -> None:
        """End the attempt, and with `undo` take back what it wrote."""
        saved, self._attempting, self._saved = self._saved, False, False
        if not saved:
            return
        if undo:
            self.forget()
            # A full disk may have ended the whole transaction already, savepoints and all.
            if not self._connection.in_transaction:
                return
            self._connection.execute("ROLLBACK TO attempt")
        self._connection.execute("RELEASE attempt")

    def forget(self) -> None:
        """Forget what was remembered of rows that are rolled back."""


class Attempt:
    """A savepoint as a context manager."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Writing) -> None:
        self._tx = tx

    def __enter__(self) -> None:
        self._tx.enter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._tx.leave(undo=kind is not None)
        if isinstance(error, sqlite3.Error) and not isinstance(error, OUR_FAULT):
            raise translate(error) from error
