"""What the bench says: a line for each piece of work, with its target and whether it is reached."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from tests.bench.meter import SATURATED, Reading, median

WIDTH = 170


@dataclass(frozen=True)
class Line:
    """One line of the table. Without a target it is there to be known."""

    work: str
    ours: str
    limit: str = ""
    ratio: str = ""
    counts: str = ""
    target: str = ""
    reached: bool | None = None
    failed: bool = False
    raw: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """The same rounds of a realm and of a bare server, as they were measured in turn."""

    ours: list[Reading]
    bare: list[Reading]

    @property
    def by_rate(self) -> float:
        """The realm's rate as a share of the bare server's."""
        return median([one.rate / other.rate for one, other in zip(self.ours, self.bare, strict=True)])

    @property
    def by_cpu(self) -> float:
        """The bare server's CPU a unit as a share of the realm's: how far the realm is from the limit."""
        return median([other.micros / one.micros for one, other in zip(self.ours, self.bare, strict=True)])

    @property
    def saturated(self) -> bool:
        """Whether both servers had no more to give, so that the rate is theirs and not the generator's."""
        return all(median([one.busiest for one in side]) >= SATURATED for side in (self.ours, self.bare))

    def line(self, work: str, unit: str, at_least: float | None) -> Line:
        """How it compares; `at_least` is the target."""
        counted = self.by_rate if self.saturated else self.by_cpu
        return Line(
            work=work,
            ours=summary(self.ours, unit),
            limit=summary(self.bare, unit),
            ratio=f"rate {self.by_rate:.0%}, CPU {self.by_cpu:.0%}",
            counts="rate" if self.saturated else "CPU",
            target="" if at_least is None else f"at least {at_least:.0%}",
            reached=None if at_least is None else counted >= at_least,
            raw={
                "by_rate": self.by_rate,
                "by_cpu": self.by_cpu,
                "ours": [asdict(one) for one in self.ours],
                "bare": [asdict(one) for one in self.bare],
            },
        )


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
