"""Backups: whole or not at all, of one moment, read back; and that what comes in as one is believed in nothing."""

import fcntl
import io
import os
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO
from unittest.mock import Mock

import msgspec
import pytest

from broker import keyfiles
from realm.keeping import backing
from realm.keeping.archive import Writer
from realm.keeping.backing import MOMENTS, back_up
from realm.keeping.reading import Tell
from realm.keeping.restoring import put_back
from realm.keeping.whole import KeepingError
from realm.store.database import FILE, migrations
from realm.store.folder import blob_name, locked
from realm.store.interface import StoreError, StoreFullError
from realm.store.looking import Looking
from tests.recorded.schemas import HERE, TEXT
from tests.rules.keeping_kit import (
    ALL,
    EPOCH,
    PICTURE,
    SOUND,
    add_file,
    blob_path,
    digest_of,
    make_realm,
    opened,
    put_blob,
    send_file,
    texts,
)
from tests.rules.store_kit import TALK

NOW = 1_790_000_000_000
NEW_EPOCH = 99


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_realm(tmp_path / "kampus")


def restored(source: Path, target: Path, *, damaged: bool = False) -> Path:
    epochs = iter((EPOCH, NEW_EPOCH))
    put_back(source, target, lambda: next(epochs), damaged=damaged)
    return target


def test_what_comes_back_is_what_was_there(folder: Path, tmp_path: Path) -> None:
    made = back_up(folder, tmp_path / "b.tar", NOW)
    assert made.complaints == []
    manifest = made.manifest
    assert (manifest.realm, manifest.epoch, manifest.made_at, manifest.blobs) == ("kampus", EPOCH, NOW, 2)
    assert manifest.blob_bytes == len(PICTURE) + len(SOUND)
    again = restored(tmp_path / "b.tar", tmp_path / "deep" / "again")
    assert texts(again) == texts(folder)
    for name in ("realm.key", "bagan.toml"):
        assert (again / name).read_bytes() == (folder / name).read_bytes()
    for data in ALL:
        assert blob_path(again, data).read_bytes() == data
    with closing(Looking(again)) as looking:
        assert looking.realm() == ("kampus", NEW_EPOCH), "it is not the one that clients have seen"
        assert looking.connection.execute("SELECT count(*) FROM uploads").fetchone() == (0,), "they begin anew"
    assert not (again / "uploads").exists()


@pytest.mark.parametrize("recorded", sorted(HERE.glob("schema_*.sql")), ids=lambda path: path.stem)
def test_a_realm_that_an_older_version_has_left(tmp_path: Path, recorded: Path) -> None:
    """It is backed up as it is, before it is brought to the newest schema; what is put back has that."""
    folder = tmp_path / "kampus"
    folder.mkdir()
    (folder / "realm.key").write_bytes(b"k")
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as database:
        database.executescript(recorded.read_text())
    put_blob(folder, TEXT)
    version = int(recorded.stem.rpartition("_")[2])
    made = back_up(folder, tmp_path / "b.tar", NOW)
    assert (made.manifest.schema, made.manifest.blobs, made.complaints) == (version, version > 2, [])
    with closing(Looking(folder)) as looking:
        assert looking.version == version
    again = restored(tmp_path / "b.tar", tmp_path / "again")
    with closing(Looking(again)) as looking:
        assert looking.version == len(migrations())
        assert looking.entries() == recorded.read_text().count('INSERT INTO "entries"')


def test_nobody_else_can_read_it_and_nothing_else_is_left(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "b.tar", NOW)
    assert stat.S_IMODE((tmp_path / "b.tar").stat().st_mode) == 0o600
    again = restored(tmp_path / "b.tar", tmp_path / "again")
    for path in (again, *again.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "b.tar", "kampus"]


def test_it_is_a_tar_file_that_anybody_can_read(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "b.tar", NOW)
    with tarfile.open(tmp_path / "b.tar") as tar:
        listed = tar.getnames()
        assert sorted(listed[:2]) == listed[:2] == [blob_name(one) for one in sorted(map(digest_of, ALL))]
        assert listed[2:] == ["realm.key", "bagan.toml", "realm.db", "manifest.json"]
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        told = msgspec.json.decode(manifest.read())
    assert told["members"]["bagan.toml"] == {"size": 24, "sha256": digest_of(b'registration = "closed"\n').hex()}


