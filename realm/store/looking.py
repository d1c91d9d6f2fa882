"""A realm's database as those see it who only look: beside a realm that runs, or where none does.

It is a connection of its own that writes nothing and locks nobody out. The file may be of any schema up to the newest.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from realm.store import frames
from realm.store.database import FILE, long_log, migrations, why
from realm.store.interface import StoreError

TOLD: Final = 20
"""Of what is wrong so much is told; there may be more."""
_LET_WRITE: Final = "say it as the realm's user, or see why that one may not write there (ls -l, mount)"
_ACTS: Final = "SELECT type FROM sqlite_master WHERE type IN ('trigger', 'view')"
PAGE: Final = 1_000
"""Rows that are read at once."""
UNREADABLE: Final = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file may raise: names and messages may be no text any more."""
_MS: Final = 12
"""What `conversations.latest` has behind the milliseconds, in bits."""


class Blob(NamedTuple):
    """Bytes that the database names."""

    digest: bytes
    size: int


class PeerPlace(NamedTuple):
    """A peer, and where its front door is."""

    realm: str
    key: str
    address: str
    port: int


class Looking:
    """See the module. To be closed; every method may raise StoreError, where the file cannot be read."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreError where there is no database that could be read."""
        self.path = folder / FILE
        try:
            if not self.path.exists():
                raise StoreError(f"there is no database {self.path}")
            where = f"{self.path.absolute().as_uri()}?mode=ro"
            self.connection = sqlite3.connect(where, uri=True, isolation_level=None)
        except (*UNREADABLE, OSError) as error:
            raise StoreError(f"the database {self.path} cannot be read ({why(error)})") from error
        self.connection.text_factory = _text
        try:
            self.version = int(self._one("PRAGMA user_version"))
        except BaseException:
            self.close()
            raise
        if self.version > len(migrations()):
            self.close()
            raise StoreError(
                f"{self.path} was written by a newer Bagan (schema {self.version}, this one knows "
                f"{len(migrations())}): use that version"
            )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All that is read meanwhile is of one moment, that of the first reading.

        A realm that runs goes on writing, to its write-ahead log, which grows meanwhile: not for long.
        """
        with self.translated():
            self.connection.execute("BEGIN")
        try:
            yield
        finally:
            if self.connection.in_transaction:
                with self.translated():
                    self.connection.execute("COMMIT")

    def realm(self) -> tuple[str, int]:
        """Its name and epoch."""
        with self.translated():
            row = self.connection.execute("SELECT name, epoch FROM realm").fetchone() if self.version else None
        if row is None:
            raise StoreError(f"the database {self.path} holds no realm")
        return str(row[0]), int(row[1])

    def damage(self, *, quick: bool) -> list[str]:
        """What is wrong with the file, a line each; with `quick` indexes are not compared with tables.

        Besides what SQLite finds, that is what would act by itself whenever the realm writes or reads.
        """
        check = "quick_check" if quick else "integrity_check"
        with self.translated():
            found = [str(row[0]) for row in self.connection.execute(f"PRAGMA {check}({TOLD})")]
            acts = self.connection.execute(_ACTS).fetchmany(TOLD)
            other = sorted(name for _, name in _tables(self.connection) ^ _tables_of(self.version))[:TOLD]
        lines = [] if found == ["ok"] else found
        lines += [f"it has a {kind}, which no Bagan makes" for (kind,) in acts]
        return lines + [f"{name} is not as Bagan makes it" for name in dict.fromkeys(other)]

    def lost(self) -> int:
        """How many transactions that were answered lie behind a damaged place of its write-ahead log: see `frames`."""
        with self.translated(OSError):
            return frames.dropped(self.path)

    def long_log(self) -> int:
        """How many bytes its write-ahead log holds, where that is far more than it should; else 0."""
        with self.translated(OSError):
            return long_log(self.path)

    def dangling(self) -> list[str]:
        """The rows that name others which are not there, a line each."""
        with self.translated():
            rows = self.connection.execute("PRAGMA foreign_key_check").fetchmany(TOLD)
        return [f"a row of {table} names one of {parent} that is not there" for table, _, parent, _ in rows]

    def newest(self) -> int:
        """When something was stored last, in ms; 0 where nothing was."""
        used = "coalesce((SELECT max(used_at) FROM sessions), 0)"
        return int(self._one(f"SELECT max(coalesce((SELECT max(latest) FROM conversations), 0) >> {_MS}, {used})"))

    def entries(self) -> int:
        """How many there are, by the numbers of their conversations."""
        return int(self._one("SELECT coalesce(sum(head - first + 1), 0) FROM conversations"))

    def held(self) -> int:
        """What the blobs take, in bytes, as quotas count it."""
        return int(self._one("SELECT bytes FROM held")) if self.has("held") else 0

    def peers(self) -> list[PeerPlace]:
        """All peers, by when they were added."""
        if not self.has("peers"):
            return []
        with self.translated():
            rows = self.connection.execute("SELECT name, key, address, port FROM peers ORDER BY id").fetchall()
        return [PeerPlace(*row) for row in rows]

    def blob_bytes(self) -> int:
        """How many bytes all blobs have."""
        return int(self._one("SELECT coalesce(sum(size), 0) FROM blobs")) if self.has("blobs") else 0

    def blobs(self) -> Iterator[Blob]:
        """All of them, by digest, page by page: one that comes or goes meanwhile is among them or not."""
        after: bytes | None = b"" if self.has("blobs") else None
        while after is not None:
            page = self._page("SELECT digest, size FROM blobs WHERE digest > ? ORDER BY digest LIMIT ?", after)
            yield from (Blob(bytes(digest), size) for digest, size in page)
            after = bytes(page[-1][0]) if len(page) == PAGE else None

    def is_blob(self, digest: bytes) -> bool:
        """Whether the database names these bytes now."""
        return self.has("blobs") and bool(self._one("SELECT EXISTS (SELECT 1 FROM blobs WHERE digest = ?)", digest))

    def is_awaited(self, digest: bytes) -> bool:
        """Whether these bytes are just on their way in or out: uploaded, or to be removed."""
        query = (
            "SELECT EXISTS (SELECT 1 FROM removals WHERE digest = ?1)"
            " OR EXISTS (SELECT 1 FROM uploads WHERE digest = ?1)"
        )
        return self.has("removals") and bool(self._one(query, digest))

    def has(self, table: str) -> bool:
        """Whether the file's schema has this table."""
        return bool(self._one("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?)", table))

    def columns(self, table: str) -> frozenset[str]:
        """The names of a table's columns; none where the file's schema does not have it."""
        with self.translated():
            return frozenset(
                row[0] for row in self.connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            )

    def close(self) -> None:
        """Twice is harmless."""
        self.connection.close()

    @contextmanager
    def translated(self, *others: type[Exception]) -> Iterator[None]:
        """Say what SQLite's failures mean, and these others where only the database is read meanwhile."""
        meant: tuple[type[Exception], ...] = (*UNREADABLE, *others)
        try:
            yield
        except meant as error:
            if not os.access(self.path.parent, os.W_OK):
                # Beside a write-ahead log every reader makes, or changes, its index.
                raise StoreError(
                    f"the database {self.path} cannot be read where its folder cannot be written: {_LET_WRITE}"
                ) from error
            raise StoreError(f"the database {self.path} cannot be read ({why(error)})") from error

    def _one(self, query: str, *values: object) -> Any:
        with self.translated():
            return self.connection.execute(query, values).fetchone()[0]

    def _page(self, query: str, after: bytes) -> list[tuple[Any, ...]]:
        with self.translated():
            return self.connection.execute(query, (after, PAGE)).fetchall()


def _tables(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """What makes each table and index, and its name; quotes and spaces are as each version of SQLite likes them."""
    rows = connection.execute(
        "SELECT sql, name FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('table', 'index')"
    )
    return {("".join(str(sql).replace('"', "").split()), str(name)) for sql, name in rows}


def _tables_of(version: int) -> set[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        for script in migrations()[:version]:
            fresh.executescript(script)
        return _tables(fresh)


def _text(stored: bytes) -> str:
    """Text that is damaged is other text: then its hash differs, instead of nothing being read at all."""
    return stored.decode("utf-8", "replace")
