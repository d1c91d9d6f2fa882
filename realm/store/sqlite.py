"""The store on SQLite: one file, one connection, one transaction a turn."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from realm.store import database
from realm.store.accounts import SessionRows
from realm.store.erasing import ErasingRows
from realm.store.interface import Tx
from realm.store.invites import InviteRows
from realm.store.retaining import RetainingRows
from schemas.names import Name


class SqliteTx(InviteRows, SessionRows, ErasingRows, RetainingRows):
    """All operations of `Tx`. The object outlives its transaction, for what it remembers of rows."""


class SqliteStore:
    """See `Store`. The caller holds the folder's lock."""

    def __init__(self, folder: Path, realm: Name | None, draw_epoch: Callable[[], int]) -> None:
        """Open or create `folder`'s database for `realm` (None: whichever realm it holds).

        Where answers were lost of a damaged write-ahead log, it goes on in a new epoch, as one that was put back does.
        Raises StoreError with a sentence that says what to do.
        """
        self.lost = 0
        """Transactions that were answered, and that its write-ahead log has no more: see `frames`."""

        def lack(connection: sqlite3.Connection, transactions: int) -> None:
            self.lost = transactions
            if database.version_of(connection):  # else all is lost, and it is made anew
                database.claim(connection, realm, draw_epoch)
                database.renew(connection, draw_epoch)

        self._connection = database.open_database(folder / database.FILE, lack)
        try:
            with database.translated():
                self.realm, self.epoch = database.claim(self._connection, realm, draw_epoch)
        except BaseException:
            self._connection.close()
            raise
        self._tx = SqliteTx(self._connection)

    def transaction(self, *, writable: bool = True) -> "Transaction":
        """See `Store.transaction`."""
        return Transaction(self._tx, writable=writable)

    def rewrite(self) -> None:
        """Write the file anew: without what was deleted, also where SQLite has left copies of rows that it had moved.

        It takes as much room as the database once more, twice for a while. Raises StoreError and StoreFullError.
        """
        with database.translated():
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """See `Store.close`."""
        self._connection.close()


class Transaction:
    """A transaction as a context manager: each turn has one, and two generators cost a twentieth of a short turn."""

    __slots__ = ("_tx", "_writable")

    def __init__(self, tx: SqliteTx, *, writable: bool) -> None:
        self._tx = tx
        self._writable = writable

    def __enter__(self) -> Tx:
        try:
            self._tx.begin(writable=self._writable)
        except sqlite3.Error:
            with database.translated():
                raise
        return self._tx

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is not None:
            self._fail(error)
            return
        try:
            self._tx.commit()
        except BaseException as failed:
            self._fail(failed)
            raise

    def _fail(self, error: BaseException) -> None:
        """Take it all back; a failure of the database becomes one of ours."""
        with database.translated():
            self._tx.roll_back()
            if isinstance(error, (sqlite3.Error, UnicodeDecodeError)):
                raise error
