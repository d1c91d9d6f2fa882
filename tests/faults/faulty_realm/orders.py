"""What is to fail, as it is said from outside while the realm runs, and what was done, as it is told there."""

import errno
import json
import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgpack

ORDERS: Final = "orders"
JOURNAL: Final = "journal"
HANGING: Final = "hanging"
"""A file that is there once a call hangs."""
_ROOM: Final = 4_096
"""Bytes that the orders have, so that they are always read and written as one."""
EVER: Final = -1
HANG: Final = "hang"
"""In the place of an error: the call does not return, until the process is killed."""


class Fault(NamedTuple):
    """Calls that fail: of those that fit, after `skip` that do not, so many `times`."""

    op: str
    """`write`, `sync`, `truncate`, `shm`, `open`."""
    on: str = "wal"
    """`wal`, `db`, `files` (of users: their bytes, and folders), or `all`."""
    code: str = "EIO"
    skip: int = 0
    times: int = EVER
    part: bool = False
    """Whether half of a write is done before it fails."""


def give(folder: Path, *faults: Fault, number: int) -> None:
    """Have these calls fail from now on, and no others; `number` grows with each giving."""
    body = json.dumps([number, *faults]).encode().ljust(_ROOM)
    assert len(body) == _ROOM
    descriptor = os.open(folder / ORDERS, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.pwrite(descriptor, body, 0)
    finally:
        os.close(descriptor)


class Orders:
    """The realm's side of it. For any thread."""

    def __init__(self, folder: Path) -> None:
        self._orders = os.open(folder / ORDERS, os.O_RDONLY | os.O_CREAT, 0o600)
        self._journal = os.open(folder / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._pread, self._write = os.pread, os.write
        self._hanging = folder / HANGING
        self._lock = threading.Lock()
        self._read = b""
        self._faults: list[Fault] = []
        self._met: list[int] = []

    def tell(self, *what: Any) -> None:
        """Add a line to the journal. It outlives the process from here on."""
        body: bytes = msgpack.packb(what)
        written = self._write(self._journal, body)
        assert written == len(body), "the disk of the test itself is full"

    def fault(self, op: str, on: str) -> Fault | None:
        """What this call is to fail with, if it is."""
        with self._lock:
            self._look()
            for at, fault in enumerate(self._faults):
                if fault.op == op and fault.on in (on, "all"):
                    self._met[at] += 1
                    after = self._met[at] - fault.skip
                    if after > 0 and (fault.times == EVER or after <= fault.times):
                        self.tell("fault", op, on, fault.code)
                        if fault.code == HANG:
                            self._hang()
                        return fault
        return None

    def raise_fault(self, op: str, on: str) -> Fault | None:
        """Raise OSError where this call is to fail as a whole; return the fault where half of it is done."""
        fault = self.fault(op, on)
        if fault is not None and not fault.part:
            raise error_of(fault)
        return fault

    def _hang(self) -> None:
        self._hanging.touch()
        while True:
            signal.pause()

    def _look(self) -> None:
        read = self._pread(self._orders, _ROOM, 0)
        if read != self._read:
            self._read = read
            told: Sequence[Any] = json.loads(read)
            self._faults = [Fault(*one) for one in told[1:]]
            self._met = [0] * len(self._faults)


def error_of(fault: Fault) -> OSError:
    """The same as the system would say it."""
    code: int = getattr(errno, fault.code)
    return OSError(code, os.strerror(code))
