"""What becomes of what was sent to another realm: the sender's own entry, the answer, a bounce.

The row in the outbox was stored in the turn of the command. The sender's own entry follows in the turn that answers:
when the peer has taken it, or when that takes too long. What is refused before has no entry; after, it bounces.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from realm.context import Ctx
from realm.effects import Reply
from realm.federation.state import WAIT_MS, Wait, WaitOver
from realm.sending import told
from realm.session import Session
from realm.store.rows import DROPPED, Draft, Outgoing, Post
from schemas import names
from schemas.entries import Entry, File
from schemas.errors import FIXED_TEXTS, Code, Refusal
from schemas.events import Delivered, EntryPushed
from schemas.names import Address, ConversationId

SAID_BY_PEERS: Final = frozenset(
    {
        "",
        Code.USER_NOT_FOUND,
        Code.GROUP_NOT_FOUND,
        Code.FILE_NOT_FOUND,
        Code.TOO_LARGE,
        Code.QUOTA_EXCEEDED,
        Code.BAD_REQUEST,
        Code.FORBIDDEN,
    }
)
"""What a peer can say of a message; whatever else it says is a refusal."""


def settle(ctx: Ctx, rows: Sequence[Outgoing], codes: Sequence[str]) -> None:
    """The peer has taken rows, or refused them with a code; it is the first that is heard of them."""
    _settle(ctx, rows, [code if code in SAID_BY_PEERS else Code.FORBIDDEN for code in codes])


def give_back(ctx: Ctx, rows: Sequence[Outgoing]) -> None:
    """These are not sent any more, as their realm is none that is known; what it had taken once it has."""
    waiting, taken = [row for row in rows if not row.settled], [row for row in rows if row.settled]
    _settle(ctx, waiting, [Code.REALM_NOT_FOUND] * len(waiting))
    ctx.tx.settle(taken, [DROPPED] * len(taken), ctx.now)


def _settle(ctx: Ctx, rows: Sequence[Outgoing], codes: Sequence[str]) -> None:
    ctx.tx.settle(rows, codes, ctx.now)  # all at once: entries are put together too
    for row, code in zip(rows, codes, strict=True):
        _tell(ctx, row, code)


def _tell(ctx: Ctx, row: Outgoing, code: str) -> None:
    wait = ctx.view.peers.wait(row.post.account, row.post.id)
    if code and row.copied:
        _bounce(ctx, row, code)
    elif code:
        _answer(ctx, wait, refusal_of(ctx, row, code))
    elif row.copied:
        entry = ctx.tx.sent(_sender(ctx, row.post), row.post.id)
        if entry is not None:
            ctx.push([row.post.account], Delivered(conversation=entry.conversation, seq=entry.seq))
    else:
        _answer(ctx, wait, _copy(ctx, row, wait, queued=False))


def wait_no_longer(ctx: Ctx, peer: int) -> None:
    """Whoever waits for this peer is answered next: it is queued."""
    for wait in ctx.view.peers.waits():
        if wait.peer == peer:
            ctx.view.change(msgspec.structs.replace(wait, due=ctx.now, begins=False))


def end_wait(ctx: Ctx, account: int, entry: str) -> None:
    """Answer who has waited for long enough: it is queued."""
    wait = ctx.view.peers.wait(account, entry)
    row = ctx.tx.outgoing(account, entry)
    if wait is not None and row is not None:
        _answer(ctx, wait, copy_queued(ctx, row, wait))


def give_up(ctx: Ctx, account: int, entry: str, why: Refusal) -> None:
    """Answer who waits with an error; what was sent stays in the outbox, and asking again finds it."""
    wait = ctx.view.peers.wait(account, entry)
    if wait is not None and why.code is Code.UNAVAILABLE:  # in its place among those that wait
        _reply(ctx, wait, why)
        _await_room(ctx, msgspec.structs.replace(wait, begins=False))
    else:
        _answer(ctx, wait, why)


def await_room(ctx: Ctx) -> None:
    """Nothing can be stored, so that recovering has to wait."""
    for row in ctx.tx.uncopied():
        _await_room(ctx, Wait(row.post.account, row.post.id, row.post.peer, ctx.now, ()))


def _await_room(ctx: Ctx, wait: Wait) -> None:
    """Try again to store an entry, for nobody; what is said later waits behind it, and is stored in its order."""
    ctx.view.change(msgspec.structs.replace(wait, due=ctx.now + WAIT_MS, asked=()))


def recover(ctx: Ctx) -> None:
    """What waited when the realm ended counts as queued, and its entry is stored now."""
    for row in ctx.tx.uncopied():
        if ctx.view.peers.wait(row.post.account, row.post.id) is None:
            copy_queued(ctx, row, None)


def copy_queued(ctx: Ctx, row: Outgoing, wait: Wait | None) -> Entry:
    """Store the sender's own entry of what is queued, and push it to the devices that do not wait for it."""
    ctx.tx.set_copied(row)
    return _copy(ctx, row, wait, queued=True)


