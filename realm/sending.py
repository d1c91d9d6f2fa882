"""What every send has in common: the entry is stored once, pushed, and told to its sender."""

from collections.abc import Iterable

from msgspec import UNSET

from realm.context import BYTES_A_UNIT, Ctx
from realm.store.rows import Draft
from schemas import answers
from schemas.answers import Answer
from schemas.commands import Texting
from schemas.entries import Entry
from schemas.errors import Code, Refusal
from schemas.events import EntryPushed
from schemas.names import ConversationId


def send_text(ctx: Ctx, command: Texting, to: ConversationId, accounts: Iterable[int]) -> Answer | Refusal:
    """Store a message and push it to all devices of these accounts but the one that sends.

    A repeated send has no second effect and gets the first one's answer.
    """
    drawn = command.entry is UNSET
    draft = Draft(
        id=ctx.ids.ulid(ctx.now) if command.entry is UNSET else command.entry,
        sender=ctx.session.address,
        display=ctx.session.display,
        sent_at=ctx.now,
        salt=ctx.ids.salt(),
        message=command.message,
        drawn=drawn,
    )
    entry = ctx.tx.append(to, draft)
    is_new = entry.salt == draft.salt  # drawn just now: an earlier entry has another
    if not is_new:
        return repeated(command, to, entry)
    if len(command.message) > BYTES_A_UNIT:
        ctx.charge(len(command.message) / BYTES_A_UNIT)
    ctx.push(accounts, EntryPushed(entry=entry))
    return _sent(command.id, entry)


def repeated(command: Texting, to: ConversationId, first: Entry) -> Answer | Refusal:
    """The answer to a send whose ULID was used before: that of the first, if it said the same."""
    if first.conversation != to or first.message not in (command.message, UNSET):
        return Refusal(Code.BAD_REQUEST, "entry: you have already sent something else under this ULID")
    return _sent(command.id, first)


def _sent(call: int, entry: Entry) -> Answer:
    """With what was sent, this is the whole entry."""
    return answers.Sent(
        id=call,
        message="Message sent",
        conversation=entry.conversation,
        seq=entry.seq,
        entry=entry.id,
        name=entry.name,
        sent_at=entry.sent_at,
        salt=entry.salt or b"",
        chain=entry.chain,
    )
