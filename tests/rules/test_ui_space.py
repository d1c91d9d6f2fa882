"""Room for files that wait: none of it is promised twice, and some of the disk is left to others."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from client.ui import space as module
from client.ui.space import LEAST, Space

FREE = 100 * LEAST


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A disk of which so much is free."""
    disk = SimpleNamespace(free=FREE)
    monkeypatch.setattr(module, "SPARED", 10 * LEAST)
    monkeypatch.setattr("shutil.disk_usage", lambda _: disk)
    return disk


def test_what_was_promised_is_not_promised_again(tmp_path: Path, disk: SimpleNamespace) -> None:
    space = Space(tmp_path / "not" / "there")
    assert not space.promise(91 * LEAST)
    assert space.promise(60 * LEAST)
    assert not space.promise(31 * LEAST)
    space.fill(50 * LEAST)
    disk.free = 50 * LEAST
    assert not space.promise(31 * LEAST), "what has come of it is not counted twice"
    assert space.promise(30 * LEAST)


def test_all_together_have_a_bound(tmp_path: Path, disk: SimpleNamespace) -> None:
    space = Space(tmp_path, 20 * LEAST)
    assert space.promise(15 * LEAST)
    assert not space.promise(6 * LEAST)
    assert space.promise(5 * LEAST)
    space.give_back(15 * LEAST, 0)
    assert space.promise(15 * LEAST)


def test_small_files_have_a_bound_too(tmp_path: Path, disk: SimpleNamespace) -> None:
    space = Space(tmp_path, 20 * LEAST)
    assert [space.promise(0) for _ in range(21)] == [True] * 20 + [False]


def test_what_is_removed_is_given_back(tmp_path: Path, disk: SimpleNamespace) -> None:
    space, path = Space(tmp_path, 20 * LEAST), tmp_path / "file"
    for _ in range(2):
        path.write_bytes(b"x")
        assert space.promise(20 * LEAST)
        space.fill(1)
        space.drop(path, 20 * LEAST, 1)
        space.settle()
        assert not path.exists()
    assert space.promise(20 * LEAST)


def test_what_cannot_be_removed_is_logged(
    tmp_path: Path, disk: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    space = Space(tmp_path, 20 * LEAST)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert space.promise(20 * LEAST)
    space.drop(folder, 20 * LEAST, 0)
    space.settle()
    assert "cannot be removed" in caplog.text


def test_one_tab_has_a_part_of_what_is_free(tmp_path: Path, disk: SimpleNamespace) -> None:
    space = Space(tmp_path, 80 * LEAST)
    assert space.share(0) == 20 * LEAST
    assert space.promise(20 * LEAST)
    assert space.share(20 * LEAST) == 20 * LEAST, "whose it is does not count against them"
    assert space.share(0) == 15 * LEAST
    disk.free = 50 * LEAST
    assert space.share(0) == 5 * LEAST, "the disk has less"
    disk.free = 0
    assert space.share(0) == 0