def _copy(ctx: Ctx, row: Outgoing, wait: Wait | None, *, queued: bool) -> Entry:
    post = row.post
    conversation = conversation_of(ctx, post)
    file: File | UnsetType = UNSET
    if post.file is not UNSET:
        stored = ctx.tx.file(post.file)
        assert stored is not None, "a file that the outbox names is kept"
        file = stored.shown
    ctx.tx.open_conversation(conversation, [post.account], ctx.now)
    draft = Draft(
        id=post.id,
        sender=_sender(ctx, post),
        display=post.display,
        sent_at=post.sent_at,
        salt=ctx.ids.salt(),
        message=post.message,
        file=file,
        drawn=True,  # who says it looks for the ULID among entries, and who sends here among rows of the outbox
        stored_at=ctx.now,
    )
    entry = msgspec.structs.replace(ctx.tx.append(conversation, draft), queued=queued)
    asking: tuple[Session, ...] = tuple(session for _, session in wait.asked) if wait else ()
    ctx.push([post.account], EntryPushed(entry=entry), but=asking)
    return entry


def conversation_of(ctx: Ctx, post: Post) -> ConversationId:
    """Where the sender sees what is sent."""
    sender, other = _sender(ctx, post), _recipient(ctx, post)
    return names.sent(sender, other) if post.to_group else names.private(sender, other)


def refusal_of(ctx: Ctx, row: Outgoing, code: str) -> Refusal:
    """What the sender is told."""
    known = Code(code)
    if known in FIXED_TEXTS:
        return Refusal(known)
    return Refusal(known, f"the realm {ctx.view.peers.peer(row.post.peer).name} refused it ({code})")


def _answer(ctx: Ctx, wait: Wait | None, what: Entry | Refusal) -> None:
    if wait is None:
        return
    ctx.view.change(WaitOver(wait.account, wait.entry, wait.peer))
    _reply(ctx, wait, what)


def _reply(ctx: Ctx, wait: Wait, what: Entry | Refusal) -> None:
    for request, _ in wait.asked:
        answer = what if isinstance(what, Refusal) else told(request.call or 0, what, queued=what.queued)
        ctx.effects.append(Reply(request, answer))


def _bounce(ctx: Ctx, row: Outgoing, code: str) -> None:
    """Say in the conversation that the peer did not take what was sent."""
    conversation, address = conversation_of(ctx, row.post), _recipient(ctx, row.post)
    draft = Draft(
        id=ctx.ids.ulid(ctx.now),
        sender=address,
        display=address,
        sent_at=ctx.now,
        salt=ctx.ids.salt(),
        message=refusal_of(ctx, row, code).text,
        drawn=True,
        re=row.post.id,
        code=code,
        origin=ctx.view.peers.peer(row.post.peer).name,
    )
    ctx.push([row.post.account], EntryPushed(entry=ctx.tx.append(conversation, draft)))


def _sender(ctx: Ctx, post: Post) -> Address:
    account = ctx.tx.account_by_id(post.account)
    assert account is not None
    return ctx.address(account.name)


def _recipient(ctx: Ctx, post: Post) -> Address:
    return names.full(post.recipient, ctx.view.peers.peer(post.peer).name)
