"""Uploads: `upload` and `chunk`, what they may take, and how they end.

A row names an upload before any of its bytes are on disk. Once it is complete or given up the row is gone, and the
bytes follow: after a kill in between, whoever opens the folder removes what no row names (`Blobs.keep_only`).
"""

from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import UNSET

from realm.context import Ctx
from realm.gates import too_fast
from realm.jobs import DiscardUpload, Finished, FinishUpload, Held, OpenUpload, Problem, Result, Trouble, WriteChunk
from realm.memory import UploadEnded, UploadState
from realm.outcome import LATER, Failed, Later, Outcome
from realm.store.interface import Tx
from realm.store.rows import StoredFile, UploadRow, charged
from schemas import answers, commands
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.federation import LinkChunk, LinkUpload
from schemas.limits import MAX_CHUNK, MAX_IN_FLIGHT

HOUR_MS: Final = 3_600_000
IDLE_MS: Final = 60_000
"""An upload that was left alone for so long makes room: for another of the same user, or of anybody where the realm
has none left."""
SAVE_USE_MS: Final = 600_000
"""So often at most an upload's row takes note of its use."""
OTHERS_LOOKED_AT: Final = 1_000
"""How many others' files with the same bytes are looked at, to see whether the user has received one."""
UNSENT: Final = 1_000
"""Files of one user that no entry names: each is a row."""
MOVING: Final = 64 << 20
"""Bytes of all uploads that may be in memory on their way to disk."""
WAIT_MS: Final = 200
"""When somebody with too much under way may try again."""
ASK_AGAIN: Final = "say upload again, to hear where it goes on"
_PAGE: Final = 1_000

UploadJob = OpenUpload | WriteChunk | FinishUpload


def upload(ctx: Ctx, command: commands.Upload | LinkUpload) -> Answer | Refusal | Later:
    """Begin an upload, or take one up again; where the user has these bytes already, nothing is missing."""
    owner = ctx.owner
    known = ctx.tx.held_by(owner, command.digest, OTHERS_LOOKED_AT)
    if known is not None and known.size == command.size:
        return _name_again(ctx, command, known)
    row = ctx.tx.upload_of(owner, command.digest)
    state = None if row is None else ctx.view.upload(row.id)
    if state is not None and state.size != command.size:
        _give_up(ctx, state)
        state = None
    if state is None:
        if refused := _refused(ctx, command):
            return refused
        fresh = UploadRow(ctx.ids.ulid(ctx.now), owner, command.digest, command.size, command.name, ctx.now)
        ctx.tx.open_upload(fresh)
        state = _state_of(fresh)
        ctx.view.change(state)
    elif state.name != command.name:
        ctx.tx.use_upload(state.id, command.name, state.used_at)
        ctx.view.change(_changed(state, name=command.name))
    ctx.run(OpenUpload(ctx.request, state.id, state.digest))
    return LATER


def chunk(ctx: Ctx, command: commands.Chunk | LinkChunk) -> Answer | Refusal | Later:
    """Take the next bytes of an upload. What is held already, or on its way to disk, changes nothing."""
    data = ctx.request.data
    if len(data) > MAX_CHUNK:
        return Refusal(Code.TOO_LARGE, f"a chunk is at most {MAX_CHUNK:,} bytes")
    if not data:
        return Refusal(Code.BAD_REQUEST, "a chunk's bytes, at least one, come in a second frame")
    state = ctx.view.upload(command.upload)
    if state is None or state.owner != ctx.owner:
        file = ctx.tx.file(command.upload)
        if file is None or file.owner != ctx.owner:
            return Refusal(Code.FILE_NOT_FOUND)
        return answers.ChunkTaken(id=command.id, offset=file.size, file=file.id)
    if state.held is None:
        return Refusal(Code.BAD_REQUEST, f"offset: {ASK_AGAIN}")
    if command.offset < state.taken:
        return _taken_before(ctx, command, state)
    if command.offset > state.taken:
        return Refusal(Code.BAD_REQUEST, f"offset: {state.taken} comes next; {ASK_AGAIN}")
    if state.taken + len(data) > state.size:
        return Refusal(Code.BAD_REQUEST, f"the upload is of {state.size:,} bytes, and these are more")
    if state.moving >= MAX_IN_FLIGHT * MAX_CHUNK or ctx.view.moving() >= MOVING:
        return too_fast(WAIT_MS)
    saved_at = state.saved_at
    if ctx.now - saved_at > SAVE_USE_MS:
        saved_at = ctx.now
        ctx.tx.use_upload(state.id, state.name, ctx.now)
    ctx.view.change(_changed(state, taken=state.taken + len(data), used_at=ctx.now, saved_at=saved_at))
    ctx.run(WriteChunk(ctx.request, state.id, state.digest, command.offset))
    return LATER


