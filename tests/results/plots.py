"""Draws the plots with matplotlib. The same figures give the same bytes with the same versions of it."""

import hashlib
import io
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from tests.results.series import STEPS, Bar, Plot, Strip

PAPER: Final = "#fbfbf9"
"""A ground of its own, so that the ink can be read on a dark page too."""
INK: Final = "#24292f"
FAINT: Final = "#d4d7dc"
GREY: Final = "#6e7781"
BLUE: Final = "#1f6feb"
RED: Final = "#c4432b"
GREEN: Final = "#2e7d4f"
CURVES: Final = ("#9aa3ad", "#5f6b76", BLUE, RED)
"""In the order of the curves: the machine's own in grey, ours in colour."""
STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}
WIDTH: Final = 8.6
MARKED: Final = (0.5, 0.99)
"""Shares of the messages that a curve marks."""
ROW: Final = 0.34
"""Inches."""


def draw(plot: Plot, digest: str) -> bytes:
    """An SVG that says in its description of which figures it is drawn."""
    with mpl.rc_context(STYLE | {"svg.hashsalt": hashlib.sha256(plot.name.encode()).hexdigest()}):
        figure = _DRAWN[plot.name](plot)
        written = io.BytesIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Description": digest})
        return b"\n".join(line.rstrip() for line in written.getvalue().splitlines()) + b"\n"


def _shares(plot: Plot) -> Figure:
    figure, axes = _page(len(plot.strips))
    _strips(axes, plot.strips, lambda strip: strip.bound is None or strip.value >= strip.bound)
    axes.set_title("A realm's share of what stands beside it, in each round", pad=24)
    _percent(axes, max(1.0, *(max(strip.points) for strip in plot.strips)))
    _explain(axes, 6)
    return figure


def _allowed(plot: Plot) -> Figure:
    figure, axes = _page(len(plot.strips))
    _strips(axes, plot.strips, lambda strip: strip.value <= 1)
    axes.set_title("How much of what is allowed is used, in each round", pad=24)
    _percent(axes, max(1.0, *(max(strip.points) for strip in plot.strips)))
    _explain(axes, 5)
    return figure


def _latency(plot: Plot) -> Figure:
    figure, axes = _page(11)
    heights = [step / STEPS for step in range(STEPS + 1)]
    for curve, colour in zip(plot.curves, CURVES, strict=False):
        p50, p99 = (curve.steps[int(share * STEPS)] for share in MARKED)
        label = f"{curve.name}: p50 {p50:.3g} ms, p99 {p99:.3g} ms"
        axes.plot(curve.steps, heights, color=colour, linewidth=1.8, label=label)
        axes.plot([p50, p99], MARKED, "o", color=colour, markersize=4.5)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("milliseconds; the points are p50 and p99")
    axes.set_ylabel("of the messages take less")
    axes.set_title("One message at a time", pad=10 + 15 * len(plot.curves))
    axes.grid(visible=True)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), labelspacing=0.3, borderpad=0.2)
    return figure


def _sendgroup(plot: Plot) -> Figure:
    upper, lower = len(plot.strips), len(plot.more)
    figure = Figure(figsize=(WIDTH, (upper + lower) * ROW + 2.4), layout="constrained")
    fields = [(strips, what) for strips, what in ((plot.strips, _CPU), (plot.more, _WAITS)) if strips]
    made = figure.subplots(len(fields), 1, squeeze=False, height_ratios=[len(strips) + 1 for strips, _ in fields])
    for (strips, (title, unit)), axes in zip(fields, made[:, 0], strict=True):
        _strips(axes, strips, lambda strip: strip.bound is None or strip.value <= strip.bound, note=f"{{:,.3g}} {unit}")
        axes.set_title(title)
        axes.set_xlim(0, 1.14 * max(max(*strip.points, strip.bound or 0) for strip in strips))
        axes.set_xlabel({"µs": "microseconds", "ms": "milliseconds"}[unit])
    return figure


_CPU: Final = ("sendgroup: processor for each delivery", "µs")
_WAITS: Final = ("The same, one at a time: what it costs others", "ms")


def _storms(plot: Plot) -> Figure:
    rows: list[tuple[str, Bar | None]] = []
    for group, bars in groupby(plot.bars, key=lambda bar: bar.group):
        rows += [(group, None), *((f"{bar.name}", bar) for bar in bars)]
    figure, axes = _page(len(rows))
    for row, (_, bar) in enumerate(rows):
        if bar is not None:
            axes.barh(row, bar.value, height=0.62, color=BLUE)
            axes.annotate(f"{bar.value:,.3g} ms", (bar.value, row), (5, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    for label, (_, bar) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_fontweight("normal" if bar else "bold")
    axes.set_ylim(len(rows) - 0.4, -0.7)
    axes.tick_params(length=0)
    axes.set_xlim(0, 1.15 * max(bar.value for bar in plot.bars))
    axes.set_xlabel("milliseconds")
    axes.set_title("What others wait in a storm")
    axes.grid(visible=True, axis="x")
    axes.set_axisbelow(True)
    return figure


_DRAWN: Final[dict[str, Callable[[Plot], Figure]]] = {
    "shares": _shares,
    "allowed": _allowed,
    "latency": _latency,
    "sendgroup": _sendgroup,
    "storms": _storms,
}


def _page(rows: int) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, rows * ROW + 1.3), layout="constrained")
    return figure, figure.subplots()


def _strips(axes: Axes, strips: Sequence[Strip], is_well: Callable[[Strip], bool], note: str = "") -> None:
    """A row for each: its rounds as points, the figure that counts as a stroke, its bound as a mark across the row."""
    for row, strip in enumerate(strips):
        colour = GREY if strip.bound is None else GREEN if is_well(strip) else RED
        axes.plot([0, strip.value], [row, row], color=colour, linewidth=7, alpha=0.18, solid_capstyle="butt")
        axes.plot([strip.value] * 2, [row - 0.26, row + 0.26], color=colour, linewidth=2.4)
        axes.plot(strip.points, [row] * len(strip.points), "o", color=colour, markersize=4.2, alpha=0.75)
        if strip.bound is not None:
            axes.plot([strip.bound] * 2, [row - 0.42, row + 0.42], color=INK, linewidth=1.4)
        said = note.format(strip.value) if note else strip.note
        axes.annotate(
            said,
            (1.0, row),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=colour,
        )
    axes.set_yticks(range(len(strips)), [strip.name for strip in strips])
    axes.set_ylim(len(strips) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    axes.set_axisbelow(True)


def _percent(axes: Axes, most: float) -> None:
    axes.set_xlim(0, most * 1.04)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def _explain(axes: Axes, count: int) -> None:
    """What the first so many of the marks mean."""
    marks: list[Any] = [
        axes.plot([], [], "o", color=GREY, markersize=4.2)[0],
        axes.plot([], [], "|", color=GREY, markersize=11, markeredgewidth=2.4)[0],
        axes.plot([], [], "|", color=INK, markersize=14, markeredgewidth=1.4)[0],
        axes.plot([], [], "s", color=GREEN, markersize=6)[0],
        axes.plot([], [], "s", color=RED, markersize=6)[0],
        axes.plot([], [], "s", color=GREY, markersize=6)[0],
    ]
    words = ("a round", "what counts", "target", "reached", "falls short", "no target")
    axes.legend(
        marks[:count],
        words[:count],
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=count,
        handletextpad=0.3,
        columnspacing=1.2,
        borderpad=0,
        fontsize=8.5,
    )
