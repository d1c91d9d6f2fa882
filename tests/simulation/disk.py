"""A realm's files in a simulated world: the real `Blobs` on real files, of which a power cut takes the unflushed."""

import errno
import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from broker.blobs import Blobs
from broker.jobs import FairQueue
from realm.jobs import DiscardUpload, FileJob, FileResult, Gone, Held, OpenUpload, RemoveBlob, Trouble, WriteChunk
from tests.simulation.network import Fault, Seldom, World

JOB_MS = 40
SLOW_JOB_MS = 3_000
THREADS = 2
FULL_MS = 3_000
"""How long at most a disk stays full."""


class DiedError(BaseException):
    """The process ends in the middle of a file job. It is no Exception: a job catches those."""


class Platter:
    """What was flushed, over all lives of a realm: which names each folder has, and how long each file is."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names: dict[Path, set[str]] = {}
        self._lengths: dict[int, int] = {}
        self._removed: dict[Path, bytes] = {}
        """What was there, and was removed since its folder was flushed."""

    def flush(self, path: Path) -> None:
        """Have a file's content, or a folder's names, on disk."""
        if path.is_dir():
            self._names[path] = {found.name for found in path.iterdir()}
            self._removed = {gone: content for gone, content in self._removed.items() if gone.parent != path}
        else:
            found = path.stat()
            self._lengths[found.st_ino] = found.st_size

    def begin(self, path: Path) -> None:
        """A file is empty: what was flushed of another in its place says nothing of it."""
        self._lengths.pop(path.stat().st_ino, None)

    def remove(self, path: Path) -> None:
        """A file is about to be removed: a power cut may bring it back."""
        if path.exists() and path.name in self._names.get(path.parent, ()):
            self._removed[path] = path.read_bytes()

    def power_cut(self, folders: list[Path]) -> None:
        """Lose what was not flushed, as a disk may: names are gone or back, files shorter. What is left stays."""
        self._world.count(Fault.POWER_CUT)
        for folder in folders:
            for path in sorted(path for path in folder.iterdir() if path.is_file()):
                self._lose(path, known=path.name in self._names.get(folder, ()))
            for path in [path for path in self._removed if path.parent == folder and not path.exists()]:
                if self._world.dice.random() < 0.5:
                    path.write_bytes(self._removed[path])
                    self.flush(path)
            self.flush(folder)

    def _lose(self, path: Path, *, known: bool) -> None:
        if not known and self._world.dice.random() < 0.5:
            path.unlink()
            return
        found = path.stat()
        flushed = self._lengths.get(found.st_ino, 0)
        if found.st_size > flushed:
            os.truncate(path, self._world.dice.randint(flushed, found.st_size))
        self.flush(path)


class Disk(Blobs):
    """Flushes to a platter that forgets the rest in a power cut; is full at times; its process may die anywhere."""

    def __init__(self, world: World, folder: Path, platter: Platter) -> None:
        self._world = world
        self._platter = platter
        self._full_until = 0
        self._started = False
        super().__init__(folder)
        self._started = True

    def run(self, job: FileJob) -> FileResult:
        """Do a job. Raises DiedError."""
        if self._world.chance(0.003):
            self._full_until = self._world.now + self._world.dice.randint(1, FULL_MS)
        match job:
            case DiscardUpload(upload):
                self._platter.remove(self._uploads / upload)
            case RemoveBlob(digest):
                self._platter.remove(self._path(digest))
        result = super().run(job)
        match job, result:
            case OpenUpload(), Held(0):
                self._platter.begin(self._uploads / job.upload)
            case DiscardUpload(), Gone():
                self._world.count(Seldom.DISCARDED)
            case RemoveBlob(), Gone():
                self._world.count(Seldom.REMOVED)
        self._perhaps_die(0.002)
        return result

    def power_cut(self) -> None:
        """See `Platter.power_cut`."""
        self._platter.power_cut([self._uploads, self._blobs, *sorted(filter(Path.is_dir, self._blobs.iterdir()))])

    def _write(self, job: WriteChunk) -> Held | Trouble:
        self._perhaps_full()
        if self._world.chance(0.004):
            self._die_while_writing(self._uploads / job.upload, job.ask.data, job.offset)
        return super()._write(job)

    def _die_while_writing(self, path: Path, data: bytes, offset: int) -> None:
        if path.exists() and path.stat().st_size == offset:
            with path.open("ab") as file:
                file.write(data[: self._world.dice.randint(0, len(data))])
        raise DiedError

    def _flush(self, path: Path) -> None:
        self._perhaps_full()
        self._perhaps_die(0.02)
        self._platter.flush(path)
        self._perhaps_die(0.02)

    def _perhaps_full(self) -> None:
        if self._world.now < self._full_until:
            self._world.count(Fault.FULL_DISK)
            raise OSError(errno.ENOSPC, "the disk is full")

    def _perhaps_die(self, probability: float) -> None:
        if self._started and self._world.chance(probability):
            raise DiedError


class FilePool:
    """Does file jobs in virtual time, in the order of the real pool."""

    def __init__(
        self, world: World, disk: Disk, done: Callable[[FileJob, FileResult], None], died: Callable[[], None]
    ) -> None:
        self._world = world
        self._disk = disk
        self._done = done
        self._died = died
        self._queue = FairQueue[FileJob](lambda job: job.digest, serial=True)
        self._idle = THREADS
        self._killed = False

    def submit(self, job: FileJob) -> None:
        """Have it done."""
        self._queue.put(job)
        self._begin()

    def end(self) -> None:
        """The process is killed: what waits is not done."""
        self._killed = True

    def _begin(self) -> None:
        while self._idle and (job := self._queue.get()) is not None:
            self._idle -= 1
            lasts = SLOW_JOB_MS if self._world.chance(0.03) else JOB_MS
            self._world.later(self._world.dice.randint(1, lasts), partial(self._work, job))

    def _work(self, job: FileJob) -> None:
        if self._killed:
            return
        try:
            result = self._disk.run(job)
        except DiedError:
            self._died()
            return
        self._queue.ended(job)
        self._idle += 1
        self._begin()
        self._done(job, result)


def what_is_wrong(folder: Path, digests: dict[bytes, int]) -> str | None:
    """What a realm's folder has that it should not, or lacks, by its rows; None where it is as it should be."""
    found = {path.name: path for path in (folder / "blobs").glob("*/*")}
    for digest, size in digests.items():
        path = found.pop(digest.hex(), None)
        if path is None:
            return f"the blob {digest.hex()[:8]} is not on disk"
        content = path.read_bytes()
        if len(content) != size or hashlib.sha256(content).digest() != digest:
            return f"the blob {digest.hex()[:8]} is not what it was"
    if found:
        return f"blobs that no row names: {sorted(found)}"
    if extra := sorted(path.name for path in (folder / "uploads").iterdir()):
        return f"uploads that no row names: {extra}"
    return None
