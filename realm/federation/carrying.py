"""Carries files to peers: one at a time to each, in chunks, on a connection of their own.

The row in the outbox gets its number, and so its place among what is sent, when the peer holds every byte, or says that
there is nobody whom it could be for. Nothing is
remembered of how far a file has come but by the peer, which is asked after anything that goes wrong.

Files are carried in the order in which they were sent. One that the peer does not take for now (its disk is full), or
that cannot be read here, is put off for a time of its own, and those behind it go first; where the peer as a whole does
not answer, or has enough to do, all wait.
"""

from typing import Final

import msgspec
from msgspec import UNSET

from realm.context import Ctx
from realm.due import FAR, when
from realm.effects import ToPeer
from realm.federation import settling
from realm.federation.backoff import pause
from realm.federation.state import FAR_MS, Carrying, PutOff
from realm.inputs import FromPeer
from realm.jobs import Problem, ReadOwn, Result, Trouble
from realm.store.rows import DROPPED, Outgoing
from schemas.errors import Code
from schemas.federation import LinkChunk, LinkUpload, PeerAnswer
from schemas.limits import MAX_CHUNK

CHUNKS_AHEAD: Final = 8
"""Chunks of one file that may be on their way at once."""
PATIENCE_MS: Final = 10_000
"""Where nothing comes from the peer for so long, it is asked again how much it holds."""
UNWANTED: Final = frozenset({Code.USER_NOT_FOUND, Code.GROUP_NOT_FOUND})
"""With these a peer wants no bytes. The last word is that on the message: it may have been taken before a restore here,
and who it was for be gone since."""
FINAL: Final = frozenset({Code.TOO_LARGE, Code.QUOTA_EXCEEDED})
"""With these a peer refuses a file for good; all else may be otherwise the next time."""
REJECTED: Final = 8
"""So often may a peer find fault with the bytes of one file, or say `forbidden`.

That may mean no more than that it knows this realm as a peer no longer, which the next hello tells: then files wait.
"""
PUT_OFF: Final = 64
"""So many files of one peer may be put off: then the others wait too."""
_CALLS: Final = 1 << 24
"""Calls of one carrying: a chunk each, and the upload first."""
_NUMBERS: Final = 1 << 36
"""So that a call's id fits into 63 bits."""

_changed = msgspec.structs.replace


def begin(ctx: Ctx, peer: int) -> None:
    """Carry the oldest file that the peer is not known to hold, unless one is under way."""
    now = ctx.view.peers.carrying(peer)
    if now.row or (now.pausing and when(now.due, ctx.now, FAR_MS) > ctx.now):
        return
    if not ctx.view.peers.link(peer).answers:
        return
    row = _next(ctx, now)
    if row is None:
        return
    file = ctx.tx.file(str(row.post.file))
    account = ctx.tx.account_by_id(row.post.account)
    assert file is not None, "a file that the outbox names is kept"
    assert account is not None
    number = max(now.number + 1, ctx.now % _NUMBERS)  # not one of before a restart
    before = _put_off_before(now, row.place)
    ctx.view.change(
        Carrying(
            peer,
            number,
            row.place,
            row.post.account,
            row.post.id,
            file.digest,
            file.size,
            due=ctx.now + PATIENCE_MS,
            put_off=now.put_off,
            failures=now.failures,
            rejected=before.rejected if before else 0,
        )
    )
    frame = LinkUpload(
        id=number * _CALLS,
        digest=file.digest,
        size=file.size,
        name=file.name,
        sender=ctx.address(account.name),
        to=UNSET if row.post.to_group else row.post.recipient,
        group=row.post.recipient if row.post.to_group else UNSET,
    )
    ctx.effects.append(ToPeer(peer, frame, bulk=True))


