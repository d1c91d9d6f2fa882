"""Files of this machine: names that do no harm, and places that nothing else has."""

import hashlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import LocalFileError, NoSuchFileError
from client.local import Draft, Source, local_name, sent_name
from schemas.fields import FILE_NAME_PATTERN


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("foto saya \U0001f600.jpg", "foto saya \U0001f600.jpg"),
        ("../../etc/passwd", "passwd"),
        ("folder/", "folder"),
        ("", "file"),
        ("//", "file"),
        ("a\tb\nc\x1b[0m\x9b", "a_b_c_[0m_"),
        ("gnp.\u202eexe", "gnp._exe"),
        ("no\udcffutf8", "no_utf8"),
        ("x" * 300, "x" * 255),
        ("x" * 300 + ".jpg", "x" * 251 + ".jpg"),
        ("ü" * 200 + ".jpg", "ü" * 125 + ".jpg"),
        ("." + "x" * 300, "." + "x" * 254),
        ("x." + "y" * 300, "x." + "y" * 253),
    ],
)
def test_the_name_that_is_sent(name: str, sent: str) -> None:
    assert sent_name(name) == sent


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("foto.jpg", "foto.jpg"),
        ("../../.bashrc", "_bashrc"),
        ("..\\..\\autoexec.bat", "autoexec.bat"),
        (".", "_"),
        ("..", "__"),
        ("a/..", "__"),
        ("x" * 255, "x" * 240),
    ],
)
def test_the_name_that_is_saved(name: str, saved: str) -> None:
    assert local_name(name) == saved


@given(st.text(max_size=400) | st.text("./\\\udc80é\0", max_size=400))
def test_no_name_does_harm(name: str) -> None:
    for shown, most in ((sent_name(name), 255), (local_name(name), 240)):
        assert re.match(FILE_NAME_PATTERN, shown)
        assert 1 <= len(shown.encode()) <= most
        assert "/" not in shown
    assert not local_name(name).startswith(".")
    assert "\\" not in local_name(name)


@pytest.mark.parametrize("name", ["missing", "folder", "pipe", "nul\0", "half\ud800", "x" * 300, "dangling", "file/x"])
def test_what_is_no_plain_file_is_not_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    source = Source(tmp_path / name)
    with pytest.raises(NoSuchFileError, match=r"^File tidak ditemukan$"):
        source.open()
    source.close()


def test_a_file_that_becomes_shorter_is_told(tmp_path: Path) -> None:
    (tmp_path / "foto.jpg").write_bytes(b"0123456789")
    source = Source(tmp_path / "foto.jpg")
    source.open()
    assert (source.size, source.read(3, 4)) == (10, b"3456")
    os.truncate(tmp_path / "foto.jpg", 5)
    with pytest.raises(LocalFileError, match="has become shorter while it was read"):
        source.read(3, 4)
    source.close()
    source.close()


def saved(target: Path, content: bytes, name: str = "foto.jpg") -> Path:
    draft = Draft(target, name)
    draft.open()
    draft.add(content, hashlib.sha256())
    return draft.finish()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    for number, name in enumerate(["foto.jpg", "foto (2).jpg", "foto (3).jpg"]):
        assert saved(tmp_path, bytes([number])) == tmp_path / name
        assert (tmp_path / name).read_bytes() == bytes([number])
    (tmp_path / "dangling").symlink_to("nowhere")
    assert saved(tmp_path / "dangling", b"x") == tmp_path / "dangling (2)"
    assert len(names(tmp_path)) == 5


def test_a_place_that_is_taken_meanwhile_is_left_to_the_other(tmp_path: Path) -> None:
    draft = Draft(tmp_path / "foto.jpg", "unused")
    draft.open()
    draft.add(b"mine", hashlib.sha256())
    (tmp_path / "foto.jpg").write_bytes(b"theirs")
    assert draft.finish() == tmp_path / "foto (2).jpg"
    assert (tmp_path / "foto.jpg").read_bytes() == b"theirs"
    assert (tmp_path / "foto (2).jpg").read_bytes() == b"mine"
    assert len(names(tmp_path)) == 2


def test_two_at_once_never_write_the_same_draft(tmp_path: Path) -> None:
    one, other = Draft(tmp_path / "foto.jpg", ""), Draft(tmp_path / "foto.jpg", "")
    one.open()
    other.open()
    for draft, content in ((one, b"one"), (other, b"other")):
        draft.add(content, hashlib.sha256())
    assert other.finish().read_bytes() == b"other"
    assert one.finish().read_bytes() == b"one"
    assert names(tmp_path) == ["foto (2).jpg", "foto.jpg"]


def test_what_has_come_stays_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "foto.jpg"
    for content in (b"", b"some"):
        draft = Draft(target, "")
        draft.open()
        draft.add(content, hashlib.sha256())
        draft.close()
        draft.close()
        assert names(tmp_path) == (["foto.jpg.part"] if content else [])
    draft = Draft(target, "")
    draft.open()
    assert (draft.size, draft.read(0, 4)) == (4, b"some")
    draft.cut(0)
    draft.close()
    assert names(tmp_path) == []


def test_a_part_that_is_no_plain_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "foto.jpg.part").symlink_to("precious")
    os.mkfifo(tmp_path / "foto (2).jpg.part")
    (tmp_path / "foto (3).jpg.part").mkdir()
    assert saved(tmp_path / "foto.jpg", b"x") == tmp_path / "foto (4).jpg"
    assert (tmp_path / "precious").read_bytes() == b"precious"


@pytest.mark.parametrize("name", ["missing/foto.jpg", "x" * 300, "file/foto.jpg"])
def test_where_nothing_can_be_written_it_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    draft = Draft(tmp_path / name, "")
    with pytest.raises(LocalFileError, match="cannot be written: "):
        draft.open()
    draft.close()


def test_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    draft = Draft(tmp_path / "foto.jpg", "")
    draft.open()
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(LocalFileError, match=r"foto\.jpg\.part cannot be written: No space left on device"):
        draft.add(b"x", hashlib.sha256())
    draft.close()
    assert names(tmp_path) == []
