"""`python -m tests.bench`: the table of what a realm does, beside what its binding can do on this machine now.

The work and the limit are measured in turn, A B A B, and each ratio is the median of the rounds' own. Where
both servers had a thread that was busy all the time the ratio of the rates counts, otherwise (the load
generator was the slower one, or others took the machine) the ratio of the CPU that they spent on a unit.
"""

import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final

import typer
import zmq

from tests.bench import between, connections, crowd, files, sending, single, windows
from tests.bench.bare import Context, raise_limits
from tests.bench.figures import Line, show
from tests.bench.meter import BenchError, median
from tests.bench.setup import Bench

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
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all readings here.")] = None,
) -> None:
    """Measure a realm against its binding's own limit."""
    chosen = only or list(ITEMS)
    if unknown := set(chosen) - ITEMS.keys():
        raise typer.BadParameter(f"there is no {', '.join(sorted(unknown))}: choose from {', '.join(ITEMS)}")
    began = time.monotonic()
    lines: list[Line] = []
    others: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bagan-bench-", dir=folder) as place:
        for name in chosen:
            print(f"{time.monotonic() - began:5.0f} s  {name} …", file=sys.stderr, flush=True)
            lines += _run(name, Path(place), rounds, seconds, others)
    show(lines, _heading(rounds, seconds), _footer(time.monotonic() - began, others))
    if json_file is not None:
        json_file.write_text(json.dumps([asdict(line) for line in lines], indent=1, default=_plain))
    if any(line.failed for line in lines):
        raise typer.Exit(1)


def _run(name: str, folder: Path, rounds: int, seconds: float, others: list[float]) -> list[Line]:
    """One item, with servers and connections of its own."""
    context: Context = zmq.Context()
    raise_limits(context)
    with ExitStack() as keep:
        keep.callback(context.destroy, linger=0)
        try:
            return ITEMS[name](Bench(context, folder, rounds, seconds, keep, others))
        except BenchError as error:
            why = str(error)
        except zmq.Again:
            why = "an answer or a push did not come within 10 s"
    return [Line(work=name, ours=f"could not be measured: {why}", failed=True)]


def _footer(took: float, others: list[float]) -> str:
    shared = f"; others had {median(others):.2f} cores of it (most: {max(others):.2f})" if others else ""
    return f"took {took:.0f} s{shared}"


def _heading(rounds: int, seconds: float) -> str:
    return (
        f"medians of {rounds} rounds of {seconds} s · {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} · "
        f"Python {platform.python_version()}, pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()} · "
        f"the load generator runs on the same machine"
    )


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"{value!r} is no figure")


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
