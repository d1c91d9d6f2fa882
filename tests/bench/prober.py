"""A client of its own process that asks `info` again and again: how long others wait while a realm is busy.

`python -m tests.bench.prober PORT SERVER_KEY` asks until its standard input ends, then prints the
milliseconds that each answer took, as JSON.
"""

import json
import signal
import subprocess
import sys
import time
from types import TracebackType

import zmq

from tests.bench.wire import Keys, connect, pack


class Prober:
    """The process, asking while the context lasts; `waits` are the milliseconds, afterwards."""

    def __init__(self, port: int, server: bytes) -> None:
        self.waits: list[float] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.prober", str(port), server.decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def __enter__(self) -> "Prober":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        said, _errors = self._process.communicate()
        if kind is None:
            self.waits = json.loads(said)


def main(port: str, server: str) -> None:
    """Ask until standard input ends; Ctrl-C is for whoever holds its other end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    waits: list[float] = []
    stop = zmq.Poller()
    stop.register(sys.stdin.fileno(), zmq.POLLIN)
    info = pack("info")
    with zmq.Context() as context, connect(context, zmq.DEALER, int(port), server.encode(), Keys.fresh()) as asking:
        asking.send(info)
        asking.recv()
        print("asking", flush=True)
        while not stop.poll(0):
            began = time.perf_counter()
            asking.send(info)
            asking.recv()
            waits.append((time.perf_counter() - began) * 1e3)
    print(json.dumps(waits), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
