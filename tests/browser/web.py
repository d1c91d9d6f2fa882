"""A real web client: its own process, its own folder, a free port on loopback. It dies with the test."""

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests import forking
from tests.realm_process import RealmProcess

READY = re.compile(r"web client is ready: (?P<url>http://\S+:(?P<port>\d+))")
END_SECONDS = 30


class WebProcess:
    """Start, stop, kill and start again; the port and the home stay those of the first start."""

    module = "client.ui"

    def __init__(self, folder: Path, realm: str, name: str = "web", *options: str) -> None:
        """`realm` is HOST:PORT of a realm's front door; the home is a folder `name` in `folder`."""
        self.name = name
        self.realm = realm
        self.home = folder / f"{name}-home"
        self.options = options
        self.output = folder / f"{name}.log"
        self.port = 0
        self.url = ""
        self.process: forking.Process | None = None

    def start(self) -> "WebProcess":
        """Return when the web client says that it is ready; raise RuntimeError with its log where it does not."""
        words = ["--realm", self.realm, "--port", str(self.port)]
        words += ["--home", str(self.home), "--no-open", *self.options]
        with self.output.open("a") as log:
            self.process = forking.start(self.module, words, log, self._environment(), new_session=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := READY.search(line):
                self.url, self.port = found["url"], int(found["port"])
                return self
        raise RuntimeError(f"the web client ended with {self._wait()}: {self.log()}")

    def _environment(self) -> dict[str, str]:
        """One that is killed cannot tidy up: what it keeps for a while goes with the test's folder."""
        made = self.home.with_name(f"{self.name}-tmp")
        made.mkdir(exist_ok=True)
        return {**without_display(), "TMPDIR": str(made)}

    def restart(self) -> "WebProcess":
        """Stop it where it runs, and start it on the same port."""
        if self.running:
            self.stop()
        return self.start()

    def log(self) -> str:
        """All that the web client has written to its log so far."""
        return self.output.read_text()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def resident_bytes(self) -> int:
        """Memory of the process and its children that is in RAM now."""
        own = psutil.Process(self.pid)
        return sum(int(one.memory_info().rss) for one in [own, *own.children(recursive=True)])

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it as an operator does, and return its exit code. One that does not end is killed, and TimeoutExpired."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        if self.running:
            self.process.send_signal(number)
        return self._wait()

    def _wait(self) -> int:
        assert self.process is not None
        try:
            return self.process.wait(timeout=END_SECONDS)
        finally:
            self._leave_nothing()

    def _leave_nothing(self) -> None:
        """Kill the whole session: children too, and what did not end when asked."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):  # all have ended
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(timeout=END_SECONDS)
        if self.process.stdout is not None:
            self.process.stdout.close()


def without_display() -> dict[str, str]:
    """The environment of a machine without a screen: with one, Flet may open a window."""
    return {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}


StartWeb = Callable[..., WebProcess]


@pytest.fixture
def start_web(tmp_path: Path) -> Iterator[StartWeb]:
    """A function that starts web clients: `start_web(realm)`, `start_web(realm, "second", "--option")`."""
    started: list[WebProcess] = []

    def start(realm: RealmProcess, name: str = "web", *options: str) -> WebProcess:
        web = WebProcess(tmp_path, f"127.0.0.1:{realm.door}", name, *options)
        started.append(web)
        return web.start()

    yield start
    for web in started:
        if web.running:
            web.kill()
