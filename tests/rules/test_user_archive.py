"""What `export` writes: readable whatever was said, and nothing outside of its folder whatever a file is called."""

import json
import os
import zipfile
from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from realm.cli.user_archive import Archive, readable, told
from realm.keeping.whole import KeepingError, new_file
from realm.store.database import FILE
from realm.store.interface import StoreError
from realm.store.rows import Post, StoredFile
from realm.store.snapshot import snapshot
from schemas.entries import Entry, File
from schemas.names import ConversationId, Name
from tests.rules.kit import RealmKit
from tests.rules.store_kit import TALK, begin_talk, draft

SAID = Entry(
    conversation=ConversationId(TALK),
    seq=3,
    id="01J",
    sender="messi@kampus",
    name="Lionel Messi",
    sent_at=1_790_000_000_007,
    kind="text",
    chain=bytes(32),
    salt=bytes(16),
    message="halo",
)
SHOWN = File(id="F", name="foto.png", size=70_000, media_type="image/png", digest=bytes(32))


def test_a_line_for_people() -> None:
    head = "2026-09-21 14:13:20  Lionel Messi (messi@kampus): "
    assert readable(SAID) == f"{head}halo"
    assert readable(replace(SAID, message="one\ntwo")) == f"{head}one\n    two"
    assert readable(replace(SAID, message="a\x1b[2J\x07b")) == f"{head}a\ufffd[2J\ufffdb"
    turned = readable(replace(SAID, name="A\u202eB\u2066"))
    assert turned == head.replace("Lionel Messi (", "A\ufffdB\ufffd (") + "halo"
    assert readable(replace(SAID, kind="file", message=UNSET, file=SHOWN)) == f"{head}[file foto.png, 70,000 bytes, F]"
    erased = replace(SAID, message=UNSET, salt=UNSET, erased=True, body=bytes(32), name="messi")
    assert readable(erased).endswith("(erased)")
    bounce = replace(SAID, kind="bounce", re="01J", code="user_not_found", message="User tidak ada")
    assert readable(bounce) == f"{head}[came back, user_not_found: User tidak ada]"


def test_a_line_for_programs() -> None:
    assert told(SAID) == {
        "seq": 3,
        "id": "01J",
        "from": "messi@kampus",
        "name": "Lionel Messi",
        "sent_at": "2026-09-21T14:13:20.007Z",
        "kind": "text",
        "message": "halo",
    }
    assert told(replace(SAID, queued=True))["waits"]
    assert told(replace(SAID, message=UNSET, erased=True))["erased"]
    assert told(replace(SAID, kind="file", message=UNSET, file=SHOWN))["file"]["sha256"] == "00" * 32


@pytest.fixture
def exported(kit: RealmKit, tmp_path: Path) -> zipfile.ZipFile:
    """What user `a` has: a conversation, files of odd names, and something that waits for another realm."""
    with kit.store.transaction() as tx:
        one, _ = begin_talk(tx)
        for number in range(1_200):
            tx.append(TALK, draft(f"{number:04}"))
        for number, name in enumerate(("../../etc/passwd", "..", "C:\\x\x7fy", "x" * 255)):
            tx.add_file(StoredFile(f"F{number}", one.id, name, 1, "text/plain", bytes([number]) * 32), now=5)
        peer = tx.add_peer(Name("pusat"), "x" * 40, "10.0.0.1", 1, now=1)
        tx.enqueue(Post(peer.id, "W", one.id, "A", 5, to_group=False, recipient=Name("bob"), message="waits"))
    disk = tmp_path / "blob"
    disk.write_bytes(b"!")
    with new_file(tmp_path / "a.zip") as (_, file), Archive(file) as archive:
        with snapshot(kit.folder) as found:
            row = found.user(Name("a"))
            assert row is not None
            archive.write_rows(found, row)
        archive.write_files(lambda digest: disk if digest[0] else tmp_path / "gone")
    assert archive.missing == ["F0"]
    return zipfile.ZipFile(tmp_path / "a.zip")


def test_all_of_it_is_there(exported: zipfile.ZipFile) -> None:
    with exported as archive:
        name = f"conversations/{TALK.replace('/', '-')}"
        seqs = [json.loads(line)["seq"] for line in archive.read(f"{name}.jsonl").splitlines()]
        assert seqs == list(range(1, 1_201))
        assert len(archive.read(f"{name}.txt").splitlines()) == 1_200
        waits = json.loads(archive.read("waiting.jsonl"))
        assert (waits["user"], waits["message"]) == ("bob@pusat", "waits")
        assert "not there any more: F0" in archive.read("README.txt").decode()


def test_no_name_of_a_file_leads_elsewhere(exported: zipfile.ZipFile, tmp_path: Path) -> None:
    with exported as archive:
        for info in archive.infolist():
            assert info.filename.count("/") <= 1
            assert "\\" not in info.filename
            assert ".." not in info.filename.split("/")
            assert info.external_attr >> 16 == 0o600
        archive.extractall(tmp_path / "out")
        assert len(list((tmp_path / "out" / "files").iterdir())) == 3


def test_it_is_of_one_moment_and_disturbs_nobody(kit: RealmKit) -> None:
    with kit.store.transaction() as tx:
        begin_talk(tx)
        tx.append(TALK, draft("1"))
    with snapshot(kit.folder) as found:
        with kit.store.transaction() as tx:
            tx.append(TALK, draft("2"))
        assert [entry.id for entry in found.entries(TALK)] == ["1"]
    with snapshot(kit.folder) as found:
        assert [entry.id for entry in found.entries(TALK)] == ["1", "2"]


@pytest.mark.parametrize(("version", "sentence"), [(1, "run the realm with this one first"), (999, "use that")])
def test_a_database_of_another_version(kit: RealmKit, version: int, sentence: str) -> None:
    kit.store._connection.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreError, match=sentence), snapshot(kit.folder):
        pass


def test_what_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"), snapshot(tmp_path):
        pass
    (tmp_path / FILE).write_bytes(b"no database, but long enough to be taken for a header" * 100)
    with pytest.raises(StoreError, match="cannot be read"), snapshot(tmp_path):
        pass


def test_a_file_has_its_name_once_it_is_whole(tmp_path: Path) -> None:
    to = tmp_path / "x.zip"
    with pytest.raises(ZeroDivisionError), new_file(to) as (_, file):
        file.write(b"x")
        assert not to.exists()
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x.zip.part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeepingError, match="cannot be written"), new_file(to):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_two_that_are_written_to_one_place_at_once(tmp_path: Path) -> None:
    to = tmp_path / "x.zip"
    with new_file(to) as (_, file):
        file.write(b"the first")
        with pytest.raises(KeepingError, match="another command is just writing"), new_file(to) as (_, other):
            other.write(b"the second")
    assert to.read_bytes() == b"the first"


def test_nobody_else_has_the_file_that_is_written(tmp_path: Path) -> None:
    """Who made it before may have it open, or have it by another name."""
    (tmp_path / "mine").write_bytes(b"")
    (tmp_path / "x.zip.part").hardlink_to(tmp_path / "mine")
    with pytest.raises(KeepingError, match="has another name too"), new_file(tmp_path / "x.zip") as (_, file):
        file.write(b"secret")
    assert (tmp_path / "mine").read_bytes() == b""


def test_what_another_user_left_there_is_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.zip.part").write_bytes(b"")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(KeepingError, match="another user's"), new_file(tmp_path / "x.zip") as (_, file):
        file.write(b"secret")
    assert (tmp_path / "x.zip.part").read_bytes() == b""
