"""Sending to other realms: `sendprivaterealm`, `sendgrouprealm`, their file forms, and `send bob@pusat`."""

import msgspec
from msgspec import UNSET, UnsetType

from realm.context import BYTES_A_UNIT, Ctx
from realm.federation import settling
from realm.federation.admission import is_allowed
from realm.federation.state import WAIT_MS, Wait
from realm.outcome import LATER, Later
from realm.sending import SOMETHING_ELSE, repeated, told
from realm.store.rows import DROPPED, Outgoing, Peer, Post
from schemas import answers, commands
from schemas.answers import Answer
from schemas.commands import Filing, Texting
from schemas.errors import Code, Refusal
from schemas.names import Name

Sent = Answer | Refusal | Later
_changed = msgspec.structs.replace


def send_private(ctx: Ctx, command: commands.SendPrivateRealm | commands.SendFileRealm) -> Sent:
    """Send a message or a file to a user of another realm."""
    return send(ctx, command, command.realm, command.to, to_group=False)


def send_group(ctx: Ctx, command: commands.SendGroupRealm | commands.SendGroupFileRealm) -> Sent:
    """Send a message or a file to a group of another realm."""
    return send(ctx, command, command.realm, command.group, to_group=True)


def send(ctx: Ctx, command: Texting | Filing, realm: Name, recipient: Name, *, to_group: bool) -> Sent:
    """Store it in the outbox. The answer comes when the peer has answered, or is known not to for now."""
    peer = ctx.view.peers.by_name(realm)
    if peer is None:
        return Refusal(Code.REALM_NOT_FOUND)
    if not is_allowed(ctx.settings, peer):
        return Refusal(Code.FORBIDDEN, f"the settings of this realm do not let it speak with {peer.name}")
    post = Post(
        peer=peer.id,
        id=ctx.ids.ulid(ctx.now) if command.entry is UNSET else command.entry,
        account=ctx.session.account,
        display=ctx.session.display,
        sent_at=ctx.now,
        to_group=to_group,
        recipient=recipient,
        message=command.message if isinstance(command, Texting) else UNSET,
        file=command.file if isinstance(command, Filing) else UNSET,
    )
    if command.entry is not UNSET and (again := _said_before(ctx, command, post)) is not None:
        return again
    if refused := _refused(ctx, peer, post.file):
        return refused
    row = ctx.tx.enqueue(post)
    if post.message is not UNSET and len(post.message) > BYTES_A_UNIT:
        ctx.charge(len(post.message) / BYTES_A_UNIT)
    (ctx.pumping if post.file is UNSET else ctx.carrying).add(peer.id)
    if ctx.view.peers.link(peer.id).down_since is None:
        return _wait(ctx, row, ctx.now + WAIT_MS)
    if ctx.view.peers.is_awaited(peer.id):  # behind those, so that all are stored in the order in which they were said
        return _wait(ctx, row, ctx.now)
    wait = Wait(post.account, post.id, peer.id, ctx.now, ((ctx.request, ctx.session),))
    return told(command.id, settling.copy_queued(ctx, row, wait), queued=True)


def _refused(ctx: Ctx, peer: Peer, file: str | UnsetType) -> Refusal | None:
    """Why nothing more can be sent there."""
    if file is not UNSET:
        stored = ctx.tx.file(file)
        if stored is None or stored.owner != ctx.session.account:
            return Refusal(Code.FILE_NOT_FOUND)
    most = ctx.settings.peers.queue
    if ctx.tx.sending(peer.id).queued >= most:
        why = f"{most:,} messages wait for the realm {peer.name}, the most there may be: try again later"
        return Refusal(Code.QUEUE_FULL, why)
    return None


def _said_before(ctx: Ctx, command: Texting | Filing, post: Post) -> Sent | None:
    """The answer to a send whose ULID was used before, None where it was not."""
    row = ctx.tx.outgoing(post.account, post.id)
    if row is None:
        first = ctx.tx.sent(ctx.session.address, post.id)
        return None if first is None else repeated(command, settling.conversation_of(ctx, post), first)
    if _where(ctx, row.post) != _where(ctx, post):
        return Refusal(Code.BAD_REQUEST, SOMETHING_ELSE)
    if (row.post.message, row.post.file) != (post.message, post.file):
        return Refusal(Code.BAD_REQUEST, SOMETHING_ELSE)
    if row.copied or (row.settled and not row.result):
        first = ctx.tx.sent(ctx.session.address, post.id)
        if first is None:
            return Refusal(Code.BAD_REQUEST, "entry: what you have sent under this ULID is kept no longer")
        again = repeated(command, settling.conversation_of(ctx, post), first)
        if row.result not in ("", DROPPED) and isinstance(
            again, answers.Sent
        ):  # it bounced: the first answer did not say that it was taken
            again = _changed(again, queued=True)
        return again
    if row.settled:
        return settling.refusal_of(ctx, row, row.result)
    return _wait(ctx, row, ctx.now + WAIT_MS)


def _where(ctx: Ctx, post: Post) -> tuple[Name, bool, Name]:
    """For whom it is. By the realm's name: one that was forgotten meanwhile, and is back, is another peer."""
    return ctx.view.peers.peer(post.peer).name, post.to_group, post.recipient


def _wait(ctx: Ctx, row: Outgoing, due: int) -> Later:
    """Answer later, at the latest when it is due, together with those who ask for the same already."""
    post = row.post
    known = ctx.view.peers.wait(post.account, post.id)
    asking = (ctx.request, ctx.session)
    if known is None:
        ctx.view.change(Wait(post.account, post.id, post.peer, due, (asking,)))
    else:
        ctx.view.change(_changed(known, asked=(*known.asked, asking), begins=False))
    return LATER
