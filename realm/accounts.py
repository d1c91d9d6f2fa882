"""Who somebody is: `auth`, `register`, `resume`, `passwd`, `logout`, and the list of users."""

from msgspec import UNSET

from realm import invites
from realm.context import Ctx
from realm.gates import hash_token, too_fast
from realm.jobs import CheckPassword, HashPassword, PasswordJob, Result
from realm.memory import Ended, Started
from realm.outcome import LATER, Later
from realm.request import Request
from realm.session import Session
from realm.store.rows import Account
from schemas import answers, commands
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.names import Name

KEYS_REMEMBERED = 50
"""How many keys of one account skip the delay for failed logins."""

USERS_LOOKED_AT = 1_000
"""How many accounts one page of a search may look at."""


def auth(ctx: Ctx, command: commands.Auth) -> Refusal | Later:
    """Have the password checked, unless too many wrong ones came."""
    account = ctx.tx.account(command.username)
    if account is None:
        return Refusal(Code.USER_NOT_FOUND)
    known = ctx.tx.knows_key(account.id, ctx.request.key)
    wait = 0 if known else ctx.rules.failures.wait(account.name, ctx.now)
    if wait:
        return too_fast(wait)
    return _check(ctx, account, command.password, account.name)


def register(ctx: Ctx, command: commands.Register) -> Refusal | Later:
    """Have the password hashed; the account comes after it."""
    if ctx.tx.is_name_taken(command.username):
        return Refusal(Code.USER_EXISTS)
    return hash_password(ctx, command.password)


def passwd(ctx: Ctx, command: commands.Passwd) -> Refusal | Later:
    """Have the old password checked."""
    wait = ctx.rules.failures.wait(_changing(ctx.session.name), ctx.now)
    if wait:
        return too_fast(wait)
    return _check(ctx, _own_account(ctx), command.old, _changing(ctx.session.name))


def finish(ctx: Ctx, job: PasswordJob, result: Result) -> Answer | Refusal | Later:
    """Go on with the command that asked for a password job."""
    match job.ask.body, job:
        case commands.Auth() as command, CheckPassword():
            return _finish_auth(ctx, command, job, right=bool(result))
        case commands.Register() as command, HashPassword():
            return _finish_register(ctx, command, str(result))
        case commands.Passwd() as command, CheckPassword():
            if not _still_there(ctx, command):
                return Refusal(Code.SESSION_NOT_FOUND)
            if not result:
                return Refusal(Code.WRONG_PASSWORD)
            if _own_account(ctx).password_hash != job.against:
                return Refusal(Code.WRONG_PASSWORD)
            ctx.rules.failures.right(_changing(ctx.session.name))
            return hash_password(ctx, command.new, replaces=job.against)
        case commands.Passwd() as command, HashPassword():
            if not _still_there(ctx, command):
                return Refusal(Code.SESSION_NOT_FOUND)
            if _own_account(ctx).password_hash != job.replaces:
                return Refusal(Code.WRONG_PASSWORD)
            return _finish_passwd(ctx, command, str(result))
        case body, _:
            raise TypeError(f"no command {type(body).__name__} asks for {job!r}")


def resume(ctx: Ctx, command: commands.Resume) -> Answer:
    """Tell a session what it needs to go on."""
    return _opened(ctx, command.id, _own_account(ctx), ctx.session, command.tokenId)


def logout(ctx: Ctx, command: commands.Logout) -> Answer:
    """End the session; from here on nothing is pushed to it."""
    end_session(ctx, ctx.session)
    return answers.Said(id=command.id, message="Logout berhasil")


def users(ctx: Ctx, command: commands.Users) -> Answer:
    """List the users of this realm."""
    find = "" if command.find is UNSET else command.find.casefold()
    after = "" if command.after is UNSET else command.after
    found, on = ctx.tx.accounts(after, command.limit, find, USERS_LOOKED_AT)
    seen = [
        answers.UserSeen(
            username=account.name,
            name=account.display,
            country=account.country,
            active=ctx.is_active(account.name),
        )
        for account in found
    ]
    return answers.Users(id=command.id, users=seen, more=on is not None, next=UNSET if on is None else on)


def end_session(ctx: Ctx, session: Session) -> None:
    """End a session of anybody; one that this turn has ended already is left alone."""
    if not ctx.view.is_live(session):
        return
    ctx.tx.end_session(session.id)
    ctx.view.change(Ended(session))
    if not ctx.view.sessions_of(session.account):
        ctx.tx.set_active(session.account, 0)
        ctx.set_inactive(session)


def end_sessions(ctx: Ctx, account: int) -> None:
    """End all sessions of an account."""
    for session in ctx.view.sessions_of(account):
        end_session(ctx, session)


