"""The demo: two realms with their accounts, and a web client. All end together, and leave nothing behind."""

import tempfile
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from client.demo_realm import NAME, OTHER, demo_realms, own_python
from client.errors import UsageError
from client.ui.serve import Site, serve

WHAT_TO_TRY: Final = """
Open it in two tabs, each for another person:

  {address}

Two realms know each other; the sign-in page offers both:

  kampus  {kampus}
  pusat   {pusat}

The accounts, in each: messi, henderson, lineker, each with the password surabaya.

  1  Log in as messi in one window, as henderson in the other; or register somebody new.
  2  messi: Private Chat, Jordan Henderson, write "halo, selamat malam": henderson sees it at once.
  3  Group Chat, new: all three are in it. Add Group Chat makes another, Join Group Chat finds it.
  4  Log in as lineker only now, and find what was written to him before.
  5  The paper clip sends a file, and so does dropping one on the page; a picture shows itself.
  6  messi at kampus: Realms, pusat, write to henderson there; a henderson who has signed in at pusat sees it at once,
     from messi@kampus, and answers. Write to the group new there, too: all three of pusat hear it.

From a terminal, the same realm: {python} -m client --realm {kampus} auth lineker surabaya
Ctrl-C ends the realms and the web client, and removes what they kept.
"""


async def play(site: Site, say: Callable[[str], None], *, open_browser: bool) -> None:
    """Run all until they are ended; on the site's port, or on any other where that one is taken.

    Raises UnreachableError where a realm does not start, and what `serve` does.
    """
    with tempfile.TemporaryDirectory(prefix="bagan-demo-") as made:
        folder = Path(made)
        async with demo_realms(folder, NAME, OTHER) as (kampus, pusat):
            offered = tuple((realm.name, realm.door) for realm in (kampus, pusat))
            site = replace(site, realm=kampus.door, home=folder / "web", offered=offered)

            def ready(address: str) -> None:
                doors = {realm.name: realm.door for realm in (kampus, pusat)}
                say(WHAT_TO_TRY.format(address=address, python=own_python(), **doors))
                if open_browser:
                    webbrowser.open(address)

            try:
                await serve(site, ready)
            except UsageError:
                if not site.port:
                    raise
                await serve(replace(site, port=0), ready)
