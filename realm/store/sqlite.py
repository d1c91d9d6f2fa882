"""The store on SQLite: one file, one connection, one transaction a turn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

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

        Raises StoreError with a sentence that says what to do.
        """
        self._connection = database.open_database(folder / database.FILE)
        try:
            with database.translated():
                self.realm, self.epoch = database.claim(self._connection, realm, draw_epoch)
        except BaseException:
            self._connection.close()
            raise
        self._tx = SqliteTx(self._connection)

    @contextmanager
    def transaction(self, *, writable: bool = True) -> Iterator[Tx]:
        """See `Store.transaction`."""
        tx = self._tx
        with database.translated():
            tx.begin(writable=writable)
            try:
                yield tx
                tx.commit()
            except BaseException:
                tx.roll_back()
                raise

    def close(self) -> None:
        """See `Store.close`."""
        self._connection.close()