def finish(ctx: Ctx, job: UploadJob, result: Result) -> Outcome:
    """Go on where a job of an upload has come to its end."""
    state = ctx.view.upload(job.upload)
    if state is None:  # ended meanwhile: complete, or given up
        file = ctx.tx.file(job.upload)
        return Refusal(Code.FILE_NOT_FOUND) if file is None else _reached(ctx, job, file.size, file.id)
    match result:
        case Held(offset):
            taken = max(offset, 0 if state.held is None else state.taken)
            ctx.view.change(_changed(state, held=offset, taken=taken))
            if offset < state.size:
                return _reached(ctx, job, offset)
            ctx.run(FinishUpload(job.ask, job.upload, job.digest))
            return LATER
        case Finished(media_type):
            new = StoredFile(state.id, state.owner, state.name, state.size, media_type, state.digest)
            ctx.tx.add_file(new, ctx.now)
            _end(ctx, state)
            return _reached(ctx, job, state.size, state.id)
        case Trouble(problem):
            return _in_trouble(ctx, state, problem)
    raise TypeError(f"{type(job).__name__} does not end in {result!r}")


def unfinished(tx: Tx) -> Iterator[UploadState]:
    """The uploads that were under way when the realm stopped."""
    last = ""
    while rows := tx.uploads(last, _PAGE):
        yield from map(_state_of, rows)
        last = rows[-1].id


def expire(ctx: Ctx) -> None:
    """Give up what was left alone for too long."""
    for state in ctx.view.uploads():
        if state.used_at <= ctx.now - ctx.settings.files.unfinished_hours * HOUR_MS:
            _give_up(ctx, state)


def give_up_all(ctx: Ctx, owner: int) -> None:
    """Give up all uploads of one owner."""
    for state in ctx.view.uploads():
        if state.owner == owner:
            _give_up(ctx, state)


def cannot(problem: Problem) -> Refusal:
    """What somebody is told where a file job did not work and nobody can help it now."""
    why = "its disk is full" if problem is Problem.DISK_FULL else "its log says why"
    return Refusal(Code.UNAVAILABLE, f"the realm cannot serve files now, {why}: try again later")


def _taken_before(ctx: Ctx, command: commands.Chunk | LinkChunk, state: UploadState) -> Answer | Later:
    """The answer to bytes that came before; where all have, it is the file, once that is complete."""
    assert state.held is not None
    if state.held < state.size:
        return answers.ChunkTaken(id=command.id, offset=state.held)
    ctx.run(FinishUpload(ctx.request, state.id, state.digest))
    return LATER


def _name_again(ctx: Ctx, command: commands.Upload | LinkUpload, known: StoredFile) -> Answer | Refusal:
    """Another file with bytes that the user has; a name that was not sent yet serves again."""
    owner = ctx.owner
    own = ctx.tx.unsent_file(owner, known.digest, command.name)
    if own is None:
        refused = _too_many_unsent(ctx)
        if refused is None and known.owner != owner:  # so far it did not count as the user's
            refused = _beyond_own(ctx, known.size)
        if refused is not None:
            return refused
        new = StoredFile(ctx.ids.ulid(ctx.now), owner, command.name, known.size, known.media_type, known.digest)
        own = ctx.tx.add_file(new, ctx.now)
    return _opened(ctx, command.id, own.id, own.size, own.id)


def _refused(ctx: Ctx, command: commands.Upload | LinkUpload) -> Refusal | None:
    """Why a new upload is not taken, before any byte is."""
    limits = ctx.settings.files
    if command.size > limits.max_bytes:
        return Refusal(Code.TOO_LARGE, f"a file is at most {limits.max_bytes:,} bytes here")
    return _too_many_unsent(ctx) or _beyond_own(ctx, command.size, begins=True) or _beyond_all(ctx, command.size)


