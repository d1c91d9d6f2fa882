"""The database file: opened, migrated, and its failures put into words."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Final

from realm.store import frames
from realm.store.folder import sync
from realm.store.interface import DamagedError, StoreError, StoreFullError
from schemas.names import Name

FILE: Final = "realm.db"
SPARING: Final = "PRAGMA secure_delete = FAST"
"""What is deleted is overwritten where that costs no write. Rows that SQLite moves still leave copies behind."""
CHECKPOINT_PAGES: Final = 8_000
"""How long the write-ahead log grows, about 32 MB, before its pages are copied home. A page that changes in every turn
is then copied once for many; where few are the same, copying so many takes a tenth of a second."""

KEPT_LONG: Final = 4
"""Where the log is so many times as long, it could not be copied home for a while."""
NOT_HOME: Final = (
    "see whether somebody reads for long (a backup, an export), or what the system says of the disk (dmesg): until then"
    " it grows, and the realm becomes slow"
)

LOOK: Final = "`python -m realm doctor` says where; then restore the last good backup"
_BARRED: Final = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_WRITABLE: Final = "see that this user may write to the folder and what lies in it"
_DAMAGED: Final = f"the database is damaged: {LOOK}"
PAGE: Final = 4_096
"""Bytes."""
_BLOCK: Final = 1 << 20
_UNUSABLE: Final = "{} cannot be used as a database: {}"

OUR_FAULT: Final = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
)
"""What SQLite raises where a call of ours was wrong; a handler that does so costs its own caller alone."""


def exists(folder: Path) -> bool:
    """Whether a realm lives in this folder already."""
    return (folder / FILE).exists()


def migrations() -> list[str]:
    """The scripts in `migrations/`, in order; the schema's version is how many have run."""
    folder = resources.files("realm.store") / "migrations"
    scripts = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda i: i.name)
    return [script.read_text() for script in scripts]


def long_log(path: Path) -> int:
    """How many bytes the write-ahead log of a database holds, where that is far more than it should; else 0.

    Raises OSError where that cannot be seen.
    """
    size = frames.held(path)
    return size if size > KEPT_LONG * CHECKPOINT_PAGES * PAGE else 0


Lost = Callable[[sqlite3.Connection, int], object]


def _untold(_connection: sqlite3.Connection, _transactions: int) -> None:
    """Where nobody asks."""


def open_database(path: Path, lost: Lost = _untold) -> sqlite3.Connection:
    """Open or create the file and bring it to the newest schema.

    `lost` is told how many transactions SQLite has dropped of a damaged write-ahead log, where it has: see `frames`.
    What it writes is written first: whatever is written takes the place of what shows the damage.

    Raises StoreError where the file is of a newer version, no database, cannot be written, or cannot be brought to the
    newest schema; in each of these cases all that was in it is as it was.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, cached_statements=256)
    except sqlite3.Error as error:
        raise StoreError(_UNUSABLE.format(path, why(error))) from error
    try:
        _prepare(connection, path, lost)
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:  # what SQLite says may quote a damaged file
        connection.close()
        raise StoreError(_UNUSABLE.format(path, why(error))) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path, lost: Lost) -> None:
    path.chmod(0o600)
    _write_again(path.with_name(f"{path.name}-wal"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute(SPARING)
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    scripts = migrations()
    version = _known_version(connection, path, len(scripts))
    # Now the log has been read, and nothing is written to it yet.
    if count := frames.dropped(path):
        lost(connection, count)
    _migrate(connection, path, scripts, version)
    connection.execute("PRAGMA foreign_keys = ON")  # not before: a migration may put another table in the place of one


def _write_again(log: Path) -> None:
    """Have on disk what is in the write-ahead log that another process left.

    Where a flush had failed, the system takes as written what it has lost: SQLite would read it, add to it, and flush
    only what it has added, which is worth nothing behind a gap. So the same bytes are written once more.
    """
    if not log.exists():
        return
    with log.open("r+b", buffering=0) as file:
        at = 0
        while block := os.pread(file.fileno(), _BLOCK, at):
            at += os.pwrite(file.fileno(), block, at)
        os.fsync(file.fileno())
    sync(log.parent)  # its name too: SQLite flushes that with what it has made itself


def version_of(connection: sqlite3.Connection) -> int:
    """How many of the migrations have run; 0 of a new file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _known_version(connection: sqlite3.Connection, path: Path, newest: int) -> int:
    version = version_of(connection)
    if version > newest:
        raise StoreError(
            f"{path} was written by a newer Bagan (schema {version}, this one knows {newest}): "
            "install that version, or use another folder"
        )
    return version


