"""What peers send: each envelope has one effect, whatever comes twice, late, or after a restore of either side."""

from typing import Final

from msgspec import UNSET

from realm import uploads
from realm.context import BYTES_A_UNIT, MEMBERS_A_UNIT, PUSHES_A_UNIT, Ctx
from realm.federation.state import Greeter, beyond
from realm.gates import too_fast
from realm.outcome import Later
from realm.store.rows import Draft, StoredFile
from schemas import names
from schemas.answers import Answer
from schemas.entries import File
from schemas.errors import Code, Refusal
from schemas.events import EntryPushed
from schemas.federation import (
    HASH_START,
    Carried,
    Envelope,
    Greeted,
    Hello,
    LinkAck,
    LinkAgain,
    LinkUpload,
    Mark,
    hash_of,
)
from schemas.limits import PROTOCOL_VERSION
from schemas.names import ConversationId

AGAIN: Final = LinkAgain()


def hello(ctx: Ctx, command: Hello) -> Answer | Refusal:
    """Say how far what the peer sends was taken. Of a higher epoch nothing was taken yet."""
    peer = ctx.peer
    if command.realm != peer.name:
        return Refusal(Code.FORBIDDEN, f"this key is that of the realm {peer.name}")
    mark = ctx.tx.received_mark(peer.id)
    if beyond(command.epoch, mark.epoch, ctx.now):
        return Refusal(Code.BAD_REQUEST, "epoch: at most the ms since 1970, which no realm gets to")
    if command.epoch > mark.epoch:
        if mark.epoch and not ctx.rules.notes.take(f"restore {peer.name}", ctx.now):
            ctx.note("warning", "restore noticed", peer=peer.name, sending=False, epoch=command.epoch)
        mark = Mark(command.epoch, 0, HASH_START)
        ctx.tx.set_received(peer.id, mark)
    ctx.view.change(Greeter(peer.id, ctx.request.route.peer))
    return Greeted(id=command.id, realm=ctx.realm, version=PROTOCOL_VERSION, features=[], received=mark)


def envelope(ctx: Ctx, came: Envelope) -> LinkAck | LinkAgain:
    """Take one message from a peer, and say so; or have the peer say hello first."""
    peer = ctx.peer
    mark = ctx.tx.received_mark(peer.id)
    if ctx.view.peers.greeter(peer.id) != ctx.request.route.peer or came.epoch != mark.epoch:
        return AGAIN
    code = ctx.tx.first_answer(peer.id, came.sender, came.id)
    if came.n <= mark.n:
        return _ack(came, _forgotten(ctx, came) if code is None else code)
    if came.n != mark.n + 1 or hash_of(mark.hash, came) != came.hash:
        return AGAIN
    if ctx.taken[peer.id] >= ctx.settings.peers.units_a_turn:  # others' turn: what is not taken is sent again
        return AGAIN
    ctx.taken[peer.id] += 1
    if code is None:
        code = _take(ctx, came)
        if code != Code.FILE_NOT_FOUND:  # that is no last word: the peer brings the file again
            ctx.tx.keep_answer(peer.id, came.sender, came.id, code, ctx.now)
    ctx.tx.set_received(peer.id, Mark(came.epoch, came.n, came.hash))
    return _ack(came, code)


def _forgotten(ctx: Ctx, came: Envelope) -> str:
    """The answer where the first is remembered no more: what was taken is still there, all else was refused.

    Unless the oldest of the conversation were removed since: what was refused there so long ago, and could be taken
    now, is far rarer than what was taken.
    """
    where = _where(ctx, came)
    if _is_there(ctx, came, where):
        return ""
    if came.file is not UNSET:  # or there was no last word: the peer brings the file again
        return Code.FILE_NOT_FOUND
    if isinstance(where, Code):
        return where
    return "" if ctx.tx.has_expired(where[0]) else Code.FORBIDDEN


def _is_there(ctx: Ctx, came: Envelope, where: object) -> bool:
    """Whether it was stored, though nothing else may tell so any more: who it was for may be gone since."""
    return where is not Code.FORBIDDEN and ctx.tx.sent(came.sender, came.id) is not None


def _ack(came: Envelope, code: str) -> LinkAck:
    return LinkAck(epoch=came.epoch, after=came.n - 1, upto=came.n, results={came.n: code} if code else {})


def upload(ctx: Ctx, command: LinkUpload) -> Answer | Refusal | Later:
    """Begin to take a file from a peer; what could not be taken afterwards is refused now."""
    wait = ctx.rules.peer_uploads.take(ctx.peer.name, ctx.now)
    if wait:
        return too_fast(wait)
    where = _where(ctx, command)
    if isinstance(where, Code):
        return Refusal(where, f"you speak for users of {ctx.peer.name} alone" if where is Code.FORBIDDEN else "")
    return uploads.upload(ctx, command)


def _take(ctx: Ctx, came: Envelope) -> str:
    """Store what a peer's user says; the code of a refusal, or nothing."""
    where = _where(ctx, came)
    if isinstance(where, Code):
        return "" if _is_there(ctx, came, where) else where
    file = UNSET if came.file is UNSET else _brought(ctx, came.file)
    if file is None:
        return Code.FILE_NOT_FOUND
    conversation, accounts = where
    size = 0 if came.message is UNSET else len(came.message)
    ctx.taken[ctx.peer.id] += size / BYTES_A_UNIT + len(accounts) / MEMBERS_A_UNIT
    ctx.tx.open_conversation(conversation, sorted(accounts), ctx.now)
    draft = Draft(
        id=came.id,
        sender=came.sender,
        display=came.name,
        sent_at=came.sent_at,
        salt=ctx.ids.salt(),
        message=came.message,
        file=file,
        origin=ctx.peer.name,
        stored_at=ctx.now,
    )
    entry = ctx.tx.append(conversation, draft)
    if entry.salt == draft.salt:  # else it came before `taken` was forgotten
        ctx.taken[ctx.peer.id] += ctx.push(accounts, EntryPushed(entry=entry)) / PUSHES_A_UNIT
    return ""


def _where(ctx: Ctx, came: Envelope | LinkUpload) -> tuple[ConversationId, frozenset[int]] | Code:
    """The conversation that it is for, and who is in it; or why there is none."""
    _, realm = names.split(came.sender, ctx.realm)
    if realm != ctx.peer.name:  # a peer speaks only for its own
        return Code.FORBIDDEN
    if came.to is not UNSET:
        recipient = ctx.tx.account(came.to)
        if recipient is None:
            return Code.USER_NOT_FOUND
        return names.private(came.sender, ctx.address(came.to)), frozenset({recipient.id})
    assert came.group is not UNSET
    conversation = names.group(ctx.address(came.group))
    members = ctx.tx.member_ids(conversation)
    return Code.GROUP_NOT_FOUND if members is None else (conversation, members)


def _brought(ctx: Ctx, file: Carried) -> File | None:
    """The file of an envelope, where the peer has brought it: to know its digest gives nobody a blob."""
    owner = -ctx.peer.id
    known = ctx.tx.unsent_file(owner, file.digest, file.name) or ctx.tx.held_by(owner, file.digest, 0)
    if known is None:
        return None
    if known.name != file.name:
        new = StoredFile(ctx.ids.ulid(ctx.now), owner, file.name, known.size, known.media_type, known.digest)
        known = ctx.tx.add_file(new, ctx.now)
    return known.shown
