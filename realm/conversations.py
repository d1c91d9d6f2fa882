"""What was said, and how far it was read: `conversations`, `history`, `read`."""

from msgspec import UNSET

from realm.context import BYTES_A_UNIT, Ctx
from realm.store.interface import DamagedError
from realm.store.rows import Standing
from schemas import answers, commands, names
from schemas.answers import Answer
from schemas.entries import size
from schemas.errors import Code, Refusal
from schemas.events import Read
from schemas.limits import MAX_PAGE
from schemas.names import ConversationId, Name

UNREAD_AT_MOST = 100
UNREAD_SCANNED = 5_000
"""How many entries behind the read marks one page looks at to count the unread; but so many as may be told for each."""

LATEST_DIGITS = 18
HEAD_SIZE = 512
"""What a row of the list takes in a frame beside its last entry, at most."""


def conversations(ctx: Ctx, command: commands.Conversations) -> Answer | Refusal:
    """List the user's conversations, latest first."""
    before: tuple[int, str] | None = None
    if command.after is not UNSET:
        latest, _, name = command.after.partition("/")
        if not latest.isdecimal() or len(latest) > LATEST_DIGITS:
            return Refusal(Code.BAD_REQUEST, "after: give the `next` of the page before")
        before = int(latest), name
    heads: list[answers.ConversationHead] = []
    room = MAX_PAGE
    on: str | None = None
    shown = ""
    scan = UNREAD_SCANNED
    for standing in ctx.tx.standings_latest(ctx.session.account, before, command.limit + 1):
        head, looked = _conversation(ctx, standing, max(scan, UNREAD_AT_MOST))
        scan -= looked
        room -= HEAD_SIZE + (size(head.last) if head.last is not UNSET else 0)
        if heads and (len(heads) == command.limit or room < 0):
            on = shown
            break
        heads.append(head)
        shown = f"{standing.latest}/{standing.conversation}"
    ctx.charge((MAX_PAGE - room) / BYTES_A_UNIT)
    return answers.Conversations(
        id=command.id, conversations=heads, more=on is not None, next=UNSET if on is None else on
    )


def history(ctx: Ctx, command: commands.History) -> Answer | Refusal:
    """Give entries of a conversation that the user may see."""
    standing = _visible(ctx, command.conversation)
    if isinstance(standing, Refusal):
        return standing
    page = ctx.tx.history(
        command.conversation,
        after=None if command.after is UNSET else command.after,
        before=None if command.before is UNSET else command.before,
        limit=command.limit,
        max_bytes=MAX_PAGE,
    )
    ctx.charge(page.bytes / BYTES_A_UNIT)
    return answers.History(
        id=command.id,
        entries=page.entries,
        first=standing.first,
        head=standing.head,
        seen=_seen(ctx, standing),
        more=page.more,
    )


def read(ctx: Ctx, command: commands.Read) -> Answer | Refusal:
    """Move the user's read mark forward, and tell those who see it."""
    standing = _visible(ctx, command.conversation)
    if isinstance(standing, Refusal):
        return standing
    seq = min(command.seq, standing.head)
    if seq > standing.read:
        session = ctx.session
        ctx.tx.move_read(session.account, command.conversation, seq)
        tell = {session.account}
        other = _other(ctx, command.conversation)
        if other is not None and (account := ctx.tx.account(other)):
            tell.add(account.id)
        ctx.push(tell, Read(conversation=command.conversation, seq=seq, by=session.address))
    return answers.Done(id=command.id)


def _visible(ctx: Ctx, conversation: ConversationId) -> Standing | Refusal:
    """How the user stands in a conversation; in an empty private one of the user's, at nothing."""
    own = ctx.session.address
    kind, parties = names.parse(conversation)
    if kind == "group":
        if ctx.tx.member_ids(conversation) is None:
            return Refusal(Code.GROUP_NOT_FOUND)
        return ctx.tx.standing(ctx.session.account, conversation) or Refusal(Code.NOT_MEMBER)
    if kind == "private" and tuple(sorted(parties)) != parties:
        return Refusal(Code.BAD_REQUEST, "conversation: the two users stand in the order of their bytes")
    if own != parties[0] and (kind == "sent" or own != parties[1]):
        return Refusal(Code.FORBIDDEN, "this conversation is not yours")
    return ctx.tx.standing(ctx.session.account, conversation) or Standing(conversation, 1, 0, 0, 0, 0)


def _other(ctx: Ctx, conversation: ConversationId) -> Name | None:
    """The other user of a private conversation (oneself, in notes), where that is a user of this realm."""
    kind, parties = names.parse(conversation)
    if kind != "private":
        return None
    one, other = parties
    name, realm = names.split(names.Address(other if one == ctx.session.address else one), ctx.realm)
    return name if realm == ctx.realm else None


def _seen(ctx: Ctx, standing: Standing) -> int:
    other = _other(ctx, standing.conversation)
    account = ctx.tx.account(other) if other is not None and standing.head else None
    theirs = ctx.tx.standing(account.id, standing.conversation) if account else None
    return theirs.read if theirs else 0


def _title(ctx: Ctx, conversation: ConversationId) -> str:
    """What a conversation is called: the group's title, or the other user's display name, or the address."""
    kind, parties = names.parse(conversation)
    if kind == "group":
        group = ctx.tx.group(names.split(names.Address(parties[0]), ctx.realm)[0])
        return group.title if group else parties[0]
    other = _other(ctx, conversation)
    account = ctx.tx.account(other) if other is not None else None
    if account is not None:
        return account.display
    return parties[-1] if parties[0] == ctx.session.address else parties[0]


def _conversation(ctx: Ctx, standing: Standing, scan: int) -> tuple[answers.ConversationHead, int]:
    """A row of the list, and how many entries were looked at to count the unread."""
    session = ctx.session
    try:
        last = ctx.tx.history(standing.conversation, limit=1, max_bytes=MAX_PAGE).entries
    except DamagedError:  # `history` says so, to who asks for it
        last = []
    unread, looked = ctx.tx.unread(session.account, standing.conversation, session.address, UNREAD_AT_MOST, scan)
    head = answers.ConversationHead(
        conversation=standing.conversation,
        title=_title(ctx, standing.conversation),
        first=standing.first,
        head=standing.head,
        read=standing.read,
        seen=_seen(ctx, standing),
        unread=unread,
        last=last[0] if last else UNSET,
    )
    return head, looked
