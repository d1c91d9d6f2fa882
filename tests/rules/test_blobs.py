"""Files on disk: the contract, which a disk in memory keeps too, and then what only a real one can get wrong."""

import errno
import io
import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from structlog.testing import capture_logs

from broker import blobs
from broker.blobs import Blobs
from realm.jobs import FileResult, Finished, Gone, Held, Problem, Thumbnail, Trouble
from realm.store.interface import StoreError
from schemas.limits import MAX_CHUNK
from tests.rules.blobs_in_memory import BlobsInMemory
from tests.rules.files_kit import UPLOAD, Disk, Uploader, sha

TEXT = b"halo, selamat malam"
FINISHED = Finished("text/plain")
LARGE = bytes(range(256)) * (3 * MAX_CHUNK // 256)
LIMIT = MAX_CHUNK + MAX_CHUNK // 2
"""Where no file may be larger: in the middle of a chunk."""


@pytest.fixture(params=["on disk", "in memory"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Disk:
    return Blobs(tmp_path) if request.param == "on disk" else BlobsInMemory()


class FailingDisk(Blobs):
    """A flush of what `fails` names does not work."""

    fails = ""
    flushed: list[str]

    def __init__(self, folder: Path) -> None:
        self.flushed = []
        super().__init__(folder)

    def _flush(self, path: Path) -> None:
        if path.name == self.fails:
            raise OSError(errno.EIO, "the disk is broken")
        self.flushed.append(path.name)
        super()._flush(path)


def upload_file(folder: Path) -> Path:
    return folder / "uploads" / UPLOAD


def blob_file(folder: Path, content: bytes) -> Path:
    name = sha(content).hex()
    return folder / "blobs" / name[:2] / name


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def png() -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return out.getvalue()


# The contract


def test_a_file_is_written_in_chunks_and_read_in_others(disk: Disk) -> None:
    file = Uploader(disk, TEXT)
    assert file.open() == Held(0)
    assert file.part(0, 4) == Held(4)
    assert file.part(4, 19) == Held(19)
    assert file.read() == Trouble(Problem.MISSING), "it is seen before it is whole"
    assert file.finish() == FINISHED
    assert file.read(0, 6) == b"halo, "
    assert file.read(6, 7) == b"selamat"
    assert file.read(14, 100) == b"malam"


def test_reading_at_the_end_and_beyond_gives_nothing(disk: Disk) -> None:
    file = Uploader(disk, TEXT)
    file.whole()
    assert file.read(len(TEXT)) == b""
    assert file.read(len(TEXT) + 1) == b""
    assert file.read(1 << 40) == b""


def test_a_file_of_no_bytes_needs_no_chunk(disk: Disk) -> None:
    file = Uploader(disk, b"")
    assert file.open() == Held(0)
    assert file.finish() == FINISHED
    assert file.read() == b""


@pytest.mark.parametrize("offset", [0, 3, 5, 1 << 40])
def test_a_chunk_for_elsewhere_changes_nothing(disk: Disk, offset: int) -> None:
    file = Uploader(disk, TEXT)
    file.open()
    file.part(0, 4)
    assert file.write(offset, b"wrong") == Trouble(Problem.MISPLACED, 4)
    assert file.part(4, 19) == Held(19)
    assert file.finish() == FINISHED


def test_a_wrong_digest_is_no_file(disk: Disk) -> None:
    file = Uploader(disk, TEXT)
    file.open()
    file.write(0, TEXT.upper())
    assert file.finish() == Trouble(Problem.WRONG_DIGEST, len(TEXT))
    assert file.read() == Trouble(Problem.MISSING)
    assert Uploader(disk, TEXT.upper()).read() == Trouble(Problem.MISSING)
    assert file.discard() == Gone()
    assert file.open() == Held(0)


def test_an_unfinished_file_has_a_wrong_digest(disk: Disk) -> None:
    file = Uploader(disk, TEXT)
    file.open()
    file.part(0, 4)
    assert file.finish() == Trouble(Problem.WRONG_DIGEST, 4)
    assert file.part(4, 19) == Held(19), "the bytes are there still"


def test_the_end_may_come_again(disk: Disk) -> None:
    """The first one's result may never have been committed."""
    file = Uploader(disk, TEXT)
    file.open()
    file.part(0, 19)
    assert file.finish() == FINISHED
    assert file.finish() == FINISHED
    assert file.open() == Held(19)
    assert file.read() == TEXT


def test_the_same_content_from_two_is_one_file(disk: Disk) -> None:
    one, other = Uploader(disk, TEXT, "ONE"), Uploader(disk, TEXT, "OTHER")
    for file in (one, other):
        assert file.whole() == FINISHED
    assert other.read() == TEXT


def test_uploads_of_the_same_content_do_not_mix(disk: Disk) -> None:
    one, other = Uploader(disk, TEXT, "ONE"), Uploader(disk, TEXT, "OTHER")
    one.open()
    one.part(0, 19)
    assert other.open() == Held(0)
    assert other.finish() == Trouble(Problem.WRONG_DIGEST, 0)


def test_what_was_removed_is_gone_and_may_come_again(disk: Disk) -> None:
    file = Uploader(disk, TEXT)
    file.whole()
    assert file.remove() == Gone()
    assert file.remove() == Gone()
    assert file.read() == Trouble(Problem.MISSING)
    assert file.whole() == FINISHED
    assert file.read() == TEXT


def test_a_discarded_upload_begins_anew(disk: Disk) -> None:
    file = Uploader(disk, TEXT)
    file.open()
    file.part(0, 4)
    assert file.discard() == Gone()
    assert file.discard() == Gone()
    assert file.open() == Held(0)


def test_a_chunk_after_its_upload_has_gone_leaves_nothing(disk: Disk) -> None:
    file = Uploader(disk, TEXT)
    file.open()
    file.discard()
    assert file.part(0, 4) == Trouble(Problem.MISPLACED, 0)
    assert file.finish() == Trouble(Problem.MISSING)
    assert file.open() == Held(0)


def test_the_digest_alone_gives_nobody_the_file(disk: Disk) -> None:
    Uploader(disk, TEXT, "OWNER").whole()
    thief = Uploader(disk, TEXT, "THIEF")
    thief.open()
    assert thief.finish() == Trouble(Problem.WRONG_DIGEST, 0)


# On a real disk


def test_only_the_realm_can_read_what_is_there(tmp_path: Path) -> None:
    Uploader(Blobs(tmp_path), TEXT).whole()
    unfinished = Uploader(Blobs(tmp_path), LARGE)
    unfinished.open()
    unfinished.part(0, 10)
    found = list(tmp_path.rglob("*"))
    assert len(found) == 5
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_nothing_is_left_of_what_is_gone(tmp_path: Path) -> None:
    file = Uploader(Blobs(tmp_path), TEXT)
    file.whole()
    assert files_in(tmp_path) == {sha(TEXT).hex()}
    file.remove()
    assert files_in(tmp_path) == set()


def test_an_upload_goes_on_after_a_restart(tmp_path: Path) -> None:
    before = Uploader(Blobs(tmp_path), LARGE)
    before.open()
    before.part(0, MAX_CHUNK)
    after = Uploader(Blobs(tmp_path), LARGE)
    assert after.open() == Held(MAX_CHUNK)
    assert after.part(MAX_CHUNK, 2 * MAX_CHUNK) == Held(2 * MAX_CHUNK)
    last = Uploader(Blobs(tmp_path), LARGE)
    assert last.part(2 * MAX_CHUNK, 3 * MAX_CHUNK) == Held(len(LARGE)), "a chunk needs no open before it"
    assert Uploader(Blobs(tmp_path), LARGE).finish() == Finished("application/octet-stream")
    assert last.read(MAX_CHUNK, MAX_CHUNK) == LARGE[MAX_CHUNK : 2 * MAX_CHUNK]


def test_half_a_chunk_that_a_killed_realm_has_left_is_kept(tmp_path: Path) -> None:
    file = Uploader(Blobs(tmp_path), TEXT)
    file.open()
    file.part(0, 4)
    with upload_file(tmp_path).open("ab") as rest:
        rest.write(TEXT[4:7])
    assert file.part(4, 19) == Trouble(Problem.MISPLACED, 7), "the same process sees it too"
    again = Uploader(Blobs(tmp_path), TEXT)
    assert again.open() == Held(7)
    again.part(7, 19)
    assert again.finish() == FINISHED


def test_an_upload_that_was_shortened_on_disk_is_seen_to_be(tmp_path: Path) -> None:
    file = Uploader(Blobs(tmp_path), TEXT)
    file.open()
    file.part(0, 19)
    os.truncate(upload_file(tmp_path), 4)
    assert file.finish() == Trouble(Problem.WRONG_DIGEST, 4)
    assert file.part(4, 19) == Held(19)
    assert file.finish() == FINISHED


def test_what_is_on_disk_is_hashed_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "BLOCK", 7)
    file = Uploader(Blobs(tmp_path), TEXT)
    file.open()
    file.part(0, 19)
    again = Uploader(Blobs(tmp_path), TEXT)
    assert again.open() == Held(19)
    assert again.finish() == FINISHED


def test_a_large_upload_is_written_while_it_grows_and_what_was_written_leaves_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(blobs, "BEHIND", 6)
    monkeypatch.setattr(os, "posix_fadvise", lambda _file, begin, length, _advice: told.append((begin, length)))
    file = Uploader(Blobs(tmp_path), TEXT)
    file.open()
    for begin, end in ((0, 7), (7, 9), (9, 10), (10, 16), (16, 19)):
        file.part(begin, end)
    assert told == [(0, 6), (0, 12), (6, 12)]
    assert file.finish() == FINISHED


@contextmanager
def no_larger_files_than(limit: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_chunk_that_is_written_by_half_only_is_not_there(tmp_path: Path) -> None:
    """The system writes the first half of it, and then refuses the rest."""
    file = Uploader(Blobs(tmp_path), LARGE)
    file.open()
    file.part(0, MAX_CHUNK)
    with no_larger_files_than(LIMIT):
        assert file.part(MAX_CHUNK, 2 * MAX_CHUNK) == Trouble(Problem.DISK_FULL, MAX_CHUNK)
        assert file.part(MAX_CHUNK, 2 * MAX_CHUNK) == Trouble(Problem.DISK_FULL, MAX_CHUNK)
        assert upload_file(tmp_path).stat().st_size == MAX_CHUNK
    assert file.open() == Held(MAX_CHUNK)
    file.part(MAX_CHUNK, 2 * MAX_CHUNK)
    file.part(2 * MAX_CHUNK, 3 * MAX_CHUNK)
    assert file.finish() == Finished("application/octet-stream")
    assert file.read(0, len(LARGE)) == LARGE


def failing(code: int) -> Callable[..., Any]:
    def fail(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["pwrite", "open"])
def test_a_full_disk_is_said_to_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int) -> None:
    file = Uploader(Blobs(tmp_path), TEXT)
    file.open()
    file.part(0, 4)
    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr(os, call, failing(code))
        assert file.part(4, 19) == Trouble(Problem.DISK_FULL, 4)
    assert not lines
    assert file.part(4, 19) == Held(19)
    assert file.finish() == FINISHED


def test_what_nobody_foresaw_is_logged_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Uploader(Blobs(tmp_path), TEXT)
    file.open()
    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr(os, "pwrite", failing(errno.EIO))
        assert file.part(0, 4) == Trouble(Problem.BROKEN, 0)
    assert lines[0].pop("at")[0] == "OSError"
    assert lines == [{"event": "file job failed", "log_level": "error", "job": "WriteChunk", "errno": "EIO"}]
    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr(os, "pwrite", lambda *_: "no number")
        assert file.part(0, 4) == Trouble(Problem.BROKEN, 0)
    assert [line["at"][0] for line in lines] == ["TypeError"]


def test_where_even_the_cutting_fails_the_bytes_are_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Uploader(Blobs(tmp_path), LARGE)
    file.open()
    file.part(0, MAX_CHUNK)
    with no_larger_files_than(LIMIT), monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", failing(errno.EIO))
        assert file.part(MAX_CHUNK, 2 * MAX_CHUNK) == Trouble(Problem.BROKEN, MAX_CHUNK)
    assert file.open() == Held(LIMIT)
    file.part(LIMIT, LIMIT + MAX_CHUNK)
    file.part(LIMIT + MAX_CHUNK, len(LARGE))
    assert file.finish() == Finished("application/octet-stream")


def test_all_is_flushed_before_a_file_is_whole(tmp_path: Path) -> None:
    disk = FailingDisk(tmp_path)
    disk.flushed.clear()
    Uploader(disk, TEXT).whole()
    assert disk.flushed == [UPLOAD, sha(TEXT).hex()[:2], "blobs"]


def test_what_cannot_be_flushed_is_no_file_and_begins_anew(tmp_path: Path) -> None:
    """After a failed fsync the system may hold for written what is not."""
    disk = FailingDisk(tmp_path)
    file = Uploader(disk, TEXT)
    file.open()
    file.part(0, 19)
    disk.fails = UPLOAD
    assert file.finish() == Trouble(Problem.BROKEN, 0)
    assert file.read() == Trouble(Problem.MISSING)
    disk.fails = ""
    assert file.open() == Held(0)
    file.part(0, 19)
    assert file.finish() == FINISHED


def test_a_blob_outlives_a_second_finish_that_fails(tmp_path: Path) -> None:
    """The upload's file is the blob's too by then, under another name."""
    disk = FailingDisk(tmp_path)
    file = Uploader(disk, TEXT)
    file.open()
    file.part(0, 19)
    assert file.finish() == FINISHED
    disk.fails = UPLOAD
    assert file.finish() == Trouble(Problem.BROKEN, 0)
    assert file.read() == TEXT


def test_a_folder_that_cannot_be_flushed_is_flushed_the_next_time(tmp_path: Path) -> None:
    disk = FailingDisk(tmp_path)
    file = Uploader(disk, TEXT)
    file.open()
    file.part(0, 19)
    disk.fails = sha(TEXT).hex()[:2]
    assert file.finish() == Trouble(Problem.BROKEN, 19)
    disk.fails = ""
    disk.flushed.clear()
    assert file.finish() == FINISHED
    assert sha(TEXT).hex()[:2] in disk.flushed


def test_a_file_stays_where_its_upload_is_discarded(tmp_path: Path) -> None:
    file = Uploader(Blobs(tmp_path), TEXT)
    file.open()
    file.part(0, 19)
    file.finish()
    assert blob_file(tmp_path, TEXT).stat().st_ino == upload_file(tmp_path).stat().st_ino, "it was copied"
    file.discard()
    assert file.read() == TEXT


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("")
    with pytest.raises(StoreError, match="choose another --data"):
        Blobs(tmp_path)


def test_what_no_upload_speaks_of_is_removed_at_the_start(tmp_path: Path) -> None:
    disk = Blobs(tmp_path)
    one, other = Uploader(disk, TEXT, "ONE"), Uploader(disk, LARGE, "OTHER")
    for file in (one, other):
        file.open()
        file.part(0, 4)
    again = Blobs(tmp_path)
    again.keep_only({"ONE", "NEVER BEGUN"})
    assert files_in(tmp_path) == {"ONE"}
    assert Uploader(again, TEXT, "ONE").open() == Held(4)


def test_where_it_cannot_be_removed_it_is_one_sentence(tmp_path: Path) -> None:
    disk = Blobs(tmp_path)
    (tmp_path / "uploads" / "a folder").mkdir()
    with pytest.raises(StoreError, match="cannot be tidied up"):
        disk.keep_only(())


def test_no_descriptor_stays_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = psutil.Process().num_fds()
    disk = Blobs(tmp_path)
    file = Uploader(disk, TEXT)
    file.whole()
    file.read()
    picture = Uploader(disk, png(), "PICTURE")
    picture.whole()
    assert isinstance(picture.thumbnail(), Thumbnail)
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", failing(errno.ENOSPC))
        file.open()
        file.part(0, 4)
    file.finish()
    assert psutil.Process().num_fds() == before


# Any sequence


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 30), st.integers(1, 12)),
        st.tuples(st.just("next"), st.integers(1, 12), st.just(0)),
        st.tuples(st.just("cut off"), st.integers(1, 12), st.integers(0, 11)),
        st.tuples(st.sampled_from(["restart", "open", "finish", "discard", "remove"]), st.just(0), st.just(0)),
    ),
    max_size=20,
)
CONTENT = bytes(range(40, 70))


