"""What each plot shows, taken from the results: plain figures, for whoever draws them or checks what was drawn."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from tests.bench.figures import Figure, Line, said
from tests.bench.meter import Reading, median, quantile
from tests.soak.part import Outcome

STEPS: Final = 400
"""Into so many parts a distribution is cut."""
_MILLIS: Final = re.compile(
    r"(?P<before>[^,;()\d]*(?:p\d\d)?[^,;()\d]*)(?P<ms>\d[\d,]*(?:\.\d+)?) ms\b(?P<after>[^,;()]*)"
)
"""A figure among others in a sentence: `p50 1.2 ms, p99 3.4 ms alone; p99 8 ms meanwhile`."""


@dataclass(frozen=True)
class Strip:
    """A row of points, one for each round."""

    name: str
    points: list[float]
    value: float
    """The one that counts."""
    bound: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Curve:
    """A distribution, as the figures below which 0, 1/STEPS, 2/STEPS … of the samples are."""

    name: str
    steps: list[float]


@dataclass(frozen=True)
class Bar:
    """One figure of a group."""

    group: str
    name: str
    value: float


@dataclass(frozen=True)
class Plot:
    """What is drawn into one file."""

    name: str
    strips: Sequence[Strip] = ()
    more: Sequence[Strip] = ()
    """Of another unit, in a field of their own."""
    curves: Sequence[Curve] = ()
    bars: Sequence[Bar] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not (self.strips or self.more or self.curves or self.bars)


def all_plots(lines: Sequence[Line], outcomes: Sequence[Outcome]) -> list[Plot]:
    """Those for which there are results."""
    measured = {line.key: line for line in lines if not line.failed}
    plots = [
        Plot("shares", strips=list(shares(measured.values()))),
        Plot("allowed", strips=list(allowed(measured.values()))),
        Plot("latency", curves=list(latencies(measured))),
        Plot("sendgroup", strips=list(deliveries(measured)), more=list(blocking(measured))),
        Plot("storms", bars=list(storms(outcomes))),
    ]
    return [plot for plot in plots if not plot.empty]


def shares(lines: Iterable[Line]) -> Iterator[Strip]:
    """Lines that are a share of something."""
    for line in lines:
        if line.figure and line.figure.unit == "share":
            yield _strip(line.key, line.figure, 1.0, line.figure.at_least)


def allowed(lines: Iterable[Line]) -> Iterator[Strip]:
    """Lines that may have so much at most, as a share of that."""
    for line in lines:
        if line.figure and line.figure.at_most is not None:
            yield _strip(line.key, line.figure, line.figure.at_most, 1.0)


def _strip(key: str, figure: Figure, whole: float, bound: float | None) -> Strip:
    note = said(figure.value, figure.unit)
    if figure.at_most is not None:
        note = f"{note}; {figure.target}"
    return Strip(key, [one / whole for one in figure.rounds], figure.value / whole, bound, note)


def latencies(measured: dict[str, Line]) -> Iterator[Curve]:
    """One message at a time: what the flush takes, an echo, a message within a realm, and one to another."""
    wanted = [
        ("single", "flushes", "flush of 4 KiB"),
        ("single", "echoes", "bare echo"),
        ("single", "ours", "send within a realm, until pushed"),
        ("between-single", "ours", "send to another realm, until pushed there"),
    ]
    for key, side, name in wanted:
        if key in measured:
            yield Curve(name, _steps([one for each in measured[key].raw[side] for one in each]))


def _steps(samples: list[float]) -> list[float]:
    return [quantile(samples, step / STEPS) for step in range(STEPS + 1)]


def deliveries(measured: dict[str, Line]) -> Iterator[Strip]:
    """Microseconds of CPU for each delivery of a `sendgroup`."""
    for key, side, name in (
        ("sendgroup", "bare", "bare PUB, once to all"),
        ("sendgroup-each", "bare", "bare PUB, once to each"),
        ("sendgroup", "ours", "realm"),
    ):
        if key in measured:
            costs = [one.micros for one in msgspec.convert(measured[key].raw[side], list[Reading])]
            yield Strip(name, costs, median(costs))


def blocking(measured: dict[str, Line]) -> Iterator[Strip]:
    """Milliseconds that others wait for one `sendgroup`."""
    if line := measured.get("sendgroup-turn"):
        assert line.figure is not None
        yield Strip("the turn's thread works", line.figure.rounds, line.figure.value, line.figure.at_most)
        yield Strip("info right behind it: p50, longer by", line.raw["behind"], median(line.raw["behind"]))
        yield Strip("info right behind it: p99", line.raw["p99"], median(line.raw["p99"]))


def storms(outcomes: Sequence[Outcome]) -> Iterator[Bar]:
    """What the soak says of others' p99, part by part."""
    for outcome in outcomes:
        for name, figure in outcome.figures.items():
            for found in _MILLIS.finditer(figure):
                around = " ".join(f"{found['before']} {found['after']}".split())
                if "p99" in around or ("p99" in name and not re.search(r"p\d\d", around)):
                    said = f"{name}: {around}" if around else name
                    yield Bar(outcome.part, said, float(found["ms"].replace(",", "")))
