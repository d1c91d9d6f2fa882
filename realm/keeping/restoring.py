"""Makes a realm's folder of a backup: complete and checked beside the place where it is to be, then there at once."""

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from realm.keeping import reading
from realm.keeping.archive import Manifest
from realm.keeping.reading import Tell, tell_nobody
from realm.keeping.whole import KeepingError, written_to
from realm.store.copying import renew
from realm.store.folder import blob_name, sync
from realm.store.looking import Looking

_TAKEN: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})


class PutBack(NamedTuple):
    """What was put back."""

    manifest: Manifest
    complaints: list[str]
    """What is wrong with it; empty but where that was allowed."""


def put_back(
    source: Path,
    target: Path,
    draw_epoch: Callable[[], int],
    *,
    check: Callable[[Path], object] = lambda _: None,
    damaged: bool = False,
    tell: Tell = tell_nobody,
) -> PutBack:
    """Make the folder `target` (0700), which is not there or empty, of the backup `source`: whole or not at all.

    It gets an epoch that it did not have, so that clients fetch anew; uploads that were under way are dropped. `check`
    may look at the folder before it is in its place, and raise. A backup in which something is damaged is put back with
    `damaged` alone. Raises KeepingError and StoreError with what to do.
    """
    _check_target(target)
    try:
        file = os.fdopen(os.open(source, os.O_RDONLY | os.O_NONBLOCK), "rb")  # it may be a pipe
    except OSError as error:
        raise KeepingError(f"the backup {source} cannot be read ({error.strerror}): say another") from error
    with file, written_to(target.parent):
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise KeepingError(f"the backup {source} is no plain file: say another")
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_room(os.fstat(file.fileno()).st_size, target.parent)
        with _staging(target) as staging:
            with reading.unpacked(file, staging, tell, with_blobs=True) as found:
                wrong = reading.complaints(staging, found, tell)
                if wrong and not damaged:
                    raise KeepingError(_damaged(source, wrong))
                _drop_unnamed(staging, found)
            check(staging)
            renew(staging, draw_epoch)
            for folder in (*staging.glob("blobs/*"), staging / "blobs", staging):
                if folder.is_dir():
                    sync(folder)
            _rename(staging, target)
        sync(target.parent)
        return PutBack(found.manifest, wrong)


def _check_target(target: Path) -> None:
    try:
        if target.is_symlink() or (target.exists() and not target.is_dir()):
            raise KeepingError(f"{target} is no folder: say another --data")
        if target.exists() and next(target.iterdir(), None) is not None:
            raise KeepingError(
                f"the folder {target} is not empty: say another --data, or stop what runs there and move it away"
            )
    except OSError as error:
        raise KeepingError(f"the folder {target} cannot be used ({error.strerror}): say another --data") from error


def _check_room(needed: int, place: Path) -> None:
    free = shutil.disk_usage(place).free
    if free < needed:
        raise KeepingError(
            f"the disk that {place} is on has {free >> 20:,} MiB free, and the backup takes {needed >> 20:,} MiB: "
            "make room there, or say another --data"
        )


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """An empty folder (0700) beside the target, which only this process uses, and which is gone afterwards."""
    path = target.absolute().with_name(f".{target.absolute().name}.restore")
    path.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise KeepingError(f"another restore to {target} is under way: wait until it is done") from None
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise KeepingError(f"the folder {path} is another user's: remove it, or say another --data")
        try:
            _empty(path)  # one that was killed has left something
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    folder.chmod(0o700)
    for left in folder.iterdir():
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left)
        else:
            left.unlink()


def _drop_unnamed(staging: Path, found: reading.Unpacked) -> None:
    """Remove what the realm removed while the backup was made."""
    with closing(Looking(staging)) as looking:
        for digest in found.held.not_among(looking):
            (staging / blob_name(digest)).unlink(missing_ok=True)


def _rename(staging: Path, target: Path) -> None:
    try:
        staging.rename(target)
    except OSError as error:
        if error.errno in _TAKEN:
            raise KeepingError(f"something was put into {target} meanwhile: say another --data") from error
        if error.errno in (errno.EBUSY, errno.EXDEV):
            raise KeepingError(f"{target} is a disk of its own: say a folder on it as --data") from error
        raise


def _damaged(source: Path, wrong: list[str]) -> str:
    listed = "".join(f"\n  {line}" for line in wrong)
    return (
        f"something in the realm of {source} is damaged, and nothing was put back:{listed}\n"
        "choose another backup; --damaged puts back what is there"
    )