def _finish_auth(ctx: Ctx, command: commands.Auth, job: CheckPassword, *, right: bool) -> Answer | Refusal:
    account = ctx.tx.account(command.username)
    if account is None:
        return Refusal(Code.USER_NOT_FOUND)
    if not right or account.password_hash != job.against:
        return Refusal(Code.WRONG_PASSWORD)
    ctx.rules.failures.right(account.name)
    if account.disabled:  # said to nobody who does not know the password
        return Refusal(Code.FORBIDDEN, "this account is disabled: ask the realm's operator")
    return _open_session(ctx, command.id, account, job.ask)


def _finish_register(ctx: Ctx, command: commands.Register, password_hash: str) -> Answer | Refusal:
    # Since the gate was passed the invite may have expired, or let somebody else in.
    admitted = invites.admitted(ctx, command)
    if isinstance(admitted, Refusal):
        return admitted
    if ctx.tx.is_name_taken(command.username):
        return Refusal(Code.USER_EXISTS)
    account = ctx.tx.create_account(command.username, command.name, command.country, password_hash, ctx.now)
    if admitted is not None:
        ctx.tx.use_invite(admitted.nonce, account.id, ctx.now, admitted.expires)
    return _open_session(ctx, command.id, account, ctx.request)


def _finish_passwd(ctx: Ctx, command: commands.Passwd, password_hash: str) -> Answer:
    ctx.tx.set_password(ctx.session.account, password_hash)
    for session in ctx.view.sessions_of(ctx.session.account):
        if session is not ctx.session:
            end_session(ctx, session)
    return answers.Said(id=command.id, message="Password changed")


def _open_session(ctx: Ctx, call: int, account: Account, ask: Request) -> Answer:
    limits = ctx.settings.limits
    live = ctx.view.sessions_of(account.id)
    too_many = max(0, len(live) + 1 - limits.sessions_per_user)
    replaced = None
    for session in live:
        if session.key == ask.key:
            end_session(ctx, session)
            too_many = max(0, too_many - 1)
            replaced = session
    for session in ctx.view.sessions_of(account.id)[:too_many]:
        end_session(ctx, session)
    token = ctx.ids.token()
    row = ctx.tx.open_session(account, ask.key, hash_token(token), ctx.ids.topic(), ctx.now)
    ctx.tx.remember_key(account.id, ask.key, ctx.now, KEYS_REMEMBERED)
    session = Session(row, ctx.realm, limits.session_burst, ctx.now)
    if replaced is not None:
        session.allowance = replaced.allowance  # logging in again is no way to ask for more
    ctx.view.change(Started(session))
    ctx.tx.set_active(account.id, ctx.touch(session))
    return _opened(ctx, call, account, session, token)


def _opened(ctx: Ctx, call: int, account: Account, session: Session, token: str) -> Answer:
    return answers.SessionOpened(
        id=call,
        tokenId=token,
        user=session.address,
        name=account.display,
        country=account.country,
        admin=account.admin,
        topic=session.topic,
        epoch=ctx.rules.epoch,
    )


def _changing(name: Name) -> str:
    """Under what wrong passwords are counted that come with `passwd`: they must not delay logging in."""
    return f"passwd {name}"


def _check(ctx: Ctx, account: Account, password: str, counted: str) -> Refusal | Later:
    if refused := _pool_is_full(ctx):
        return refused
    times = ctx.rules.failures.attempt(counted, ctx.now)
    if times == ctx.settings.limits.free_failures + 1:
        ctx.note("warning", "logins delayed", user=account.name, address=ctx.request.address)
    ctx.run(CheckPassword(ctx.request, password, account.password_hash))
    return LATER


def hash_password(ctx: Ctx, password: str, replaces: str = "") -> Refusal | Later:
    """Have a password hashed, unless too many wait for that; the answer comes with the result."""
    if refused := _pool_is_full(ctx):
        return refused
    ctx.run(HashPassword(ctx.request, password, replaces))
    return LATER


def _pool_is_full(ctx: Ctx) -> Refusal | None:
    hashing = ctx.settings.hashing
    wait = ctx.view.hash_wait(ctx.request.address, hashing.workers)
    return too_fast(wait) if wait > hashing.max_wait_ms else None


def _own_account(ctx: Ctx) -> Account:
    account = ctx.tx.account_by_id(ctx.session.account)
    assert account is not None, "a session belongs to an account"
    return account


def _still_there(ctx: Ctx, command: commands.Passwd) -> bool:
    session = ctx.view.session(hash_token(command.tokenId))
    if session is not None:
        ctx.session = session
    return session is not None
