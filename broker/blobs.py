"""Files on disk: what is being uploaded, and what is whole. Which of it belongs to whom is the core's to know.

Below the realm's folder, all on one file system: `uploads/<upload id>` has the bytes so far;
`blobs/<first 2 hex>/<hex SHA-256>` is a whole file, and never changes; the same + `.thumb` is its thumbnail, empty
where it is known to have none. A blob is seen only when it is flushed. No descriptor stays open between two jobs.
"""

import errno
import hashlib
import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog

from broker.media import HEAD, media_type
from broker.thumbnailer import Thumbnailer
from realm.incident import trace
from realm.jobs import (
    DiscardUpload,
    FileJob,
    FileResult,
    Finished,
    FinishUpload,
    Gone,
    Held,
    OpenUpload,
    Problem,
    ReadBlob,
    ReadOwn,
    ReadThumbnail,
    RemoveBlob,
    Thumbnail,
    Trouble,
    WriteChunk,
)
from realm.store.folder import FULL, THUMB, blob_name, sync
from realm.store.interface import StoreError

BLOCK: Final = 1 << 20
"""What is on disk is hashed in pieces of this size."""
BEHIND: Final = 8 << 20
"""So much is gathered before the system is told to write it: all at once, at the end, would hold up every commit.
What was gathered before that leaves memory: else an upload takes fresh pages for all its bytes, which a virtual
machine may have to ask its host for, at seven times the price, and puts out of memory what others read."""
PART: Final = ".part"
"""Behind the name of an upload that is about to take the place of a blob."""
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
log: Final = structlog.get_logger()


class Hashed:
    """What is held of an upload, and its hash."""

    def __init__(self) -> None:
        self.held = 0
        self.sha = hashlib.sha256()

    def add(self, data: bytes | memoryview) -> None:
        """There is more."""
        self.sha.update(data)
        self.held += len(data)


