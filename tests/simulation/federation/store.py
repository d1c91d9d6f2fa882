"""Databases in memory: what SQLite has committed there stays over the lives of a realm, and nothing else does."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from realm.store import database
from realm.store.interface import StoreFullError
from realm.store.rows import Draft, Kept, Outgoing, Post, UploadRow
from realm.store.sqlite import SqliteStore, SqliteTx
from schemas.entries import Entry
from schemas.names import ConversationId, Name
from tests.simulation.federation.seen import DAY_MS, IN_GROUP, Seen, days_of

MOST_PAGES = 1 << 30
BLOCK = 4_096
"""What a file of the simulation takes: all are small."""
REMOVED = "CREATE TABLE removed (conversation TEXT, seq INTEGER, id TEXT, sender TEXT, entry BLOB)"
"""What retention has removed, for the checks at the end: undone, copied and put back as what is kept is."""


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
        self._first.execute(REMOVED)
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
        self.connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=512)
        self.full = False
        self._no_page_more = False
        self.seen = Seen()
        source.backup(self.connection)
        self.connection.execute("PRAGMA foreign_keys = ON")

    def copy(self) -> "Database":
        """All that is committed now, as it is now."""
        return Database(self.connection)

    def become(self, other: "Database") -> None:
        """Put what another holds in the place of all that is here; a full disk has room for just that."""
        self.connection.execute(f"PRAGMA max_page_count = {MOST_PAGES}")
        other.connection.backup(self.connection)
        if self._no_page_more:
            self.fill(to_the_brim=False)

    def holds(self) -> set[tuple[str, str]]:
        """The ids and senders of all entries, also of those that retention has removed."""
        kept = "SELECT id, sender FROM entries UNION SELECT id, sender FROM removed"
        return set(self.connection.execute(kept))

    def removed(self, conversation: ConversationId) -> list[Entry]:
        """What retention has removed of a conversation, in order."""
        rows = self.connection.execute("SELECT entry FROM removed WHERE conversation = ? ORDER BY seq", (conversation,))
        return [msgspec.msgpack.decode(row[0], type=Entry) for row in rows]

    def has_removed(self, entry: str, sender: str) -> bool:
        """Whether retention has removed an entry."""
        found = self.connection.execute("SELECT 1 FROM removed WHERE id = ? AND sender = ?", (entry, sender))
        return found.fetchone() is not None

    def fill(self, *, to_the_brim: bool) -> None:
        """The disk is full: no page is added any more; or nothing at all can be written."""
        if to_the_brim:
            self.full = True
        else:
            self._no_page_more = True
            self.connection.execute("VACUUM")  # what earlier histories left free is no room in this one
            pages = self.connection.execute("PRAGMA page_count").fetchone()[0]
            self.connection.execute(f"PRAGMA max_page_count = {pages}")

    def make_room(self) -> None:
        """The disk is full no longer."""
        self.full = self._no_page_more = False
        self.connection.execute(f"PRAGMA max_page_count = {MOST_PAGES}")

    def draw_epoch(self, epoch: int) -> None:
        """Have the realm's epoch be another."""
        self.connection.execute("UPDATE realm SET epoch = ?", (epoch,))

    def hold(self, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        """Hold these rows of each table, and nothing else."""
        self.roll_back()
        self.make_room()
        self.seen = Seen()
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
    """Writes nothing while the disk is full to the brim, and sees that what is written keeps to the settings."""

    def __init__(self, file: Database) -> None:
        super().__init__(file.connection)
        self._file = file

    def _must_be_writable(self) -> None:
        if self._file.full:
            raise StoreFullError("the disk is full")
        super()._must_be_writable()

    def enqueue(self, post: Post) -> Outgoing:
        """See `Tx.enqueue`."""
        seen = self._file.seen
        if self.sending(post.peer).queued >= seen.rules.peers.queue:
            seen.wrongs.append(f"{post} is queued behind as many as there may be, {seen.rules.peers.queue}")
        return super().enqueue(post)

    def open_upload(self, row: UploadRow) -> None:
        """See `Tx.open_upload`."""
        seen = self._file.seen
        if row.owner > 0 and self.file_usage(row.owner) + BLOCK > seen.rules.files.user_bytes:
            seen.wrongs.append(f"{row} is begun without room for it")
        super().open_upload(row)

    def append(self, to: ConversationId, draft: Draft) -> Entry:
        """See `Tx.append`."""
        entry = super().append(to, draft)
        if entry.salt == draft.salt and to.startswith(IN_GROUP):
            self._file.seen.stored(entry.seq)
        return entry

    def expire(self, of: Kept, before: int, now: int, limit: int) -> tuple[int, bool]:
        """See `Tx.expire`. What is removed is put aside."""
        seen, conversation = self._file.seen, of.conversation
        oldest = self.history(conversation, after=0, limit=limit, max_bytes=1 << 40).entries
        times = list(stored_at(self._file, of.number))
        removed, more = super().expire(of, before, now, limit)
        days = days_of(seen.rules.retention, conversation)
        # What comes before an old one is as old, whatever a clock said.
        if removed and (not days or min(times[removed - 1 :]) >= now - days * DAY_MS):
            seen.wrongs.append(f"{oldest[removed - 1]} is removed before its time")
        for entry in oldest[:removed]:
            if entry.queued:
                seen.wrongs.append(f"{entry} is removed while it waits for another realm")
            row = (conversation, entry.seq, entry.id, entry.sender, msgspec.msgpack.encode(entry))
            self._execute("INSERT INTO removed VALUES (?, ?, ?, ?, ?)", row)
        return removed, more


def stored_at(file: Database, conversation: int) -> Iterator[int]:
    """When the entries of a conversation were stored that are there, in order; ms."""
    query = "SELECT coalesce(stored_at, sent_at) FROM entries WHERE place >= ? AND place < ? ORDER BY place"
    for (at,) in file.connection.execute(query, (conversation << 32, conversation + 1 << 32)):
        yield at


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
