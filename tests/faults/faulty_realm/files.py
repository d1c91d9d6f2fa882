"""The same for files and folders that the realm reads and writes itself: the calls of `os` that it uses for them."""

import os
import threading
import time
from pathlib import Path
from typing import Any

from tests.faults.faulty_realm.orders import Fault, Orders, error_of

_OURS = ((), ("blobs",), ("uploads",))
"""The folder itself, and all below these."""


class Calls:
    """Stands in for `os.open`, `os.pwrite` and `os.fsync`, of users' files and of the folders that hold them."""

    def __init__(self, orders: Orders, data: Path) -> None:
        self._orders = orders
        self._data = data.resolve()
        self._open, self._pwrite, self._fsync = os.open, os.pwrite, os.fsync
        self._looking = threading.Lock()

    def install(self) -> None:
        """From now on."""
        os.open, os.pwrite, os.fsync = self._opened, self._written, self._flushed  # type: ignore[assignment]

    def _opened(self, path: Any, flags: int, mode: int = 0o777, **others: Any) -> int:
        made = flags & os.O_CREAT
        if made and self._is_ours(Path(path).absolute()):
            self._orders.raise_fault("open", "files")
        descriptor = self._open(path, flags, mode, **others)
        if made and self._is_ours(Path(path).absolute()) and not os.fstat(descriptor).st_size:
            self._orders.tell("made", os.fstat(descriptor).st_ino)
        return descriptor

    def _written(self, descriptor: int, data: Any, offset: int) -> int:
        if self._is_log(_path(descriptor)):
            self._orders.tell("write", str(_path(descriptor)), offset, bytes(data))
        if not self._is_ours(_path(descriptor)):
            return self._pwrite(descriptor, data, offset)
        fault: Fault | None = self._orders.raise_fault("write", "files")
        if fault is None:
            return self._pwrite(descriptor, data, offset)
        if len(data) < 2:
            raise error_of(fault)
        return self._pwrite(descriptor, data[: len(data) // 2], offset)

    def _flushed(self, descriptor: int) -> None:
        path = _path(descriptor)
        if self._is_log(path):
            self._flush_log(descriptor, path)
            return
        if not self._is_ours(path):
            self._fsync(descriptor)
            return
        found = os.fstat(descriptor)
        try:
            self._orders.raise_fault("sync", "files")
            names = self._names(path) if path.is_dir() else None  # as they were before it
            self._fsync(descriptor)
        except OSError:
            self._orders.tell("file lost", found.st_ino)
            raise
        if names is None:
            self._orders.tell("file flushed", found.st_ino, found.st_size)
        else:
            self._orders.tell("folder flushed", str(path), *names)

    def _names(self, folder: Path) -> tuple[int, list[str]]:
        """What is in it, and when: of two threads that flush it, the one that looked first may end last."""
        with self._looking:
            return time.monotonic_ns(), sorted(os.listdir(folder))  # noqa: PTH208

    def _flush_log(self, descriptor: int, path: Path) -> None:
        try:
            self._orders.raise_fault("sync", "wal")
            self._fsync(descriptor)
        except OSError:
            self._orders.tell("lost", str(path))
            raise
        self._orders.tell("flushed", str(path))

    def _is_log(self, path: Path) -> bool:
        """Whether it is SQLite's, which the realm writes itself as it starts."""
        return path.parent == self._data and path.name.endswith("-wal")

    def _is_ours(self, path: Path) -> bool:
        return path.is_relative_to(self._data) and path.relative_to(self._data).parts[:1] in _OURS


def _path(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()
