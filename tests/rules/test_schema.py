"""The database file: its schema, its migrations, and files that are not ours."""

import sqlite3
from pathlib import Path

import pytest

import realm.store
from realm.store.database import FILE, migrations
from realm.store.interface import StoreError
from realm.store.sqlite import SqliteStore
from schemas.names import Name

SCHEMA = Path(realm.store.__file__).with_name("schema.sql")
TABLES = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name"


def tables(*scripts: str) -> list[str]:
    database = sqlite3.connect(":memory:")
    for script in scripts:
        database.executescript(script)
    found = [" ".join(row[0].split()) for row in database.execute(TABLES)]
    database.close()
    return found


def test_the_checked_in_schema_is_what_the_migrations_make() -> None:
    assert tables(SCHEMA.read_text()) == tables(*migrations())


def test_every_table_is_strict() -> None:
    assert [
        table for table in tables(*migrations()) if table.startswith("CREATE TABLE") and "STRICT" not in table
    ] == []


def open_store(folder: Path, name: str | None = "kampus") -> SqliteStore:
    return SqliteStore(folder, Name(name) if name else None, lambda: 7)


def test_a_folder_keeps_its_realm_and_epoch(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    again = open_store(tmp_path, None)
    assert (again.realm, again.epoch) == ("kampus", 7)
    again.close()


def test_another_name_is_refused(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with pytest.raises(StoreError, match="belongs to the realm kampus, not pusat"):
        open_store(tmp_path, "pusat")


def test_a_new_folder_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="--name"):
        open_store(tmp_path, None)


@pytest.mark.parametrize("version", range(1, len(migrations())))
def test_an_older_file_is_brought_to_the_newest_schema(tmp_path: Path, version: int) -> None:
    database = sqlite3.connect(tmp_path / FILE)
    for script in migrations()[:version]:
        database.executescript(script)
    database.executescript(f"INSERT INTO realm VALUES (1, 'kampus', 5); PRAGMA user_version = {version};")
    database.close()
    opened = open_store(tmp_path)
    assert (opened.realm, opened.epoch) == ("kampus", 5)
    opened.close()
    database = sqlite3.connect(tmp_path / FILE)
    assert [" ".join(row[0].split()) for row in database.execute(TABLES)] == tables(*migrations())
    database.close()


def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    database = sqlite3.connect(tmp_path / FILE)
    database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(StoreError, match="newer Bagan"):
        open_store(tmp_path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database, but long enough to be taken for a header" * 100)
    with pytest.raises(StoreError, match="cannot be used as a database"):
        open_store(tmp_path)


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
