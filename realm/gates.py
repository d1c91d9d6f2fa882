"""What a command must pass before its handler sees it: each gate says nothing, or why not."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

from realm import invites
from realm.context import Ctx
from realm.limits import Buckets
from realm.request import OPERATOR
from schemas.commands import Auth, InSession, Register
from schemas.errors import Code, Refusal

Gate = Callable[[Ctx, Any], Refusal | None]

DAY_MS: Final = 86_400_000


def hash_token(token: str) -> bytes:
    """What is kept of a token. It has 256 random bits, so a fast hash is enough."""
    return hashlib.blake2b(token.encode(), digest_size=32).digest()


def has_session(ctx: Ctx, command: InSession) -> Refusal | None:
    """A live session, of this very key."""
    session = ctx.view.session(hash_token(command.tokenId)) if command.tokenId else None
    idle = ctx.settings.limits.session_idle_days * DAY_MS
    if session is None or session.key != ctx.request.key or ctx.now - session.saved_at > idle:
        return within_address_allowance(ctx, command) or Refusal(Code.SESSION_NOT_FOUND)
    ctx.session = session
    ctx.touch(session)
    return None


def is_operator(ctx: Ctx, command: object) -> Refusal | None:
    """It came over the socket in the realm's folder."""
    if ctx.request.key == OPERATOR:
        return None
    refused = within_address_allowance(ctx, command)
    return refused or Refusal(Code.FORBIDDEN, "this is for the realm's operator: say it with python -m realm")


def within_allowance(cost: float) -> Gate:
    """The session's token bucket has `cost` units left."""

    def gate(ctx: Ctx, _command: InSession) -> Refusal | None:
        limits = ctx.settings.limits
        wait = ctx.session.allowance.take(cost, limits.session_per_second, limits.session_burst, ctx.now)
        if not wait:
            return None
        if not ctx.rules.notes.take(ctx.session.address, ctx.now):
            ctx.note("warning", "session limited", user=ctx.session.name, address=ctx.request.address)
        return too_fast(wait)

    return gate


def within_address_allowance(ctx: Ctx, _command: object) -> Refusal | None:
    """Commands without a session, and what is no command, are counted by address."""
    return _address_wait(ctx, ctx.rules.strangers)


def may_log_in(ctx: Ctx, _command: Auth | Register) -> Refusal | None:
    """Logins and registrations are counted by address."""
    return _address_wait(ctx, ctx.rules.logins)


def may_register(ctx: Ctx, command: Register) -> Refusal | None:
    """This realm takes new accounts, from everybody or from who has an invite."""
    if ctx.settings.registration == "closed":
        return Refusal(Code.FORBIDDEN, "registration is closed: ask the realm's operator for an account")
    admitted = invites.admitted(ctx, command)
    return admitted if isinstance(admitted, Refusal) else None


def too_fast(wait: int) -> Refusal:
    """Too much was asked; `wait` is in ms."""
    return Refusal(Code.RATE_LIMITED, f"too many requests: try again in {wait / 1000:.1f} s", retry_after=wait)


def _address_wait(ctx: Ctx, buckets: Buckets) -> Refusal | None:
    address = ctx.request.address
    if address in ctx.rules.trusted:
        return None
    wait = buckets.take(address, ctx.now)
    if not wait:
        return None
    if not ctx.rules.notes.take(address, ctx.now):
        ctx.note("warning", "address limited", address=address)
    return too_fast(wait)
