"""A realm's files in a simulated world: the real `Blobs` on real files, of which a power cut takes the unflushed."""

import hashlib
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from broker.blobs import Blobs
from realm.jobs import FileJob, FileResult
from tests.simulation.network import Fault, World

JOB_MS = 40


class Platter:
    """What was flushed, over all lives of a realm: which names each folder has, and how long each file is."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names: dict[Path, set[str]] = {}
        self._lengths: dict[int, int] = {}

    def flush(self, path: Path) -> None:
        """Have a file's content, or a folder's names, on disk."""
        if path.is_dir():
            self._names[path] = {found.name for found in path.iterdir()}
        else:
            found = path.stat()
            self._lengths[found.st_ino] = found.st_size

    def power_cut(self, folders: list[Path]) -> None:
        """Lose what was not flushed, as a disk may: names are gone, files shorter. What is left is there to stay."""
        self._world.count(Fault.POWER_CUT)
        for folder in folders:
            for path in [path for path in folder.iterdir() if path.is_file()]:
                self._lose(path, known=path.name in self._names.get(folder, ()))
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
    """Flushes to a platter that forgets the rest in a power cut."""

    def __init__(self, folder: Path, platter: Platter) -> None:
        self._platter = platter
        super().__init__(folder)

    def _flush(self, path: Path) -> None:
        self._platter.flush(path)

    def power_cut(self) -> None:
        """See `Platter.power_cut`."""
        self._platter.power_cut([self._uploads, self._blobs, *filter(Path.is_dir, self._blobs.iterdir())])


class FilePool:
    """Does file jobs in virtual time: those of one digest one after the other."""

    def __init__(self, world: World, disk: Disk, done: Callable[[FileJob, FileResult], None]) -> None:
        self._world = world
        self._disk = disk
        self._done = done
        self._waiting: dict[bytes, deque[FileJob]] = {}

    def submit(self, job: FileJob) -> None:
        """Have it done."""
        jobs = self._waiting.setdefault(job.digest, deque())
        jobs.append(job)
        if len(jobs) == 1:
            self._later(job.digest)

    def end(self) -> None:
        """The process is killed: what waits is not done."""
        self._waiting.clear()

    def _later(self, digest: bytes) -> None:
        jobs = self._waiting[digest]
        self._world.later(self._world.dice.randint(1, JOB_MS), lambda: self._next(digest, jobs))

    def _next(self, digest: bytes, jobs: deque[FileJob]) -> None:
        if self._waiting.get(digest) is not jobs:  # the process that waited is no more
            return
        job = jobs[0]
        result = self._disk.run(job)
        jobs.popleft()
        if jobs:
            self._later(digest)
        else:
            del self._waiting[digest]
        self._done(job, result)


def what_is_wrong(folder: Path, digests: dict[bytes, int], uploads: set[str], removed: set[bytes]) -> str | None:
    """What a realm's folder has that it should not, or lacks, by its rows; None where it is as it should be."""
    found = {path.name: path for path in (folder / "blobs").glob("*/*")}
    for digest, size in digests.items():
        path = found.pop(digest.hex(), None)
        if path is None:
            return f"the blob {digest.hex()[:8]} is not on disk"
        content = path.read_bytes()
        if len(content) != size or hashlib.sha256(content).digest() != digest:
            return f"the blob {digest.hex()[:8]} is not what it was"
    if left := found.keys() - {digest.hex() for digest in removed}:
        return f"blobs that no row names: {sorted(left)}"
    if extra := {path.name for path in (folder / "uploads").iterdir()} - uploads:
        return f"uploads that no row names: {sorted(extra)}"
    return None
