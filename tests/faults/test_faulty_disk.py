"""The disk that tests have fail is no harder than a real one."""

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from realm.store.folder import sync
from tests.faults.faulty_disk import Platter
from tests.faults.faulty_realm.files import Calls
from tests.faults.faulty_realm.orders import JOURNAL, Orders

NAMES = 16
"""Each would be lost at every second power cut."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """One of blobs."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "pwrite", "fsync"):  # to have them back afterwards
            patch.setattr(os, name, getattr(os, name))
        made = tmp_path / "realm" / "blobs" / "c2"
        made.mkdir(parents=True)
        yield made


def goes_through_the_layer(folder: Path) -> None:
    Calls(Orders(folder.parents[2]), folder.parents[1]).install()


def power_cut(folder: Path) -> None:
    Platter(folder.parents[1], folder.parents[2] / JOURNAL, random.Random(8)).power_cut()


def put(folder: Path) -> None:
    for number in range(NAMES):
        (folder / str(number)).touch()


def put_for_good(folder: Path) -> None:
    put(folder)
    sync(folder)


def test_a_name_that_was_flushed_is_there_though_an_earlier_flush_ends_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files of one folder, whose flushes overlap."""
    other = threading.Thread(target=put_for_good, args=[folder])

    def flushed(_: int) -> None:
        if threading.current_thread() is not other:
            other.start()
            other.join()

    monkeypatch.setattr(os, "fsync", flushed)
    goes_through_the_layer(folder)
    sync(folder)
    power_cut(folder)
    assert len(list(folder.iterdir())) == NAMES


def test_a_name_that_was_not_flushed_may_be_gone(folder: Path) -> None:
    goes_through_the_layer(folder)
    sync(folder)
    put(folder)
    power_cut(folder)
    assert len(list(folder.iterdir())) < NAMES
