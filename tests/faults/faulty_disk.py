"""A realm's disk in the hands of a test: it fails on demand, and in a power cut it loses what was not flushed.

What a disk has is reckoned from what the realm did to it (`tests.faults.faulty_realm`), by these rules, the hardest
that real ones keep to: what was written since the last flush is there or not, each sector by itself; what a flush that
failed should have flushed, no later flush brings back, unless it is written again.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgpack

from tests.faults.faulty_realm.orders import HANGING, JOURNAL, Fault, give
from tests.realm_process import FAST_HASHING, RealmProcess

SECTOR: Final = 512
"""What a disk writes whole or not at all."""
SHARES: Final = (0.0, 0.0, 0.3, 0.7, 1.0)
"""How much of what was not flushed is there all the same: often nothing."""
Change = tuple[int, bytes | None]
"""Bytes at an offset; without bytes, that the file ends there."""


@dataclass
class Image:
    """A file of SQLite's, as the disk has it, and what waits for a flush."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)
    there: bool = True
    new: bool = True
    """Whether SQLite flushes the folder too when it flushes this the first time."""

    def write(self, offset: int, data: bytes | None) -> None:
        """It is on the disk."""
        if data is None:
            del self.durable[offset:]
            return
        if len(self.durable) < offset:
            self.durable.extend(bytes(offset - len(self.durable)))
        self.durable[offset : offset + len(data)] = data

    def flush(self) -> None:
        """All that waits is on the disk."""
        for change in self.pending:
            self.write(*change)
        self.pending.clear()

    def lose(self, dice: random.Random) -> int:
        """Of what waits, the disk has a part or nothing, and nothing waits any more; how much was lost, in bytes."""
        share, lost = dice.choice(SHARES), 0
        for offset, data in self.pending:
            for start, piece in _pieces(offset, data):
                if dice.random() < share:
                    self.write(start, piece)
                else:
                    lost += len(piece or b"")
        self.pending.clear()
        return lost


def _pieces(offset: int, data: bytes | None) -> Iterator[Change]:
    """A write, sector by sector."""
    if data is None:
        yield offset, None
        return
    start = 0
    while start < len(data):
        end = start + SECTOR - (offset + start) % SECTOR
        yield offset + start, data[start:end]
        start = end


class Platter:
    """What the disk below a realm has, over all lives of that realm."""

    def __init__(self, data: Path, journal: Path, dice: random.Random) -> None:
        self._data, self._journal, self._dice = data.resolve(), journal, dice
        self._read = 0
        self._images: dict[str, Image] = {}
        self._lengths: dict[int, int] = {}
        self._doomed: dict[int, int] = {}
        self._names: defaultdict[str, tuple[int, list[str]]] = defaultdict(lambda: (0, []))
        """What is in each folder for good, and when the realm looked."""
        self.met: Counter[tuple[str, str, str]] = Counter()
        """Faults that the realm has met: what, on what, and the error."""
        self.flushes = self.lost = 0
        """Flushes that went well, and bytes that were lost."""

    def absorb(self) -> None:
        """Learn what the realm has done since."""
        with self._journal.open("rb") as journal:
            journal.seek(self._read)
            told = msgpack.Unpacker(journal, max_buffer_size=0)
            for line in told:
                self._learn(*line)
            self._read += told.tell()

    def power_cut(self) -> None:
        """Let the folder have what the disk has. The realm must have been killed."""
        self.absorb()
        for name, image in self._images.items():
            gone = not image.there and self._dice.random() < 0.5
            self.lost += image.lose(self._dice)
            if gone:
                Path(name).unlink(missing_ok=True)
            elif image.there or image.durable:
                Path(name).write_bytes(image.durable)
                image.there = True
        for path in self._data.glob("*-shm"):
            path.unlink()
        for folder in [*self._data.glob("blobs/*"), self._data / "uploads"]:
            self._cut_folder(folder)

    def _learn(self, what: str, *told: Any) -> None:
        match what, *told:
            case "open", path:
                image = self._images.setdefault(path, Image())
                if not image.there:  # a new one in the place of one that was removed
                    self._images[path] = Image()
            case "write", path, offset, data:
                self._images[path].pending.append((offset, data))
            case "truncate", path, size:
                self._images[path].pending.append((size, None))
            case "flushed", path:
                image = self._images[path]
                image.flush()
                self.flushes += 1
                if image.new and path.endswith(("-wal", "-journal")):
                    image.new = False
                    self._forget_removed()
            case "lost", path:
                self.lost += self._images[path].lose(self._dice)
            case "delete", path:
                self._images.setdefault(path, Image()).there = False
            case "fault", *fault:
                self.met[tuple(fault)] += 1
            case _:
                self._learn_of_files(what, *told)

    def _forget_removed(self) -> None:
        self._images = {path: image for path, image in self._images.items() if image.there}

    def _learn_of_files(self, what: str, *told: Any) -> None:
        match what, *told:
            case "made", inode:
                self._lengths.pop(inode, None)
                self._doomed.pop(inode, None)
            case "file flushed", inode, length:
                self._lengths[inode] = min(length, self._doomed.get(inode, length))
                self.flushes += 1
            case "file lost", inode:
                self._doomed[inode] = self._lengths.get(inode, 0)
            case "folder flushed", path, when, names:
                self._names[path] = max(self._names[path], (when, names))
                if path == str(self._data):
                    self._forget_removed()
            case _:
                raise AssertionError(f"the journal says {what}")

    def _cut_folder(self, folder: Path) -> None:
        """Names that were not flushed may be gone, and what was added to files."""
        _, flushed_names = self._names[str(folder)]
        for path in sorted(folder.glob("*")):
            if path.name not in flushed_names and self._dice.random() < 0.5:
                path.unlink()
                continue
            found = path.stat()
            flushed = self._lengths.get(found.st_ino, 0)
            if found.st_size > flushed:
                with path.open("r+b") as file:
                    file.truncate(self._dice.randint(flushed, found.st_size))


class FaultyRealm(RealmProcess):
    """A realm on such a disk."""

    def __init__(
        self, folder: Path, name: str = "kampus", config: str = FAST_HASHING, *options: str, dice: random.Random
    ) -> None:
        super().__init__(folder, name, config, *options)
        layer = folder / f"{name}-layer"
        layer.mkdir()
        self.program = ("tests.faults.faulty_realm", str(layer))
        self.platter = Platter(self.data, layer / JOURNAL, dice)
        self._layer = layer
        self._given = 0

    def fail(self, *faults: Fault) -> None:
        """From now on; without any, nothing fails any more."""
        self._given += 1
        (self._layer / HANGING).unlink(missing_ok=True)
        give(self._layer, *faults, number=self._given)

    @property
    def hangs(self) -> bool:
        """Whether it has met a fault that is one that does not return."""
        return (self._layer / HANGING).exists()

    def power_cut(self) -> None:
        """The process ends, wherever it is, and the disk has what was flushed."""
        self.kill()
        self.fail()
        self.platter.power_cut()

    def ended(self, timeout: float = 30) -> int:
        """The exit code of a realm that ends by itself."""
        assert self.process is not None
        code = self.process.wait(timeout)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code
