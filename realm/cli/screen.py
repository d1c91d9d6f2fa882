"""What the operator's commands draw with rich, as lines of text: at a terminal in colours, and as wide as that is.

rich takes as long to load as all the rest, so it is imported where something is drawn.
"""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

PIPE_COLUMNS: Final = 1_000
"""In a pipe no line is broken or cut."""


def console() -> "Console":
    """What is drawn on."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def table(*, heads: bool, gap: int = 2) -> "Table":
    """A table without lines, whose columns are so many spaces apart."""
    from rich.table import Table

    return Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), show_header=heads, header_style="bold")


def drawn(on: "Console", what: "RenderableType") -> str:
    """Its lines, without spaces at their ends."""
    with on.capture() as captured:
        on.print(what)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def at(ms: int, now: int) -> str:
    """The time of day on this machine, with the date where that is not today's; both arguments in ms."""
    then, today = datetime.fromtimestamp(ms / 1000), datetime.fromtimestamp(now / 1000)
    return f"{then:%H:%M}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M}"
