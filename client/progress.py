"""How far a file is, for a person at a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from client.harmless import visible

LONGEST: Final = 24
"""Characters that are shown before a bar."""


class Bar(NamedTuple):
    """Whom to tell how many bytes are done and of how many."""

    carried: Callable[[int, int], None]
    reading: Callable[[int, int], None]
    """Of those that are here, before any is carried."""


@contextmanager
def progress_bar(name: str) -> Iterator[Bar]:
    """A bar on stderr, if that is a terminal.

    The bar is gone at the end. At a prompt it goes past what keeps the prompt in place: nothing is typed there then.
    """
    terminal = sys.__stderr__
    if terminal is None or not terminal.isatty():
        yield Bar(_untold, _untold)
        return
    from rich.console import Console  # it takes as long to load as all the rest
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    shown = visible(name)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(file=terminal),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        carrying = bar.add_task(_short(shown), total=None)
        hashing = bar.add_task(_short(f"reading {shown}"), total=None, visible=False)

        def carried(done: int, size: int) -> None:
            bar.update(hashing, visible=False)
            bar.update(carrying, completed=done, total=size, visible=True)

        def reading(done: int, size: int) -> None:
            bar.update(carrying, visible=False)
            bar.update(hashing, completed=done, total=size, visible=True)

        yield Bar(carried, reading)


def _short(title: str) -> str:
    return title if len(title) <= LONGEST else title[: LONGEST - 1] + "…"


def _untold(_done: int, _size: int) -> None:
    """Nobody watches."""
