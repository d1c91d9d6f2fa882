"""A real realm: its own process, its own folder, free ports on loopback. It dies with the test."""

import itertools
import os
import random
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests import forking

READY = re.compile(r"is ready: front door (?P<host>\S+):(?P<door>\d+), commands (?P<commands>\d+), push (?P<push>\d+)")
FAST_HASHING = "[hashing]\nmemory_kib = 64\npasses = 1\nlanes = 1\n"
NO_LIMITS = "[limits]\nsession_per_second = 1_000_000_000\nsession_burst = 1_000_000_000\n"
"""Of what a session may ask."""


def _ports() -> Iterator[int]:
    """Below those that the system hands out; each again only after all others, and never that of another worker."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ours = range(10_000 + worker, 32_000, workers)
    return itertools.islice(itertools.cycle(ours), random.randrange(len(ours)), None)


_next_ports = _ports()


def free_ports(count: int) -> list[int]:
    """Ports that are nobody's.

    While a realm is down nobody else is given its port, and no client that dials it is connected to itself.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = next(_next_ports)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                ports.append(port)
    return ports


class RealmProcess:
    """Start, stop, kill and start again; the ports stay those of the first start."""

    def __init__(self, folder: Path, name: str = "kampus", config: str = FAST_HASHING, *options: str) -> None:
        self.name = name
        self.data = folder / name
        self.config = folder / f"{name}.toml"
        self.config.write_text(config)
        self.options = options
        self.door, self.commands, self.push = free_ports(3)
        self.output = folder / f"{name}.log"
        self.process: forking.Process | None = None
        self.program: tuple[str, ...] = ("realm",)
        """What `python -m` is told before `run`."""

    def start(self) -> "RealmProcess":
        """Return when the realm says that it is ready; raise RuntimeError with its log where it does not."""
        self.launch()
        return self.await_ready()

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        words = ["run", "--name", self.name, "--data", str(self.data)]
        words += ["--config", str(self.config), "--host", "127.0.0.1", "--port", str(self.door)]
        words += ["--commands-port", str(self.commands), "--push-port", str(self.push), *self.options]
        with self.output.open("a") as log:
            self.process = forking.start(self.program[0], [*self.program[1:], *words], log)

    def await_ready(self) -> "RealmProcess":
        """Of one that was launched; see `start`."""
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := READY.search(line):
                self.door, self.commands, self.push = (int(found[key]) for key in ("door", "commands", "push"))
                return self
        raise RuntimeError(f"the realm ended with {self.process.wait()}: {self.log()}")

    def log(self) -> str:
        """All that the realm has written to its log so far."""
        return self.output.read_text()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def resident_bytes(self) -> int:
        """Memory of the process that is in RAM now."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def send_signal(self, number: signal.Signals) -> None:
        """To the process, unless it has ended."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it as an operator does, and return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.send_signal(number)
        code = self.process.wait(timeout=30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@contextmanager
def running(realm: RealmProcess) -> Iterator[RealmProcess]:
    """Start a realm, which must end well when it is told to; it is killed where something fails before."""
    try:
        yield realm.start()
        assert realm.stop() == 0
    finally:
        if realm.running:
            realm.kill()
