"""File jobs on a disk that is a dictionary: what `broker.blobs` does, without files."""

import hashlib

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

PICTURE = b"\x89PNG"
"""What begins so is a picture, and its own thumbnail."""


class BlobsInMemory:
    """`full` makes every write fail, as a full disk does."""

    def __init__(self) -> None:
        self.uploads: dict[str, bytes] = {}
        self.blobs: dict[bytes, bytes] = {}
        self.full = False
        self.broken: bytes | None = None
        """The digest of what cannot be read for now."""

    def run(self, job: FileJob) -> FileResult:
        match job:
            case OpenUpload():
                return Held(len(self.uploads.setdefault(job.upload, b"")))
            case WriteChunk():
                return self._write(job)
            case FinishUpload():
                return self._finish(job)
            case DiscardUpload(upload):
                self.uploads.pop(upload, None)
            case RemoveBlob(digest):
                self.blobs.pop(digest, None)
            case ReadBlob() | ReadThumbnail() | ReadOwn():
                return self._read(job)
        return Gone()

    def _write(self, job: WriteChunk) -> FileResult:
        held = self.uploads.get(job.upload)
        if held is None or len(held) != job.offset:
            return Trouble(Problem.MISPLACED, len(held or b""))
        if self.full:
            return Trouble(Problem.DISK_FULL, len(held))
        self.uploads[job.upload] = held + job.ask.data
        return Held(len(held) + len(job.ask.data))

    def _finish(self, job: FinishUpload) -> FileResult:
        held = self.uploads.get(job.upload)
        if held is None:
            return Trouble(Problem.MISSING)
        if hashlib.sha256(held).digest() != job.digest:
            return Trouble(Problem.WRONG_DIGEST, len(held))
        self.blobs[job.digest] = held
        return Finished("image/png" if held.startswith(PICTURE) else "text/plain")

    def _read(self, job: ReadBlob | ReadThumbnail | ReadOwn) -> FileResult:
        if job.digest == self.broken:
            return Trouble(Problem.BROKEN)
        held = self.blobs.get(job.digest)
        if held is None or (isinstance(job, ReadThumbnail) and not held.startswith(PICTURE)):
            return Trouble(Problem.MISSING)
        part = held[job.offset : job.offset + job.size]
        return Thumbnail(part, len(held)) if isinstance(job, ReadThumbnail) else part