def heard(ctx: Ctx, item: FromPeer) -> None:
    """Go on with what the peer answers."""
    now, answer = ctx.view.peers.carrying(item.peer), item.frame
    if not isinstance(answer, PeerAnswer) or answer.id is None or not now.row or answer.id // _CALLS != now.number:
        return
    if answer.status != "OK" and answer.code in UNWANTED:
        _complete(ctx, now)
    elif answer.status != "OK" and answer.code in FINAL:
        _refused(ctx, now, answer.code)
    elif answer.status != "OK" and _finds_fault(now, answer.id, answer.code):
        _rejected(ctx, now, answer.code)
    elif answer.status != "OK" and answer.code == Code.RATE_LIMITED:
        _begin_anew(ctx, now)
    elif answer.status != "OK":
        _put_off(ctx, now, now.row)
    elif answer.file:
        _complete(ctx, now)
    elif answer.id % _CALLS == 0:
        chunk = min(answer.chunk, MAX_CHUNK)
        if chunk < 1 or answer.offset > now.size or not answer.upload:
            _put_off(ctx, now, now.row)
            return
        going = _changed(now, upload=answer.upload, chunk=chunk, read=answer.offset, held=answer.offset)
        _read_on(ctx, going)
    else:
        held = min(answer.offset, now.read)
        going = _changed(now, held=held, rejected=0) if held > now.held else now
        _read_on(ctx, going)


def read(ctx: Ctx, job: ReadOwn, result: Result) -> None:
    """Bytes were read: send them on."""
    now = ctx.view.peers.carrying(job.peer)
    if not now.row or now.number != job.carrying:
        return
    if not isinstance(result, bytes):
        ctx.note("error", "a file cannot be carried on", digest=job.digest.hex())
        if isinstance(result, Trouble) and result.problem is Problem.MISSING:
            _refused(ctx, now, Code.FILE_NOT_FOUND)
        else:
            _put_off(ctx, now, now.row)
        return
    call = now.number * _CALLS + 1 + job.offset // now.chunk
    frame = LinkChunk(id=call, upload=now.upload, offset=job.offset)
    ctx.effects.append(ToPeer(job.peer, frame, result, bulk=True))


def look(ctx: Ctx, peer: int) -> None:
    """Do what is due."""
    now = ctx.view.peers.carrying(peer)
    if now.row:
        _begin_anew(ctx, now)
    else:
        ctx.view.change(_changed(now, due=0, pausing=False))
        begin(ctx, peer)


def reopened(ctx: Ctx, peer: int) -> None:
    """The peer is there again: what was being carried when it was lost goes on at once."""
    now = ctx.view.peers.carrying(peer)
    if now.row and now.lost:
        _rest(ctx, now)
    ctx.carrying.add(peer)


def lost(ctx: Ctx, peer: int) -> None:
    """The link is lost, and with it perhaps what is being carried."""
    now = ctx.view.peers.carrying(peer)
    if now.row:
        ctx.view.change(_changed(now, lost=True))


def barred(ctx: Ctx, peer: int) -> None:
    """Nothing is carried there any more; should that change, it begins anew."""
    ctx.view.change(Carrying(peer, ctx.view.peers.carrying(peer).number))


def broken(ctx: Ctx, peer: int) -> None:
    """What was due has failed, for a reason that the log has: not at once again."""
    _begin_anew(ctx, ctx.view.peers.carrying(peer))


def lacking(ctx: Ctx, peer: int, row: int) -> None:
    """The peer lacks a file that it was brought: it is brought again, after a pause."""
    _put_off(ctx, ctx.view.peers.carrying(peer), row)


def taken(ctx: Ctx, peer: int) -> None:
    """The peer has taken a message with a file."""
    now = ctx.view.peers.carrying(peer)
    if now.failures:
        ctx.view.change(_changed(now, failures=0))


def withdrawn(ctx: Ctx, row: Outgoing) -> None:
    """A row of the outbox is no more: what is carried of it is given up."""
    now = ctx.view.peers.carrying(row.post.peer)
    if now.row == row.place:
        _rest(ctx, now)


def _read_on(ctx: Ctx, now: Carrying) -> None:
    """Have more bytes read, as far as the window goes."""
    upto = min(now.size, now.held + CHUNKS_AHEAD * now.chunk)
    at = now.read
    while at < upto:
        size = min(now.chunk, now.size - at)
        ctx.run(ReadOwn(now.peer, now.number, now.digest, at, size))
        at += size
    ctx.view.change(_changed(now, read=at, lost=False, due=ctx.now + PATIENCE_MS))


