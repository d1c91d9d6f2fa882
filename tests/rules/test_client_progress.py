"""The bar that shows how far a file is."""

import io
import sys

import pytest

from client.progress import progress_bar


class Screen(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    screen = Screen()
    monkeypatch.setattr(sys, "__stderr__", screen)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    return screen


def test_it_says_whether_a_file_is_read_or_carried(screen: Screen) -> None:
    with progress_bar("foto.jpg") as bar:
        bar.reading(2_000_000, 4_000_000)
    assert "reading foto.jpg" in screen.getvalue()
    assert "2.0/4.0 MB" in screen.getvalue()
    with progress_bar("foto.jpg") as bar:
        bar.reading(3_000_000, 4_000_000)
        bar.carried(1_000_000, 4_000_000)
    before, _, at_the_end = screen.getvalue().rpartition("foto.jpg")
    assert not before.endswith("reading ")
    assert "1.0/4.0 MB" in at_the_end


def test_a_long_name_is_cut_and_a_harmful_one_shown(screen: Screen) -> None:
    with progress_bar("x" * 100 + "\x1b[2J") as bar:
        bar.carried(1, 2)
    assert "x" * 23 + "…" in screen.getvalue()
    assert "x" * 24 not in screen.getvalue()
    assert "\x1b[2J" not in screen.getvalue()


def test_where_nobody_looks_nothing_is_written(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "isatty", lambda: False)
    with progress_bar("foto.jpg") as bar:
        bar.reading(1, 2)
        bar.carried(1, 2)
    assert screen.getvalue() == ""
