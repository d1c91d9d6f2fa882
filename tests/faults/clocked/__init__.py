"""A realm whose clock somebody sets: its own process, which the test tells how far the time of day is off.

Only the time of day: what is monotonic stays so, as where an operator or a time server sets a clock.
"""

import mmap
import struct
from pathlib import Path
from typing import Final

from tests.realm_process import RealmProcess

OFFSET: Final = struct.Struct("<q")
"""ms, in a file that both processes map."""


class ClockedRealm(RealmProcess):
    """Set its clock before it starts, while it runs, or while it does not."""

    def __init__(self, folder: Path, name: str, config: str, *options: str) -> None:
        super().__init__(folder, name, config, *options)
        self._path = folder / f"{name}.clock"
        self._path.write_bytes(OFFSET.pack(0))
        self.program = (__name__, str(self._path))

    def set_clock(self, off: int) -> None:
        """Let it be so many ms after the true time; before it, if negative. At once."""
        with self._path.open("r+b") as file, mmap.mmap(file.fileno(), OFFSET.size) as told:
            OFFSET.pack_into(told, 0, off)
