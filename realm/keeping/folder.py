"""Looks at a realm's folder: whose it is, who else may use it, how much room there is, and what time its disk says."""

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from realm.amounts import shown_size, shown_span
from realm.keeping.findings import Finding, ok, problem, warning
from realm.settings import Files
from realm.store.folder import KEY

LEAST_BYTES: Final = 256 << 20
"""With less room than this a realm soon cannot store what is said."""
LEAST_FILES: Final = 10_000
SKEW_MS: Final = 5_000
"""Clocks that differ by less are the same."""
FAR_MS: Final = 300_000
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_ALONE: Final = ("realm.db", "realm.db-wal", "realm.db-shm", "blobs", "uploads", "lock")
"""The key file is looked at by itself."""


def look_at_folder(folder: Path) -> list[Finding]:
    """Whether it, and what lies in it, belongs to one user, and is for that one alone."""
    found = folder.stat()
    if found.st_mode & _OTHERS:
        return [problem("folder", f"others may use the folder {folder}", f"say chmod 700 {folder}")]
    if not os.access(folder, os.W_OK | os.X_OK):
        advice = "say this as the realm's user, or see why that one may not write there (ls -l, mount)"
        return [problem("folder", f"nothing may be written to {folder} by this user", advice)]
    for path in (folder / name for name in (*_ALONE, KEY)):
        try:
            inside = path.stat()
        except FileNotFoundError:
            continue
        if inside.st_uid != found.st_uid:
            advice = f"say chown -R --reference={folder} {folder}"
            return [problem("folder", f"{path} belongs to another user than the folder it lies in", advice)]
        if inside.st_mode & _OTHERS and path.name.startswith("realm.db"):
            return [problem("folder", f"others can read {path}", f"say chmod 600 {path}")]
    return [ok("folder", f"{folder} is for its owner alone")]


def look_at_disk(folder: Path, rules: Files, held: int) -> list[Finding]:
    """Whether there is room for what is said, and for the files that users may bring; `held` is what they have."""
    disk = os.statvfs(folder)
    free, more = disk.f_bavail * disk.f_frsize, max(0, rules.realm_bytes - held)
    advice = "make room there, or move the realm to a larger disk"
    if free < LEAST_BYTES:
        return [problem("disk", f"only {shown_size(free)} are free on the disk of {folder}", advice)]
    if disk.f_files and disk.f_favail < LEAST_FILES:
        return [problem("disk", f"only {disk.f_favail:,} more files can be made on the disk of {folder}", advice)]
    if free < more:
        said = f"{shown_size(free)} are free, and users may bring {shown_size(more)} more"
        return [warning("disk", said, "make room, or set files.realm_bytes lower")]
    return [ok("disk", f"{shown_size(free)} are free, and users may bring {shown_size(more)} more")]


def look_at_clock(folder: Path, newest: int, now: int) -> list[Finding]:
    """Whether the clock (`now`) goes with what was stored last (`newest`), and with that of the disk; in ms."""
    found: list[Finding] = []
    ahead = newest - now
    if ahead > SKEW_MS:
        said = f"the clock of this machine is {shown_span(ahead)} behind what was stored last"
        advice = "it was set back, or was ahead then; set it right, and keep it so (chrony, systemd-timesyncd)"
        found.append((problem if ahead > FAR_MS else warning)("clock", said, advice))
    differs = _disk_differs(folder, now)
    if differs is not None and abs(differs) > SKEW_MS:
        said = f"the disk of {folder} tells a time that differs by {shown_span(abs(differs))}"
        found.append(warning("clock", said, "set the clocks of both machines right (chrony, systemd-timesyncd)"))
    return found or [ok("clock", "it goes with what was stored last, and with the disk")]


def _disk_differs(folder: Path, now: int) -> int | None:
    """By how much the time that the disk gives to a file differs, in ms; None where none can be made."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:  # on Linux one without a name: nothing can be left
            file.write(b"?")
            file.flush()
            return os.fstat(file.fileno()).st_mtime_ns // 1_000_000 - now
    except OSError:
        return None
