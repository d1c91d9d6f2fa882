"""What is measured: a load driven at a server for a while, its rate and the CPU that the server spent on it."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import psutil

SATURATED: Final = 0.85
"""A server whose busiest thread has less of a core than this still waits for work now and then."""
WARM_UP: Final = 0.3


class BenchError(Exception):
    """A measurement that cannot be trusted; the message says why."""


class Load(Protocol):
    """Work for a server, kept up by calling `step`."""

    def begin(self) -> None:
        """Set it going."""
        ...

    def step(self) -> int:
        """Go on; return how many units were done since the last step."""
        ...

    def finish(self) -> None:
        """Take in all that is still under way, and see that nothing was lost."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """One measurement."""

    count: int
    seconds: float
    cpu: float
    """CPU seconds of the server, all its threads."""
    main: float
    """The share of a core that its main thread had."""
    busiest: float
    """The same of its busiest thread."""
    generator: float
    """Cores that the load generator had."""
    others: float
    """Cores that everybody else on this machine had."""

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.count / self.seconds

    @property
    def micros(self) -> float:
        """Microseconds of the server's CPU a unit."""
        return self.cpu / self.count * 1e6


class _Moment(NamedTuple):
    at: float
    server: float
    threads: dict[int, float]
    generator: float
    machine: float

    @classmethod
    def of(cls, server: psutil.Process) -> "_Moment":
        used, own, all_of_it = server.cpu_times(), psutil.Process().cpu_times(), psutil.cpu_times()
        return cls(
            time.perf_counter(),
            used.user + used.system,
            {one.id: one.user_time + one.system_time for one in server.threads()},
            own.user + own.system,
            sum(all_of_it) - all_of_it.idle - all_of_it.iowait - all_of_it.guest - all_of_it.guest_nice,
        )


def measure(load: Load, pid: int, seconds: float) -> Reading:
    """Drive `load` for `seconds` after a short warm-up. Raises zmq.Again where an answer or a push gets lost."""
    server = psutil.Process(pid)
    load.begin()
    _drive(load, WARM_UP)
    before = _Moment.of(server)
    count = _drive(load, seconds)
    after = _Moment.of(server)
    load.finish()
    return _between(before, after, count)


def _drive(load: Load, seconds: float) -> int:
    count = 0
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        count += load.step()
    return count


def _between(before: _Moment, after: _Moment, count: int) -> Reading:
    if not count:
        raise BenchError("nothing was done in the time: take a longer one with --seconds")
    took = after.at - before.at
    shares = {thread: (used - before.threads.get(thread, 0.0)) / took for thread, used in after.threads.items()}
    cpu, generator = after.server - before.server, after.generator - before.generator
    return Reading(
        count=count,
        seconds=took,
        cpu=max(cpu, 1e-6),
        main=shares[min(shares)],
        busiest=max(shares.values()),
        generator=generator / took,
        others=max(0.0, (after.machine - before.machine - cpu - generator) / took),
    )


def quantile(samples: Sequence[float], share: float) -> float:
    """The sample below which `share` of them are."""
    return sorted(samples)[min(len(samples) - 1, int(len(samples) * share))]


def median(samples: Sequence[float]) -> float:
    """The one in the middle."""
    return statistics.median(samples)
