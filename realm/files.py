"""Files: `upload`, `chunk`, `download`.

The bytes are the file pool's (`realm.jobs`); here is who may move them, and which rows say so. Whatever the disk holds
has a row that names it, written before the bytes come and removed after they have gone: an upload's, a blob's, or one
of what is to be removed.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import UNSET

from realm.context import Ctx
from realm.gates import too_fast
from realm.jobs import (
    DiscardUpload,
    FileJob,
    Finished,
    FinishUpload,
    Gone,
    Held,
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
from realm.memory import Progress, UploadEnded
from realm.outcome import LATER, Failed, Later, Outcome, Parcel
from realm.store.interface import Tx
from realm.store.rows import StoredFile, UploadRow
from schemas import answers, commands
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.limits import MAX_CHUNK, MAX_IN_FLIGHT

HOUR_MS: Final = 3_600_000
IDLE_MS: Final = 60_000
"""An upload that was left alone for so long makes room for another of the same user."""
OTHERS_LOOKED_AT: Final = 1_000
"""How many others' files with the same bytes are looked at, to see whether the user has received one."""
UNSENT: Final = 1_000
"""Files of one user that no entry names: each is a row."""
MOVING: Final = 64 << 20
"""Bytes of all uploads that may be in memory on their way to disk."""
READS: Final = 256
"""Reads of all users that may be under way, each of as many bytes as a chunk."""
WAIT_MS: Final = 200
"""When somebody with too much under way may try again."""
ASK_AGAIN: Final = "say upload again, to hear where it goes on"
_PAGE: Final = 1_000

UploadJob = OpenUpload | WriteChunk | FinishUpload


def upload(ctx: Ctx, command: commands.Upload) -> Answer | Refusal | Later:
    """Begin an upload, or take one up again; where the user has these bytes already, nothing is missing."""
    account = ctx.session.account
    known = ctx.tx.held_by(account, command.digest, OTHERS_LOOKED_AT)
    if known is not None and known.size == command.size:
        return _name_again(ctx, command, known)
    row = ctx.tx.upload_of(account, command.digest)
    progress = None if row is None else ctx.view.upload(row.id)
    if progress is not None and progress.size != command.size:
        _give_up(ctx, progress)
        progress = None
    if progress is None:
        refused = _refused(ctx, command)
        if refused is not None:
            return refused
        fresh = UploadRow(ctx.ids.ulid(ctx.now), account, command.digest, command.size, command.name, ctx.now)
        ctx.tx.open_upload(fresh)
        progress = _progress(fresh)
    else:
        ctx.tx.use_upload(progress.id, command.name, ctx.now)
    ctx.view.change(_changed(progress, used_at=ctx.now, name=command.name))
    ctx.run(OpenUpload(ctx.request, progress.id, progress.digest))
    return LATER


def chunk(ctx: Ctx, command: commands.Chunk) -> Answer | Refusal | Later:
    """Take the next bytes of an upload. What is held already, or on its way to disk, changes nothing."""
    data = ctx.request.data
    if len(data) > MAX_CHUNK:
        return Refusal(Code.TOO_LARGE, f"a chunk is at most {MAX_CHUNK:,} bytes")
    if not data:
        return Refusal(Code.BAD_REQUEST, "a chunk's bytes, at least one, come in a second frame")
    progress = ctx.view.upload(command.upload)
    if progress is None or progress.account != ctx.session.account:
        file = ctx.tx.file(command.upload)
        if file is None or file.owner != ctx.session.account:
            return Refusal(Code.FILE_NOT_FOUND)
        return answers.ChunkTaken(id=command.id, offset=file.size, file=file.id)
    if progress.held is None:
        return Refusal(Code.BAD_REQUEST, f"offset: {ASK_AGAIN}")
    if command.offset < progress.taken:
        return answers.ChunkTaken(id=command.id, offset=progress.held)
    if command.offset > progress.taken:
        return Refusal(Code.BAD_REQUEST, f"offset: {progress.taken} comes next; {ASK_AGAIN}")
    if progress.taken + len(data) > progress.size:
        return Refusal(Code.BAD_REQUEST, f"the upload is of {progress.size:,} bytes, and these are more")
    if progress.moving >= MAX_IN_FLIGHT * MAX_CHUNK or ctx.view.moving() >= MOVING:
        return too_fast(WAIT_MS)
    ctx.view.change(_changed(progress, taken=progress.taken + len(data), used_at=ctx.now))
    ctx.run(WriteChunk(ctx.request, progress.id, progress.digest, command.offset))
    return LATER


