"""A realm's folder of which one byte is not what it was: what looking finds of it, and what reading says."""

import random
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from realm.keeping.examining import look_at_database, look_at_entries, look_at_files
from realm.store.database import FILE
from realm.store.entries import NUMBER_BITS
from realm.store.interface import DamagedError, StoreError
from realm.store.looking import Looking
from realm.store.rows import Draft
from realm.store.rows import Kept as Conversation
from realm.store.sqlite import SqliteStore
from schemas.names import ConversationId

PAGE: Final = 1 << 20
ENTRIES: Final = 200
CONVERSATIONS: Final = 1_000
LOOSE: Final = {"entries, column 3": "names shown beside messages", "entries, column 12": "when it was stored"}
"""What of an entry its chain does not hold."""
ID, SALT, CHAIN, MESSAGE = 1, 6, 7, 8
"""Columns of entries that can be found in the file."""
BROKEN: Final = "BROKEN: "
"""How counts begin of what must never be."""
DAMAGED: Final = "damaged"
LATER: Final = "said afterwards"
Rows = dict[str, list[Any]]
Told = dict[int, Any]
"""What is read of a conversation, by the entries' numbers."""
Read = dict[str, Told | str]
"""By conversation; `DAMAGED` where that is said."""


class Kept(NamedTuple):
    """What a folder holds that is well."""

    folder: Path
    file: bytes
    rows: Rows
    told: Read


def kept(folder: Path) -> Kept:
    """To be called while no realm runs there."""
    file, found = (folder / FILE).read_bytes(), rows(folder / FILE)
    read = _read(folder)
    assert isinstance(read, dict)
    return Kept(folder, file, found, read)


def change(what: Kept, at: int, to: int) -> None:
    """Let the database be as it was, but for one byte."""
    body = bytearray(what.file)
    body[at] = to
    for beside in what.folder.glob(f"{FILE}-*"):
        beside.unlink()
    (what.folder / FILE).write_bytes(body)


def look(what: Kept) -> Counter[str]:
    """What is found of it, what reads otherwise, and what a reader is told, as names of counts; see `check`."""
    counts = Counter(["bytes changed"])
    found = is_found(what.folder)
    try:
        now = rows(what.folder / FILE)
    except sqlite3.Error:
        now = None
    differing = ["cannot be read"] if now is None else _differing(what.rows, now)
    which = "a row" if differing else "no row"
    counts[f"they change {which}, and doctor {'finds' if found else 'does not find'} it"] += 1
    if not found:
        counts.update(f"not found: {LOOSE.get(one, one)}" for one in differing)
        chained = [one for one in differing if one.startswith("entries") and one not in LOOSE]
        counts.update(f"{BROKEN}doctor does not find {one}" for one in chained)
    read = _read(what.folder)
    counts[f"reading history: {_judge(what, read)}"] += 1
    if not isinstance(read, str):
        missing = {name for name, told in what.told.items() if read.get(name) != told and read.get(name) != DAMAGED}
        if missing and not found:
            counts[f"{BROKEN}less or more is read than there was, and doctor does not find it"] += 1
        if now is not None and _differing({**what.rows, "entries": []}, {**now, "entries": []}) == []:
            counts += _others(what, read, _touched(what.rows["entries"], now["entries"]))
    return counts


def check(counts: Counter[str]) -> None:
    """Raise AssertionError where something is counted that must not be, and where nothing was tried.

    What is read is what was said, or it is said that it is damaged; `doctor` finds whatever a chain holds, and whatever
    is not read; and who does not ask for an entry that was changed reads and writes as ever.
    """
    broken = {name: count for name, count in counts.items() if name.startswith(BROKEN)}
    assert not broken, broken
    assert counts["an entry is changed: who asks for it is told, or finds less"], "no entry was changed"
    assert counts["an entry is changed: others read and write as ever"], "nobody else was there"


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


def _touched(before: list[Any], after: list[Any]) -> set[int]:
    """The conversations of which an entry is not what it was, in what their chains hold."""

    def chained(entries: list[Any]) -> set[Any]:
        return {(*row[:3], *row[4:12]) for row in entries}

    return {row[0] >> NUMBER_BITS for row in chained(before) ^ chained(after)}


