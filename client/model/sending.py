"""The command that says something in a conversation, whichever kind that is."""

from typing import Final

from client.errors import ForbiddenError, GroupNotFoundError, QuotaExceededError, TooLargeError, UserNotFoundError
from client.model.room import Outgoing
from client.model.who import is_group, is_sent, party
from schemas import commands
from schemas.names import Address, ConversationId, Name

REFUSALS: Final = (UserNotFoundError, GroupNotFoundError, ForbiddenError, TooLargeError, QuotaExceededError)
"""What another realm may say of what is sent there, once and for all."""


def send_command(
    user: str, conversation: ConversationId, one: Outgoing, file: str
) -> commands.Texting | commands.Filing:
    """The command for a message of `user`; `file` is what one with a file says of that."""
    address = party(conversation, user)
    if is_sent(conversation):
        return _to_group_elsewhere(address, one, file)
    if is_group(conversation):
        group = Name(address.partition("@")[0])
        if one.file is not None:
            return commands.SendGroupFile(id=0, group=group, file=file, entry=one.entry)
        return commands.SendGroup(id=0, group=group, message=one.text, entry=one.entry)
    if one.file is not None:
        return commands.SendFile(id=0, to=address, file=file, entry=one.entry)
    return commands.Send(id=0, to=address, message=one.text, entry=one.entry)


def _to_group_elsewhere(address: Address, one: Outgoing, file: str) -> commands.Texting | commands.Filing:
    group, _, realm = address.partition("@")
    if one.file is not None:
        return commands.SendGroupFileRealm(id=0, realm=Name(realm), group=Name(group), file=file, entry=one.entry)
    return commands.SendGroupRealm(id=0, realm=Name(realm), group=Name(group), message=one.text, entry=one.entry)
