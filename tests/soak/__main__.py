"""`python -m tests.soak`: three realms under load while they are killed, stopped and cut off from each other.

In the end every message has arrived once and in order, chains verify, and every sender has a copy. Exit code 1 where
that is not so; the logs of the realms are then kept.
"""

import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from tests.faults.realm_kit import world
from tests.soak.parts import PACE, PARTS, Outcome, play

WIDTH: Final = 150
app: Final = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def soak(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(PARTS)}; may be repeated.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long each part lasts that is not counted in kills.")] = 60,
    kills: Annotated[int, typer.Option(min=1, help="How many realms are ended in a part.")] = 30,
    seed: Annotated[int | None, typer.Option(help="What happens when, as the table says it.")] = None,
) -> None:
    """Let three realms go through it."""
    chosen = only or list(PARTS)
    if unknown := set(chosen) - PARTS.keys():
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    seed = random.randrange(10**6) if seed is None else seed
    outcomes: list[Outcome] = []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        place = Path(tempfile.mkdtemp(prefix=f"bagan-soak-{name}-"))
        with world(place) as three:
            outcomes.append(play(name, three, random.Random(f"{seed} {name}"), seconds, kills))
        if not outcomes[-1].error:
            shutil.rmtree(place)
        else:
            outcomes[-1].notes.append(f"see {place}")
    _show(outcomes, seed)
    if any(outcome.error or outcome.lost or outcome.doubled for outcome in outcomes):
        raise typer.Exit(1)


def _show(outcomes: list[Outcome], seed: int) -> None:
    title = f"9 flows of {PACE} messages a second between three realms · --seed {seed}"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for column in ("what", "how long", "until settled", "messages", "queued", "lost", "doubled", "notes"):
        table.add_column(column, overflow="fold")
    for one in outcomes:
        figures = (f"{one.seconds:.0f} s", f"{one.settled:.1f} s", f"{one.said:,}", f"{one.queued:,}")
        table.add_row(one.what, *figures, f"{one.lost}", f"{one.doubled}", "; ".join(one.notes))
    console = Console(width=WIDTH, highlight=False)
    console.print(table)
    for one in outcomes:
        if one.error:
            console.print(f"{one.what} FAILED: {one.error}", markup=False)


if __name__ == "__main__":
    app()
