"""Erasing an account: what it said, its files, and everything of it but its name, which is never free again.

Nobody can use the account from the turn on in which that is said. The rest follows in slices, each a part of a turn of
its own, so that nobody waits for it; a row says how far it has come, so that a realm that was killed goes on. What is
said of an entry stays in the chain as the digest of its body. What other realms hold is theirs.
"""

from typing import Final

from realm import accounts, files, groups, uploads
from realm.context import Ctx
from realm.due import FAR, PAUSE_MS, SWEEP_MS
from realm.federation import carrying, link, settling
from realm.store.rows import Account, Erasing, Outgoing, Step
from realm.users import nobody
from schemas import names, operator
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.names import Name

FIRST: Final[Step] = "outbox"
SCANNED: Final = 4_000
"""So many rows are looked at in one slice to find those of the account,"""
CHANGED: Final = 100
"""and so many changed: a few ms."""
PATIENCE_MS: Final = 10_000
"""What is on its way to a realm that answers has so long to arrive; then it is withdrawn, as for one that does not."""
AT_ONCE: Final = 10
"""Accounts of which some is erased or looked at in one turn."""
AGAIN_MS: Final = 2_000
"""Until it is seen again whether what is waited for has happened."""


def erase(ctx: Ctx, command: operator.EraseUser) -> Answer | Refusal:
    """Begin to erase an account, or go on with it; the answer says how far that has come."""
    account = ctx.tx.account(command.username)
    if account is not None:
        _begin(ctx, account)
    row = ctx.tx.user_row(command.username)
    if row is None:
        return nobody(command.username)
    now = ctx.tx.erasing_of(row.id)
    assert now is not None, "an account that nobody can use is being erased, or was"
    if account is None and now.step != "done":
        _slice(ctx, now)
        now = ctx.tx.erasing_of(row.id) or now
    return operator.ErasingSeen(
        id=command.id,
        done=now.step == "done",
        begun=account is not None,
        step=now.step,
        entries=now.entries,
        files=now.files,
    )


def go_on(ctx: Ctx) -> None:
    """Do the next slice of what is under way, and say when there is more to do."""
    slices = ctx.rules.erasing
    slices.at = 0
    under_way = ctx.tx.erasing(AT_ONCE + len(slices.left))
    if under_way and slices.left.issuperset(one.account for one in under_way):
        slices.left.clear()
        slices.due = ctx.now + SWEEP_MS
        return
    pause = AGAIN_MS
    for one in under_way:
        slices.at = one.account
        if one.account not in slices.left and _slice(ctx, one):
            pause = PAUSE_MS
            break  # those that wait for something keep no other waiting
    slices.due = ctx.now + pause if under_way else FAR


def _begin(ctx: Ctx, account: Account) -> None:
    """Nobody is this user any more: what only they may do ends here and now."""
    accounts.end_sessions(ctx, account.id)
    for wait in ctx.view.peers.waits():
        if wait.account == account.id:
            settling.give_up(ctx, wait.account, wait.entry, Refusal(Code.SESSION_NOT_FOUND))
    uploads.give_up_all(ctx, account.id)
    ctx.tx.begin_erasing(account.id, FIRST, ctx.now)
    ctx.rules.failures.right(account.name)
    ctx.rules.erasing.due = ctx.now
    ctx.note("info", "user is being erased", user=account.name)


def _slice(ctx: Ctx, now: Erasing) -> bool:
    """Erase some of it; False where it waits for something."""
    match now.step:
        case "outbox":
            return _outbox(ctx, now)
        case "memberships":
            return _memberships(ctx, now)
        case "entries":
            if not ctx.tx.erase_said_by(now.account, ctx.address(now.name), SCANNED, CHANGED):
                ctx.tx.erase_next(now.account, "files")
        case "files":
            if not ctx.tx.drop_files_of(now.account, CHANGED):
                ctx.tx.erase_next(now.account, "bytes")
        case "bytes":
            return _bytes(ctx, now)
        case "done":
            return False
    return True


def _outbox(ctx: Ctx, now: Erasing) -> bool:
    """Withdraw what waits for other realms. It comes first: what a peer takes meanwhile becomes an entry here."""
    rows, more = ctx.tx.outgoing_by(now.account, SCANNED)
    gone: list[Outgoing] = []
    kept = False
    for row in rows:
        peer = row.post.peer
        if not ctx.tx.is_numbered(row):
            gone.append(row)
        elif ctx.view.peers.link(peer).answers and abs(ctx.now - now.asked_at) < PATIENCE_MS:
            kept = True
        elif ctx.tx.withdraw_numbered(now.account, peer):
            link.numbered_anew(ctx, peer)
    ctx.tx.withdraw(gone)
    for row in gone:
        carrying.withdrawn(ctx, row)
    if kept or not more:
        ctx.tx.erase_next(now.account, FIRST if kept else "memberships")
    return not kept


def _memberships(ctx: Ctx, now: Erasing) -> bool:
    """Leave a group, or end a conversation: where nobody else here takes part in it, nobody sees it again."""
    part = ctx.tx.part_of(now.account)
    if part is None:
        if not ctx.tx.forget_realm_inboxes(now.account, CHANGED):
            ctx.tx.erase_next(now.account, "entries")
        return True
    conversation, shared = part
    kind, parties = names.parse(conversation)
    if kind == "group":
        group = ctx.tx.group(names.split(names.Address(parties[0]), ctx.realm)[0])
        assert group is not None, "a group's conversation has a group"
        groups.leave(ctx, group, now.account)
    elif shared or not ctx.tx.erase_conversation(now.account, conversation, CHANGED):
        ctx.tx.end_part(now.account, conversation)
    return True


def _bytes(ctx: Ctx, now: Erasing) -> bool:
    """See that what was to be removed from disk is gone, or try again."""
    if files.remove(ctx):
        return False
    ctx.tx.erase_next(now.account, "done")
    ctx.note("info", "user is erased", user=Name(now.name), entries=now.entries, files=now.files)
    return True
