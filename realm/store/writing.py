"""What all rows of the SQLite store share: the connection, and writes that happen no earlier than they must.

A savepoint costs as much as an insert, and many commands only read: the first write of an attempt opens it. Entries
and rows of the outbox are kept until something is read or written, or the transaction closes: inserted together they
cost half as much.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from realm.store.database import OUR_FAULT, SPARING, is_damaged, translate, translated
from realm.store.interface import StoreError, StoreFullError

Key = tuple[Any, ...]
"""Of a late row: its table, and what is unique in it."""
Row = tuple[Any, ...]


class Writing:
    """One transaction on one connection; the operations are in the classes built on it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._execute = connection.execute
        """For what late rows cannot touch: `_read` and `_write` put those first."""
        self._late: dict[Key, Row] = {}
        """Rows that are still to be put, in order; those from number `_own` on are the present attempt's."""
        self._put: dict[str, Callable[[list[Row]], None]] = {}
        """How late rows are put, by table."""
        self._own = 0
        self._attempting = False
        self._saved = False
        self._attempt = Attempt(self)
        self.writable = True

    def attempt(self) -> "Attempt":
        """See `Tx.attempt`."""
        return self._attempt

    def enter(self) -> None:
        """Begin an attempt; there is one at a time."""
        assert not self._attempting
        self._attempting, self._saved, self._own = True, False, len(self._late)

    def leave(self, *, undo: bool) -> None:
        """End the attempt, and with `undo` take back what it wrote."""
        saved, self._attempting, self._saved = self._saved, False, False
        if undo and (saved or len(self._late) > self._own):
            while len(self._late) > self._own:
                self._late.popitem()
            if self._late:
                self._catch_up()
            self.forget()
        # A full disk may have ended the whole transaction already, savepoints and all.
        if not saved or not self._connection.in_transaction:
            return
        if undo:
            self._execute("ROLLBACK TO attempt")
        self._execute("RELEASE attempt")

    def begin(self, *, writable: bool) -> None:
        """Begin a transaction."""
        self.writable = writable
        self._execute("BEGIN")

    def commit(self) -> None:
        """Make it true."""
        if self._late:
            self._catch_up()
        self._execute("COMMIT")

    def roll_back(self) -> None:
        """Take it all back."""
        self.forget()
        if self._connection.in_transaction:
            self._execute("ROLLBACK")

    def forget(self) -> None:
        """Forget what was remembered of rows, some of which are rolled back."""
        self._late.clear()

    @contextmanager
    def wiping(self) -> Iterator[None]:
        """What is deleted meanwhile is overwritten with zeros in the file, which costs more writes."""
        self._execute("PRAGMA secure_delete = ON").fetchall()
        try:
            yield
        finally:
            self._execute(SPARING).fetchall()

    def _read(self, statement: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        """Execute a statement that changes nothing."""
        if self._late:
            self._catch_up()
        return self._execute(statement, values)

    def _write(self, statement: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        """Execute a statement that changes rows, under the savepoint of the attempt."""
        self._must_be_writable()
        if self._late:
            self._catch_up()
        self._save()
        return self._execute(statement, values)

    def _write_many(self, statement: str, values: list[tuple[Any, ...]]) -> None:
        """As `_write`, for each of these."""
        self._must_be_writable()
        if self._late:
            self._catch_up()
        self._save()
        self._connection.executemany(statement, values)

    def _write_late(self, key: Key, row: Row) -> None:
        """Put a row before the database is read or written again. The caller knows that nothing is in its way."""
        self._must_be_writable()
        assert key not in self._late
        self._late[key] = row

    def _must_be_writable(self) -> None:
        if not self.writable:
            raise StoreFullError("the disk is full")

    def _save(self) -> None:
        if self._attempting and not self._saved:
            self._execute("SAVEPOINT attempt")
            self._saved = True

    def _catch_up(self) -> None:
        rows, own = list(self._late.items()), self._own if self._attempting else len(self._late)
        self._late.clear()
        self._own = 0
        try:
            if rows[:own]:
                self._put_all(rows[:own])
            if rows[own:]:
                self._save()
                self._put_all(rows[own:])
        except sqlite3.Error as error:
            if not isinstance(error, OUR_FAULT) and not is_damaged(error):
                raise
            # They are other commands' rows too, whose answers are decided: this is not the present one's to bear.
            raise StoreError(f"what was said cannot be stored: {error}") from error

    def _put_all(self, late: Iterable[tuple[Key, Row]]) -> None:
        tables: dict[str, list[Row]] = {}
        for (table, *_), row in late:
            tables.setdefault(table, []).append(row)
        for table, rows in tables.items():
            self._put[table](rows)


class Attempt:
    """A savepoint as a context manager."""

    __slots__ = ("_tx",)

    def __init__(self, tx: Writing) -> None:
        self._tx = tx

    def __enter__(self) -> None:
        self._tx.enter()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._tx.leave(undo=False)
            return
        with translated():
            self._tx.leave(undo=True)
        if isinstance(error, sqlite3.Error) and not isinstance(error, OUR_FAULT):
            raise translate(error) from error
