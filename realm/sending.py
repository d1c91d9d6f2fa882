"""What every send has in common: the entry is stored once, pushed, and told to its sender."""

from collections.abc import Iterable
from typing import Final

from msgspec import UNSET, UnsetType

from realm.context import BYTES_A_UNIT, Ctx
from realm.store.rows import Draft
from schemas import answers, names
from schemas.answers import Answer
from schemas.commands import Filing, Texting
from schemas.entries import Entry, File
from schemas.errors import Code, Refusal
from schemas.events import EntryPushed
from schemas.names import ConversationId

SOMETHING_ELSE: Final = "entry: you have already sent something else under this ULID"


def send(ctx: Ctx, command: Texting | Filing, to: ConversationId, accounts: Iterable[int]) -> Answer | Refusal:
    """Store a message or a file and push it to all devices of these accounts but the one that sends.

    A repeated send has no second effect and gets the first one's answer. A file must be one that the user has
    uploaded; whatever else speaks against the command was looked at before.
    """
    if ctx.view.peers.any and command.entry is not UNSET and ctx.tx.outgoing(ctx.session.account, command.entry):
        return Refusal(Code.BAD_REQUEST, SOMETHING_ELSE)
    message: str | UnsetType = UNSET
    file: File | UnsetType = UNSET
    if isinstance(command, Texting):
        message = command.message
    else:
        stored = ctx.tx.file(command.file)
        if stored is None or stored.owner != ctx.session.account:
            return Refusal(Code.FILE_NOT_FOUND)
        file = stored.shown
    draft = Draft(
        id=ctx.ids.ulid(ctx.now) if command.entry is UNSET else command.entry,
        sender=ctx.session.address,
        display=ctx.session.display,
        sent_at=ctx.now,
        salt=ctx.ids.salt(),
        message=message,
        drawn=command.entry is UNSET,
        file=file,
    )
    entry = ctx.tx.append(to, draft)
    is_new = entry.salt == draft.salt  # drawn just now: an earlier entry has another
    if not is_new:
        return repeated(command, to, entry)
    if message is not UNSET and len(message) > BYTES_A_UNIT:
        ctx.charge(len(message) / BYTES_A_UNIT)
    ctx.push(accounts, EntryPushed(entry=entry))
    return told(command.id, entry)


def repeated(command: Texting | Filing, to: ConversationId, first: Entry) -> Answer | Refusal:
    """The answer to a send whose ULID was used before: that of the first, if it said the same."""
    if first.conversation != to or not _says(command, first):
        return Refusal(Code.BAD_REQUEST, SOMETHING_ELSE)
    return told(command.id, first, queued=first.queued if names.crosses(to) else None)


def _says(command: Texting | Filing, entry: Entry) -> bool:
    """Whether an entry has what a command says; of an erased one nobody knows more than its kind."""
    if isinstance(command, Texting):
        return entry.kind == "text" and entry.message in (command.message, UNSET)
    return entry.kind == "file" and (entry.file is UNSET or entry.file.id == command.file)


def told(call: int, entry: Entry, *, queued: bool | None = None) -> Answer:
    """With what was sent, this is the whole entry; `queued` is None where it goes to nobody elsewhere."""
    return answers.Sent(
        id=call,
        message="Message sent" if entry.kind == "text" else "File sent",
        conversation=entry.conversation,
        seq=entry.seq,
        entry=entry.id,
        name=entry.name,
        sent_at=entry.sent_at,
        salt=entry.salt or b"",
        chain=entry.chain,
        file_info=entry.file,
        queued=UNSET if queued is None else queued,
    )