def _migrate(connection: sqlite3.Connection, path: Path, scripts: list[str], version: int) -> None:
    if version == len(scripts):
        return
    # In one transaction, so that a file is of the old schema or of the newest, and of none between.
    missing = "\n".join(scripts[version:])
    try:
        connection.executescript(f"BEGIN IMMEDIATE;\n{missing}\nPRAGMA user_version = {len(scripts)};\nCOMMIT;")
    except sqlite3.Error as error:
        if connection.in_transaction:  # a full disk may have ended it
            connection.execute("ROLLBACK")
        full = is_full(error)
        said, do = (
            ("the disk is full", "make room") if full else (str(error), "install the older version, or tell its makers")
        )
        raise StoreError(
            f"{path} has schema {version} and cannot be brought to {len(scripts)} ({said}); it is as it was: {do}"
        ) from error


def claim(connection: sqlite3.Connection, realm: Name | None, draw_epoch: Callable[[], int]) -> tuple[Name, int]:
    """The name and the epoch of the realm in this file; a new file takes them, an old one must agree.

    Raises StoreError where the file is another realm's, or new while no name is given.
    """
    row = connection.execute("SELECT name, epoch FROM realm").fetchone()
    if row is None:
        if realm is None:
            raise StoreError("this folder holds no realm yet: say --name NAME to make one")
        row = (realm, draw_epoch())
        connection.execute("INSERT INTO realm (only, name, epoch) VALUES (1, ?, ?)", row)
    if realm not in (None, row[0]):
        raise StoreError(f"this folder belongs to the realm {row[0]}, not {realm}: use its name, or another folder")
    return Name(row[0]), int(row[1])


def renew(connection: sqlite3.Connection, draw_epoch: Callable[[], int]) -> None:
    """Have the realm in this file go on from an older state, with an epoch that it did not have.

    For numbers that others have seen since will be given to other contents: by the epoch clients know, and fetch anew.
    Uploads that were under way are dropped: what is on disk of them is of another time.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for (old,) in connection.execute("SELECT epoch FROM realm").fetchall():
            while (epoch := draw_epoch()) == old:
                pass
            connection.execute("UPDATE realm SET epoch = ?", (epoch,))
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'uploads'").fetchone():  # of the newer schemas
            connection.execute("DELETE FROM uploads")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated() -> Iterator[None]:
    """Turn the failures of the database into ours."""
    try:
        yield
    except OUR_FAULT:
        raise
    except sqlite3.Error as error:
        raise translate(error) from error
    except UnicodeDecodeError as error:
        raise DamagedError(_DAMAGED) from error


def translate(error: sqlite3.Error) -> StoreError | StoreFullError | DamagedError:
    """What a failure of the database is to us: a full disk, a damaged file, or the end."""
    if is_full(error):
        return StoreFullError("the disk is full")
    if is_damaged(error):
        return DamagedError(_DAMAGED)
    told = getattr(error, "sqlite_errorname", "")
    return StoreError(f"the database failed ({error}{', ' * bool(told)}{told}): {_advice(error)}")


def _kind(error: Exception) -> int:
    """The primary code of what SQLite says, which all of a kind share; 0 where it says nothing."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _advice(error: sqlite3.Error) -> str:
    """What to do about a failure of the database."""
    if _kind(error) == sqlite3.SQLITE_IOERR:
        return "see what the system says of the disk (dmesg), and whether a limit of its own keeps the realm from it"
    if _kind(error) in _BARRED:
        return _WRITABLE
    return "what was answered is kept; start the realm again, and tell its makers"


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether a failure comes of what is in the file: it does not hold together, or text is none."""
    # What Python says of such text quotes it, and has no code.
    return _kind(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or str(error).startswith("Could not decode")


def is_full(error: Exception) -> bool:
    """Whether a failure comes of a full disk: no room for rows, or for the index of the log that every reader needs."""
    return getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


def why(error: Exception) -> str:
    """What a database or the system says of a failure, in words; of a full disk, what to do."""
    if is_full(error):
        return "the disk is full: make room"
    told: str = getattr(error, "strerror", None) or str(error)
    barred = isinstance(error, PermissionError) or _kind(error) in _BARRED
    return f"{told}: {_WRITABLE}" if barred else told
