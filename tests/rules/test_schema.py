"""The database file: its schema, its migrations, and files that are not ours."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import realm.store
from realm.store import database as database_module
from realm.store.chains import check_chains
from realm.store.database import FILE, migrations, translate, why
from realm.store.interface import StoreError, StoreFullError
from realm.store.looking import Looking
from realm.store.sqlite import SqliteStore
from schemas.names import Name
from tests.recorded.schemas import HERE

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


@pytest.mark.parametrize("recorded", sorted(HERE.glob("schema_*.sql")), ids=lambda path: path.stem)
def test_what_an_older_version_has_left_is_brought_to_the_newest_schema(tmp_path: Path, recorded: Path) -> None:
    """With all that was said, every chain, and no row that names another which is not there."""
    put(tmp_path, recorded.read_text())
    open_store(tmp_path).close()
    with closing(Looking(tmp_path)) as looking:
        found = looking.connection.execute(TABLES).fetchall()
        assert [" ".join(row[0].split()) for row in found] == tables(*migrations())
        assert looking.version == len(migrations())
        assert looking.damage(quick=False) == looking.dangling() == []
        chains = check_chains(looking)
        assert chains.broken == []
        assert chains.entries == recorded.read_text().count('INSERT INTO "entries"') > 0


def put(folder: Path, script: str) -> Path:
    """A database that this has made; it is closed, as a realm leaves it that has ended."""
    path = folder / FILE
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(script)
        database.execute("PRAGMA journal_mode = WAL")
    return path


CHANGING = "UPDATE accounts SET display = 'changed'; DROP TABLE sessions; CREATE TABLE more (x TEXT) STRICT;"
BROKEN = f"{CHANGING} SELECT nowhere;"
LARGE = f"""
PRAGMA max_page_count = 75;
{CHANGING}
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO more SELECT hex(zeroblob(100)) FROM n;
"""


@pytest.mark.parametrize(
    ("script", "why"),
    [(BROKEN, "no such column: nowhere"), (LARGE, r"the disk is full\).*make room")],
    ids=["an error in it", "a full disk"],
)
@pytest.mark.parametrize("recorded", sorted(HERE.glob("schema_*.sql")), ids=lambda path: path.stem)
def test_a_migration_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Path, script: str, why: str
) -> None:
    """Also where those before it have not."""
    path = put(tmp_path, recorded.read_text())
    before = path.read_bytes()
    scripts = [*migrations(), script]
    with monkeypatch.context() as patched:
        patched.setattr(database_module, "migrations", lambda: scripts)
        with pytest.raises(StoreError, match=f"cannot be brought to {len(scripts)} \\({why}") as error:
            open_store(tmp_path)
    assert "it is as it was" in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [FILE]
    open_store(tmp_path).close()


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


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE])
def test_a_disk_without_any_room_is_said_to_be_full(code: int) -> None:
    """SQLite calls it an I/O error where not even the index of its log finds room, as where a realm starts then."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    assert why(error) == "the disk is full: make room"
    assert isinstance(translate(error), StoreFullError)
