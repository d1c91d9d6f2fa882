"""`erase`: beside a realm that runs, where none does, and after a kill."""

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from tests.realm_process import RealmProcess
from tests.scenarios.cli_kit import Terminal
from tests.scenarios.operator_kit import operate, works
from tests.wire.player import Stage

SAID = """
    messi: register messi surabaya Argentina Lionel Messi
    henderson: register henderson surabaya Inggris Jordan Henderson
    messi: addgroup new
    henderson: joingroup new
    messi: send henderson halo, selamat malam
    henderson hears: halo, selamat malam
    henderson: send messi halo
    messi hears: halo
    messi: sendgroup new halo semua
    henderson hears: halo semua
"""
# An entry that says nothing shows as what kind it is.
GONE = """
    messi: inbox
    messi gets: ERROR session_not_found Session tidak ditemukan
    messi: auth messi surabaya
    messi gets: ERROR user_not_found User tidak ada
    messi: register messi malang1234 Argentina Somebody Else
    messi gets: ERROR user_exists User sudah ada
    henderson: send messi halo
    henderson gets: ERROR user_not_found User tidak ada
    henderson: history private/henderson@kampus,messi@kampus
    henderson gets entries:
        1 messi: text
        2 henderson: halo
    henderson: groups
    henderson gets groups:
        {group: new, title: new, admin: henderson, count: 1, joined: true, members: [henderson]}
"""


def test_beside_a_realm_that_runs(realm: RealmProcess) -> None:
    with Stage(realm) as stage:
        stage.play(SAID)
        told, _ = works(realm.data, "erase", "messi", "--yes")
        assert told.startswith("messi is erased: 2 messages, 0 files.")
        stage.play(GONE)
        assert works(realm.data, "erase", "messi", "--yes") == ["messi was erased before"]
        assert works(realm.data, "user", "list")[2].split()[-1] == "erased"
        stage.play("restart realm")
        stage.play(GONE.replace("messi: inbox\n    messi gets: ERROR session_not_found Session tidak ditemukan", ""))


def test_where_no_realm_runs(realm: RealmProcess) -> None:
    with Stage(realm) as stage:
        stage.play(SAID)
    realm.stop()
    with closing(sqlite3.connect(realm.data / "realm.db", isolation_level=None)) as file:
        file.executescript("CREATE TABLE gone (said TEXT); INSERT INTO gone VALUES ('a copy'); DROP TABLE gone")
    told, _ = works(realm.data, "erase", "messi", "--yes")
    assert told.startswith("messi is erased: 2 messages")
    content = b"".join(path.read_bytes() for path in realm.data.glob("realm.db*"))
    assert b"selamat malam" not in content
    assert b"Lionel" not in content
    assert b"a copy" not in content, "which SQLite had left"
    assert b"Henderson" in content


def test_the_name_is_asked_for_again(realm: RealmProcess, tmp_path: Path) -> None:
    with Stage(realm) as stage:
        stage.play("messi: register messi surabaya Argentina Lionel Messi")
    code, lines, errors = operate(realm.data, "erase", "messi", stdin="henderson\n")
    assert (code, lines) == (1, [])
    assert "this is another name: nothing is erased" in errors
    code, lines, errors = operate(realm.data, "erase", "messi")
    assert (code, lines) == (1, []), "the end of input is no yes"
    for name, wanted, sentence in (("nobody", 1, "there is no user nobody"), ("a b", 2, "is no name")):
        code, lines, errors = operate(realm.data, "erase", name, "--yes")
        assert (code, lines) == (wanted, [])
        assert sentence in errors
    code, lines, errors = operate(tmp_path / "nowhere", "erase", "messi", "--yes")
    assert (code, lines) == (1, [])
    assert errors.startswith("no realm has run on the folder")
    command = [sys.executable, "-m", "realm", "erase", "messi", "--data", str(realm.data)]
    terminal = Terminal(command, dict(os.environ))
    try:
        terminal.shows("Say the name again")
        terminal.types("Messi\n")
        terminal.shows("messi is erased: 0 messages")
        assert terminal.ends() == 0
    finally:
        terminal.close()
