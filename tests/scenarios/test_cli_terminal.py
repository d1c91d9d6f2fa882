"""`python -m client` at a terminal: the prompt and the demo."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.realm_process import RealmProcess
from tests.scenarios.cli_kit import REGISTER, Person, Terminal

TerminalFor = Callable[[list[str], dict[str, str]], Terminal]


@pytest.fixture
def terminal() -> Iterator[TerminalFor]:
    """`terminal(command, env)`."""
    opened: list[Terminal] = []

    def open_it(command: list[str], env: dict[str, str]) -> Terminal:
        opened.append(Terminal(command, env))
        return opened[-1]

    yield open_it
    for one in opened:
        one.close()


def test_at_the_prompt_pushes_appear_and_no_password_comes_back(
    tmp_path: Path, realm: RealmProcess, terminal: TerminalFor
) -> None:
    messi, henderson = Person(tmp_path / "messi", realm), Person(tmp_path / "henderson", realm)
    messi.says(*REGISTER["messi"].split())
    prompt = terminal(henderson.command(), henderson.env)
    prompt.shows("kampus>")
    prompt.types("info\r")
    prompt.shows("messi")
    prompt.types(REGISTER["henderson"] + "\r")
    prompt.shows("henderson@kampus>")
    messi.says("send", "henderson", "halo, selamat malam")
    prompt.shows("messi: halo, selamat malam")
    prompt.types("\x1b[A")  # up: the line before the one with the password
    prompt.shows("info")
    prompt.types("\x03info\r")
    prompt.shows("messi")
    prompt.shows("henderson@kampus>")  # a new one, where the end is heard, and not the old one drawn again
    prompt.types("\x04")
    assert prompt.ends() == 0
    assert not any("surabaya" in path.read_text() for path in henderson.home.iterdir())


def demo_env(tmp_path: Path, **more: str) -> dict[str, str]:
    return Person(tmp_path / "unused", None).env | {"TMPDIR": str(tmp_path / "tmp")} | more


def test_the_demo_plays_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    command = [sys.executable, "-m", "client", "demo"]
    env = demo_env(tmp_path)
    done = subprocess.run(command, env=env, capture_output=True, timeout=100, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"\([\d.]+ms\)", done.stdout)) >= 3
    assert "not logged in: it waits" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("moment", "code"), [("tokenId", 130), pytest.param("Ctrl-C ends it all", 0, marks=pytest.mark.thorough)]
)
def test_ctrl_c_ends_the_demo_and_its_realm(tmp_path: Path, terminal: TerminalFor, moment: str, code: int) -> None:
    (tmp_path / "tmp").mkdir()
    demo = terminal([sys.executable, "-m", "client", "demo"], demo_env(tmp_path, BAGAN_DEMO_PACE="0.01"))
    demo.shows(moment)
    demo.process.send_signal(signal.SIGINT)
    assert demo.ends() == code
    assert list((tmp_path / "tmp").iterdir()) == []