def _complete(ctx: Ctx, now: Carrying) -> None:
    """The peer holds every byte, or wants none: the message that names the file takes its place."""
    row = _row(ctx, now)
    if row is not None:
        ctx.tx.number(row)
        ctx.pumping.add(now.peer)
    _rest(ctx, now)


def _refused(ctx: Ctx, now: Carrying, code: str) -> None:
    """Its sender is told, unless the peer had taken it before a restore: the first word counts."""
    row = _row(ctx, now)
    if row is not None and row.settled:
        ctx.tx.settle([row], [DROPPED], ctx.now)
    elif row is not None:
        settling.settle(ctx, [row], [code])
    _rest(ctx, now)


def _offset(now: Carrying, call: int) -> int:
    """The place of the bytes that a call brings. Where bytes before them were not taken, theirs is not to blame."""
    return max(0, call % _CALLS - 1) * now.chunk


def _finds_fault(now: Carrying, call: int, code: str) -> bool:
    """With the bytes: their place, after something was lost, or their digest; or with who brings them."""
    return code == Code.FORBIDDEN or (code == Code.BAD_REQUEST and _offset(now, call) <= now.held)


def _rejected(ctx: Ctx, now: Carrying, code: str) -> None:
    """That may pass, unless it is said again and again."""
    if now.rejected >= REJECTED:
        _refused(ctx, now, code)
    else:
        _put_off(ctx, _changed(now, rejected=now.rejected + 1), now.row)


def _rest(ctx: Ctx, now: Carrying) -> None:
    """Nothing is carried; the next file may begin."""
    ctx.view.change(Carrying(now.peer, now.number, put_off=now.put_off, failures=now.failures))
    ctx.carrying.add(now.peer)
    ctx.pumping.add(now.peer)  # which may find more of them, after a restore


def _begin_anew(ctx: Ctx, now: Carrying) -> None:
    """After a pause ask the peer how much it holds, and go on from there."""
    later, failures = ctx.now + pause(ctx.ids, now.failures), now.failures + 1
    ctx.view.change(Carrying(now.peer, now.number, due=later, pausing=True, put_off=now.put_off, failures=failures))


def _put_off(ctx: Ctx, now: Carrying, row: int) -> None:
    """Try that file again after a pause of its own, a short one if it got on; others may be carried meanwhile."""
    before = _put_off_before(now, row) or PutOff(row, 0, 0, 0, 0)
    held, rejected = (now.held, now.rejected) if now.row == row else (0, 0)
    failures = 0 if held > before.held else before.failures
    this = PutOff(row, ctx.now + pause(ctx.ids, failures), failures + 1, rejected, max(held, before.held))
    # One whose time has passed long ago has been taken, or refused.
    others = [one for one in now.put_off if one.row != row and abs(one.until - ctx.now) < FAR_MS]
    now = _changed(now, put_off=(*others, this))
    if now.row == row:
        _rest(ctx, now)
    else:
        ctx.view.change(now)
        ctx.carrying.add(now.peer)


def _put_off_before(now: Carrying, row: int) -> PutOff | None:
    return next((one for one in now.put_off if one.row == row), None)


def _next(ctx: Ctx, now: Carrying) -> Outgoing | None:
    """The oldest file that may be tried; where there is none, it is looked again when the first may be."""
    waiting = ctx.tx.unnumbered(now.peer, len(now.put_off) + 1)
    places = {row.place for row in waiting}
    put_off = {one.row: when(one.until, ctx.now, FAR_MS) for one in now.put_off if one.row in places}
    others = FAR if len(put_off) >= PUT_OFF else 0
    for row in waiting:
        if put_off.get(row.place, others) <= ctx.now:
            return row
    later = min(put_off.values(), default=0)
    if later != now.due:
        ctx.view.change(_changed(now, due=later))
    return None


def _row(ctx: Ctx, now: Carrying) -> Outgoing | None:
    """The row of what is carried, unless it was settled meanwhile."""
    row = ctx.tx.outgoing(now.account, now.entry)
    return row if row is not None and row.n is None and not row.result else None
