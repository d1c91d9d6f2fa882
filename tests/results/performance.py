"""`docs/performance.md`: what the bench has measured, as tables between prose that names no figure of its own."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from tests.bench.figures import Line, Measured, said
from tests.bench.meter import SATURATED, median, quantile
from tests.bench.wire import TEXT
from tests.results.series import Plot
from tests.results.template import Part, drawn_from, fill, table

BUSY: Final = 0.1
"""Where others had more cores than this in the middle, the machine was not left alone."""
FEW: Final = 3
"""Fewer rounds than this have no middle to speak of."""
UNKNOWN: Final = "*not measured*"
_REASON: Final = re.compile(r"<!-- reason (?P<key>[\w-]+) -->\n(?P<text>.*?)<!-- end -->\n", re.DOTALL)


def render(template: str, items: Sequence[Measured], plots: Sequence[Plot]) -> str:
    """The page."""
    lines = {line.key: line for item in items for line in item.lines}
    within: dict[str, Part] = {"say": lambda given: say(given, lines)}
    reasons = {one["key"]: " ".join(fill(one["text"], within).split()) for one in _REASON.finditer(template)}
    told = {name for found in re.finditer(r"<!-- table (.+?) -->", template) for name in found[1].split()}
    drawn = {plot.name for plot in plots}
    parts: dict[str, Part] = {
        "conditions": lambda _: conditions(items),
        "warning": lambda _: warning(items),
        "score": lambda _: score(list(lines.values()), told - {one.item for one in items}),
        "table": lambda names: lines_table([one for one in items if one.item in names.split()]),
        "others": lambda _: others(items, told),
        "limits": lambda _: limits(list(lines.values())),
        "latencies": lambda _: latencies(lines),
        "short": lambda _: short(list(lines.values()), reasons),
        "saturated": lambda _: f"{SATURATED:.0%}",
        "characters": lambda _: f"{len(TEXT)}",
        "plot": lambda given: plot(given, drawn),
    }
    return drawn_from("bench") + fill(_REASON.sub("", template), within | parts)


def conditions(items: Sequence[Measured]) -> str:
    """When, where and how; once where it is the same for all."""
    if not items:
        return "Nothing has been measured yet: `make results` does."
    same = [
        (how, list(group))
        for how, group in groupby(
            sorted(items, key=_how),
            key=_how,
        )
    ]
    rows = []
    for (when, machine, rounds, seconds), group in same:
        which = "everything" if len(same) == 1 else ", ".join(f"`{one.item}`" for one in group)
        shared = [share for one in group for share in one.others]
        of_it = f"{median(shared):.2f} in the middle, {max(shared):.2f} at most" if shared else ""
        took = f"{sum(one.took for one in group) / 60:.1f} min"
        rows.append((which, when, machine, f"{rounds} of {seconds:g} s", took, of_it))
    return table(("what", "when", "machine", "rounds", "took", "cores that others had"), rows)


def _how(item: Measured) -> tuple[str, str, int, float]:
    return item.when, item.machine, item.rounds, item.seconds


def warning(items: Sequence[Measured]) -> str:
    """Why the figures are not to be relied upon, where that is so."""
    found = []
    if hasty := [one.item for one in items if one.rounds < FEW]:
        found.append(f"fewer than {FEW} rounds were measured of {_names(hasty)}")
    if disturbed := [one.item for one in items if one.others and median(one.others) > BUSY]:
        found.append(f"the machine was not left alone for {_names(disturbed)}")
    return f"> **Do not rely on these figures**: {'; '.join(found)}." if found else ""


def _names(items: Sequence[str]) -> str:
    return ", ".join(f"`{one}`" for one in items)


def score(lines: Sequence[Line], missing: set[str]) -> str:
    """How many targets are reached, and what nobody knows of."""
    asked = [line for line in lines if line.reached is not None]
    failed = [line for line in lines if line.failed]
    found = [f"**{sum(bool(line.reached) for line in asked)} of {len(asked)} targets are reached.**"]
    if failed:
        found.append(f"**FAILED, and not measured: {_names([line.key for line in failed])}.**")
    if missing:
        found.append(f"Not measured yet: {_names(sorted(missing))}.")
    return " ".join(found)


def lines_table(items: Sequence[Measured]) -> str:
    """Every line of these, without columns that say nothing."""
    rows = []
    for line in (line for item in items for line in item.lines):
        verdict = "**FAILED**" if line.failed else {None: "", True: "yes", False: "**no**"}[line.reached]
        ratio = f"{line.ratio} ({line.counts} counts)" if " CPU " in line.ratio else line.ratio
        rows.append((f"`{line.key}`<br>{line.work}", line.ours, line.limit, ratio, line.target, verdict))
    columns = zip(("work", "here", "beside it", "ratio", "target", "reached"), zip(*rows, strict=True), strict=False)
    head, *filled = zip(*((name, *cells) for name, cells in columns if any(cells)), strict=True) if rows else [()]
    return table(head, filled) if filled else UNKNOWN


def others(items: Sequence[Measured], told: set[str]) -> str:
    """What no table of the template names, so that nothing measured is left out."""
    left = [one for one in items if one.item not in told]
    return f"## And more\n\n{lines_table(left)}" if left else ""


def limits(lines: Sequence[Line]) -> str:
    """What this machine could do at most."""
    rows = [(line.bare, line.limit) for line in lines if line.bare and not line.failed]
    return table(("bare", "does"), rows) if rows else UNKNOWN


def latencies(lines: dict[str, Line]) -> str:
    """One message at a time, in milliseconds of all rounds together."""
    wanted = (
        ("single", "flushes", "flush of 4 KiB to this disk"),
        ("single", "echoes", "echo of a bare ROUTER"),
        ("single", "ours", "`send` within a realm, until the recipient has its push"),
        ("between-single", "beside", "the same, in turn with the next"),
        ("between-single", "ours", "`send` to another realm, until the recipient has its push there"),
        ("files-beside", "alone", "`send` within a realm, beside the next"),
        ("files-beside", "beside", "`send` while another uploads 1 GB"),
    )
    rows = []
    for key, side, what in wanted:
        if (line := lines.get(key)) and not line.failed:
            samples = [one for each in line.raw[side] for one in each]
            spread = [f"{quantile(samples, share):.2f}" for share in (0.5, 0.9, 0.99)]
            rows.append((what, *spread, f"{max(samples):.2f}", f"{len(samples):,}"))
    return table(("milliseconds", "p50", "p90", "p99", "longest", "samples"), rows) if rows else UNKNOWN


def short(lines: Sequence[Line], reasons: dict[str, str]) -> str:
    """What does not reach its target, each with its reason from the template; what failed first."""
    told = [f"- **FAILED** `{line.key}` {line.work}: {line.ours}" for line in lines if line.failed]
    for line in lines:
        if line.figure and line.reached is False:
            beside = f" beside {line.limit}" if line.limit else ""
            by = f" by {line.counts}" if line.figure.unit == "share" else ""
            comes = f"comes to **{said(line.figure.value, line.figure.unit)}{by}** where {line.target} is asked"
            found = reasons.get(line.key, "No reason has been found yet.")
            told.append(f"- `{line.key}`, {line.work}: {comes} ({line.ours}{beside}). {found}")
    return "\n".join(told) or "Nothing does: every target is reached."


def plot(given: str, drawn: set[str]) -> str:
    """`NAME: what it shows`, as an image where it was drawn."""
    name, what = given.split(": ", 1)
    return f"![{what}](plots/{name}.svg)" if name in drawn else ""


def say(given: str, lines: dict[str, Line]) -> str:
    """`KEY ours`, `KEY limit`, `KEY ratio`, `KEY target` or `KEY work`: a figure within prose."""
    key, what = given.split()
    line = lines.get(key)
    return UNKNOWN if line is None or line.failed else str(getattr(line, what)) or UNKNOWN
