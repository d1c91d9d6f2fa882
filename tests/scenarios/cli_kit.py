"""People who use `python -m client`: each with a folder of their own, in a pipe or at a terminal."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import forking
from tests.realm_process import RealmProcess


class Listener:
    """A client that stays: its lines as they come."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        nothing = subprocess.DEVNULL
        self.process = subprocess.Popen(command, env=env, stdin=nothing, stdout=pipe, stderr=pipe, text=True)

    def hears(self, pattern: str) -> str:
        """The next line that has the pattern in it; those before it are passed over."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if re.search(pattern, line):
                return line.rstrip("\n")
        raise AssertionError(f"the client ended without {pattern!r}: {self.process.communicate()[1]}")

    def ends(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """The exit code and what was written to stderr, after a signal if there is one."""
        if number is not None:
            self.process.send_signal(number)
        errors = self.process.communicate(timeout=60)[1]
        return self.process.returncode, errors


class Person:
    """Somebody with a folder of their own, who talks to one realm."""

    def __init__(self, home: Path, realm: RealmProcess | None) -> None:
        self.home = home
        self.env = os.environ | {"BAGAN_HOME": str(home), "LC_ALL": "C", "PROMPT_TOOLKIT_NO_CPR": "1"}
        if realm is not None:
            self.env["BAGAN_REALM"] = f"127.0.0.1:{realm.door}"
        self.listeners: list[Listener] = []

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "client", *words]

    def run(self, *words: str, stdin: str | bytes = b"") -> tuple[int, list[str], str]:
        """Exit code, lines of stdout, stderr."""
        typed = stdin.encode() if isinstance(stdin, str) else stdin
        code, told, errors = forking.run("client", words, self.env, typed)
        return code, told.decode().splitlines(), errors.decode()

    def says(self, *words: str) -> list[str]:
        """The answer to a one-liner that works."""
        code, lines, errors = self.run(*words)
        assert (code, errors) == (0, ""), (lines, errors)
        return lines

    def sees(self, *words: str, pattern: str, patience: float = 60.0) -> str:
        """Ask again and again until a line has the pattern in it; that line."""
        give_up = time.monotonic() + patience
        while True:
            lines = self.says(*words)
            if found := next((line for line in lines if re.search(pattern, line)), None):
                return found
            assert time.monotonic() < give_up, f"{words} never showed {pattern!r}, but {lines}"
            time.sleep(0.2)

    def stays(self, *words: str) -> Listener:
        self.listeners.append(Listener(self.command(*words), self.env))
        return self.listeners[-1]


PersonFor = Callable[[str], Person]


@contextlib.contextmanager
def people_of(folder: Path, realm: RealmProcess) -> Iterator[PersonFor]:
    """A function that makes people, none of whom stays when the test is over."""
    people: list[Person] = []

    def make(name: str) -> Person:
        people.append(Person(folder / f"home-{name}", realm))
        return people[-1]

    yield make
    for somebody in people:
        for listener in somebody.listeners:
            if listener.process.poll() is None:
                listener.process.kill()
            listener.process.communicate()


REGISTER = {
    "messi": "register messi surabaya Argentina Lionel Messi",
    "henderson": "register henderson surabaya Inggris Jordan Henderson",
}


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.fd, inner = pty.openpty()
        self.process = subprocess.Popen(
            command,
            env=env | {"TERM": "xterm", "COLUMNS": "80"},
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self.shown = ""

    def types(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def shows(self, text: str) -> None:
        """Return when the text has been shown since the last one."""
        while text not in self.shown:
            self.shown += os.read(self.fd, 65_536).decode(errors="replace")
        self.shown = self.shown.partition(text)[2]

    def ends(self) -> int:
        """The exit code."""
        try:
            while os.read(self.fd, 65_536):
                pass
        except OSError:  # the other side is closed
            return self.process.wait(timeout=60)
        raise AssertionError("a terminal has no end of input")

    def close(self) -> None:
        """End the program, if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.fd)