def _too_many_unsent(ctx: Ctx) -> Refusal | None:
    if ctx.tx.unsent_files(ctx.owner, UNSENT) < UNSENT:
        return None
    return _passing(ctx, f"{UNSENT:,} files of yours are uploaded and not sent: send some, or wait a day")


def _beyond_own(ctx: Ctx, size: int, *, begins: bool = False) -> Refusal | None:
    """Whether the user may have no more; `begins` an upload, or just has so many bytes more."""
    limits, owner = ctx.settings.files, ctx.owner
    most = ctx.settings.peers.file_bytes if owner < 0 else limits.user_bytes
    own = [state for state in ctx.view.uploads() if state.owner == owner]
    left = most - ctx.tx.file_usage(owner)
    size = charged(size)
    left += _make_room(ctx, own, limits.uploads_per_user if begins else 0, size - left)
    if begins and len(own) >= limits.uploads_per_user:
        return _passing(ctx, f"{len(own)} uploads of yours are under way, the most there may be")
    if size > left:
        return _full("you have", most, left)
    return None


def _beyond_all(ctx: Ctx, size: int) -> Refusal | None:
    """Whether the realm may have no more."""
    limits, all_of_them = ctx.settings.files, ctx.view.uploads()
    left = limits.realm_bytes - ctx.tx.blob_bytes()
    size = charged(size)
    left += _make_room(ctx, all_of_them, limits.uploads, size - left)
    if len(all_of_them) >= limits.uploads:
        return _passing(ctx, f"{limits.uploads} uploads are under way here, the most there may be")
    if size > left:
        return _full("this realm has", limits.realm_bytes, left)
    return None


def _passing(ctx: Ctx, why: str) -> Refusal:
    """It may be otherwise soon: a user is told, a peer tries again by itself."""
    return too_fast(IDLE_MS) if ctx.owner < 0 else Refusal(Code.QUOTA_EXCEEDED, why)


def _make_room(ctx: Ctx, uploads: list[UploadState], most: int, lacking: int) -> int:
    """Give up idle ones of these, the longest idle first, and return how many bytes they would have taken.

    Until fewer than `most` are left (0: any number) and what is lacking is freed.
    """
    freed = 0
    for idle in sorted(uploads, key=lambda state: (state.used_at <= ctx.now, state.used_at)):
        enough = freed >= lacking and (not most or len(uploads) < most)
        if enough or ctx.now - IDLE_MS < idle.used_at <= ctx.now:  # of later: the clock was set back
            break
        _give_up(ctx, idle)
        uploads.remove(idle)
        freed += charged(idle.size)
    return freed


def _full(who: str, quota: int, left: int) -> Refusal:
    return Refusal(Code.QUOTA_EXCEEDED, f"{who} {quota:,} bytes for files, of which {max(0, left):,} are left")


def _in_trouble(ctx: Ctx, state: UploadState, problem: Problem) -> Failed:
    if problem is Problem.WRONG_DIGEST:
        _give_up(ctx, state)
        return Failed(Refusal(Code.BAD_REQUEST, "digest: these bytes have another SHA-256; the upload is gone"))
    ctx.view.change(_changed(state, held=None, taken=0))  # the disk knows better
    if problem is Problem.MISPLACED:
        return Failed(Refusal(Code.BAD_REQUEST, f"offset: what comes before it was not stored; {ASK_AGAIN}"))
    return Failed(cannot(problem))


def _give_up(ctx: Ctx, state: UploadState) -> None:
    """End an upload that is not complete. Its bytes may be a blob already that no row speaks of."""
    ctx.tx.add_removal(state.digest)
    _end(ctx, state)


def _end(ctx: Ctx, state: UploadState) -> None:
    ctx.tx.end_upload(state.id)
    ctx.view.change(UploadEnded(state.id))
    ctx.run(DiscardUpload(state.id, state.digest))


def _reached(ctx: Ctx, job: UploadJob, offset: int, file: str | None = None) -> Answer:
    """The answer to the command that a job was for."""
    call = job.ask.call or 0
    if isinstance(job.ask.body, commands.Upload | LinkUpload):
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


def _state_of(row: UploadRow) -> UploadState:
    return UploadState(row.id, row.owner, row.digest, row.size, row.name, row.used_at, row.used_at)


_changed = msgspec.structs.replace
