"""How far a file is, for a person at a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from client.harmless import visible

LONGEST: Final = 24
"""Characters of a name that are shown."""


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """A function to tell how many bytes have come and of how many: a bar on stderr, if that is a terminal.

    The bar is gone at the end. At a prompt it goes past what keeps the prompt in place: nothing is typed there then.
    """
    terminal = sys.__stderr__
    if terminal is None or not terminal.isatty():
        yield lambda _done, _size: None
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
        task = bar.add_task(shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…", total=None)
        yield lambda done, size: bar.update(task, completed=done, total=size)
