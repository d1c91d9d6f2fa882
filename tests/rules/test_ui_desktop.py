"""A window of the desktop: Flet's own where it can be had, else a browser's, else a sentence."""

import asyncio
import stat
from pathlib import Path
from typing import Any

import pytest

from client.dial import Address
from client.ui import desktop
from client.ui.desktop import DesktopError, show
from client.ui.serve import Site, serve_native

REALM = Address("chat.example.org", 8889)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    (tmp_path / "home").mkdir()
    return Site(realm=REALM, home=tmp_path / "home", cache=tmp_path / "cache", only_realm=True)


class Machine:
    """What there is to open a window with, and what was opened."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.programs: set[str] = set()
        self.has_screen = True
        self.has_native = False
        self.opened: list[tuple[str, Site]] = []
        self.said: list[str] = []
        patch.setattr(desktop, "is_linux_server", lambda: not self.has_screen)
        patch.setattr(desktop, "_has_native", lambda: self.has_native)
        patch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if name in self.programs else None)
        patch.setattr(desktop, "serve_native", self._native)
        patch.setattr(desktop, "_in_browser", self._browser)

    async def _native(self, site: Site, secret: str) -> None:
        self.opened.append(("native", site))

    async def _browser(self, site: Site, browser: str, secret: str) -> None:
        self.opened.append((browser, site))

    def show(self, site: Site) -> str:
        asyncio.run(show(site, self.said.append))
        ((how, shown),) = self.opened
        assert shown.only_realm
        return how


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_flets_own_window_is_the_first_choice(machine: Machine, site: Site) -> None:
    machine.has_native, machine.programs = True, {"chromium"}
    assert machine.show(site) == "native"
    assert machine.said[-1] == "Opening a window with Flet's native client."


def test_else_it_is_a_browsers_and_only_for_this_machine(machine: Machine, site: Site) -> None:
    machine.programs = {"google-chrome", "brave-browser"}
    assert machine.show(site) == "/usr/bin/google-chrome"
    assert machine.said[-1] == "Flet's native client is not here: opening a window of google-chrome."
    ((_, shown),) = machine.opened
    assert (shown.host, shown.port, shown.desktop) == ("127.0.0.1", 0, True)
    assert stat.S_IMODE((site.home / "tab.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(("has_screen", "why"), [(True, "install Chromium"), (False, "no screen")])
def test_else_it_says_what_to_do(machine: Machine, site: Site, has_screen: bool, why: str) -> None:
    machine.has_screen = has_screen
    with pytest.raises(DesktopError, match=why):
        asyncio.run(show(site, machine.said.append))
    assert machine.opened == []


def test_the_native_window_may_go_to_no_other_realm_either(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    allowed: list[bool] = []

    async def run(opened: Any, **_: object) -> None:
        allowed.append(opened.__self__.tabs.only_own)

    monkeypatch.setattr("flet.run_async", run)
    asyncio.run(serve_native(site, "0" * 32))
    assert allowed == [True]
