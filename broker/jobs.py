"""The pools that do the slow work: a few threads each. Keys take turns, so a storm of one delays only itself.

How much may wait is the core's rule, not ours.
"""

import queue
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import structlog

from broker.blobs import Blobs
from broker.dialling import Dialler
from broker.pace import Pace
from broker.passwords import Hasher
from realm.incident import trace
from realm.inputs import JobDone
from realm.jobs import (
    CheckPassword,
    CountUp,
    DialJob,
    FileJob,
    HashPassword,
    Introduce,
    Job,
    PasswordJob,
    ProveIntroduction,
    ReadCard,
    ReadSettings,
    ReadThumbnail,
    Result,
    SettingsBad,
    SettingsRead,
)
from realm.settings import Settings, SettingsError
from schemas.figures import PoolSeen

THUMBNAIL_THREADS: Final = 1
"""A thumbnail is a process that may take much memory, and nobody needs two at once."""
DIAL_THREADS: Final = 4
"""Of each pool that speaks to other realms. They wait, and do nothing else."""
log: Final = structlog.get_logger()
J = TypeVar("J", bound=Job)
Key = str | bytes
"""Whose turn it is."""


class FairQueue(Generic[J]):
    """First in, first out for each key; the keys take turns. With `serial`, a key whose job is at work has none."""

    def __init__(self, key: Callable[[J], Key], *, serial: bool) -> None:
        self._key = key
        self._serial = serial
        self._waiting: OrderedDict[Key, deque[J]] = OrderedDict()
        self._at_work: dict[Key, deque[J]] = {}
        """Of a serial queue: the keys with a job at work, and what waits for its end."""

    def put(self, job: J) -> bool:
        """Add a job behind those of its key. Whether one more may begin now; else the end of another lets it."""
        key = self._key(job)
        behind = self._at_work.get(key)
        if behind is not None:
            behind.append(job)
            return False
        self._waiting.setdefault(key, deque()).append(job)
        return True

    def get(self) -> J | None:
        """The next job, None where nothing waits that may begin. To be followed by `ended`."""
        if not self._waiting:
            return None
        key, jobs = self._waiting.popitem(last=False)
        job = jobs.popleft()
        if self._serial:
            self._at_work[key] = jobs
        elif jobs:
            self._waiting[key] = jobs
        return job

    def ended(self, job: J) -> None:
        """A job from `get` has ended: its key may have a turn again."""
        if self._serial and (behind := self._at_work.pop(self._key(job))):
            self._waiting[self._key(job)] = behind


