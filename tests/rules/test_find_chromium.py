"""Which Chromium is taken, and what is tried where there is none."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.browser import chromium

OWN = "/own/chrome"


def program(folder: Path, name: str, code: int = 0) -> str:
    """A program that ends with `code` whatever it is asked."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


def found(environ: dict[str, str], *that_start: str) -> str | None:
    return chromium.find(environ, starts=lambda path: path in that_start, own=lambda: OWN)


def test_the_variable_comes_first(tmp_path: Path) -> None:
    on_path = program(tmp_path, "chromium")
    environ = {"BAGAN_CHROMIUM": "/mine", "PATH": str(tmp_path)}
    assert found(environ, "/mine", on_path, OWN) == "/mine"


def test_a_variable_that_names_none_is_said_and_not_passed_over(tmp_path: Path) -> None:
    on_path = program(tmp_path, "chromium")
    with pytest.raises(chromium.NoChromiumError, match="BAGAN_CHROMIUM is '/gone', which does not start"):
        found({"BAGAN_CHROMIUM": "/gone", "PATH": str(tmp_path)}, on_path, OWN)


def test_then_those_on_the_path_in_their_order(tmp_path: Path) -> None:
    paths = [program(tmp_path, name) for name in chromium.NAMES]
    for at, path in enumerate(paths):
        assert found({"PATH": str(tmp_path)}, OWN, *paths[at:]) == path


def test_then_playwrights_own(tmp_path: Path) -> None:
    assert found({"PATH": str(tmp_path)}, OWN) == OWN


def test_else_none(tmp_path: Path) -> None:
    assert found({"PATH": str(tmp_path)}) is None
    assert found({"BAGAN_CHROMIUM": ""}) is None


def test_only_what_starts_counts(tmp_path: Path) -> None:
    assert chromium.starts(program(tmp_path, "good"))
    assert not chromium.starts(program(tmp_path, "stub", code=1))
    assert not chromium.starts(str(tmp_path / "missing"))
    assert not chromium.starts(str(tmp_path))


class Machine:
    """A machine on which an installer succeeds or not; Chromium is there after the last command of `helps`."""

    def __init__(self, succeeds: Sequence[str], helps: str = "") -> None:
        self.succeeds, self.helps, self.path = succeeds, helps, None if helps != "at once" else "/there"
        self.ran: list[str] = []

    def run(self, command: Sequence[str]) -> bool:
        line = " ".join(command)
        self.ran.append(line)
        if line == self.helps:
            self.path = "/there"
        return line in self.succeeds


WAYS = [[["one"]], [["two", "update"], ["two", "install"]]]


def test_nothing_is_installed_where_there_is_one() -> None:
    machine = Machine((), helps="at once")
    chromium.ensure(lambda: machine.path, WAYS, machine.run)
    assert machine.ran == []


def test_the_first_way_that_helps_is_enough() -> None:
    machine = Machine(("one",), helps="one")
    chromium.ensure(lambda: machine.path, WAYS, machine.run)
    assert machine.ran == ["one"]


@pytest.mark.parametrize("first_succeeds", [True, False])
def test_the_second_is_tried_where_the_first_fails_or_does_not_help(first_succeeds: bool) -> None:
    succeeds = ("two update", "two install", *(["one"] if first_succeeds else []))
    machine = Machine(succeeds, helps="two install")
    chromium.ensure(lambda: machine.path, WAYS, machine.run)
    assert machine.ran == ["one", "two update", "two install"]


def test_a_command_is_not_run_after_one_that_failed() -> None:
    machine = Machine(("two install",))
    with pytest.raises(chromium.NoChromiumError, match="install Chromium or Google Chrome, or set BAGAN_CHROMIUM"):
        chromium.ensure(lambda: machine.path, WAYS, machine.run)
    assert machine.ran == ["one", "two update"]


def test_only_root_asks_the_package_manager(tmp_path: Path) -> None:
    apt = program(tmp_path, "apt-get")
    environ = {"PATH": str(tmp_path)}
    own = [[sys.executable, "-m", "playwright", "install", "chromium"]]
    system = [[apt, "update"], [apt, "install", "-y", "--no-install-recommends", "chromium"]]
    assert chromium.installers(environ, root=True) == [own, system]
    assert chromium.installers(environ, root=False) == [own]
    assert chromium.installers({"PATH": str(tmp_path / "empty")}, root=True) == [own]


def test_the_program_is_silent_where_there_is_one_and_says_one_sentence_where_not(tmp_path: Path) -> None:
    def said(path: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.browser.chromium"]
        return subprocess.run(command, env={"BAGAN_CHROMIUM": path}, capture_output=True, text=True, check=False)

    good = said(program(tmp_path, "good"))
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    bad = said("/gone")
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr == "BAGAN_CHROMIUM is '/gone', which does not start: set it to a Chromium, or unset it.\n"
