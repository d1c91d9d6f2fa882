"""`python -m tests.soak`: the long forms of what `make test` shows in short, part by part, against real realms.

Exit code 1 where something did not hold; the folder of that part, with the logs of its realms, is then kept.
"""

import random
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from time import monotonic
from typing import Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from tests.results import kept
from tests.soak.part import Outcome, Soak, this_machine
from tests.soak.parts import PARTS

WIDTH: Final = 150
app: Final = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def soak(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(PARTS)}; may be repeated.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="How long each part lasts, for those with a time.")
    ] = None,
    rounds: Annotated[int | None, typer.Option(min=1, help="How often, for those that are counted.")] = None,
    seed: Annotated[int | None, typer.Option(help="What happens when, as the table says it.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on where this file says that histories ended, and keep there how far it is.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the last outcome of each part here.")] = None,
) -> None:
    """Put realms through it."""
    chosen = only or list(PARTS)
    if resume is not None and len(chosen) != 1:
        raise typer.BadParameter("--resume is for one part: say which with --only")
    if unknown := set(chosen) - PARTS.keys():
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    seed = random.randrange(10**6) if seed is None else seed
    outcomes: list[Outcome] = []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        outcomes.append(_play(name, seconds, rounds, seed, resume))
        if json_file is not None:
            kept.keep(json_file, Outcome, outcomes, lambda one: one.part, list(PARTS))
    _show(outcomes)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def _play(name: str, seconds: float | None, rounds: int | None, seed: int, resume: Path | None) -> Outcome:
    part = PARTS[name]
    folder = Path(tempfile.mkdtemp(prefix=f"bagan-soak-{name}-"))
    given = Soak(folder, random.Random(f"{seed} {name}"), seconds or part.seconds, rounds or part.rounds, resume)
    again = f"python -m tests.soak --only {name} --seconds {given.seconds:g} --rounds {given.rounds} --seed {seed}"
    outcome = Outcome(name, part.what, again, machine=this_machine())
    began = monotonic()
    try:
        part.play(given, outcome)
    except Exception as error:  # noqa: BLE001 - whatever it is, this part has failed, and the others go on
        outcome.error = f"{_told(error)}; see {folder}"
        (folder / "traceback.txt").write_text("".join(traceback.format_exception(error)))
    else:
        shutil.rmtree(folder)
    outcome.seconds += monotonic() - began
    return outcome


def _told(error: Exception) -> str:
    """What did not hold; where an assertion has no words, the line that says it."""
    if isinstance(error, AssertionError) and str(error):
        return str(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} {error} at {Path(last.filename).name}:{last.lineno}: {last.line}"


def _show(outcomes: list[Outcome]) -> None:
    table = Table(title=this_machine(), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for column in ("part", "what was done", "how long", "what came out"):
        table.add_column(column, overflow="fold")
    for one in outcomes:
        came = "\n".join(f"{name}: {figure}" for name, figure in one.figures.items())
        table.add_row(one.part, one.what, f"{one.seconds:.0f} s", f"FAILED: {one.error}\n{came}" if one.error else came)
    console = Console(width=WIDTH, highlight=False, markup=False)
    console.print(table)
    for one in outcomes:
        console.print(f"again: {one.again}", markup=False)


if __name__ == "__main__":
    app()