class Pool(Generic[J]):
    """Threads that run jobs. Each result goes to `tell`, from the thread; `run` may not raise."""

    def __init__(
        self,
        name: str,
        threads: int,
        waiting: FairQueue[J],
        run: Callable[[J], Result],
        tell: Callable[[JobDone], None],
        pace: Pace | None = None,
    ) -> None:
        self._queue = waiting
        self._pace = pace
        self._run = run
        self._tell = tell
        self.name = name
        self._change = threading.Condition()
        self._submitted = self._begun = self._over = 0
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: J) -> None:
        """Have the job done. After `end` it is dropped."""
        with self._change:
            self._submitted += 1
            if self._queue.put(job):
                self._change.notify()

    def seen(self) -> PoolSeen:
        """How many jobs wait, and are at work."""
        with self._change:
            return PoolSeen(self.name, self._submitted - self._begun, self._begun - self._over)

    def end(self) -> None:
        """Begin no more jobs: what still waits is dropped. Does not wait; twice is harmless."""
        with self._change:
            self._stopping = True
            self._change.notify_all()

    def stop(self) -> None:
        """`end`, and wait for the jobs at work."""
        self.end()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            began = time.monotonic_ns()
            result = self._run(job)
            took = time.monotonic_ns() - began
            self._tell(JobDone(job, result, took // 1_000_000))
            self._ended(job, took / 1e9)

    def _next(self) -> J | None:
        with self._change:
            while not self._stopping:
                rest = self._pace.left() if self._pace else 0.0
                job = None if rest else self._queue.get()
                if job is not None:
                    self._begun += 1
                    return job
                self._change.wait(rest or None)
        return None

    def _ended(self, job: J, took: float) -> None:
        """One more job at most may begin now, and this thread is about to look: nobody needs to be told."""
        with self._change:
            self._over += 1
            self._queue.ended(job)
            if self._pace:
                self._pace.worked(took)


class Pools:
    """All pools of a realm. Calls `wake` (from their threads) when results wait in `done`."""

    def __init__(
        self,
        settings: Settings,
        blobs: Blobs,
        dialler: Dialler,
        read_settings: Callable[[], Settings],
        wake: Callable[[], None],
    ) -> None:
        """`read_settings` reads the settings file anew; raises SettingsError where it cannot be used."""
        self.done: queue.SimpleQueue[JobDone] = queue.SimpleQueue()
        self._wake = wake
        self._pace = Pace()
        by_address = FairQueue[PasswordJob](lambda job: job.ask.address, serial=False)
        by_digest = FairQueue[FileJob](lambda job: job.digest, serial=True)
        by_user = FairQueue[ReadThumbnail](lambda job: str(job.account), serial=True)
        in_order = FairQueue[ReadSettings](lambda _: "", serial=True)
        self._hasher = hasher = Hasher(settings.hashing)
        self._dialler = dialler
        self._read_settings = read_settings
        self._passwords = Pool("hash", settings.hashing.workers, by_address, hasher.run, self.tell)
        self._files = Pool("file", settings.files.workers, by_digest, blobs.run, self.tell, self._pace)
        self._thumbnails = Pool("thumbnail", THUMBNAIL_THREADS, by_user, blobs.run, self.tell)
        # Apart, since each may wait for the other side: two realms that introduce themselves to each other prove it
        # meanwhile, and peers that do not answer must not hold up those whom somebody wants to add.
        by_door = FairQueue[DialJob](_door_of, serial=True)
        by_peer = FairQueue[DialJob](_door_of, serial=True)
        by_asker = FairQueue[ProveIntroduction](lambda job: job.ask.address, serial=True)
        self._adding = Pool("add", DIAL_THREADS, by_door, dialler.run, self.tell)
        self._recalling = Pool("recall", DIAL_THREADS, by_peer, dialler.run, self.tell)
        self._proving = Pool("prove", DIAL_THREADS, by_asker, dialler.run, self.tell)
        self._settings = Pool("settings", 1, in_order, self._read, self.tell)
        self._all = (
            self._settings,
            self._passwords,
            self._files,
            self._thumbnails,
            self._adding,
            self._recalling,
            self._proving,
        )

    def submit(self, job: Job) -> None:
        """Have the job done; its result comes through `done`."""
        match job:
            case HashPassword() | CheckPassword():
                self._passwords.submit(job)
            case ReadThumbnail():
                self._thumbnails.submit(job)
            case ReadCard(ask=None):
                self._recalling.submit(job)
            case ReadCard() | Introduce():
                self._adding.submit(job)
            case ProveIntroduction():
                self._proving.submit(job)
            case ReadSettings():
                self._settings.submit(job)
            case CountUp():
                raise AssertionError("the loop counts for itself")
            case _:
                self._files.submit(job)

    def adopt(self, settings: Settings) -> None:
        """Go by other settings from now on; how many threads there are stays."""
        self._hasher.adopt(settings.hashing)
        self._dialler.allow(settings.peers.networks)

    def seen(self) -> list[PoolSeen]:
        """The jobs of every pool."""
        return [pool.seen() for pool in self._all]

    def chat(self) -> None:
        """Something is pushed to somebody: files give way for a while."""
        self._pace.chat()

    def end(self) -> None:
        """Begin no more jobs: what still waits is dropped. Does not wait."""
        for pool in self._all:
            pool.end()

    def stop(self) -> None:
        """`end`, and wait for the jobs at work."""
        self.end()
        for pool in self._all:
            pool.stop()

    def _read(self, _job: ReadSettings) -> SettingsRead | SettingsBad:
        try:
            return SettingsRead(self._read_settings())
        except SettingsError as error:
            return SettingsBad(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on and the operator is told
            log.error("settings job failed", at=trace(error))
            return SettingsBad(f"the settings file could not be read here ({type(error).__name__})")

    def tell(self, done: JobDone) -> None:
        """A job is done, here or elsewhere."""
        self.done.put(done)
        self._wake()


def _door_of(job: DialJob) -> str:
    """One at a time for each front door: others do not wait for one that is slow."""
    return f"{job.host} {job.port}"
