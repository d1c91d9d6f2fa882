"""A disk that has no more room when a test says so, and is read-only when it says so: one of memory's, mounted."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOM: Final = 1 << 30
"""Bytes of it: as much as `doctor` wants to see. They are not taken before they are written."""
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
NEEDS: Final = "this mounts a small disk, for which it must be root, and may mount (CAP_SYS_ADMIN)"
TRIES: Final = 100


class CannotMountError(Exception):
    """The system does not let this user do so; the message says what it needs."""


class SmallDisk:
    """See the module. It is at `place` as long as `mounted` lasts."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._size = ROOM

    @property
    def free(self) -> int:
        """Bytes that can be written yet."""
        found = os.statvfs(self.place)
        return found.f_bavail * found.f_frsize

    def fill(self, spare: int = 0) -> None:
        """Leave room for so many bytes, in whole pages. Somebody may be writing meanwhile."""
        for _ in range(TRIES):
            size = self._size - self.free + spare
            if not self._remount(f"size={size}"):  # else more was written since than there would be room for
                self._size = size
                return
        raise AssertionError(f"{self.place} is written to faster than it can be filled")

    def give(self, more: int) -> None:
        """Let so many more bytes be written."""
        self._size += more
        assert not (error := self._remount(f"size={self._size}")), error

    def make_room(self) -> None:
        """All of it again."""
        self._size = ROOM
        assert not (error := self._remount(f"size={ROOM}")), error

    def read_only(self) -> None:
        """Nothing can be written. Nobody may have a file on it open for writing."""
        assert not (error := self._remount(f"size={self._size},ro")), error

    def writable(self) -> None:
        """Things can be written again."""
        assert not (error := self._remount(f"size={self._size},rw")), error

    def _remount(self, options: str) -> str:
        return _mount("-o", f"remount,{options}", self.place)


@contextmanager
def mounted(place: Path) -> Iterator[SmallDisk]:
    """A new one, for its owner alone, at a new folder. Raises CannotMountError."""
    place.mkdir()
    if error := _mount("-t", "tmpfs", "-o", f"size={ROOM},mode=0700", "tmpfs", place):
        raise CannotMountError(f"{NEEDS}: {error}")
    try:
        yield SmallDisk(place)
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def _mount(*words: str | Path) -> str:
    """Why it did not work; nothing where it did."""
    done = subprocess.run(["mount", *words], capture_output=True, check=False)
    return done.stderr.decode().strip() or f"mount ended with {done.returncode}" if done.returncode else ""
