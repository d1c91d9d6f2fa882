"""A user of a simulated realm: what all devices of the user have said and were told."""

from collections.abc import Sequence

from msgspec import UNSET

from schemas import commands, names
from schemas.answers import Sent
from schemas.commands import Command
from schemas.names import Address, ConversationId, Name
from tests.rules.kit import REALM


class User:
    """What all devices of a user know."""

    def __init__(self, name: str) -> None:
        self.name = Name(name)
        self.address = names.full(self.name, REALM)
        self.passwords = ["password-0"]
        """Those that may be right; more than one where the answer to `passwd` was lost."""
        self.registered = False
        self.told: dict[str, Sent] = {}
        """Sends that were answered OK, by entry."""
        self.said: dict[str, str] = {}
        """What each entry says, whether it was answered or not."""
        self.files: dict[str, bytes] = {}
        """What was uploaded, by the file's id."""
        self.brought: set[bytes] = set()
        """What may be complete: the last of it was sent."""
        self.sent_to: dict[str, set[ConversationId]] = {}
        """Where each file was sent to, whether it was answered or not."""
        self.groups: set[ConversationId] = set()
        """Those that the user may ever have been in."""

    def saying(self, command: Command) -> None:
        """Remember what a command may lead to."""
        match command:
            case commands.AddGroup(group=group) | commands.JoinGroup(group=group):
                self.groups.add(_group(group))
            case commands.SendFile(file=file, to=to):
                other = names.full(Name(to), REALM)
                self.sent_to.setdefault(file, set()).add(names.private(self.address, other))
            case commands.SendGroupFile(file=file, group=group):
                self.sent_to.setdefault(file, set()).add(_group(group))

    def has_sent(self, file: str) -> bool:
        """Whether the realm said that it has an entry of the user's that names the file."""
        return any(sent.file_info is not UNSET and sent.file_info.id == file for sent in self.told.values())

    def may_see(self, file: str, users: Sequence["User"]) -> bool:
        """Whether the user has uploaded a file, or one of `users` may have sent it to where this one may have been."""
        if file in self.files:
            return True
        conversations = {conversation for user in users for conversation in user.sent_to.get(file, ())}
        return not self.groups.isdisjoint(conversations) or any(map(self._is_in, conversations))

    def _is_in(self, conversation: ConversationId) -> bool:
        kind, parties = names.parse(conversation)
        return kind == "private" and self.address in parties


def _group(typed: str) -> ConversationId:
    return names.group(Address(f"{typed}@{REALM}"))
