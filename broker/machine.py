"""What the system knows of a process and of a folder's disk; None where it does not say, as without /proc."""

import os
import shutil
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_ESTABLISHED: Final = "01"


class Disk(NamedTuple):
    """Bytes."""

    database: int
    """Of the database, with its log."""
    free: int
    """Of the file system, for this user."""
    size: int


def disk_of(folder: Path) -> Disk | None:
    """What a realm's database takes, and what its disk has."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    database = 0
    for name in ("realm.db", "realm.db-wal"):
        with suppress(OSError):
            database += (folder / name).stat().st_size
    return Disk(database, usage.free, usage.total)


def memory_of(pid: int) -> int | None:
    """Bytes of a process that are in memory."""
    try:
        pages = (_PROC / str(pid) / "statm").read_text().split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def connections_of(pid: int, ports: Iterable[int]) -> dict[int, int] | None:
    """How many connections each of the ports has, as the process sees its network."""
    found: Counter[int] = Counter()
    try:
        for name in ("tcp", "tcp6"):
            with suppress(FileNotFoundError), (_PROC / str(pid) / "net" / name).open() as lines:
                next(lines)
                for line in lines:
                    fields = line.split(maxsplit=4)
                    if fields[3] == _ESTABLISHED:
                        found[int(fields[1].rpartition(":")[2], 16)] += 1
    except OSError:
        return None
    return {port: found[port] for port in ports} if _PROC.is_dir() else None
