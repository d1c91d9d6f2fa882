"""Makes a backup of a realm's folder, whether the realm runs or not.

The database is copied as it is at one moment; then the blobs that it names. One that is gone by then was removed by
the realm meanwhile (nobody has sent it, or it was erased): another moment is taken, and what it names more is copied.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import msgspec

from realm.keeping import archive, reading
from realm.keeping.archive import KeepingError, Manifest, Member, Writer, written_to
from realm.keeping.part import part_of
from realm.keeping.reading import Tell, tell_nobody
from realm.store.copying import Held, copy_database
from realm.store.database import FILE as DATABASE
from realm.store.looking import TOLD, Looking

MOMENTS: Final = 5
"""So many moments are taken before it is given up that files go faster than they are copied."""
_GIVEN_UP: Final = "files are removed from the realm faster than they can be copied: say this again in a while"


class Made(NamedTuple):
    """What a backup has become."""

    manifest: Manifest
    size: int
    """Bytes of the file."""
    complaints: list[str]
    """What is wrong with what it holds; empty but where that was allowed."""


def back_up(
    folder: Path, target: Path, now: int, *, overwrite: bool = False, damaged: bool = False, tell: Tell = tell_nobody
) -> Made:
    """Write a backup of `folder` to the file `target` (0600), and read it back; it is there whole or not at all.

    `now` is in ms. A file that is there already is replaced with `overwrite` alone. A realm in which something is
    damaged is backed up with `damaged` alone. Raises KeepingError and StoreError with what to do.
    """
    _check_target(target, overwrite=overwrite)
    with closing(Looking(folder)) as looking, written_to(target.parent), part_of(target, "backup") as (part, file):
        _check_target(target, overwrite=overwrite)  # it may have come meanwhile
        looking.realm()
        _check_room(looking, folder, target.parent)
        with _scratch(part) as scratch:
            wrong = _Making(looking, folder, scratch, file, tell, now).make()
        _refuse(wrong, damaged=damaged)
        file.seek(0)
        with _scratch(part) as scratch, reading.unpacked(file, scratch, tell, with_blobs=False) as found:
            wrong += [one for one in reading.complaints(scratch, found, tell) if one not in wrong]
        _refuse(wrong, damaged=damaged)
        os.fsync(file.fileno())
        size = os.fstat(file.fileno()).st_size
        part.rename(target)
        sync(target.parent)
        return Made(found.manifest, size, wrong)


class _Making:
    """A backup that is being written."""

    def __init__(self, looking: Looking, folder: Path, scratch: Path, file: BinaryIO, tell: Tell, now: int) -> None:
        self._looking = looking
        self._folder = folder
        self._scratch = scratch
        self._file = file
        self._now = now
        self._writer = Writer(file, now // 1_000)
        self._tell = tell
        self._held = Held()
        self._blobs = self._blob_bytes = 0

    def make(self) -> list[str]:
        """Write all of it; what is wrong with it is a sentence each."""
        try:
            wrong = self._moments()
            with closing(Looking(self._scratch)) as moment:
                (realm, epoch), version = moment.realm(), moment.version
            members = dict(self._small_members())
            members[DATABASE] = self._add(DATABASE, self._scratch / DATABASE)
            told = {"realm": realm, "schema": version, "epoch": epoch, "made_at": self._now, "members": members}
            manifest = {"format": archive.FORMAT, **told, "blobs": self._blobs, "blob_bytes": self._blob_bytes}
            text = self._scratch / archive.MANIFEST
            text.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
            self._add(archive.MANIFEST, text)
            self._writer.end()
            return wrong
        finally:
            self._held.close()

    def _moments(self) -> list[str]:
        """Copy the database, and the blobs that it names, until it names none that is not there."""
        for _ in range(MOMENTS):
            copy_database(self._looking, self._scratch, lambda done, of: self._tell("copying the database", done, of))
            with closing(Looking(self._scratch)) as moment:
                lost, gone = self._copy_blobs(moment)
            if not gone:
                return lost
        raise KeepingError(_GIVEN_UP)

    def _copy_blobs(self, moment: Looking) -> tuple[list[str], bool]:
        """What is lost or damaged, a sentence each, and whether anything was removed since that moment."""
        lost, more, gone, of = list[str](), 0, False, moment.blob_bytes()
        for blob in moment.blobs():
            if blob.digest in self._held:
                continue
            if self._copy_blob(blob.digest, blob.size):
                self._tell("copying files", self._blob_bytes, of)
            elif not self._looking.is_blob(blob.digest):
                gone = True
            elif len(lost) < TOLD:
                lost.append(f"the bytes of a file are missing: {archive.blob_name(blob.digest)}")
            else:
                more += 1
        return [*lost, *[f"the bytes of {more:,} more are missing"] * bool(more)], gone

    def _copy_blob(self, digest: bytes, size: int) -> bool:
        """Whether it was there, and what it must be."""
        name, place = archive.blob_name(digest), self._writer.place()
        try:
            with _Source(self._folder / name) as source:
                whole = self._writer.add(name, size, source) == digest
        except (FileNotFoundError, EOFError):
            whole = False
        if not whole:
            self._writer.take_back(place)
            return False
        self._held.add(digest)
        self._blobs, self._blob_bytes = self._blobs + 1, self._blob_bytes + size
        return True

    def _small_members(self) -> Iterator[tuple[str, Member]]:
        yield archive.KEY, self._add(archive.KEY, self._folder / archive.KEY)
        for path in sorted(self._folder.glob("*.toml")):
            if archive.is_settings(path.name) and path.is_file():
                yield path.name, self._add(path.name, path)

    def _add(self, name: str, path: Path) -> Member:
        try:
            with _Source(path) as source:
                size = source.size
                return Member(size, self._writer.add(name, size, source).hex())
        except FileNotFoundError:
            raise KeepingError(f"{path} is missing: put it back first, `python -m realm doctor` says how") from None
        except EOFError:
            raise KeepingError(f"{path} was changed while it was copied: say this again") from None


class _Source:
    """A file of the realm's, in a `with`. What fails is said to be its fault, and not that of what is written.

    Raises FileNotFoundError where there is none, and KeepingError where it cannot be read otherwise.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("rb", buffering=0)
        except FileNotFoundError:
            raise
        except OSError as error:
            why = f"{path} cannot be read ({error.strerror}): say this as the user who runs the realm"
            raise KeepingError(why) from error

    def __enter__(self) -> "_Source":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def read(self, most: int) -> bytes:
        try:
            return self._file.read(most)
        except OSError as error:
            raise KeepingError(f"{self._path} cannot be read ({error.strerror}): see whether its disk fails") from error


