"""One message at a time: how long until its recipient has it, beside a bare echo and a flush of this disk."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.bench import people
from tests.bench.bare import Socket
from tests.bench.figures import Figure, Line
from tests.bench.meter import median, quantile
from tests.bench.setup import Bench
from tests.bench.wire import OK, TEXT, pack

SAMPLES: Final = 300
PAGE: Final = 4_096
TIMES: Final = 3.0
WARM: Final = 20


def one_at_a_time(bench: Bench) -> list[Line]:
    """p50 from `send` until the push has come, against 3 times (echo + flush)."""
    sender, recipient = people.users(2)
    people.write(bench.data("single"), [sender, recipient])
    realm, bare = bench.realm("single"), bench.bare()
    frame = pack("send", tokenId=sender.token, to=recipient.name, message=TEXT)
    [listening], [saying] = bench.listen(realm, [recipient]), bench.talk(realm, [sender])
    [echoing] = bench.echo(bare, 1)
    ours: list[list[float]] = []
    echoes: list[list[float]] = []
    flushes: list[list[float]] = []
    for _ in range(bench.rounds):
        ours.append(samples(lambda: sent_until_pushed(saying, frame, listening)))
        echoes.append(samples(lambda: _echoed(echoing, frame)))
        flushes.append(_flushed(bench.folder / "flushed"))
    return [_line(ours, echoes, flushes)]


def samples(once: Callable[[], float]) -> list[float]:
    """What it takes, many times, once it is warm."""
    for _ in range(WARM):
        once()
    return [once() for _ in range(SAMPLES)]


def sent_until_pushed(saying: Socket, frame: bytes, listening: Socket) -> float:
    """Milliseconds from a send until the recipient has its push."""
    began = time.perf_counter()
    saying.send(frame)
    listening.recv()
    took = time.perf_counter() - began
    listening.recv()
    assert OK in saying.recv()
    return took * 1e3


def _echoed(echoing: Socket, frame: bytes) -> float:
    began = time.perf_counter()
    echoing.send(frame)
    echoing.recv()
    return (time.perf_counter() - began) * 1e3


def _flushed(path: Path) -> list[float]:
    """How long a flush of one page takes in a file that is long enough already, as a log that is used again."""
    page = os.urandom(PAGE)
    taken = []
    with path.open("w+b", buffering=0) as file:
        file.write(page * (SAMPLES + WARM))
        os.fsync(file.fileno())
        for number in range(SAMPLES + WARM):
            began = time.perf_counter()
            os.pwrite(file.fileno(), page, number * PAGE)
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e3)
    return taken[WARM:]


def _line(ours: list[list[float]], echoes: list[list[float]], flushes: list[list[float]]) -> Line:
    times = [
        median(one) / (median(echo) + median(flush)) for one, echo, flush in zip(ours, echoes, flushes, strict=True)
    ]
    return Line(
        key="single",
        work="send, one at a time, until the recipient has it by push",
        ours=_both(ours),
        limit=f"echo {_both(echoes)}; flush of 4 KiB {_both(flushes)}",
        bare="one frame to a ROUTER that echoes, and a flush of this disk",
        ratio=f"p50 {median(times):.2f} times (echo + flush)",
        counts="time",
        figure=Figure("times", median(times), times, at_most=TIMES),
        raw={"ours": ours, "echoes": echoes, "flushes": flushes},
    )


def _both(rounds: list[list[float]]) -> str:
    p50, p99 = (median([quantile(one, share) for one in rounds]) for share in (0.5, 0.99))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms"
