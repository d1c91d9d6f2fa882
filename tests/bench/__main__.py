"""`python -m tests.bench`: the table of what a realm does, beside what its binding can do on this machine now.

The work and the limit are measured in turn, A B A B, and each ratio is the median of the rounds' own. Where
both servers had a thread that was busy all the time the ratio of the rates counts, otherwise (the load
generator was the slower one, or others took the machine) the ratio of the CPU that they spent on a unit.
"""

import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer
import zmq

from tests.bench import between, connections, crowd, files, sending, single, windows
from tests.bench.bare import Context, raise_limits
from tests.bench.figures import Line, Measured, show
from tests.bench.meter import BenchError, median
from tests.bench.setup import Bench
from tests.results import kept
from tests.soak.part import this_machine

ITEMS: Final[dict[str, Callable[[Bench], list[Line]]]] = {
    "send": sending.few,
    "send-many": sending.many,
    "sendgroup": crowd.group,
    "single": single.one_at_a_time,
    "idle": connections.idle,
    "stored": sending.stored,
    "resume": connections.resume,
    "files": files.both_ways,
    "files-beside": files.beside,
    "between": between.realms,
    "windows": windows.many,
    "window-pair": windows.pair,
}


app: Final = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(ITEMS)}; may be repeated.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.2, help="How long each measurement lasts.")] = 1.5,
    folder: Annotated[Path | None, typer.Option(help="Where the realms store (default: the temporary folder).")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Keep the last readings of each item here.")] = None,
) -> None:
    """Measure a realm against its binding's own limit."""
    chosen = only or list(ITEMS)
    if unknown := set(chosen) - ITEMS.keys():
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}: choose from {', '.join(ITEMS)}")
    began = time.monotonic()
    items: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="bagan-bench-", dir=folder) as place:
        for name in chosen:
            print(f"{time.monotonic() - began:5.0f} s  {name} …", file=sys.stderr, flush=True)
            items.append(_measure(name, Path(place), rounds, seconds))
            if json_file is not None:
                kept.keep(json_file, Measured, items, lambda one: one.item, list(ITEMS))
    lines = [line for one in items for line in one.lines]
    show(
        lines, _heading(rounds, seconds), _footer(time.monotonic() - began, [on for one in items for on in one.others])
    )
    if any(line.failed for line in lines):
        raise typer.Exit(1)


def _measure(name: str, folder: Path, rounds: int, seconds: float) -> Measured:
    began, others = time.monotonic(), list[float]()
    lines = _run(name, folder, rounds, seconds, others)
    return Measured(name, lines, rounds, seconds, time.monotonic() - began, others, machine=this_machine())


def _run(name: str, folder: Path, rounds: int, seconds: float, others: list[float]) -> list[Line]:
    """One item, with servers and connections of its own."""
    context: Context = zmq.Context()
    raise_limits(context)
    try:
        with ExitStack() as keep:
            keep.callback(context.destroy, linger=0)
            return ITEMS[name](Bench(context, folder, rounds, seconds, keep, others))
    except (BenchError, RuntimeError) as error:  # of which the second: a server that does not start
        why = str(error)
    except zmq.Again:
        why = "an answer or a push did not come within 10 s"
    except subprocess.TimeoutExpired as error:  # of a machine that has no time for it: the other items are measured
        why = f"a server did not end within {error.timeout:.0f} s"
    return [Line(key=name, work=name, ours=f"could not be measured: {why}", failed=True)]


def _footer(took: float, others: list[float]) -> str:
    shared = f"; others had {median(others):.2f} cores of it (most: {max(others):.2f})" if others else ""
    return f"took {took:.0f} s{shared}"


def _heading(rounds: int, seconds: float) -> str:
    return (
        f"medians of {rounds} rounds of {seconds} s · {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} · "
        f"Python {platform.python_version()}, pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()} · "
        f"the load generator runs on the same machine"
    )


def _end(number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does, so that servers and folders are cleared away."""
    raise KeyboardInterrupt


def main() -> None:
    """Run the bench. Both signals are heard even where a shell that started it in the background ignores them."""
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    app()


if __name__ == "__main__":
    main()
