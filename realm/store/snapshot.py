"""A realm's database as it was at one moment, read beside the realm that runs, or where none does.

While it is open the realm goes on writing, to its write-ahead log, which grows meanwhile: be done soon.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from realm.store import database
from realm.store.interface import StoreError
from realm.store.outbox import OUTGOING, outgoing_of
from realm.store.rows import Group, Post, Standing, StoredFile, UserRow
from realm.store.sqlite import SqliteTx
from schemas.entries import Entry
from schemas.names import ConversationId, Name

_PAGE: Final = 500
_PAGE_BYTES: Final = 1 << 20


class Snapshot:
    """What one user has here. Everything is read page by page, so that memory does not grow with it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute
        self._tx = SqliteTx(connection)
        self._tx.writable = False
        self.realm = Name(self._execute("SELECT name FROM realm").fetchone()[0])

    def user(self, name: Name) -> UserRow | None:
        """The account with that name, also where it was erased."""
        return self._tx.user_row(name)

    def peer(self, number: int) -> Name:
        """The name of a peer."""
        return Name(self._execute("SELECT name FROM peers WHERE id = ?", (number,)).fetchone()[0])

    def sessions(self, account: int) -> list[tuple[str, int]]:
        """The key and the last use, ms, of each session."""
        return self._execute("SELECT key, used_at FROM sessions WHERE account = ? ORDER BY id", (account,)).fetchall()

    def known_keys(self, account: int) -> list[tuple[str, int]]:
        """The keys that have logged it in, and when they did last, ms."""
        query = "SELECT key, used_at FROM known_keys WHERE account = ? ORDER BY used_at"
        return self._execute(query, (account,)).fetchall()

    def groups(self, account: int) -> Iterator[Group]:
        """The groups that it is in, by name."""
        after: str | None = ""
        while after is not None:
            found, after = self._tx.groups(after, _PAGE, "", _PAGE, account)
            yield from found

    def standings(self, account: int) -> Iterator[Standing]:
        """Its conversations, by name."""
        after = ""
        while page := self._tx.standings_named(account, after, _PAGE):
            yield from page
            after = page[-1].conversation

    def entries(self, of: ConversationId) -> Iterator[Entry]:
        """All that was said there."""
        after = 0
        while page := self._tx.history(of, after=after, limit=_PAGE, max_bytes=_PAGE_BYTES).entries:
            yield from page
            after = page[-1].seq

    def elsewhere(self, account: int, sender: str) -> Iterator[Entry]:
        """What that sender has said in conversations that the account takes part in no more."""
        # Through the index alone, which has no bodies: there is none by sender.
        ids = self._execute("SELECT id FROM entries WHERE sender = ? ORDER BY id", (sender,))
        taking_part = {one.conversation for one in self.standings(account)}
        for (entry,) in ids:
            found = self._tx.sent(sender, entry)
            if found is not None and found.conversation not in taking_part:
                yield found

    def files(self, account: int) -> Iterator[tuple[StoredFile, int]]:
        """What it has uploaded, and when, ms."""
        after = ""
        query = "SELECT id, created_at FROM files WHERE owner = ? AND id > ? ORDER BY id LIMIT ?"
        while page := self._execute(query, (account, after, _PAGE)).fetchall():
            for file, created_at in page:
                found = self._tx.file(file)
                assert found is not None
                yield found, created_at
            after = page[-1][0]

    def waiting(self, account: int) -> Iterator[Post]:
        """What it has sent to other realms that they have not taken yet."""
        rows = self._execute(f"{OUTGOING} WHERE o.account = ? AND o.settled_at IS NULL ORDER BY o.place", (account,))
        for row in rows:
            yield outgoing_of(row).post


@contextmanager
def snapshot(folder: Path) -> Iterator[Snapshot]:
    """The database in a folder as it is now. Raises StoreError where it cannot be read, with what to do."""
    path = folder / database.FILE
    connection: sqlite3.Connection | None = None
    try:
        try:
            connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
            connection.execute("BEGIN")
            version, newest = connection.execute("PRAGMA user_version").fetchone()[0], len(database.migrations())
            if version != newest:
                what = (
                    "an older Bagan: run the realm with this one first"
                    if version < newest
                    else "a newer Bagan: use that"
                )
                raise StoreError(f"{path} was written by {what}")
            found = Snapshot(connection)
            yield found
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be read as a realm's database: {error}") from error
    finally:
        if connection is not None:
            connection.close()