def download(ctx: Ctx, command: commands.Download) -> Refusal | Later:
    """Read bytes of a file that the user has uploaded, or sees in an entry."""
    account = ctx.session.account
    file = ctx.tx.file(command.file)
    if file is None or not (file.owner == account or ctx.tx.may_see(account, file.id)):
        return Refusal(Code.FILE_NOT_FOUND)
    if ctx.view.reads(ctx.request.key) >= MAX_IN_FLIGHT or ctx.view.all_reads() >= READS:
        return too_fast(WAIT_MS)
    if command.thumbnail:
        if not file.media_type.startswith("image/"):
            return Refusal(Code.FILE_NOT_FOUND)
        ctx.run(ReadThumbnail(ctx.request, file.digest, command.offset, command.size))
        return LATER
    if command.offset > file.size:
        return Refusal(Code.BAD_REQUEST, f"offset: the file has {file.size:,} bytes")
    ctx.run(ReadBlob(ctx.request, file.digest, command.offset, command.size))
    return LATER


def finish(ctx: Ctx, job: FileJob, result: Result) -> Outcome:
    """Go on where a job has come to its end."""
    match job, result:
        case ((ReadBlob() | ReadThumbnail()), _):
            return _finish_read(ctx, job, result)
        case ((OpenUpload() | WriteChunk() | FinishUpload()), _):
            return _finish_upload(ctx, job, result)
        case RemoveBlob(digest), Gone():
            ctx.tx.forget_removal(digest)
    return LATER


def unfinished(tx: Tx) -> Iterator[Progress]:
    """The uploads that were under way when the realm stopped."""
    last = ""
    while rows := tx.uploads(last, _PAGE):
        yield from map(_progress, rows)
        last = rows[-1].id


def sweep(ctx: Ctx) -> None:
    """Give up old uploads, forget old files that no entry names, and remove from disk what is nobody's."""
    settings = ctx.settings.files
    uploads = ctx.view.uploads()
    for progress in uploads:
        if progress.used_at <= ctx.now - settings.unfinished_hours * HOUR_MS:
            _give_up(ctx, progress)
    ctx.tx.drop_unsent(ctx.now - settings.unsent_hours * HOUR_MS, _PAGE)
    under_way = {progress.digest for progress in ctx.view.uploads()}
    for digest in ctx.tx.removals(_PAGE):
        if digest not in under_way:
            ctx.run(RemoveBlob(digest))


def _name_again(ctx: Ctx, command: commands.Upload, known: StoredFile) -> Answer | Refusal:
    """Another file with bytes that the user has; a name that was not sent yet serves again."""
    own = ctx.tx.unsent_file(ctx.session.account, known.digest, command.name)
    if own is None:
        if refused := _too_many_unsent(ctx):
            return refused
        new = StoredFile(
            ctx.ids.ulid(ctx.now), ctx.session.account, command.name, known.size, known.media_type, known.digest
        )
        own = ctx.tx.add_file(new, ctx.now)
    return _opened(ctx, command.id, own.id, own.size, own.id)


def _refused(ctx: Ctx, command: commands.Upload) -> Refusal | None:
    """Why a new upload is not taken, before any byte is."""
    limits = ctx.settings.files
    if command.size > limits.max_bytes:
        return Refusal(Code.TOO_LARGE, f"a file is at most {limits.max_bytes:,} bytes here")
    if refused := _too_many_unsent(ctx):
        return refused
    own = [one for one in ctx.view.uploads() if one.account == ctx.session.account]
    left = limits.user_bytes - ctx.tx.file_usage(ctx.session.account)
    for idle in sorted(own, key=lambda one: one.used_at):
        if (len(own) < limits.uploads_per_user and command.size <= left) or idle.used_at > ctx.now - IDLE_MS:
            break
        _give_up(ctx, idle)
        own.remove(idle)
        left += idle.size
    if len(own) >= limits.uploads_per_user:
        return Refusal(
            Code.QUOTA_EXCEEDED, f"{len(own)} uploads are under way, as many as one user may have: finish one"
        )
    if command.size > left:
        return _too_much("you", limits.user_bytes, left)
    if len(ctx.view.uploads()) >= limits.uploads:
        return Refusal(Code.QUOTA_EXCEEDED, f"{limits.uploads} uploads are under way, as many as this realm takes")
    left = limits.realm_bytes - ctx.tx.blob_bytes()
    return _too_much("this realm", limits.realm_bytes, left) if command.size > left else None


def _too_much(who: str, quota: int, left: int) -> Refusal:
    have = "have" if who == "you" else "has"
    return Refusal(Code.QUOTA_EXCEEDED, f"{who} {have} {quota:,} bytes for files, of which {max(0, left):,} are left")


