"""Files: `download`, how file jobs go on, and what nobody wants any more. How files come here is in `uploads.py`.

The bytes are the file pool's (`realm.jobs`); here is who may have them. Whatever blob the disk holds has a row that
names it, written before the bytes are seen and gone after they are: a blob's, or one of what is to be removed.
"""

from typing import Final

from realm import uploads
from realm.context import Ctx
from realm.gates import too_fast
from realm.jobs import (
    FileJob,
    FinishUpload,
    Gone,
    OpenUpload,
    Problem,
    ReadBlob,
    ReadThumbnail,
    RemoveBlob,
    Result,
    Thumbnail,
    Trouble,
    WriteChunk,
)
from realm.outcome import LATER, Later, Outcome, Parcel
from realm.store.rows import Removal, StoredFile
from schemas import answers, commands
from schemas.errors import Code, Refusal
from schemas.limits import MAX_IN_FLIGHT

READS: Final = 256
"""Reads of all users that may be under way, each of as many bytes as a chunk."""
THUMBNAILS: Final = 64
THUMBNAILS_OF_ONE: Final = 8
"""Reads of thumbnails that may be under way, of all users and of one: a picture may take seconds to draw."""
_PAGE: Final = 1_000


def download(ctx: Ctx, command: commands.Download) -> Refusal | Later:
    """Read bytes of a file that the user has uploaded, or sees in an entry."""
    account = ctx.session.account
    file = ctx.tx.file(command.file)
    if file is None or not (file.owner == account or ctx.tx.may_see(account, file.id)):
        return Refusal(Code.FILE_NOT_FOUND)
    if command.thumbnail:
        return _read_thumbnail(ctx, command, file)
    if command.offset > file.size:
        return Refusal(Code.BAD_REQUEST, f"offset: the file has {file.size:,} bytes")
    if ctx.view.reads(ctx.request.key) >= MAX_IN_FLIGHT or ctx.view.reads() >= READS:
        return too_fast(uploads.WAIT_MS)
    ctx.run(ReadBlob(ctx.request, file.digest, command.offset, command.size))
    return LATER


def finish(ctx: Ctx, job: FileJob, result: Result) -> Outcome:
    """Go on where a job has come to its end."""
    match job:
        case OpenUpload() | WriteChunk() | FinishUpload():
            return uploads.finish(ctx, job, result)
        case ReadBlob() | ReadThumbnail():
            return _finish_read(ctx, job, result)
        case RemoveBlob(digest, asked) if isinstance(result, Gone):
            ctx.tx.forget_removal(Removal(digest, asked))
    return LATER


def sweep(ctx: Ctx) -> None:
    """Give up old uploads, forget old files that no entry names, and remove from disk what is nobody's."""
    uploads.expire(ctx)
    ctx.tx.drop_unsent(int(ctx.now - ctx.settings.files.unsent_hours * uploads.HOUR_MS), _PAGE)
    remove(ctx)


def remove(ctx: Ctx) -> int:
    """Have removed from disk what is nobody's; how many blobs that are."""
    under_way = {state.digest for state in ctx.view.uploads()}
    removed = 0
    for removal in ctx.tx.removals(_PAGE):
        if removal.digest not in under_way:  # what comes back just now would be removed with it
            ctx.run(RemoveBlob(removal.digest, removal.asked))
            removed += 1
    return removed


def _read_thumbnail(ctx: Ctx, command: commands.Download, file: StoredFile) -> Refusal | Later:
    if not file.media_type.startswith("image/"):
        return Refusal(Code.FILE_NOT_FOUND)
    account = ctx.session.account
    if ctx.view.thumbnails(account) >= THUMBNAILS_OF_ONE or ctx.view.thumbnails() >= THUMBNAILS:
        return too_fast(uploads.WAIT_MS)
    ctx.run(ReadThumbnail(ctx.request, account, file.digest, command.offset, command.size))
    return LATER


def _finish_read(ctx: Ctx, job: ReadBlob | ReadThumbnail, result: Result) -> Outcome:
    command = job.ask.body
    assert isinstance(command, commands.Download)
    match result:
        case Trouble(Problem.MISSING):
            if isinstance(job, ReadBlob):
                ctx.note("error", "a blob is not on disk", digest=job.digest.hex())
            return Refusal(Code.FILE_NOT_FOUND)
        case Trouble(problem):
            return uploads.cannot(problem)
    file = ctx.tx.file(command.file)
    if file is None:  # swept meanwhile
        return Refusal(Code.FILE_NOT_FOUND)
    match result:
        case bytes():
            return Parcel(answers.Downloaded(id=command.id, size=file.size, file_info=file.shown), result)
        case Thumbnail(data, size):
            return Parcel(answers.Downloaded(id=command.id, size=size, file_info=file.shown), data)
    raise TypeError(f"{type(job).__name__} does not end in {result!r}")