def _check_target(target: Path, *, overwrite: bool) -> None:
    if target.is_dir():
        raise KeepingError(f"{target} is a folder: say a file, which need not be there yet")
    if target.exists() and not target.is_file():
        raise KeepingError(f"{target} is no plain file: say another")
    if target.exists() and not overwrite:
        raise KeepingError(f"{target} is there already: say another file, or --overwrite to replace it")


@contextmanager
def _scratch(part: Path) -> Iterator[Path]:
    """An empty folder (0700) beside it, gone afterwards; one that was left of a backup that was killed is emptied."""
    path = part.with_name(f"{part.name}.d")
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _check_room(looking: Looking, folder: Path, place: Path) -> None:
    """Raise KeepingError where the disk has no room for it: two of the database, while it is read back."""
    wal = folder / f"{DATABASE}-wal"
    database = looking.path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
    needed, free = looking.blob_bytes() + 2 * database, shutil.disk_usage(place).free
    if free < needed:
        raise KeepingError(
            f"the disk that {place} is on has {free >> 20:,} MiB free, and a backup takes {needed >> 20:,} MiB while "
            "it is made: make room there, or choose another place"
        )


def _refuse(wrong: list[str], *, damaged: bool) -> None:
    if wrong and not damaged:
        listed = "".join(f"\n  {line}" for line in wrong)
        raise KeepingError(
            f"something in this realm is damaged, so there is no backup:{listed}\n"
            "`python -m realm doctor` says what to do; --damaged backs up what is there"
        )


def sync(folder: Path) -> None:
    """Have the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
