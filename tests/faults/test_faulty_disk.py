"""The disk that tests have fail is no harder than a real one."""

import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.faulty_disk import Platter
from tests.faults.faulty_realm.files import Calls
from tests.faults.faulty_realm.orders import JOURNAL, Orders

NAMES = 16
"""Each would be lost at every second power cut."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """One of blobs, whose calls go through the layer."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "pwrite", "fsync"):  # to have them back afterwards
            patch.setattr(os, name, getattr(os, name))
        made = tmp_path / "realm" / "blobs" / "c2"
        made.mkdir(parents=True)
        yield made


def flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(folder: Path) -> None:
    for number in range(NAMES):
        (folder / str(number)).touch()


def put_for_good(folder: Path) -> None:
    put(folder)
    flush(folder)


def test_a_name_that_was_flushed_is_there_though_an_earlier_flush_ends_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files of one folder, whose flushes overlap."""
    data, layer = folder.parents[1], folder.parents[2]
    other = threading.Thread(target=put_for_good, args=[folder])

    def flushed(_: int) -> None:
        if threading.current_thread() is not other:
            other.start()
            other.join()

    monkeypatch.setattr(os, "fsync", flushed)
    Calls(Orders(layer), data).install()
    flush(folder)
    Platter(data, layer / JOURNAL, random.Random(8)).power_cut()
    assert len(list(folder.iterdir())) == NAMES


def test_a_name_that_was_not_flushed_may_be_gone(folder: Path) -> None:
    data, layer = folder.parents[1], folder.parents[2]
    Calls(Orders(layer), data).install()
    flush(folder)
    put(folder)
    Platter(data, layer / JOURNAL, random.Random(8)).power_cut()
    assert len(list(folder.iterdir())) < NAMES
