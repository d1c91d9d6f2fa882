"""A byte of the database changes behind a realm's back: `doctor` finds it, and who reads it is told so."""

import random
import sqlite3
from collections import Counter
from contextlib import closing

import pytest

from tests.conftest import StartRealm
from tests.faults import changed_bytes
from tests.scenarios.operator_kit import operate
from tests.wire.player import Stage

SAID = "a rumour about henderson"
MEANT = b"a rumour about hendersen"
BYTES = 120


@pytest.fixture
def well(start_realm: StartRealm) -> changed_bytes.Kept:
    realm = start_realm()
    with Stage(realm) as stage:
        stage.play(f"""
            messi: register messi surabaya Argentina Lionel Messi
            henderson: register henderson surabaya Inggris Jordan Henderson
            henderson: logout
            messi: send henderson halo {{1..40}}
            messi: send henderson {SAID}
            messi: send henderson pesan {{1..40}}
            messi: addgroup new
            messi: sendgroup new selamat pagi
        """)
    realm.stop()
    return changed_bytes.kept(realm.data)


def test_a_changed_message(well: changed_bytes.Kept, start_realm: StartRealm) -> None:
    """What was said before it is given, it is not, and all the rest is; the realm goes on."""
    at = well.file.index(SAID.encode()) + MEANT.index(b"sen") + 1
    changed_bytes.change(well, at, ord("e"))
    realm = start_realm()
    with Stage(realm) as stage:
        stage.play("""
            messi: auth messi surabaya
            messi: history after=0 limit=100 henderson
            messi gets: head=81 more=true
        """)
        answer = stage.actor("messi").answer
        assert answer is not None
        assert [entry["seq"] for entry in answer["entries"]] == list(range(1, 41))
        stage.play("""
            messi: history after=40 henderson
            messi gets: ERROR internal_error what is stored is damaged; …
            messi: history limit=50 henderson
            messi gets: head=81 more=true
            messi: send henderson lagi
            messi: conversations
            messi: history after=41 limit=100 henderson
            messi gets: more=false
            zlatan: register zlatan surabaya Swedia Zlatan Ibrahimovic
            zlatan: send henderson {1..5}
            henderson: auth henderson surabaya
            henderson: inbox
            henderson: inbox
        """)
        answer = stage.actor("henderson").answer
        assert answer is not None
        assert [entry["from"] for entry in answer["messages"]] == ["zlatan@kampus"] * 5, "what is behind it is given"
        stage.play("""
            henderson: inbox
            henderson gets: ERROR internal_error what is stored is damaged; …
            henderson: inbox
            henderson gets: ERROR internal_error what is stored is damaged; …
        """)
    assert realm.log().count("database damaged") == 2, "one for each who asked, however often"
    assert MEANT.decode() not in realm.log()
    code, lines, _ = operate(realm.data, "doctor")
    assert code == 1
    assert any("entry 41 does not follow" in line for line in lines)


def test_a_message_that_is_no_text_any_more(well: changed_bytes.Kept, start_realm: StartRealm) -> None:
    changed_bytes.change(well, well.file.index(SAID.encode()), 0xFF)
    realm = start_realm()
    with Stage(realm) as stage:
        stage.play("""
            messi: auth messi surabaya
            messi: history henderson
            messi gets: ERROR internal_error what is stored is damaged; …
            messi: send henderson lagi
            messi: history limit=5 henderson
            messi gets: head=82
        """)
    assert "rumour" not in realm.log()
    assert "henderson" not in realm.log().replace("henderson@kampus", "")


def test_the_last_message_is_no_text_any_more(well: changed_bytes.Kept, start_realm: StartRealm) -> None:
    """Who lists conversations is told of all of them."""
    changed_bytes.change(well, well.file.index(b"pesan 40"), 0xFF)
    with Stage(start_realm()) as stage:
        stage.play("""
            messi: auth messi surabaya
            messi: conversations
            messi gets: more=false
            messi: history henderson
            messi gets: ERROR internal_error what is stored is damaged; …
        """)


def test_any_byte(well: changed_bytes.Kept) -> None:
    """See `changed_bytes.check`; and `doctor` finds all else that has something to be measured by."""
    dice, counts = random.Random(5), Counter[str]()
    for _ in range(BYTES):
        counts += changed_bytes.look(changed_bytes.any_change(well, dice))
    changed_bytes.check(counts)
    unguarded = {f"not found: {one}" for one in changed_bytes.LOOSE.values()}
    assert {one for one in counts if one.startswith("not found")} <= unguarded, counts


def test_doctor_knows_how_tables_are_made(well: changed_bytes.Kept) -> None:
    with closing(sqlite3.connect(well.folder / "realm.db")) as database, database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = replace(sql, 'country', 'cauntry') WHERE name = 'accounts'")
    assert changed_bytes.is_found(well.folder)
