"""The pool for password hashes: a few threads. Addresses take turns, so a storm from one delays only itself.

argon2 releases the interpreter while it works. How much may wait is the core's rule, not ours.
"""

import queue
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

import argon2
import structlog
from argon2.exceptions import VerifyMismatchError

from realm.inputs import JobDone
from realm.jobs import CheckPassword, HashPassword, Job
from realm.settings import Hashing

log: Final = structlog.get_logger()


class FairQueue:
    """First in, first out for each address; the addresses take turns."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Job]] = OrderedDict()

    def put(self, job: Job) -> None:
        """Add a job behind those of its address."""
        self._waiting.setdefault(job.ask.address, deque()).append(job)

    def get(self) -> Job | None:
        """The next job, None where nothing waits."""
        if not self._waiting:
            return None
        address, jobs = self._waiting.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._waiting[address] = jobs
        return job


class HashPool:
    """Runs password jobs and calls `wake` (from its threads) when results wait in `done`."""

    def __init__(self, settings: Hashing, wake: Callable[[], None]) -> None:
        self.done: queue.SimpleQueue[JobDone] = queue.SimpleQueue()
        self._hasher = make_hasher(settings)
        self._wake = wake
        self._queue = FairQueue()
        self._change = threading.Condition()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"hash-{n}", daemon=True) for n in range(settings.workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: Job) -> None:
        """Have the job done; its result comes through `done`."""
        with self._change:
            self._queue.put(job)
            self._change.notify()

    def stop(self) -> None:
        """End the threads; what still waits is dropped."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            began = time.monotonic_ns()
            result = self._run(job)
            self.done.put(JobDone(job, result, (time.monotonic_ns() - began) // 1_000_000))
            self._wake()

    def _next(self) -> Job | None:
        with self._change:
            while not self._stopping:
                job = self._queue.get()
                if job is not None:
                    return job
                self._change.wait()
        return None

    def _run(self, job: Job) -> str | bool | None:
        try:
            match job:
                case HashPassword():
                    return self._hasher.hash(job.password)
                case CheckPassword():
                    return self._hasher.verify(job.against, job.password)
        except VerifyMismatchError:
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on and the caller is told
            log.error("password job failed", error=type(error).__name__)
            return None


def make_hasher(settings: Hashing) -> argon2.PasswordHasher:
    """An argon2id hasher with the realm's parameters."""
    return argon2.PasswordHasher(time_cost=settings.passes, memory_cost=settings.memory_kib, parallelism=settings.lanes)