def test_a_file_that_is_there_is_replaced_only_when_told(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "b.tar"
    target.write_text("mine")
    with pytest.raises(KeepingError, match="--overwrite"):
        back_up(folder, target, NOW)
    assert target.read_text() == "mine"
    back_up(folder, target, NOW, overwrite=True)
    assert texts(restored(target, tmp_path / "again")) == texts(folder)


def test_what_is_no_place_for_a_backup(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(KeepingError, match="is a folder"):
        back_up(folder, tmp_path, NOW)
    with pytest.raises(KeepingError, match="there is no folder"):
        back_up(folder, tmp_path / "nowhere" / "b.tar", NOW)
    with pytest.raises(KeepingError, match="is no plain file"):
        back_up(folder, Path("/dev/null"), NOW, overwrite=True)
    with pytest.raises(StoreError, match="there is no database"):
        back_up(tmp_path, tmp_path / "b.tar", NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["kampus"]


def test_two_at_once_to_one_file(folder: Path, tmp_path: Path) -> None:
    tried: list[str] = []

    def meanwhile(step: str, _done: int, _of: int) -> None:
        if not tried:
            tried.append(step)
            with pytest.raises(KeepingError, match="another command is just writing"):
                back_up(folder, tmp_path / "b.tar", NOW)

    back_up(folder, tmp_path / "b.tar", NOW, tell=meanwhile)
    assert tried
    assert texts(restored(tmp_path / "b.tar", tmp_path / "again")) == texts(folder)


def test_a_pipe_is_no_backup(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(KeepingError, match="is no plain file"):
        restored(tmp_path / "pipe", tmp_path / "again")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_realm_is_not_put_back_into_what_another_user_can_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(folder, tmp_path / "b.tar", NOW)
    (tmp_path / ".again.restore").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(KeepingError, match="is another user's"):
        restored(tmp_path / "b.tar", tmp_path / "again")
    assert list((tmp_path / ".again.restore").iterdir()) == []


def test_nobody_else_can_hold_the_lock(tmp_path: Path) -> None:
    """In a folder that others may enter: `doctor` says that it is one, and the realm starts all the same."""
    with locked(tmp_path):
        assert stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600


def test_a_key_of_another_user_is_not_said_to_be_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever put it back from a backup would do harm."""
    keyfiles.load(folder, create=True)
    monkeypatch.setattr(Path, "read_text", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.raises(keyfiles.KeyFileError, match="say this as the user who runs the realm"):
        keyfiles.load(folder, create=False)


def test_a_database_that_would_do_something_by_itself(folder: Path, tmp_path: Path) -> None:
    """A trigger that somebody else put there comes back with no backup, unless that is asked for."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as file:
        file.execute("CREATE TRIGGER x AFTER INSERT ON entries BEGIN UPDATE accounts SET admin = 1; END")
    with pytest.raises(KeepingError, match="has a trigger"):
        back_up(folder, tmp_path / "b.tar", NOW)
    back_up(folder, tmp_path / "b.tar", NOW, damaged=True)
    with pytest.raises(KeepingError, match="has a trigger"):
        restored(tmp_path / "b.tar", tmp_path / "again")


def test_what_another_has_just_written_stays(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other ends between the two steps in which this one opens the file and takes its lock."""
    lock, came = fcntl.flock, list[int]()

    def late(file: BinaryIO, how: int) -> None:
        if not came:
            came.append(1)
            (tmp_path / "b.tar.part").rename(tmp_path / "b.tar")
            (tmp_path / "b.tar").write_bytes(b"that of the other")
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with pytest.raises(KeepingError, match="another command has just written"):
        back_up(folder, tmp_path / "b.tar", NOW)
    assert (tmp_path / "b.tar").read_bytes() == b"that of the other"


def test_what_one_that_was_killed_has_left_is_in_nobodys_way(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar.part").write_bytes(b"x" * 1_000_000)
    (tmp_path / "b.tar.part.d").mkdir()
    (tmp_path / "b.tar.part.d" / "realm.db").write_text("half")
    back_up(folder, tmp_path / "b.tar", NOW)
    (tmp_path / ".again.restore" / "blobs").mkdir(parents=True)
    (tmp_path / ".again.restore" / "realm.db").write_text("half")
    assert texts(restored(tmp_path / "b.tar", tmp_path / "again")) == texts(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "b.tar", "kampus"]


# a realm that goes on meanwhile


def forget(folder: Path, data: bytes) -> None:
    """As the realm does where a file was not sent in time: the row, and then the bytes."""
    with opened(folder) as tx:
        assert tx.drop_unsent(10, 1) == 1
    blob_path(folder, data).unlink()


def at(step: str, do: Callable[[], object]) -> Tell:
    """Have something done the first time that a step is told of."""
    left = [do]

    def tell(now: str, _done: int, _of: int) -> None:
        if now == step and left:
            left.pop()()

    return tell


def test_what_is_said_meanwhile_is_in_it_or_not(folder: Path, tmp_path: Path) -> None:
    before = texts(folder)

    def say() -> None:
        put_blob(folder, b"new")
        with opened(folder) as tx:
            send_file(tx, TALK, "new", add_file(tx, "new", b"new"))

    back_up(folder, tmp_path / "b.tar", NOW, tell=at("copying files", say))
    assert texts(folder) != before
    assert texts(restored(tmp_path / "b.tar", tmp_path / "again")) == before


def test_a_file_that_is_removed_after_the_database_was_copied(folder: Path, tmp_path: Path) -> None:
    put_blob(folder, b"unsent")
    with opened(folder) as tx:
        add_file(tx, "unsent", b"unsent")
    made = back_up(folder, tmp_path / "b.tar", NOW, tell=at("copying the database", lambda: forget(folder, b"unsent")))
    assert (made.manifest.blobs, made.complaints) == (2, [])
    assert not blob_path(restored(tmp_path / "b.tar", tmp_path / "again"), b"unsent").exists()


def test_a_file_that_was_copied_before_it_was_removed(folder: Path, tmp_path: Path) -> None:
    """Another is missing, so another moment is taken, which does not name the first any more: it is not put back."""
    first, second = sorted((b"one", b"two"), key=digest_of)
    for data in (first, second):
        put_blob(folder, data)
        with opened(folder) as tx:
            add_file(tx, data.decode(), data)

    def remove() -> None:
        forget(folder, b"one")
        forget(folder, b"two")

    below = sorted((*ALL, first, second), key=digest_of).index(first)
    seen: list[int] = []

    def tell(step: str, _done: int, _of: int) -> None:
        if step == "copying files":
            seen.append(1)
            if len(seen) == below + 1:
                remove()

    made = back_up(folder, tmp_path / "b.tar", NOW, tell=tell)
    assert made.complaints == []
    again = restored(tmp_path / "b.tar", tmp_path / "again")
    assert [blob_path(again, data).exists() for data in (*ALL, first, second)] == [True, True, False, False]
    assert made.manifest.blobs == 3


def test_files_that_go_faster_than_they_are_copied(folder: Path, tmp_path: Path) -> None:
    coming = [b"%d" % number for number in range(MOMENTS + 1)]

    def bring() -> None:
        put_blob(folder, coming[0])
        with opened(folder) as tx:
            add_file(tx, coming[0].decode(), coming[0])

    def tell(step: str, done: int, of: int) -> None:
        if step == "copying the database" and done == of:
            forget(folder, coming.pop(0))
            bring()

    bring()
    with pytest.raises(KeepingError, match="faster than they can be copied"):
        back_up(folder, tmp_path / "b.tar", NOW, tell=tell)
    assert [path.name for path in tmp_path.iterdir()] == ["kampus"]


# damage


def lose(folder: Path) -> None:
    blob_path(folder, PICTURE).unlink()


def cut(folder: Path) -> None:
    blob_path(folder, PICTURE).write_bytes(PICTURE[:-1])


def change(folder: Path) -> None:
    blob_path(folder, PICTURE).write_bytes(PICTURE[:-1] + b"?")


@pytest.mark.parametrize("harm", [lose, cut, change])
def test_a_realm_in_which_a_file_is_damaged(folder: Path, tmp_path: Path, harm: Callable[[Path], None]) -> None:
    harm(folder)
    name = blob_name(digest_of(PICTURE))
    with pytest.raises(KeepingError, match=f"damaged(.|\n)*{name}(.|\n)*--damaged"):
        back_up(folder, tmp_path / "b.tar", NOW)
    assert not (tmp_path / "b.tar").exists()
    made = back_up(folder, tmp_path / "b.tar", NOW, damaged=True)
    assert made.complaints == [f"the bytes of a file are missing: {name}"]
    with pytest.raises(KeepingError, match=f"nothing was put back(.|\n)*{name}(.|\n)*--damaged"):
        restored(tmp_path / "b.tar", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    again = restored(tmp_path / "b.tar", tmp_path / "again", damaged=True)
    assert texts(again) == texts(folder)
    assert blob_path(again, SOUND).read_bytes() == SOUND


def test_a_realm_in_which_an_entry_was_changed(folder: Path, tmp_path: Path) -> None:
    with opened(folder) as tx:
        tx._write("UPDATE entries SET message = 'halo 71' WHERE id = 'e17'", ())  # type: ignore[attr-defined]
    with pytest.raises(KeepingError, match=f"{TALK}: entry 18 does not follow"):
        back_up(folder, tmp_path / "b.tar", NOW)


def test_a_full_disk(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreFullError("the disk is full")

    monkeypatch.setattr(backing, "copy_database", full)
    with pytest.raises(KeepingError, match="make room there"):
        back_up(folder, tmp_path / "b.tar", NOW)
    assert [path.name for path in tmp_path.iterdir()] == ["kampus"]


def test_a_folder_that_is_in_use(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "b.tar", NOW)
    with pytest.raises(KeepingError, match="is not empty"):
        restored(tmp_path / "b.tar", folder)
    (tmp_path / "file").write_text("x")
    with pytest.raises(KeepingError, match="is no folder"):
        restored(tmp_path / "b.tar", tmp_path / "file")
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(KeepingError, match="is no folder"):
        restored(tmp_path / "b.tar", tmp_path / "link")
    (tmp_path / "empty").mkdir()
    assert texts(restored(tmp_path / "b.tar", tmp_path / "empty")) == texts(folder)


def test_something_comes_into_the_folder_meanwhile(folder: Path, tmp_path: Path) -> None:
    back_up(folder, tmp_path / "b.tar", NOW)
    target = tmp_path / "again"
    target.mkdir()
    with pytest.raises(KeepingError, match="meanwhile"):
        put_back(tmp_path / "b.tar", target, lambda: 1, check=lambda _: (target / "realm.db").write_text("mine"))
    assert [path.name for path in target.iterdir()] == ["realm.db"]
    assert not (tmp_path / ".again.restore").exists()


# what comes in is hostile


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup."""
    where = tmp_path_factory.mktemp("whole")
    back_up(make_realm(where / "kampus"), where / "b.tar", NOW)
    return (where / "b.tar").read_bytes()


def refused(data: bytes, tmp_path: Path) -> str:
    """Why this is not put back; nothing of it is anywhere."""
    source = tmp_path / "hostile.tar"
    source.write_bytes(data)
    with pytest.raises((KeepingError, StoreError)) as error:
        restored(source, tmp_path / "again")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hostile.tar"]
    source.unlink()
    return str(error.value)


def tar_of(*members: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for member in members:
            tar.addfile(member, io.BytesIO(bytes(member.size)))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


@pytest.mark.parametrize(
    "hostile",
    [
        member("../realm.db"),
        member("/etc/passwd"),
        member("blobs/../../x"),
        member("blobs/aa/" + "b" * 64),
        member("blobs/aa/" + "a" * 63 + "\n"),
        member("x.toml/../../y.toml"),
        member(".hidden.toml"),
        member("lock"),
        member("realm.db-wal"),
        member("realm.db", tarfile.SYMTYPE, "/etc/passwd"),
        member("realm.db", tarfile.LNKTYPE, "realm.key"),
        member("realm.db", tarfile.CHRTYPE),
        member("realm.db", tarfile.BLKTYPE),
        member("realm.db", tarfile.FIFOTYPE),
        member("realm.db", tarfile.CONTTYPE),
        member("realm.db", tarfile.GNUTYPE_SPARSE),
        member("realm.db", tarfile.XHDTYPE, size=1_000),
        member("realm.db", tarfile.XGLTYPE),
        member("realm.db", tarfile.GNUTYPE_LONGNAME),
        member("blobs", tarfile.DIRTYPE),
        member("realm.key", size=1 << 20),
        member("manifest.json", size=2 << 20),
        member("a.toml", size=2 << 20),
    ],
    ids=lambda one: f"{one.name[:20]}-{one.type.decode()}-{one.size}",
)
def test_members_that_a_backup_does_not_have(tmp_path: Path, hostile: tarfile.TarInfo) -> None:
    assert "this is no backup" in refused(tar_of(hostile), tmp_path)


def test_a_size_that_is_more_than_there_is(tmp_path: Path) -> None:
    header = member("realm.db", size=1 << 60).tobuf(tarfile.GNU_FORMAT)
    assert "cut short" in refused(header + bytes(5_000), tmp_path)
    assert "no place" in refused(member("realm.db", size=-5).tobuf(tarfile.GNU_FORMAT), tmp_path)


@pytest.mark.parametrize("data", [b"", b"x" * 5_000, bytes(10_240), b"PK\x03\x04" * 400])
def test_what_is_no_tar(tmp_path: Path, data: bytes) -> None:
    refused(data, tmp_path)


def written(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    writer = Writer(out, 0)
    for name, data in members:
        writer.add(name, len(data), io.BytesIO(data))
    writer.end()
    return out.getvalue()


def taken_apart(whole: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        return {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]


def test_members_that_are_missing_doubled_or_moved(tmp_path: Path, whole: bytes) -> None:
    found = taken_apart(whole)
    assert written(*found.items()) != b""
    for name in found:
        refused(written(*[one for one in found.items() if one[0] != name]), tmp_path)
        refused(written(*[one for one in found.items() for _ in range(1 + (one[0] == name))]), tmp_path)
    refused(written(*found.items(), ("b.toml", b"")), tmp_path)
    refused(written(*reversed(found.items())), tmp_path)
    refused(written(("b.toml", b""), *found.items()), tmp_path)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": 2}, "use a newer Bagan"),
        ({"realm": "pusat"}, "not the one that its manifest speaks of"),
        ({"schema": 99}, "not the one that its manifest speaks of"),
        ({"epoch": 1}, "not the one that its manifest speaks of"),
        ({"blobs": 1}, "more or fewer files"),
        ({"members": {}}, "not what the manifest says"),
        ({"members": None}, "its manifest is none"),
    ],
)
def test_a_manifest_that_is_of_something_else(
    tmp_path: Path, whole: bytes, change: dict[str, object], why: str
) -> None:
    found = taken_apart(whole)
    told = {**msgspec.json.decode(found["manifest.json"]), **change}
    assert why in refused(written(*{**found, "manifest.json": msgspec.json.encode(told)}.items()), tmp_path)


def test_what_a_later_program_says_besides_is_no_matter(tmp_path: Path, whole: bytes) -> None:
    found = taken_apart(whole)
    told = {**msgspec.json.decode(found["manifest.json"]), "later": {"x": 1}}
    (tmp_path / "b.tar").write_bytes(written(*{**found, "manifest.json": msgspec.json.encode(told)}.items()))
    assert len(texts(restored(tmp_path / "b.tar", tmp_path / "again"))) == 53


def test_a_byte_that_was_changed_or_an_end_that_is_missing(tmp_path: Path, whole: bytes) -> None:
    """Whatever it does, nothing wrong is put back: the same comes back (it was padding), or nothing."""
    source, good = tmp_path / "b.tar", None
    for place in range(0, len(whole), 9_973):
        source.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        target = tmp_path / f"at-{place}"
        try:
            restored(source, target)
        except (KeepingError, StoreError):
            assert not target.exists()
        else:
            good = good or texts(target)
            assert texts(target) == good
    for length in range(1, len(whole) - 1_024, 20_011):
        source.write_bytes(whole[:length])
        with pytest.raises(KeepingError):
            restored(source, tmp_path / "cut")
    assert not (tmp_path / "cut").exists()
