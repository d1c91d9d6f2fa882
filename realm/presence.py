"""Who is active, and what a client lacks: `info` and the heartbeat `sync`."""

from msgspec import UNSET, UnsetType

from realm.context import Ctx
from schemas import answers, commands, names
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.limits import MAX_CURSORS, MAX_PAGE
from schemas.names import Address, fold


def info(ctx: Ctx, command: commands.Info) -> Answer | Refusal:
    """Name the active users, sorted, as many as fit."""
    active: list[str] = []
    room = MAX_PAGE
    for name in ctx.active_names():
        room -= len(name) + 2
        if room < 0:
            break
        active.append(name)
    if not active:
        return Refusal(Code.NO_ACTIVE_USER)
    return answers.ActiveUsers(id=command.id, message=active)


def sync(ctx: Ctx, command: commands.Sync) -> Answer:
    """Say where the user's conversations end, so that the client can see what it lacks."""
    heads: dict[str, int | None] | UnsetType = UNSET
    on: str | None = None
    if command.cursors is not UNSET:
        after = "" if command.after is UNSET else command.after
        heads, on = _heads(ctx, command.cursors, after)
    return answers.Synced(
        id=command.id,
        epoch=ctx.rules.epoch,
        total=ctx.tx.total(ctx.session.account),
        heads=heads,
        active=UNSET if command.watch is UNSET else {name: _active(ctx, name) for name in command.watch},
        more=UNSET if heads is UNSET else on is not None,
        next=UNSET if on is None else on,
    )


def _active(ctx: Ctx, watched: Address) -> bool:
    name, realm = names.split(Address(watched.lower()), ctx.realm)
    return realm == ctx.realm and ctx.is_active(fold(name))


def _heads(ctx: Ctx, cursors: dict[names.ConversationId, int], after: str) -> tuple[dict[str, int | None], str | None]:
    """The heads that differ from the cursors, from behind `after`; and where to go on, None at the end.

    A client that names as many conversations as it may is answered up to the last of them: it has more
    cursors, and what it did not name yet does not differ.
    """
    last = max(cursors) if len(cursors) >= MAX_CURSORS else None
    rows = ctx.tx.standings_named(ctx.session.account, after, 2 * MAX_CURSORS + 1)
    heads: dict[str, int | None] = {}
    seen: set[str] = set()
    reached: str | None = None
    on: str | None = None
    for row in rows:
        if last is not None and row.conversation > last:
            on = last
            break
        if len(heads) == MAX_CURSORS or len(seen) == 2 * MAX_CURSORS:
            on = reached
            break
        reached = row.conversation
        seen.add(reached)
        if cursors.get(row.conversation) != row.head:
            heads[reached] = row.head
    for named in cursors:
        if named > after and named not in seen and (on is None or named <= on):
            heads[named] = None
    return heads, on
