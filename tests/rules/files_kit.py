"""File jobs as a test says them: one upload and one file at a time."""

import hashlib
from typing import Protocol

from realm.jobs import (
    DiscardUpload,
    FileJob,
    FileResult,
    FinishUpload,
    OpenUpload,
    ReadBlob,
    ReadThumbnail,
    RemoveBlob,
    WriteChunk,
)
from realm.request import Request
from schemas.codec import Malformed
from schemas.errors import Code, Refusal
from tests.rules.kit import request

UPLOAD = "01J0000000000000000000000A"
BODY = Malformed(None, Refusal(Code.BAD_REQUEST))
"""Nobody reads what the caller said: the job has all of it but the bytes."""


class Disk(Protocol):
    def run(self, job: FileJob) -> FileResult: ...


def ask(data: bytes = b"", address: str = "127.0.0.1") -> Request:
    return request("key", BODY, address, data)


def sha(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


class Uploader:
    """Uploads `content` to a disk, under one id."""

    def __init__(self, disk: Disk, content: bytes, upload: str = UPLOAD) -> None:
        self.disk = disk
        self.content = content
        self.upload = upload
        self.digest = sha(content)

    def open(self) -> FileResult:
        return self.disk.run(OpenUpload(ask(), self.upload, self.digest))

    def write(self, offset: int, data: bytes) -> FileResult:
        return self.disk.run(WriteChunk(ask(data), self.upload, self.digest, offset))

    def part(self, begin: int, end: int) -> FileResult:
        """Write that part of the content at its place."""
        return self.write(begin, self.content[begin:end])

    def finish(self) -> FileResult:
        return self.disk.run(FinishUpload(ask(), self.upload, self.digest))

    def discard(self) -> FileResult:
        return self.disk.run(DiscardUpload(self.upload, self.digest))

    def remove(self) -> FileResult:
        return self.disk.run(RemoveBlob(self.digest, 1))

    def read(self, offset: int = 0, size: int = 1 << 20) -> FileResult:
        return self.disk.run(ReadBlob(ask(), self.digest, offset, size))

    def thumbnail(self, offset: int = 0, size: int = 1 << 20) -> FileResult:
        return self.disk.run(ReadThumbnail(ask(), 1, self.digest, offset, size))

    def whole(self) -> FileResult:
        """All of it in one chunk, to the end; what comes of the last step."""
        self.open()
        if self.content:
            self.part(0, len(self.content))
        result = self.finish()
        self.discard()
        return result
