"""`docs/proof.md`: what the soak has shown, part by part, as tables between prose that names no figure of its own."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from tests.results.performance import plot
from tests.results.series import Plot
from tests.results.template import Part, drawn_from, fill, table
from tests.soak.part import Outcome
from tests.soak.part import Part as SoakPart

UNKNOWN: Final = "*not run yet*"
NONE: Final = "*There is no part of this.*"
PYTHON: Final = ".venv/bin/python"
HOUR: Final = 3_600


def render(template: str, outcomes: Sequence[Outcome], known: Mapping[str, SoakPart], plots: Sequence[Plot]) -> str:
    """The page; `known` are the parts that there are, run or not."""
    last = {one.part: one for one in outcomes}
    told = [name for found in re.finditer(r"<!-- parts (.+?) -->", template) for name in found[1].split()]
    names = [*known, *(name for name in last if name not in known)]
    drawn = {one.name for one in plots}

    def chosen(given: str) -> str:
        return parts([name for name in names if name.startswith(tuple(given.split()))], last, known)

    def others(_: str) -> str:
        left = [name for name in names if not name.startswith(tuple(told))]
        return f"## And more\n\n{parts(left, last, known)}" if left else ""

    filled: dict[str, Part] = {
        "verdict": lambda _: verdict(names, last),
        "summary": lambda _: summary(names, last, known),
        "parts": chosen,
        "others": others,
        "plot": lambda given: plot(given, drawn),
        "say": lambda given: say(given, last),
    }
    return drawn_from("soak") + fill(template, filled)


def verdict(names: Sequence[str], last: Mapping[str, Outcome]) -> str:
    """What held, in a sentence; loudly what did not."""
    failed = [name for name in names if name in last and last[name].error]
    missing = [name for name in names if name not in last]
    said = [f"{len(last) - len(failed)} of {len(names)} parts held when they were last run."]
    if short := [name for name in names if name in last and last[name].short and not last[name].error]:
        said.append(
            f"Of these {', '.join(f'`{name}`' for name in short)} lost nothing, but fall short of what was wanted."
        )
    if failed:
        said.append(f"**FAILED: {', '.join(f'`{name}`' for name in failed)}.**")
    if missing:
        said.append(f"Not run yet: {', '.join(f'`{name}`' for name in missing)}.")
    return " ".join(said)


def summary(names: Sequence[str], last: Mapping[str, Outcome], known: Mapping[str, SoakPart]) -> str:
    """A line for each part."""
    rows = []
    for name in names:
        if one := last.get(name):
            held = "**FAILED**" if one.error else "held, but **falls short**" if one.short else "held"
            rows.append((f"[`{name}`](#{name})", one.what, lasting(one.seconds), one.when, held))
        else:
            rows.append((f"[`{name}`](#{name})", known[name].what, "", "", UNKNOWN))
    return table(("part", "what was done", "how long", "when", "came out"), rows) if rows else UNKNOWN


def parts(names: Sequence[str], last: Mapping[str, Outcome], known: Mapping[str, SoakPart]) -> str:
    """Each of these with its figures, or that it has not been run."""
    return "\n\n".join(_one(name, last.get(name), known) for name in names) or NONE


def _one(name: str, outcome: Outcome | None, known: Mapping[str, SoakPart]) -> str:
    if outcome is None:
        what = known[name].what
        return f"### {name}\n\n{_sentence(what)} **Not run yet**: `{PYTHON} -m tests.soak --only {name}`."
    said = [f"### {name}", _sentence(outcome.what)]
    if outcome.error:
        said.append(f"> **FAILED**: {' '.join(outcome.error.split())}")
    if outcome.short:
        said.append(f"> **Falls short**: {' '.join(outcome.short.split())}")
    if outcome.figures:
        said.append(table(("what came out", ""), outcome.figures.items()))
    said.append(
        f"{lasting(outcome.seconds)} on {outcome.when}, on {outcome.machine or 'a machine that is not known'}. "
        f"Again: `{outcome.again.replace('python ', f'{PYTHON} ', 1)}`"
    )
    return "\n\n".join(said)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def lasting(seconds: float) -> str:
    """In a unit that one can imagine."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.1f} h"


def say(given: str, last: Mapping[str, Outcome]) -> str:
    """`PART NAME OF A FIGURE`, within prose."""
    name, _, figure = given.partition(" ")
    return last[name].figures.get(figure, UNKNOWN) if name in last else UNKNOWN
