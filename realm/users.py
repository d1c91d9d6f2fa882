"""What the realm's operator does with accounts: the list of them, and making, resetting, disabling one."""

from realm.accounts import end_sessions, hash_password
from realm.context import Ctx
from realm.jobs import PasswordJob
from realm.outcome import Later
from realm.store.rows import Account, UserRow
from schemas import answers, operator
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.limits import MAX_ITEMS
from schemas.names import Name


def registration(ctx: Ctx, command: operator.Registration) -> Answer:
    """Say who may register, and where."""
    return operator.RegistrationSeen(id=command.id, registration=ctx.settings.registration, home=ctx.rules.home)


def list_users(ctx: Ctx, command: operator.ListUsers) -> Answer:
    """A page of all accounts."""
    rows = ctx.tx.user_rows(command.after or "", MAX_ITEMS + 1)
    shown = rows[:MAX_ITEMS]
    more = len(rows) > len(shown)
    return operator.UsersSeen(
        id=command.id, users=[_seen(ctx, row) for row in shown], next=shown[-1].name if more else None
    )


def add(ctx: Ctx, command: operator.AddUser) -> Refusal | Later:
    """Have the password hashed; the account comes after it."""
    if ctx.tx.is_name_taken(command.username):
        return _taken(command.username)
    return hash_password(ctx, command.password)


def reset(ctx: Ctx, command: operator.ResetPassword) -> Refusal | Later:
    """Have the new password hashed."""
    if ctx.tx.account(command.username) is None:
        return nobody(command.username)
    return hash_password(ctx, command.password)


def finish(ctx: Ctx, job: PasswordJob, password_hash: str) -> Answer | Refusal:
    """Go on with the command for which a password was hashed."""
    match job.ask.body:
        case operator.AddUser() as command:
            if ctx.tx.is_name_taken(command.username):
                return _taken(command.username)
            ctx.tx.create_account(command.username, command.name, command.country, password_hash, ctx.now)
            ctx.note("info", "user added", user=command.username)
            return _said(command, "User added")
        case operator.ResetPassword() as command:
            account = ctx.tx.account(command.username)
            if account is None:
                return nobody(command.username)
            return _finish_reset(ctx, command, account, password_hash)
        case body:
            raise TypeError(f"no command {type(body).__name__} asks for {job!r}")


def disable(ctx: Ctx, command: operator.DisableUser) -> Answer | Refusal:
    """End the user's sessions, and let nobody log in until it is taken back. What is sent to the user is stored."""
    account = ctx.tx.account(command.username)
    if account is None:
        return nobody(command.username)
    if account.disabled == command.disabled:
        return _said(command, f"{account.name} is {'disabled' if command.disabled else 'enabled'} already")
    ctx.tx.set_disabled(account.id, ctx.now if command.disabled else None)
    if command.disabled:
        end_sessions(ctx, account.id)
    ctx.note("info", "user disabled" if command.disabled else "user enabled", user=account.name)
    return _said(command, "User disabled" if command.disabled else "User enabled")


def administer(ctx: Ctx, command: operator.AdministerUser) -> Answer | Refusal:
    """Say whether the user is an admin of the realm. Clients that are logged in learn it when they resume."""
    account = ctx.tx.account(command.username)
    if account is None:
        return nobody(command.username)
    ctx.tx.set_may_administrate(account.id, may=command.admin)
    ctx.note("info", "user is an admin" if command.admin else "user is no admin", user=account.name)
    return _said(command, f"{account.name} is an admin now" if command.admin else f"{account.name} is no admin now")


def nobody(name: Name) -> Refusal:
    """There is no such account."""
    return Refusal(Code.USER_NOT_FOUND, f"there is no user {name}: `python -m realm user list` shows all")


def _taken(name: Name) -> Refusal:
    return Refusal(Code.USER_EXISTS, f"the name {name} is taken: choose another (one is never given a second time)")


def _finish_reset(ctx: Ctx, command: operator.ResetPassword, account: Account, password_hash: str) -> Answer:
    """Whoever knew the old password, or holds a key that has logged in, has to know the new one."""
    ctx.tx.set_password(account.id, password_hash)
    ctx.tx.forget_keys(account.id)
    end_sessions(ctx, account.id)
    ctx.rules.failures.right(account.name)
    ctx.note("info", "password reset", user=account.name)
    return _said(command, "Password reset, and all sessions ended")


def _is_under_way(ctx: Ctx, account: int) -> bool:
    erasing = ctx.tx.erasing_of(account)
    return erasing is not None and erasing.step != "done"


def _said(command: operator.AboutUser, message: str) -> Answer:
    return answers.Said(id=command.id, message=message)


def _seen(ctx: Ctx, row: UserRow) -> operator.UserSeen:
    return operator.UserSeen(
        username=row.name,
        name=row.display,
        country=row.country,
        admin=row.admin,
        made_at=row.created_at,
        active_at=row.active_at,
        active=ctx.is_active(row.name),
        sessions=len(ctx.view.sessions_of(row.id)),
        file_bytes=ctx.tx.file_usage(row.id),
        disabled_at=row.disabled_at,
        erased_at=row.erased_at,
        erasing=row.erased_at is not None and _is_under_way(ctx, row.id),
    )
