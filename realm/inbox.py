"""What was received and not yet fetched: `inbox`, and of one realm `getrealminbox`."""

from realm.context import BYTES_A_UNIT, Ctx
from realm.store.interface import DamagedError
from schemas import answers, commands
from schemas.answers import Answer
from schemas.entries import Entry
from schemas.errors import Code, Refusal
from schemas.limits import MAX_PAGE

SCANNED_AT_MOST = 10_000
"""How many entries one command may look at to find those that are not the user's own."""

CONVERSATIONS_AT_ONCE = 100


def inbox(ctx: Ctx, command: commands.Inbox) -> Answer:
    """Give what was received and not yet fetched, and move the cursors past it.

    Own entries are passed over. A user with very many of them in a row may get a page that is empty and says
    `more`.
    """
    account, own = ctx.session.account, ctx.session.address
    messages: list[Entry] = []
    room, scan = MAX_PAGE, SCANNED_AT_MOST
    passed, damaged = False, None
    for standing in ctx.tx.standings_unfetched(account, CONVERSATIONS_AT_ONCE):
        fetched = max(standing.inbox, standing.first - 1)  # what retention has removed is passed over
        try:
            found = ctx.tx.received(
                standing.conversation,
                own,
                after=fetched,
                limit=command.limit - len(messages),
                max_bytes=room,
                scan=scan,
            )
        except DamagedError as error:  # what others said is given; when nothing is left, it is told
            damaged = error
            continue
        if messages and found.bytes > room:
            break
        messages += found.entries
        room -= found.bytes
        scan -= found.reached - fetched
        if found.reached > standing.inbox:
            ctx.tx.move_inbox(account, standing.conversation, found.reached)
            passed = True
        if found.reached < standing.head or room <= 0 or scan <= 0:
            break
    if damaged and not passed:
        raise damaged
    ctx.charge((MAX_PAGE - room) / BYTES_A_UNIT)
    return answers.Messages(id=command.id, messages=messages, more=bool(ctx.tx.standings_unfetched(account, 1)))


def realm_inbox(ctx: Ctx, command: commands.GetRealmInbox) -> Answer | Refusal:
    """Give what came from another realm and was not yet fetched this way, and move these cursors past it."""
    account = ctx.session.account
    if ctx.view.peers.by_name(command.realm) is None:
        return Refusal(Code.REALM_NOT_FOUND)
    messages: list[Entry] = []
    room = MAX_PAGE
    for standing in ctx.tx.standings_from(account, command.realm, CONVERSATIONS_AT_ONCE):
        left = command.limit - len(messages)
        found = ctx.tx.received_from(standing, command.realm, limit=left, max_bytes=room)
        if messages and found.bytes > room:
            break
        messages += found.entries
        room -= found.bytes
        ctx.tx.move_realm_inbox(account, command.realm, standing, found.reached)
        if len(messages) == command.limit or room <= 0:
            break
    ctx.charge((MAX_PAGE - room) / BYTES_A_UNIT)
    more = bool(ctx.tx.standings_from(account, command.realm, 1))
    return answers.Messages(id=command.id, messages=messages, more=more)