def _judge(what: Kept, read: Read | str) -> str:
    """What a reader of all conversations is told, in a word."""
    if isinstance(read, str):
        return read
    for name, told in read.items():
        if told != DAMAGED and not _is_part(told, what.told.get(name)):
            return f"{BROKEN}what was not said is told as if it were"
    if DAMAGED in read.values():
        return "it is said that it is damaged"
    return "as it was said" if read == what.told else "a part is not there"


def _is_part(told: Told | str, of: Told | str | None) -> bool:
    return isinstance(told, dict) and isinstance(of, dict) and told.items() <= of.items()


def _others(what: Kept, read: Read, touched: set[int]) -> Counter[str]:
    """Where entries alone were changed: that it is noticed by who reads those, and by nobody else."""
    counts = Counter[str]()
    numbers = {name: number for number, name, *_ in what.rows["conversations"]}
    for name, told in what.told.items():
        if numbers[name.encode()] in touched:
            noticed = read.get(name) != told
            counts["an entry is changed: who asks for it is told, or finds less"] += noticed
            counts[f"{BROKEN}an entry is changed, and read as if it were well"] += not noticed
        elif touched:
            well = read.get(name) == told and _goes_on(what.folder, name, numbers[name.encode()])
            counts["an entry is changed: others read and write as ever"] += well
            counts[f"{BROKEN}an entry is changed, and others pay for it"] += not well
    return +counts


def _goes_on(folder: Path, name: str, number: int) -> bool:
    """Whether something more can be said in a conversation, and read."""
    store, of = SqliteStore(folder, None, lambda: 1), ConversationId(name)
    try:
        with store.transaction() as tx:
            entry = tx.append(of, Draft(f"{number:026}", "messi@kampus", "Lionel Messi", 1, bytes(16), LATER))
        with store.transaction() as tx:
            [last] = tx.history(of, limit=1, max_bytes=PAGE).entries
        return last == entry
    finally:
        store.close()


def _read(folder: Path) -> Read | str:
    """What `history` gives of all conversations, without the names shown beside it; or why nothing is read at all."""
    try:
        store = SqliteStore(folder, None, lambda: 1)
    except (StoreError, DamagedError):
        return "no realm starts on it, and says so"
    try:
        with store.transaction() as tx:
            there = tx.kept(0, CONVERSATIONS)
        return {one.conversation: _read_one(store, one) for one in there}
    except (StoreError, DamagedError):
        return "it is said that it is damaged"
    finally:
        store.close()


def _read_one(store: SqliteStore, one: Conversation) -> Told | str:
    told: Told = {}
    after, more = 0, True
    try:
        while more:
            with store.transaction() as tx:
                page = tx.history(one.conversation, after=after, limit=ENTRIES, max_bytes=PAGE)
            for entry in page.entries:
                told[entry.seq] = (entry.id, entry.sender, entry.sent_at, entry.message, entry.file)
            more = page.more
            after = page.entries[-1].seq if page.entries else after
    except (StoreError, DamagedError):
        return DAMAGED
    return told


def any_change(what: Kept, dice: random.Random) -> Kept:
    """One bit, or one byte: anywhere, or, every other time, in an entry."""
    at = _in_an_entry(what, dice) if dice.random() < 0.5 else dice.randrange(len(what.file))
    to = what.file[at] ^ (1 << dice.randrange(8) if dice.random() < 0.5 else dice.randrange(1, 256))
    change(what, at, to)
    return what


def _in_an_entry(what: Kept, dice: random.Random) -> int:
    """Where a byte of one is in the file."""
    row, column = dice.choice(what.rows["entries"]), dice.choice((ID, SALT, CHAIN, MESSAGE))
    whole = row[SALT] + row[CHAIN] + (row[MESSAGE] or b"")  # as they lie one behind the other
    at = what.file.index(whole)
    if column == ID:
        return what.file.rindex(row[ID], 0, at) + dice.randrange(len(row[ID]))
    return at + dice.randrange(len(whole))