def _too_many_unsent(ctx: Ctx) -> Refusal | None:
    if ctx.tx.unsent_files(ctx.session.account, UNSENT) < UNSENT:
        return None
    return Refusal(
        Code.QUOTA_EXCEEDED, f"{UNSENT:,} files of yours are uploaded and not sent: send some, or wait a day"
    )


def _finish_upload(ctx: Ctx, job: UploadJob, result: Result) -> Outcome:
    progress = ctx.view.upload(job.upload)
    if progress is None:  # ended meanwhile: complete, or given up
        file = ctx.tx.file(job.upload)
        return Refusal(Code.FILE_NOT_FOUND) if file is None else _reached(ctx, job, file.size, file.id)
    match result:
        case Held(offset):
            taken = max(offset, 0 if progress.held is None else progress.taken)
            ctx.view.change(_changed(progress, held=offset, taken=taken))
            if offset < progress.size:
                return _reached(ctx, job, offset)
            ctx.run(FinishUpload(job.ask, job.upload, job.digest))
            return LATER
        case Finished(media_type):
            new = StoredFile(progress.id, progress.account, progress.name, progress.size, media_type, progress.digest)
            ctx.tx.add_file(new, ctx.now)
            ctx.tx.end_upload(progress.id)
            ctx.view.change(UploadEnded(progress.id))
            ctx.run(DiscardUpload(progress.id, progress.digest))
            return _reached(ctx, job, progress.size, progress.id)
        case Trouble(problem):
            return _in_trouble(ctx, progress, problem)
    raise TypeError(f"{type(job).__name__} does not end in {result!r}")


def _in_trouble(ctx: Ctx, progress: Progress, problem: Problem) -> Failed:
    if problem is Problem.WRONG_DIGEST:
        _give_up(ctx, progress)
        return Failed(Refusal(Code.BAD_REQUEST, "digest: these bytes have another SHA-256; the upload is gone"))
    ctx.view.change(_changed(progress, held=None, taken=0))  # the disk knows better
    if problem is Problem.MISPLACED:
        return Failed(Refusal(Code.BAD_REQUEST, f"offset: what comes before it was not stored; {ASK_AGAIN}"))
    return Failed(_cannot(problem))


def _finish_read(ctx: Ctx, job: ReadBlob | ReadThumbnail, result: Result) -> Outcome:
    call = job.ask.body.id or 0
    match result:
        case bytes():
            file = ctx.tx.file(job.ask.body.file) if isinstance(job.ask.body, commands.Download) else None
            if file is None:
                return Refusal(Code.FILE_NOT_FOUND)
            return Parcel(answers.Downloaded(id=call, size=file.size), result)
        case Thumbnail(data, size):
            return Parcel(answers.Downloaded(id=call, size=size), data)
        case Trouble(Problem.MISSING):
            if isinstance(job, ReadBlob):
                ctx.note("error", "a blob is not on disk", digest=job.digest.hex())
            return Refusal(Code.FILE_NOT_FOUND)
        case Trouble(problem):
            return _cannot(problem)
    raise TypeError(f"{type(job).__name__} does not end in {result!r}")


def _cannot(problem: Problem) -> Refusal:
    why = "its disk is full" if problem is Problem.DISK_FULL else "its log says why"
    return Refusal(Code.UNAVAILABLE, f"the realm cannot serve files now, {why}: try again later")


def _give_up(ctx: Ctx, progress: Progress) -> None:
    """End an upload that is not complete. Its bytes may be a blob already that no row speaks of."""
    ctx.tx.end_upload(progress.id)
    ctx.tx.add_removal(progress.digest)
    ctx.view.change(UploadEnded(progress.id))
    ctx.run(DiscardUpload(progress.id, progress.digest))


def _reached(ctx: Ctx, job: UploadJob, offset: int, file: str | None = None) -> Answer:
    """The answer to the command that a job was for."""
    call = job.ask.body.id or 0
    if isinstance(job.ask.body, commands.Upload):
        return _opened(ctx, call, job.upload, offset, file)
    return answers.ChunkTaken(id=call, offset=offset, file=UNSET if file is None else file)


def _opened(ctx: Ctx, call: int, upload: str, offset: int, file: str | None = None) -> Answer:
    return answers.UploadOpened(
        id=call,
        upload=upload,
        offset=offset,
        chunk=ctx.settings.files.chunk_bytes,
        file=UNSET if file is None else file,
    )


def _progress(row: UploadRow) -> Progress:
    return Progress(row.id, row.account, row.digest, row.size, row.name, row.used_at)


_changed = msgspec.structs.replace
