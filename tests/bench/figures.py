"""What the bench says: a line for each piece of work, with its target and whether it is reached."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.meter import SATURATED, Reading, median

WIDTH = 170


Unit = Literal["share", "times", "ms", "MB"]


@dataclass(frozen=True)
class Figure:
    """The figure of a line that counts. Without a bound it is there to be known."""

    unit: Unit
    value: float
    rounds: list[float]
    """The same in each round."""
    at_least: float | None = None
    at_most: float | None = None
    of: str = ""
    """Of what it is the figure, where that is not plain: `p99`."""

    @property
    def reached(self) -> bool | None:
        """Whether it is as it should be; None where nothing is asked of it."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.value <= self.at_most if self.at_most is not None else None

    @property
    def target(self) -> str:
        """What is asked of it, in words."""
        words = [("at least", self.at_least), ("at most", self.at_most)]
        return " ".join(
            f"{self.of} {word} {said(bound, self.unit)}" for word, bound in words if bound is not None
        ).strip()


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    key: str
    """Its name, for those who look for it: short, and of this line alone."""
    work: str
    ours: str
    limit: str = ""
    bare: str = ""
    """What the limit is one of, where it is the binding's or the disk's own."""
    ratio: str = ""
    counts: str = ""
    figure: Figure | None = None
    failed: bool = False
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """See `Figure.target`."""
        return self.figure.target if self.figure else ""

    @property
    def reached(self) -> bool | None:
        """See `Figure.reached`."""
        return self.figure.reached if self.figure else None


@dataclass(frozen=True)
class Measured:
    """An item of the bench, as it was last measured."""

    item: str
    lines: list[Line]
    rounds: int
    seconds: float
    """How long each measurement lasted, where that is not counted in messages."""
    took: float
    """Seconds that all of it took."""
    others: list[float]
    """Cores that others on the machine had in each measurement, where that was looked at."""
    when: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    machine: str = ""


@dataclass(frozen=True)
class Comparison:
    """The same rounds of a realm and of a bare server, as they were measured in turn."""

    ours: list[Reading]
    bare: list[Reading]

    @property
    def by_rate(self) -> list[float]:
        """The realm's rate as a share of the bare server's, in each round."""
        return [one.rate / other.rate for one, other in zip(self.ours, self.bare, strict=True)]

    @property
    def by_cpu(self) -> list[float]:
        """The bare server's CPU a unit as a share of the realm's: how far the realm is from the limit."""
        return [other.micros / one.micros for one, other in zip(self.ours, self.bare, strict=True)]

    @property
    def saturated(self) -> bool:
        """Whether both servers had no more to give, so that the rate is theirs and not the generator's."""
        return all(median([one.busiest for one in side]) >= SATURATED for side in (self.ours, self.bare))

    def line(self, key: str, work: str, unit: str, bare: str, at_least: float | None) -> Line:
        """How it compares; `bare` is what with, and `at_least` the target."""
        rounds = self.by_rate if self.saturated else self.by_cpu
        return Line(
            key=key,
            work=work,
            ours=summary(self.ours, unit),
            limit=summary(self.bare, unit),
            bare=bare,
            ratio=f"rate {median(self.by_rate):.0%}, CPU {median(self.by_cpu):.0%}",
            counts="rate" if self.saturated else "CPU",
            figure=Figure("share", median(rounds), rounds, at_least=at_least),
            raw={"ours": self.ours, "bare": self.bare},
        )


def said(figure: float, unit: Unit) -> str:
    """A figure with its unit: `60%`, `1.05 times`, `4 ms`."""
    return f"{figure:.0%}" if unit == "share" else f"{figure:.3g} {unit}"


def summary(readings: Sequence[Reading], unit: str) -> str:
    """Rate and CPU in the middle."""
    rate, micros = median([one.rate for one in readings]), median([one.micros for one in readings])
    busiest = median([one.busiest for one in readings])
    return f"{rate:,.0f} {unit}/s, {micros:,.1f} µs CPU, busiest thread {busiest:.0%}"


def show(lines: Sequence[Line], heading: str, footer: str) -> None:
    """Print the table."""
    table = Table(title=heading, title_justify="left", box=box.SIMPLE_HEAD, show_lines=False, padding=(0, 1))
    for name in ("work", "realm", "binding's own limit, beside it", "ratio", "counts", "to reach", "reached"):
        table.add_column(name, overflow="fold")
    for line in lines:
        verdict = "" if line.reached is None else "yes" if line.reached else "NO"
        table.add_row(line.work, line.ours, line.limit, line.ratio, line.counts, line.target, verdict)
    console = Console(width=WIDTH, highlight=False)
    console.print(table)
    console.print(footer)
