"""What this device's own commands say of the conversations, once the realm has answered: the mirror is told of it."""

from msgspec import UNSET, UnsetType

from client.errors import ClientError
from client.mirror import Mirror
from schemas import answers, commands, events
from schemas.answers import Answer
from schemas.commands import Command
from schemas.entries import Entry
from schemas.names import ConversationId


def reflect(mirror: Mirror, command: Command, outcome: Answer | ClientError) -> None:
    """Take in what the answer to one of this device's own commands says of the conversations."""
    if isinstance(outcome, ClientError):
        if isinstance(command, commands.Repeatable) and command.entry is not UNSET:
            mirror.refused(command.entry)
        return
    match command:
        case commands.Texting(message=message) if isinstance(outcome, answers.Sent):
            mirror.said(entry_of(outcome, mirror.user, message))
        case commands.Filing() if isinstance(outcome, answers.Sent):
            mirror.said(entry_of(outcome, mirror.user))
        case commands.AddGroup(group=group) | commands.JoinGroup(group=group):
            mirror.heard(events.Joined(conversation=mirror.group(group)))
        case commands.LeaveGroup(group=group):
            mirror.heard(events.Left(conversation=mirror.group(group)))
        case commands.RemoveMember(group=group, username=name) if name == mirror.user.partition("@")[0]:
            mirror.heard(events.Left(conversation=mirror.group(group)))


def entry_of(sent: answers.Sent, user: str, message: str | UnsetType = UNSET) -> Entry:
    """The entry that the answer to a send tells of: of a text, which is given, or of a file."""
    return Entry(
        conversation=ConversationId(sent.conversation),
        seq=sent.seq,
        id=sent.entry,
        sender=user,
        name=sent.name,
        sent_at=sent.sent_at,
        kind="text" if sent.file_info is UNSET else "file",
        chain=sent.chain,
        salt=sent.salt,
        message=message,
        file=sent.file_info,
        queued=sent.queued is True,
    )