class Blobs:
    """Does file jobs, in any thread: those of one digest one after the other, and beside them one ReadThumbnail."""

    def __init__(self, folder: Path, thumbnailer: Thumbnailer | None = None) -> None:
        """Raises StoreError where the realm's folder cannot be used."""
        self._blobs = folder / "blobs"
        self._uploads = folder / "uploads"
        self._thumbnailer = thumbnailer or Thumbnailer()
        self._hashed: dict[str, Hashed] = {}
        """Of the uploads that were used since the start; gone with their bytes."""
        self._closed = False
        self._removing = threading.Lock()
        """Held while a thumbnail is put beside its blob, or both are removed."""
        try:
            for made in (self._blobs, self._uploads):
                made.mkdir(mode=0o700, exist_ok=True)
            self._flush(folder)
        except OSError as error:
            raise StoreError(f"no files can be kept in {folder} ({error.strerror}): choose another --data") from error

    def keep_only(self, uploads: Collection[str]) -> None:
        """Remove what is left of all other uploads: the realm was killed before it could say so.

        To be called before the first job. Raises StoreError where that fails.
        """
        try:
            for path in self._uploads.iterdir():
                if path.name not in uploads:
                    path.unlink()
        except OSError as error:
            raise StoreError(f"{self._uploads} cannot be tidied up ({error.strerror}): look at its rights") from error

    def run(self, job: FileJob) -> FileResult:
        """Do a job. Never raises: what goes wrong is a Trouble, and leaves an upload as it was."""
        try:
            return self._do(job)
        except OSError as error:
            if error.errno in FULL:
                return Trouble(Problem.DISK_FULL, self._held(job))
            return self._broken(job, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on and the caller is told
            return self._broken(job, error)

    def close(self) -> None:
        """End a thumbnail that is being made, and let none begin. Twice is harmless; jobs may be at work."""
        self._closed = True
        self._thumbnailer.stop()

    def _do(self, job: FileJob) -> FileResult:
        match job:
            case OpenUpload():
                with self._opened(job.upload, create=True) as (_, hashed):
                    return Held(hashed.held)
            case WriteChunk():
                return self._write(job)
            case FinishUpload():
                return self._finish(job)
            case ReadBlob() | ReadOwn():
                return self._read(job)
            case ReadThumbnail():
                return self._read_thumbnail(job)
            case DiscardUpload():
                (self._uploads / job.upload).unlink(missing_ok=True)
                self._hashed.pop(job.upload, None)
                return Gone()
            case RemoveBlob():
                return self._remove(job)

    def _held(self, job: FileJob) -> int:
        match job:
            case OpenUpload() | WriteChunk() | FinishUpload():
                hashed = self._hashed.get(job.upload)
                return hashed.held if hashed else 0
            case _:
                return 0

    def _broken(self, job: FileJob, error: Exception) -> Trouble:
        if self._closed:
            return Trouble(Problem.BROKEN, self._held(job))
        code = errno.errorcode.get(error.errno or 0) if isinstance(error, OSError) else None
        log.error("file job failed", job=type(job).__name__, errno=code, at=trace(error))
        return Trouble(Problem.BROKEN, self._held(job))

    @contextmanager
    def _opened(self, upload: str, *, create: bool = False) -> Iterator[tuple[int, Hashed]]:
        """An upload's file, and what it holds: hashed again where that is not known. Raises FileNotFoundError."""
        descriptor = os.open(self._uploads / upload, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
        try:
            hashed = self._hashed.get(upload)
            if hashed is None or hashed.held != os.fstat(descriptor).st_size:
                hashed = self._hashed[upload] = hash_again(descriptor)
            yield descriptor, hashed
        finally:
            os.close(descriptor)

    def _write(self, job: WriteChunk) -> Held | Trouble:
        try:
            with self._opened(job.upload) as (descriptor, hashed):
                if job.offset != hashed.held:
                    return Trouble(Problem.MISPLACED, hashed.held)
                append(descriptor, job.ask.data, job.offset)
                hashed.add(job.ask.data)
                return Held(hashed.held)
        except FileNotFoundError:
            return Trouble(Problem.MISPLACED)

    def _finish(self, job: FinishUpload) -> Finished | Trouble:
        try:
            with self._opened(job.upload) as (descriptor, hashed):
                if hashed.sha.digest() != job.digest:
                    return Trouble(Problem.WRONG_DIGEST, hashed.held)
                kind = media_type(os.pread(descriptor, HEAD, 0))
        except FileNotFoundError:
            return Trouble(Problem.MISSING)
        self._flush_upload(job.upload)
        blob = self._path(job.digest)
        blob.parent.mkdir(mode=0o700, exist_ok=True)
        self._put(self._uploads / job.upload, blob)
        self._flush(blob.parent)
        self._flush(self._blobs)
        return Finished(kind)

    def _put(self, upload: Path, blob: Path) -> None:
        """Give an upload its blob's name too. Where there is one, it may be damaged: this one is known to be well."""
        try:
            blob.hardlink_to(upload)
        except FileExistsError:
            part = upload.with_name(f"{upload.name}{PART}")
            part.unlink(missing_ok=True)
            part.hardlink_to(upload)
            part.replace(blob)
            part.unlink(missing_ok=True)  # it is there still where both were the same file already

    def _flush_upload(self, upload: str) -> None:
        """Raises OSError where that fails, and the upload begins anew."""
        path = self._uploads / upload
        try:
            self._flush(path)
        except OSError:
            # What is lost now, the next fsync would not tell: Linux takes the pages as written. And not emptied but
            # removed: the file may be a blob already, under its other name.
            self._hashed.pop(upload, None)
            path.unlink()
            raise

    def _read(self, job: ReadBlob | ReadOwn) -> bytes | Trouble:
        try:
            descriptor = os.open(self._path(job.digest), os.O_RDONLY)
        except FileNotFoundError:
            return Trouble(Problem.MISSING)
        try:
            return os.pread(descriptor, job.size, job.offset)
        finally:
            os.close(descriptor)

    def _read_thumbnail(self, job: ReadThumbnail) -> Thumbnail | Trouble:
        blob = self._path(job.digest)
        thumb = blob.with_name(blob.name + THUMB)
        try:
            if not thumb.exists() and not self._make_thumbnail(blob, thumb):
                return Trouble(Problem.MISSING)
            with thumb.open("rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                if not size:
                    return Trouble(Problem.MISSING)
                return Thumbnail(os.pread(file.fileno(), job.size, job.offset), size)
        except FileNotFoundError:
            return Trouble(Problem.MISSING)

    def _make_thumbnail(self, blob: Path, thumb: Path) -> bool:
        """Whether there is a thumbnail now, or an empty file in its place. The blob may be removed at any time."""
        with blob.open("rb", buffering=0) as file:
            if media_type(file.read(HEAD)) not in PICTURES:
                return False
        part = self._uploads / thumb.name
        try:
            if not self._thumbnailer.make(blob, part):
                os.truncate(part, 0)
            self._flush(part)
            with self._removing:
                if not blob.exists():
                    return False
                part.rename(thumb)
                return True
        finally:
            part.unlink(missing_ok=True)

    def _remove(self, job: RemoveBlob) -> Gone:
        blob = self._path(job.digest)
        with self._removing:
            blob.with_name(blob.name + THUMB).unlink(missing_ok=True)
            blob.unlink(missing_ok=True)
        if blob.parent.exists():
            self._flush(blob.parent)  # or a power cut would bring it back, when no row names it any more
        return Gone()

    def _path(self, digest: bytes) -> Path:
        return self._blobs.parent / blob_name(digest)

    def _flush(self, path: Path) -> None:
        """Have a file's content, or a folder's names, on disk. Nothing else of this class does so."""
        sync(path)


def hash_again(descriptor: int) -> Hashed:
    """What a file holds, read from its beginning."""
    hashed = Hashed()
    block = memoryview(bytearray(BLOCK))
    while read := os.preadv(descriptor, [block], hashed.held):
        hashed.add(block[:read])
    return hashed


def append(descriptor: int, data: bytes, end: int) -> None:
    """Write at the end of a file, all of it or nothing. Raises OSError where it is nothing."""
    rest, offset = memoryview(data), end
    try:
        while rest:
            written = os.pwrite(descriptor, rest, offset)
            rest, offset = rest[written:], offset + written
    except OSError:
        os.ftruncate(descriptor, end)
        raise
    begun, complete = end - end % BEHIND, offset - offset % BEHIND
    if complete > begun and hasattr(os, "posix_fadvise"):
        begun = max(0, begun - BEHIND)  # those before are on disk by now, and their pages serve for what comes
        os.posix_fadvise(
            descriptor, begun, complete - begun, os.POSIX_FADV_DONTNEED
        )  # begins to write; waits for nothing
