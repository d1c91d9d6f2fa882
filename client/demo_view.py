"""How the demo looks: a column for each person, a row for whatever happens, printed as it happens."""

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

MAX_WIDTH: Final = 110
MIN_WIDTH: Final = 60
COLOURS: Final = ("cyan", "yellow", "magenta")


class View:
    """Rows of columns. It only prints, so it looks the same in a terminal, a pipe and a log."""

    def __init__(self, people: Sequence[tuple[str, str]]) -> None:
        self.console = Console(highlight=False)
        self._width = max(MIN_WIDTH, min(MAX_WIDTH, self.console.width))
        self._people = [name for name, _ in people]
        self._display = [display for _, display in people]

    def header(self) -> None:
        """Who is who."""
        names = [
            Text.assemble((name, f"bold {colour}"), (f"\n{display}", "dim"))
            for name, display, colour in zip(self._people, self._display, COLOURS, strict=True)
        ]
        self._row(names)
        self.console.print(Text("─" * self._width, "dim"), no_wrap=True, crop=True)

    def typed(self, who: str, line: str) -> None:
        """Somebody types a command."""
        self._cell(who, Text.assemble(("> ", f"bold {self._colour(who)}"), (line, "bold")))

    def told(self, who: str, text: str) -> None:
        """The realm answers."""
        self._cell(who, Text(text, "dim"))

    def heard(self, who: str, sender: str, text: str, ms: float | None) -> None:
        """The realm pushes something that `sender` has caused; `ms` after it was asked to."""
        took = "" if ms is None else f" ({ms:.1f}ms)"
        parts = ("◂ ", "bold green"), (sender, f"bold {self._colour(sender)}"), text, (took, "green")
        self._cell(who, Text.assemble(*parts))

    def note(self, who: str, text: str) -> None:
        """What a spectator should know about somebody."""
        self._cell(who, Text(text, "dim italic"))

    def line(self, text: str = "", style: str = "") -> None:
        """A line across all columns, never broken: it may be copied."""
        self.console.print(Text(text, style), soft_wrap=True)

    def _colour(self, who: str) -> str:
        return COLOURS[self._people.index(who)] if who in self._people else "white"

    def _cell(self, who: str, text: Text) -> None:
        self._row([text if name == who else Text() for name in self._people])

    def _row(self, cells: Sequence[Text]) -> None:
        table = Table(box=box.MINIMAL, show_header=False, show_edge=False, border_style="dim")
        dividers = 3 * (len(cells) - 1)
        for number in range(len(cells)):
            spare = (self._width - dividers - 2) % len(cells)
            width = (self._width - dividers - 2) // len(cells) + (number < spare)
            table.add_column(width=width, overflow="fold")
        table.add_row(*cells)
        self.console.print(table)
