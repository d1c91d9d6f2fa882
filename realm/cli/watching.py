"""`status`: how the realm fares now."""

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from broker.reaching import OperatorError
from realm import settings_file
from realm.cli import screen, status_page
from realm.cli.asking import realm_on
from realm.cli.options import ConfigOption, FolderOption, keys_in
from realm.store.interface import StoreError
from schemas.operator import Figures, FiguresSeen

if TYPE_CHECKING:
    from rich.console import RenderableType

EVERY_S: Final = 2.0
PIPE_LINES: Final = 10_000
"""In a pipe no peer is left out."""


def status(
    data: FolderOption = Path("data"),
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON, for programs.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every 2 s, until Ctrl-C.")] = False,
) -> None:
    """Show what is going on on one screen: people, messages, files, disk, memory, errors, and other realms."""
    if as_json and watch:
        raise typer.BadParameter("--watch is for people: say --json as often as you like")
    if watch:
        if not sys.stdout.isatty():
            raise typer.BadParameter("--watch needs a terminal")
        _watch(data, config)
        return
    seen = _seen(data, config)
    if as_json:
        typer.echo(status_page.to_json(seen))
        return
    console = screen.console()
    typer.echo(screen.drawn(console, status_page.page(seen, console.height if sys.stdout.isatty() else PIPE_LINES)))


def _seen(data: Path, config: Path | None) -> status_page.Seen:
    keys_in(data)
    with realm_on(data, config) as (realm, _):
        figures = realm.ask(Figures(id=0), FiguresSeen)
    return status_page.Seen.of(figures, data, settings_file.chosen(data, config))


def _watch(data: Path, config: Path | None) -> None:
    from rich.live import Live

    seen = _seen(data, config)  # what is wrong with the folder is said as ever
    with Live(screen=True, auto_refresh=False) as live, suppress(KeyboardInterrupt):
        shown: RenderableType = status_page.page(seen, live.console.height)
        while True:
            live.update(shown, refresh=True)
            time.sleep(EVERY_S)
            shown = _shown(data, config, live.console.height)


def _shown(data: Path, config: Path | None, lines: int) -> "RenderableType":
    try:
        return status_page.page(_seen(data, config), lines)
    except (OperatorError, StoreError) as error:  # it stops or starts, perhaps
        from rich.text import Text

        return Text(str(error))
