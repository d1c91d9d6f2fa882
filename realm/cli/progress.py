"""How far a long command is, on a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from realm.keeping.reading import Tell, tell_nobody


@contextmanager
def progress() -> Iterator[Tell]:
    """A bar for each step at a terminal, on stderr, which is gone at the end; else nothing."""
    if not sys.stderr.isatty():
        yield tell_nobody
        return
    from rich.console import Console  # it takes as long to load as all the rest
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<20}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:

        def tell(step: str, done: int, of: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=of)
            bars.update(tasks[step], completed=done, total=of)

        yield tell


@contextmanager
def at_work() -> Iterator[Callable[[str], object]]:
    """A line that says what is being done, where no end is known: at a terminal, on stderr; else nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status("") as line:
        yield line.update
