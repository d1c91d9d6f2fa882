"""`export`: beside a realm that runs and where none does, and what cannot be written."""

import json
import os
import stat
import zipfile
from pathlib import Path

import pytest

from tests.realm_process import RealmProcess
from tests.scenarios.cli_kit import REGISTER, people_of
from tests.scenarios.operator_kit import operate, works
from tests.wire.player import Stage

SAID = """
    messi: register messi surabaya Argentina Lionel Messi
    henderson: register henderson surabaya Inggris Jordan Henderson
    messi: addgroup new
    messi: sendgroup new halo semua
    messi: leavegroup new
    messi: addgroup team
    messi: send henderson halo, selamat malam
    henderson hears: halo, selamat malam
    henderson: send messi halo kamu
    messi hears: halo kamu
    henderson: send henderson only for henderson
"""
TALK = "conversations/private-henderson@kampus,messi@kampus"


def lines(archive: zipfile.ZipFile, name: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in archive.read(name).decode().splitlines()]


@pytest.fixture
def said(realm: RealmProcess) -> RealmProcess:
    with Stage(realm) as stage:
        stage.play(SAID)
    return realm


def test_all_that_is_there_of_a_user(said: RealmProcess, tmp_path: Path) -> None:
    to = tmp_path / "messi.zip"
    assert works(said.data, "export", "messi", str(to)) == [f"{to}: 2 entries in 2 conversations, 0 files"]
    assert stat.S_IMODE(to.stat().st_mode) == 0o600
    with zipfile.ZipFile(to) as archive:
        assert archive.testzip() is None
        profile = json.loads(archive.read("profile.json"))
        assert (profile["user"], profile["name"], profile["country"]) == ("messi@kampus", "Lionel Messi", "Argentina")
        assert [group["group"] for group in profile["groups"]] == ["team"]
        assert len(profile["sessions"]) == len(profile["known_keys"]) == 1
        assert [row["message"] for row in lines(archive, f"{TALK}.jsonl")] == ["halo, selamat malam", "halo kamu"]
        text = archive.read(f"{TALK}.txt").decode()
        assert "Lionel Messi (messi@kampus): halo, selamat malam\n" in text
        (left,) = lines(archive, "elsewhere.jsonl")
        assert (left["conversation"], left["message"]) == ("group/new@kampus", "halo semua")
        assert "2 entries in 2 conversations" in archive.read("README.txt").decode()
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"only for henderson" not in everything
    assert b"argon2" not in everything
    code, told, errors = operate(said.data, "export", "messi", str(to))
    assert (code, told) == (1, [])
    assert "is there already: say another file, or --overwrite" in errors
    works(said.data, "export", "messi", str(to), "--overwrite")
    said.stop()
    again = tmp_path / "again.zip"
    assert works(said.data, "export", "MESSI", str(again)) == [f"{again}: 2 entries in 2 conversations, 0 files"]
    assert not list(tmp_path.glob("*.part"))


def test_the_bytes_of_own_files(realm: RealmProcess, tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    source = tmp_path / "foto .. saya.jpg"
    source.write_bytes(content)
    with people_of(tmp_path, realm) as person:
        for name, words in REGISTER.items():
            person(name).says(*words.split())
        person("messi").says("sendfile", "henderson", str(source))
    to = tmp_path / "messi.zip"
    assert works(realm.data, "export", "messi", str(to)) == [f"{to}: 1 entries in 1 conversations, 1 files"]
    with zipfile.ZipFile(to) as archive:
        (row,) = lines(archive, "files.jsonl")
        place = str(row["in"])
        assert place.startswith("files/")
        assert archive.read(place) == content
    other = tmp_path / "henderson.zip"
    works(realm.data, "export", "henderson", str(other))
    with zipfile.ZipFile(other) as archive:
        assert lines(archive, "files.jsonl") == [], "what others have sent is theirs"
        assert lines(archive, f"{TALK}.jsonl")[0]["file"]["name"] == source.name  # type: ignore[index]
    blob = next(path for path in (realm.data / "blobs").rglob("*") if path.is_file())
    blob.unlink()
    to.unlink()
    code, _, errors = operate(realm.data, "export", "messi", str(to))
    assert code == 0
    assert "not there any more: the bytes of" in errors


def test_what_cannot_be_exported(said: RealmProcess, tmp_path: Path) -> None:
    to = tmp_path / "x.zip"
    for words, wanted, sentence in (
        (("nobody", str(to)), 1, "there is no user nobody"),
        (("a b", str(to)), 2, "is no name"),
        (("messi", str(tmp_path)), 1, "is a folder: name a file in it"),
        (("messi", str(tmp_path / "no" / "x.zip")), 1, "there is no folder"),
        (("messi",), 2, "Missing argument"),
    ):
        code, told, errors = operate(said.data, "export", *words)
        assert (code, told) == (wanted, []), words
        assert sentence in errors
    code, told, errors = operate(tmp_path / "nowhere", "export", "messi", str(to))
    assert (code, told) == (1, [])
    assert errors.startswith("no realm has run on the folder")
    assert not to.exists()
    works(said.data, "erase", "messi", "--yes")
    code, told, errors = operate(said.data, "export", "messi", str(to))
    assert (code, told, errors) == (1, [], "messi was erased: nothing is left to export\n")
    assert not list(tmp_path.glob("x.zip*"))


def test_a_full_disk_leaves_nothing(said: RealmProcess, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the same is seen, and the same is to be done."""
    to = tmp_path / "x.zip"
    code, told, errors = operate(said.data, "export", "messi", to, limit=100)
    assert (code, told) == (1, [])
    assert f"the disk that {tmp_path} is on is full: make room there" in errors
    assert "ignored" not in errors
    assert not list(tmp_path.glob("x.zip*"))
