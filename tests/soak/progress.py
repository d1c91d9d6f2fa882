"""How far a run of many histories has come, kept in a file: it may be stopped, and gone on with another day.

As long as nothing has changed of what decides in a history, and of what plays it: else it begins anew.
"""

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from tests.simulation.runner import Ran

_ROOT: Final = Path(__file__).parent.parent.parent
_PLAYED: Final = (
    "realm/**/*.py",
    "realm/store/**/*.sql",
    "schemas/**/*.py",
    "client/*.py",
    "broker/blobs.py",
    "broker/jobs.py",
    "tests/simulation/**/*.py",
    "tests/rules/*kit.py",
    "tests/rules/blobs_in_memory.py",
)


class _Kept(msgspec.Struct):
    """What the file has."""

    sources: str
    first: int
    runs: int
    seconds: float
    histories: int
    counts: dict[str, int]
    failed: dict[int, str]
    cpu_seconds: float


@dataclass
class Progress:
    """Of the histories from a seed on."""

    first: int
    path: Path | None = None
    """Where it is kept; None: nowhere."""
    runs: int = 1
    """This one, and those before."""
    before: float = 0.0
    """Seconds that those before took."""
    began: float = field(default_factory=time.monotonic)
    ran: Ran = field(default_factory=Ran)
    sources: str = field(default_factory=lambda: sources())

    def __post_init__(self) -> None:
        """Go on where the file says, if it is of the same.

        Raises msgspec.DecodeError where it is something else, AssertionError where it is of another seed.
        """
        if self.path is None or not self.path.exists():
            return
        kept = msgspec.json.decode(self.path.read_bytes(), type=_Kept)
        assert kept.first == self.first, f"{self.path} is of another --seed: say that, or name another file"
        if kept.sources == self.sources:
            self.runs += kept.runs
            self.before = kept.seconds
            self.ran = Ran(kept.histories, Counter(kept.counts), kept.failed, kept.cpu_seconds)

    def add(self, ran: Ran) -> None:
        """So many more are done. Raises AssertionError where what plays them is not what it was."""
        assert sources() == self.sources, "what plays the histories has changed meanwhile: play them from a clone"
        self.ran.add(ran)
        if self.path is not None:
            done = self.ran
            counts = {str(what): count for what, count in done.counts.items()}
            seconds = self.before + time.monotonic() - self.began
            kept = _Kept(
                self.sources, self.first, self.runs, seconds, done.histories, counts, done.failed, done.cpu_seconds
            )
            written = self.path.with_name(f"{self.path.name}.new")
            written.write_bytes(msgspec.json.encode(kept))
            written.replace(self.path)


def sources() -> str:
    """Changes with all that decides and plays."""
    read = hashlib.sha256()
    for path in sorted(path for pattern in _PLAYED for path in _ROOT.glob(pattern)):
        if path.name.startswith("test_"):
            continue
        read.update(f"{path.relative_to(_ROOT)} ".encode() + hashlib.sha256(path.read_bytes()).digest())
    return read.hexdigest()