class Play:
    """Says steps to a real disk and to one in memory. `cut off` is a chunk whose end the disk does not take."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.real = Uploader(Blobs(folder), CONTENT)
        self.model = Uploader(BlobsInMemory(), CONTENT)

    def step(self, what: str, first: int, second: int) -> tuple[FileResult, FileResult]:
        held = self.model.open()
        assert isinstance(held, Held)
        assert self.real.open() == held
        match what:
            case "write":
                return self.both(first, second)
            case "next":
                return self.both(held.offset, first)
            case "cut off":
                return self.cut_off(held.offset, first, min(second, first - 1))
            case "restart":
                self.real.disk = Blobs(self.folder)
                return self.real.open(), self.model.open()
        return getattr(self.real, what)(), getattr(self.model, what)()

    def both(self, offset: int, length: int) -> tuple[FileResult, FileResult]:
        return self.real.part(offset, offset + length), self.model.part(offset, offset + length)

    def cut_off(self, offset: int, length: int, written: int) -> tuple[FileResult, FileResult]:
        with no_larger_files_than(offset + written):
            result = self.real.write(offset, (CONTENT[offset:] + CONTENT)[:length])
        return result, Trouble(Problem.DISK_FULL, offset)


@settings(max_examples=150)
@given(STEPS)
def test_a_disk_does_what_the_one_in_memory_does(steps: list[tuple[str, int, int]]) -> None:
    with TemporaryDirectory() as folder:
        play = Play(Path(folder))
        for step in steps:
            real, model = play.step(*step)
            assert real == model or {type(real), type(model)} == {Finished}, step
            assert play.real.read() == play.model.read()
