"""A realm's folder of which one byte is not what it was: what looking finds of it, and what reading says."""

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from realm.keeping.examining import look_at_database, look_at_entries, look_at_files
from realm.store.database import FILE
from realm.store.interface import DamagedError, StoreError, Tx
from realm.store.looking import Looking
from realm.store.sqlite import SqliteStore

PAGE: Final = 1 << 20
ENTRIES: Final = 200
CONVERSATIONS: Final = 1_000
UNGUARDED: Final = {"entries, column 3": "names shown beside messages"}
"""What has nothing that it could be measured by."""
Rows = dict[str, list[Any]]
Told = dict[tuple[str, int], Any]


class Kept(NamedTuple):
    """What a folder holds that is well."""

    folder: Path
    file: bytes
    rows: Rows
    told: Told


def kept(folder: Path) -> Kept:
    """To be called while no realm runs there."""
    read = _read(folder)
    assert isinstance(read, dict)
    return Kept(folder, (folder / FILE).read_bytes(), rows(folder / FILE), read)


def change(what: Kept, at: int, to: int) -> None:
    """Let the database be as it was, but for one byte."""
    body = bytearray(what.file)
    body[at] = to
    for beside in what.folder.glob(f"{FILE}-*"):
        beside.unlink()
    (what.folder / FILE).write_bytes(body)


def look(what: Kept) -> Counter[str]:
    """What is found of it, what reads otherwise, and what a reader is told, as names of counts."""
    counts = Counter(["bytes changed"])
    found = is_found(what.folder)
    try:
        differing = _differing(what.rows, rows(what.folder / FILE))
    except sqlite3.Error:
        differing = ["cannot be read"]
    which = "a row" if differing else "no row"
    counts[f"they change {which}, and doctor {'finds' if found else 'does not find'} it"] += 1
    if not found:
        counts.update(f"not found: {one}" for one in differing)
    counts[f"reading history: {_judge(what)}"] += 1
    return counts


def is_found(folder: Path) -> bool:
    """Whether `doctor` says that something is wrong, by the parts of it that look at what is stored."""
    try:
        with closing(Looking(folder)) as looking:
            looking.realm()
            found = look_at_database(looking, quick=False)
            found += look_at_entries(looking, lambda *_: None)
            found += look_at_files(folder, looking, lambda *_: None, full=True)
    except StoreError:
        return True
    return any(one.level != "ok" for one in found)


def rows(path: Path) -> Rows:
    """All rows of all tables, as bytes."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.text_factory = bytes
        try:
            names = database.execute("SELECT CAST(name AS BLOB) FROM sqlite_master WHERE type = 'table'").fetchall()
            tables = [name.decode(errors="replace") for (name,) in names]
            return {table: database.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables}
        except UnicodeDecodeError as error:  # of columns' names, and of what SQLite says of tables
            raise sqlite3.DatabaseError("a name is damaged") from error


def _differing(before: Rows, after: Rows) -> list[str]:
    """The first difference in each table: which column."""
    told = []
    for table in sorted(before.keys() | after.keys()):
        one, other = before.get(table, []), after.get(table, [])
        pairs = [(x, y) for x, y in zip(one, other, strict=False) if x != y]
        if pairs:
            columns = [str(at) for at, (x, y) in enumerate(zip(*pairs[0], strict=False)) if x != y]
            told.append(f"{table}, column {' and '.join(columns)}")
        elif len(one) != len(other):
            told.append(f"{table}, rows")
    return told


def _judge(what: Kept) -> str:
    """How a store reads all conversations now."""
    read = _read(what.folder)
    if isinstance(read, str):
        return read
    if any(read.get(place, one) != one for place, one in what.told.items()) or read.keys() - what.told.keys():
        return "what was not said is told as if it were"
    return "as it was said" if read == what.told else "a part is not there"


def _read(folder: Path) -> Told | str:
    """What `history` gives of all conversations: by conversation and number, without the names shown beside it."""
    try:
        store = SqliteStore(folder, None, lambda: 1)
    except (StoreError, DamagedError):
        return "no realm starts on it, and says so"
    try:
        with store.transaction() as tx:
            return _read_all(tx)
    except (StoreError, DamagedError):
        return "it is said that it is damaged"
    finally:
        store.close()


def _read_all(tx: Tx) -> Told:
    told: Told = {}
    for one in tx.kept(0, CONVERSATIONS):
        after, more = 0, True
        while more:
            with tx.attempt():
                page = tx.history(one.conversation, after=after, limit=ENTRIES, max_bytes=PAGE)
            for entry in page.entries:
                said = (entry.id, entry.sender, entry.sent_at, entry.message, entry.file)
                told[one.conversation, entry.seq] = said
            more = page.more
            after = page.entries[-1].seq if page.entries else after
    return told


def any_change(what: Kept, dice: random.Random) -> Kept:
    """One bit, or one byte, anywhere."""
    at = dice.randrange(len(what.file))
    to = what.file[at] ^ (1 << dice.randrange(8) if dice.random() < 0.5 else dice.randrange(1, 256))
    change(what, at, to)
    return what
