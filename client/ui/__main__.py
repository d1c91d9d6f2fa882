"""`python -m client.ui`: the web client, the same as a window of the desktop, and the demo."""

import asyncio
import logging
import math
import signal
import sys
import webbrowser
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import platformdirs
import typer

from client.dial import DEFAULT_PORT, parse_address
from client.errors import ClientError
from client.keyring import default_folder
from client.output import use_utf8
from client.ui import demo, desktop
from client.ui.serve import DEFAULT_WEB_PORT, Site, serve
from client.ui.space import IN_ALL
from client.ui.tabs import GRACE_S

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(context_settings={"help_option_names": ["-h", "--help"]})
def run(
    realm: Annotated[
        str, typer.Option(metavar="HOST:PORT", envvar="BAGAN_REALM", help="The realm that the login page names.")
    ] = f"127.0.0.1:{DEFAULT_PORT}",
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 is everywhere.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 is any that is free.")] = DEFAULT_WEB_PORT,
    home: Annotated[
        Path | None,
        typer.Option(envvar="BAGAN_WEB_HOME", show_default=False, help="The folder of the tabs' keys and sessions."),
    ] = None,
    grace: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="So long a closed tab may come back to its connection.")
    ] = GRACE_S,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser when it is ready.")] = True,
    only_realm: Annotated[bool, typer.Option("--only-realm", help="Let visitors use no other realm.")] = False,
    file_room: Annotated[
        float,
        typer.Option(metavar="GIB", min=0, help="Disk room for files on their way to a realm, of all visitors."),
    ] = IN_ALL / (1 << 30),
    as_desktop: Annotated[bool, typer.Option("--desktop", help="Open a window of its own, for one person.")] = False,
    as_demo: Annotated[bool, typer.Option("--demo", help="Start two realms with demo accounts too.")] = False,
) -> None:
    """Serve the web client to browsers, until Ctrl-C."""
    if as_desktop and as_demo:
        raise typer.BadParameter("--desktop shows a realm that runs already: leave one of --desktop and --demo out")
    if not math.isfinite(file_room):
        raise typer.BadParameter(f"--file-room {file_room} is no number of GiB: say one such as 32")
    if math.isnan(grace):
        raise typer.BadParameter("--grace nan is no number of seconds: say one such as 15")
    use_utf8()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")

    def ready(address: str) -> None:
        _say(f"web client is ready: {address}")
        if open_browser:
            webbrowser.open(address)

    try:
        site = Site(
            realm=parse_address(realm),
            home=home or default_folder() / ("desktop" if as_desktop else "web"),
            cache=platformdirs.user_cache_path("bagan"),
            host=host,
            port=port,
            grace=grace,
            only_realm=only_realm,
            file_room=int(file_room * (1 << 30)),
        )
        if as_demo:
            _finish(demo.play(site, _say, open_browser=open_browser))
        elif as_desktop:
            _finish(desktop.show(site, _say))
        else:
            _finish(serve(site, ready))
    except ClientError as error:
        typer.echo(f"{error.kind}: {error}", err=True)
        raise typer.Exit(1) from error


def _finish(work: Coroutine[Any, Any, None]) -> None:
    """Do it until its end, or until somebody ends it, with all that it started."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    def hang_up(_number: int, _frame: object) -> None:
        signal.raise_signal(signal.SIGTERM)  # which whoever serves may have taken over meanwhile

    signal.signal(signal.SIGTERM, end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # not under nohup
        signal.signal(signal.SIGHUP, hang_up)
    try:
        asyncio.run(work)
    except KeyboardInterrupt:
        return


def _say(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()


if __name__ == "__main__":
    app()
