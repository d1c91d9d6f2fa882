"""The client as a window of the desktop: Flet's native one, or else a browser's that shows nothing but this.

The window is for one person: its tab is the same each time, so it is still logged in. Its secret is in a file that
only this person can read, for anybody on this machine can reach the port.
"""

import asyncio
import html
import importlib
import logging
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from flet.utils import is_linux_server

from client.errors import ClientError
from client.files import create_json, read_json
from client.ui.serve import Site, serve, serve_native

BROWSERS: Final = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "brave-browser",
)  # fmt: skip
"""Programs that can show one page as a window (`--app`)."""

log = logging.getLogger(__name__)


class DesktopError(ClientError):
    """There is nothing to open a window with."""

    kind = "desktop"


async def show(site: Site, say: Callable[[str], None]) -> None:
    """Open the window, and end with it. Raises DesktopError, and what `serve` does."""
    if is_linux_server():  # type: ignore[no-untyped-call]
        raise DesktopError("there is no screen to open a window on: use the web client (make run-client)")
    secret = _secret(site.home)
    say("Looking for Flet's native client, which is fetched once where it can be had …")
    if await asyncio.to_thread(_has_native):
        say("Opening a window with Flet's native client.")
        await serve_native(site, secret)
        return
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise DesktopError(
            "there is neither Flet's native client nor a Chromium to open a window with: "
            "install Chromium, or use the web client (make run-client)"
        )
    say(f"Flet's native client is not here: opening a window of {Path(browser).name}.")
    await _in_browser(replace(site, host="127.0.0.1", port=0, desktop=True), browser, secret)


def _has_native() -> bool:
    """Whether Flet's native client is here, or can be fetched."""
    try:
        package = importlib.import_module("flet_desktop")
        package.ensure_client_cached()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, there is another way
        log.info("no native client: %s", error)
        return False
    return True


async def _in_browser(site: Site, browser: str, secret: str) -> None:
    """Serve the page to one window, until it is closed."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.ensure_future(serve(site, address.set_result))
    try:
        either: list[asyncio.Future[Any]] = [serving, address]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            return await serving
        door = site.home / "open.html"
        door.touch(mode=0o600)
        door.write_text(_redirect(f"{address.result()}/#tab={secret}"), encoding="utf-8")
        window = await asyncio.create_subprocess_exec(
            browser,
            f"--app={door.absolute().as_uri()}",
            f"--user-data-dir={site.home / 'browser'}",
            "--no-first-run",
            "--no-default-browser-check",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            closed = asyncio.create_task(window.wait())
            await asyncio.wait({serving, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if window.returncode is None:
                window.terminate()
                await window.wait()
            door.unlink(missing_ok=True)
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


def _secret(home: Path) -> str:
    """The secret of this person's tab, made at the first call; raises KeyringError."""
    path = home / "tab.json"
    create_json(path, secrets.token_hex(16))
    kept = read_json(path, str)
    assert kept is not None
    return kept


def _redirect(address: str) -> str:
    return f'<!doctype html><meta http-equiv="refresh" content="0;url={html.escape(address)}">'
