"""Files of this machine: names that do no harm, and places that nothing else has."""

import hashlib
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import LocalFileError, NoSuchFileError
from client.filenames import local_name, sent_name
from client.local import PART, PartFile, Source, part_path
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
        ("CON", "_CON"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("com1 .txt", "_com1 .txt"),
        ("console.txt", "console.txt"),
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


DIGEST = bytes(32)


def begun(target: Path, content: bytes, name: str = "foto.jpg", digest: bytes = DIGEST) -> PartFile:
    part = PartFile(target, name, digest)
    part.open()
    part.add(content, hashlib.sha256())
    return part


def saved(target: Path, content: bytes, name: str = "foto.jpg") -> Path:
    return begun(target, content, name, hashlib.sha256(content).digest()).finish()


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
    part = begun(tmp_path / "foto.jpg", b"mine", "unused")
    (tmp_path / "foto.jpg").write_bytes(b"theirs")
    assert part.finish() == tmp_path / "foto (2).jpg"
    assert (tmp_path / "foto.jpg").read_bytes() == b"theirs"
    assert (tmp_path / "foto (2).jpg").read_bytes() == b"mine"
    assert len(names(tmp_path)) == 2


def test_two_at_once_never_write_the_same_part(tmp_path: Path) -> None:
    one, other = begun(tmp_path / "foto.jpg", b"one"), begun(tmp_path / "foto.jpg", b"other")
    assert other.finish().read_bytes() == b"other"
    assert one.finish().read_bytes() == b"one"
    assert names(tmp_path) == ["foto (2).jpg", "foto.jpg"]


def test_what_has_come_stays_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "foto.jpg"
    for content in (b"", b"some"):
        part = begun(target, content)
        part.close()
        part.close()
        assert names(tmp_path) == ([part_path(target, DIGEST).name] if content else [])
    part = PartFile(target, "", DIGEST)
    part.open()
    assert (part.size, part.read(0, 4)) == (4, b"some")
    part.cut(0)
    part.close()
    assert names(tmp_path) == []


def test_a_part_that_is_no_plain_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    part_path(tmp_path / "foto.jpg", DIGEST).symlink_to("precious")
    os.mkfifo(part_path(tmp_path / "foto (2).jpg", DIGEST))
    part_path(tmp_path / "foto (3).jpg", DIGEST).mkdir()
    assert begun(tmp_path / "foto.jpg", b"x").finish() == tmp_path / "foto (4).jpg"
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_no_name_that_is_received_is_that_of_a_part(tmp_path: Path) -> None:
    """Nor is anything of the receiver's taken for one."""
    mine = [tmp_path / "foto.jpg.part", tmp_path / f"foto.jpg{PART}"]
    for path in mine:
        path.write_bytes(b"mine")
    part = begun(tmp_path / "foto.jpg", b"foto")
    hidden = part_path(tmp_path / "foto.jpg", DIGEST)
    others = [saved(tmp_path, b"other", hidden.name), saved(tmp_path, b"other", "foto.jpg.part")]
    assert part.finish().read_bytes() == b"foto"
    assert [path.read_bytes() for path in mine + others] == [b"mine", b"mine", b"other", b"other"]
    assert len(names(tmp_path)) == 5


@given(st.text(max_size=400) | st.just("." + "0" * 16 + PART))
def test_a_part_is_hidden_and_no_received_name_is(name: str) -> None:
    place = Path("downloads") / local_name(name)
    hidden = part_path(place, DIGEST)
    assert re.fullmatch(r"\.[0-9a-f]{16}\.bagan-part", hidden.name)
    assert hidden.parent == place.parent
    assert local_name(hidden.name) != hidden.name


def test_another_content_or_another_place_has_another_part(tmp_path: Path) -> None:
    begun(tmp_path / "foto.jpg", b"some").close()
    for target, digest, size in (("foto.jpg", b"x" * 32, 0), ("film.mkv", DIGEST, 0), ("foto.jpg", DIGEST, 4)):
        part = PartFile(tmp_path / target, "", digest)
        part.open()
        assert part.size == size
        part.close()


def test_what_was_put_in_its_place_by_somebody_who_was_killed_then_is_not_written(tmp_path: Path) -> None:
    """Its part is another name of the same file, which has been moved and written since."""
    begun(tmp_path / "foto.jpg", b"foto").close()
    os.link(part_path(tmp_path / "foto.jpg", DIGEST), tmp_path / "mine.jpg")
    part = PartFile(tmp_path / "foto.jpg", "", DIGEST)
    part.open()
    assert part.size == 0
    part.add(b"again", hashlib.sha256())
    assert part.finish() == tmp_path / "foto.jpg"
    assert (tmp_path / "mine.jpg").read_bytes() == b"foto"
    assert (tmp_path / "foto.jpg").read_bytes() == b"again"
    assert len(names(tmp_path)) == 2


def test_a_part_that_was_removed_is_not_taken_for_that_of_another(tmp_path: Path) -> None:
    one = begun(tmp_path / "foto.jpg", b"whole")
    part_path(tmp_path / "foto.jpg", DIGEST).unlink()
    other = begun(tmp_path / "foto.jpg", b"wh")
    with pytest.raises(LocalFileError, match=r"foto\.jpg cannot be written: No such file or directory"):
        one.finish()
    assert names(tmp_path) == [part_path(tmp_path / "foto.jpg", DIGEST).name]
    assert other.finish().read_bytes() == b"wh"


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_where_there_are_no_links_nothing_is_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", refuse)
    part = begun(tmp_path / "foto.jpg", b"mine")
    (tmp_path / "foto.jpg").write_bytes(b"theirs")
    assert part.finish() == tmp_path / "foto (2).jpg"
    assert (tmp_path / "foto.jpg").read_bytes() == b"theirs"
    assert (tmp_path / "foto (2).jpg").read_bytes() == b"mine"
    assert len(names(tmp_path)) == 2


def test_what_cannot_have_its_name_leaves_nothing_under_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = begun(tmp_path / "foto.jpg", b"foto")
    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(LocalFileError, match=r"foto\.jpg cannot be written: Operation not permitted"):
        part.finish()
    assert names(tmp_path) == [part_path(tmp_path / "foto.jpg", DIGEST).name]
    monkeypatch.undo()
    again = PartFile(tmp_path / "foto.jpg", "", DIGEST)
    again.open()
    assert again.finish().read_bytes() == b"foto"
    assert names(tmp_path) == ["foto.jpg"]


@pytest.mark.parametrize("name", ["missing/foto.jpg", "x" * 300, "file/foto.jpg"])
def test_where_nothing_can_be_written_it_says_so(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    part = PartFile(tmp_path / name, "", DIGEST)
    with pytest.raises(LocalFileError, match="cannot be written: "):
        part.open()
    part.close()


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[bytes, list[str]]] = []

    def fsync(fd: int) -> None:
        flushed.append((os.pread(fd, 100, 0), names(tmp_path)))

    monkeypatch.setattr(os, "fsync", fsync)
    begun(tmp_path / "foto.jpg", b"foto").finish()
    assert flushed == [(b"foto", [part_path(tmp_path / "foto.jpg", DIGEST).name])]
    assert names(tmp_path) == ["foto.jpg"]


def test_what_cannot_be_flushed_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError(5, "Input/output error")

    part = begun(tmp_path / "foto.jpg", b"foto")
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(LocalFileError, match="cannot be written: Input/output error"):
        part.finish()
    assert names(tmp_path) == [part_path(tmp_path / "foto.jpg", DIGEST).name]


def test_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    part = begun(tmp_path / "foto.jpg", b"")
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(LocalFileError, match=r"foto\.jpg cannot be written: No space left on device"):
        part.add(b"x", hashlib.sha256())
    part.close()
    assert names(tmp_path) == []
