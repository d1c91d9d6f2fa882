"""Which Chromium browser tests drive; as a program, it makes sure that there is one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

from playwright.sync_api import sync_playwright

VARIABLE = "BAGAN_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_SECONDS = 60
ADVICE = (
    "Browser tests need Chromium, and it could not be installed here: "
    f"install Chromium or Google Chrome, or set {VARIABLE} to the path of one."
)

Starts = Callable[[str], bool]
Run = Callable[[Sequence[str]], bool]


class NoChromiumError(Exception):
    """There is none, and this sentence says what to do."""


def starts(path: str) -> bool:
    """Whether the program can say its version: a stub without its package cannot, nor one that lacks libraries."""
    try:
        command = [path, "--version"]
        return subprocess.run(command, capture_output=True, timeout=START_SECONDS, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def playwrights_own() -> str:
    """Where Playwright puts its own Chromium, be it there or not."""
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def find(environ: Mapping[str, str], starts: Starts = starts, own: Callable[[], str] = playwrights_own) -> str | None:
    """The path of the first Chromium that starts, or None.

    Raises NoChromiumError where the variable names one that does not: another than the named would be a surprise.
    """
    if named := environ.get(VARIABLE):
        if starts(named):
            return named
        raise NoChromiumError(f"{VARIABLE} is {named!r}, which does not start: set it to a Chromium, or unset it.")
    for name in NAMES:
        path = shutil.which(name, path=environ.get("PATH", ""))
        if path and starts(path):
            return path
    path = own()
    return path if starts(path) else None


def on_this_machine() -> str:
    """The path of a Chromium that starts. Raises NoChromiumError where there is none."""
    if path := find(os.environ):
        return path
    raise NoChromiumError(ADVICE)


def run(command: Sequence[str]) -> bool:
    """Run an installer; what it says goes to standard error."""
    try:
        return subprocess.run(command, stdout=sys.stderr, check=False).returncode == 0
    except OSError:
        return False


def installers(environ: Mapping[str, str], root: bool) -> list[list[list[str]]]:
    """The ways to install one, each a list of commands that must all succeed."""
    ways = [[[sys.executable, "-m", "playwright", "install", "chromium"]]]
    apt = shutil.which("apt-get", path=environ.get("PATH", ""))
    if root and apt:
        ways.append([[apt, "update"], [apt, "install", "-y", "--no-install-recommends", "chromium"]])
    return ways


def ensure(look: Callable[[], str | None], ways: Sequence[Sequence[Sequence[str]]], run: Run = run) -> None:
    """Return when there is a Chromium; raise NoChromiumError where no way to install one helps."""
    if look():
        return
    for way in ways:
        if all(run(command) for command in way) and look():
            return
    raise NoChromiumError(ADVICE)


def main() -> None:
    """Exit with 0, and silently, where there is one; with one sentence where none can be had."""
    try:
        ensure(lambda: find(os.environ), installers(os.environ, os.geteuid() == 0))
    except NoChromiumError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
