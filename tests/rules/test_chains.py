"""Every conversation's numbers and chain, as they are in the file: whatever is changed there is found, and named."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realm.store import chains
from realm.store.chains import check_chains
from realm.store.database import FILE
from realm.store.interface import StoreError
from realm.store.looking import TOLD, Looking
from schemas import names
from schemas.entries import text_body
from schemas.names import Address
from tests.rules.keeping_kit import execute, make_realm, opened
from tests.rules.store_kit import TALK, draft

LENGTH = 53


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_realm(tmp_path / "kampus")


def broken(folder: Path) -> list[tuple[str, int]]:
    """Conversations and numbers."""
    with closing(Looking(folder)) as looking:
        return [(one.conversation, one.seq) for one in check_chains(looking).broken]


def test_what_was_not_touched_is_well(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "TELL_EVERY", 20)
    told: list[int] = []
    with closing(Looking(folder)) as looking:
        found = check_chains(looking, told.append)
        assert looking.entries() == LENGTH
    assert (found.conversations, found.entries, found.broken) == (1, LENGTH, [])
    assert told == [20, 40, LENGTH]


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE entries SET message = message || ' ' WHERE id = 'e0'", 1),
        ("UPDATE entries SET sender = 'b@kampus' WHERE id = 'e6'", 7),
        ("UPDATE entries SET sent_at = sent_at + 1 WHERE id = 'e6'", 7),
        ("UPDATE entries SET id = 'e99' WHERE id = 'e6'", 7),
        ("UPDATE entries SET salt = zeroblob(15) WHERE id = 'e6'", 7),
        ("UPDATE entries SET salt = NULL WHERE id = 'e6'", 7),
        ("UPDATE entries SET message = NULL WHERE id = 'e6'", 7),
        ("UPDATE entries SET message = CAST(x'ff' AS TEXT) WHERE id = 'e6'", 7),
        ("UPDATE entries SET kind = 'file' WHERE id = 'e6'", 7),
        ("UPDATE entries SET chain = zeroblob(32) WHERE id = 'e6'", 7),
        ("UPDATE files SET name = 'x.png'", 51),
        ("UPDATE blobs SET size = size + 1 WHERE id = 2", 52),
        ("UPDATE blobs SET digest = zeroblob(32) WHERE id = 2", 52),
        ("DELETE FROM attachments", 51),
        ("UPDATE entries SET code = 'forbidden' WHERE id = 'bounce'", LENGTH),
        ("UPDATE entries SET re = NULL WHERE id = 'bounce'", LENGTH),
        ("DELETE FROM entries WHERE id = 'e0'", 1),
        ("DELETE FROM entries WHERE id = 'e6'", 7),
        ("DELETE FROM entries WHERE id = 'bounce'", LENGTH),
        ("DELETE FROM entries", 1),
        ("UPDATE conversations SET chain = zeroblob(32)", LENGTH),
        ("UPDATE conversations SET head = head - 1", LENGTH),
        ("UPDATE conversations SET first = 3", 1),
    ],
)
def test_what_was_changed_is_named(folder: Path, statement: str, seq: int) -> None:
    execute(folder, statement)
    assert broken(folder) == [(TALK, seq)]


def test_an_entry_of_no_conversation(folder: Path) -> None:
    execute(
        folder,
        "INSERT INTO entries (place, id, sender, display, sent_at, kind, salt, chain, message, re, code)"
        " SELECT place + (5 << 32), id || 'x', sender, display, sent_at, kind, salt,"
        " chain, message, re, code FROM entries WHERE id = 'e6'",
    )
    assert broken(folder) == [("conversation 6", 7)]


def test_what_retention_has_removed_is_not_missed(folder: Path) -> None:
    execute(folder, "DELETE FROM entries WHERE place & 0xffffffff < 20", "UPDATE conversations SET first = 20")
    assert broken(folder) == []
    execute(folder, "UPDATE entries SET message = 'x' WHERE id = 'e20'")
    assert broken(folder) == [(TALK, 21)]
    execute(folder, "DELETE FROM entries", f"UPDATE conversations SET first = {LENGTH + 1}")
    assert broken(folder) == []


def test_what_was_erased_keeps_its_place(folder: Path) -> None:
    """protocol.md: "a body can be erased without breaking the chain"."""
    with closing(Looking(folder)) as looking:
        if "body" not in looking.columns("entries"):
            execute(folder, "ALTER TABLE entries ADD COLUMN body BLOB")
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as database:
        message, salt = database.execute("SELECT message, salt FROM entries WHERE id = 'e6'").fetchone()
        database.execute(
            "UPDATE entries SET body = ?, salt = NULL, message = NULL WHERE id = 'e6'", (text_body(salt, message),)
        )
    assert broken(folder) == []
    execute(folder, "UPDATE entries SET body = zeroblob(32) WHERE id = 'e6'")
    assert broken(folder) == [(TALK, 7)]


def test_many_are_counted_and_some_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    with opened(folder) as tx:
        for number in range(TOLD + 5):
            talk = names.private(Address("a@kampus"), Address(f"z{number}@kampus"))
            tx.open_conversation(talk, [], now=1)
            tx.append(talk, draft(f"e{number}"))
    execute(folder, "UPDATE entries SET sent_at = 0")
    with closing(Looking(folder)) as looking:
        found = check_chains(looking)
    assert (found.conversations, len(found.broken)) == (TOLD + 5, TOLD)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_realm(tmp_path_factory.mktemp("whole") / "kampus")


@settings(max_examples=60)
@given(where=st.floats(0, 0.999_999), bit=st.integers(0, 7))
def test_any_bit_of_the_file_ends_in_an_answer(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, where: float, bit: int
) -> None:
    """Whichever bit is turned over: all is well (it was not in use), or something is named, or it cannot be read."""
    folder = tmp_path_factory.mktemp("bit")
    data = bytearray((whole / FILE).read_bytes())
    data[int(where * len(data))] ^= 1 << bit
    (folder / FILE).write_bytes(data)
    assert found_in(folder) in ("well", "named", "unreadable")


def found_in(folder: Path) -> str:
    try:
        with closing(Looking(folder)) as looking:
            looking.realm()
            named = looking.damage(quick=False) + looking.dangling() + list(map(str, check_chains(looking).broken))
            return "named" if named or check_chains(looking).entries != LENGTH else "well"
    except StoreError:
        return "unreadable"
