"""The demo: a realm with its accounts, and the web client beside it. Both end together, and leave nothing behind."""

import tempfile
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from client.demo_realm import demo_realm, own_python
from client.errors import UsageError
from client.ui.serve import Site, serve

WHAT_TO_TRY: Final = """
Open it in two tabs, each for another person:

  {address}

The accounts: messi, henderson, lineker, each with the password surabaya.

  1  Log in as messi in one window, as henderson in the other; or register somebody new.
  2  messi: Private Chat, Jordan Henderson, write "halo, selamat malam": henderson sees it at once.
  3  Group Chat, new: all three are in it. Add Group Chat makes another, Join Group Chat finds it.
  4  Log in as lineker only now, and find what was written to him before.
  5  The paper clip sends a file, and so does dropping one on the page; a picture shows itself.

From a terminal, the same realm: {python} -m client --realm {realm} auth lineker surabaya
Ctrl-C ends the realm and the web client, and removes what they kept.
"""


async def play(site: Site, say: Callable[[str], None], *, open_browser: bool) -> None:
    """Run both until they are ended; on the site's port, or on any other where that one is taken.

    Raises UnreachableError where the realm does not start, and what `serve` does.
    """
    with tempfile.TemporaryDirectory(prefix="bagan-demo-") as made:
        folder = Path(made)
        async with demo_realm(folder) as (door, _):
            site = replace(site, realm=door, home=folder / "web")

            def ready(address: str) -> None:
                say(WHAT_TO_TRY.format(address=address, realm=door, python=own_python()))
                if open_browser:
                    webbrowser.open(address)

            try:
                await serve(site, ready)
            except UsageError:
                if not site.port:
                    raise
                await serve(replace(site, port=0), ready)
