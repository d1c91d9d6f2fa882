"""`python -m tests.results`: draws docs/performance.md, docs/proof.md and docs/plots from docs/results alone.

With `--check` it says what of them is stale, and draws nothing. A plot is known by a digest of its figures and of the
program that draws it, which its file names: its bytes may differ between machines in the last digit of a coordinate.
"""

import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from tests.bench.figures import Measured
from tests.results import kept, performance, proof
from tests.results.series import Plot, all_plots
from tests.soak.part import Outcome
from tests.soak.parts import PARTS

HERE: Final = Path(__file__).parent
DOCS: Final = HERE.parents[1] / "docs"
_DIGEST: Final = re.compile(r"figures sha256:[0-9a-f]{64}")
app: Final = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Drawing:
    """All that is drawn from the results of a folder."""

    pages: dict[str, str]
    """By their names."""
    plots: list[Plot]

    @classmethod
    def of(cls, docs: Path) -> "Drawing":
        """Raises msgspec.MsgspecError where a file of results is none."""
        items = kept.read(docs / "results" / "bench.json", Measured)
        outcomes = kept.read(docs / "results" / "soak.json", Outcome)
        plots = all_plots([line for item in items for line in item.lines], outcomes)
        pages = {
            "performance.md": performance.render(_template("performance"), items, plots),
            "proof.md": proof.render(_template("proof"), outcomes, PARTS, plots),
        }
        return cls(pages, plots)

    def stale(self, docs: Path) -> Iterator[str]:
        """What is not as it would be drawn."""
        for name, page in self.pages.items():
            path = docs / name
            if not path.exists() or path.read_text(encoding="utf-8") != page:
                yield name
        there = {path.stem: path.read_text(encoding="utf-8") for path in (docs / "plots").glob("*.svg")}
        wanted = {plot.name: digest(plot) for plot in self.plots}
        for name in sorted(there.keys() | wanted.keys()):
            found = _DIGEST.search(there.get(name, ""))
            if found is None or found[0] != wanted.get(name):
                yield f"plots/{name}.svg"

    def write(self, docs: Path) -> None:
        """Draw it, and remove plots for which there is nothing any more."""
        from tests.results.plots import draw  # matplotlib takes longer than all else that --check does

        for name, page in self.pages.items():
            (docs / name).write_text(page, encoding="utf-8")
        folder = docs / "plots"
        folder.mkdir(exist_ok=True)
        for path in folder.glob("*.svg"):
            path.unlink()
        for plot in self.plots:
            (folder / f"{plot.name}.svg").write_bytes(draw(plot, digest(plot)))


def digest(plot: Plot) -> str:
    """Of what a plot shows, and of how it is drawn."""
    program = (HERE / "plots.py").read_bytes()
    return f"figures sha256:{hashlib.sha256(msgspec.json.encode(plot) + program).hexdigest()}"


def _template(name: str) -> str:
    return (HERE / f"{name}.template.md").read_text(encoding="utf-8")


@app.command()
def results(
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is stale; exit code 1 where something is.")
    ] = False,
    docs: Annotated[Path, typer.Option(help="Where results, pages and plots are.")] = DOCS,
) -> None:
    """Draw pages and plots from the last results."""
    try:
        drawing = Drawing.of(docs)
    except msgspec.MsgspecError as error:
        raise typer.BadParameter(f"{docs / 'results'} holds something else than results: {error}") from error
    if not check:
        drawing.write(docs)
    elif stale := list(drawing.stale(docs)):
        sys.stderr.write(f"stale in {docs}: {', '.join(stale)}: say make figures\n")
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
