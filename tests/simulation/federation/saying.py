"""What somebody says in a history of several realms, how it is said, and what may become of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas import commands, names
from schemas.answers import Sent
from schemas.commands import Command
from schemas.entries import Entry
from schemas.errors import Code
from schemas.names import Address, ConversationId, Name

USERS = ("ani", "budi")
GROUP = Name("new")


@dataclass
class Saying:
    """What somebody wanted to say, and what came of it."""

    entry: str
    user: str
    source: str
    target: str
    to_group: bool
    recipient: str
    command: Command
    said_at: int
    content: bytes | None = None
    """Of a file."""
    told: Sent | None = None
    told_at: int = 0
    refused: Code | None = None
    asked: int = 0

    @property
    def sender(self) -> Address:
        return names.full(Name(self.user), Name(self.source))

    @property
    def crosses(self) -> bool:
        return self.source != self.target

    @property
    def own(self) -> ConversationId:
        """Where its sender sees it."""
        other = names.full(Name(self.recipient), Name(self.target))
        if not self.to_group:
            return names.private(self.sender, other)
        return names.sent(self.sender, other) if self.crosses else names.group(other)

    @property
    def theirs(self) -> ConversationId:
        """Where those see it for whom it is."""
        other = names.full(Name(self.recipient), Name(self.target))
        return names.group(other) if self.to_group else names.private(self.sender, other)

    @property
    def is_possible(self) -> bool:
        return self.recipient in (*USERS, GROUP)


@dataclass
class Restore:
    """A realm that was put back: what it was told between the two times may be lost."""

    realm: str
    backed_up_at: int
    at: int
    lost: set[tuple[str, str]]
    """The entries that it had, and has not: their ids and senders."""


def may_be_lost(saying: Saying, restores: Sequence[Restore]) -> bool:
    """Whether its sender's realm was put back to a time before it had this for sure."""
    told_at = saying.told_at if saying.told is not None else 1 << 62
    return any(
        one.realm == saying.source and saying.said_at <= one.at and told_at >= one.backed_up_at for one in restores
    )


@dataclass
class Fetched:
    """What one user was given by `getrealminbox`."""

    ids: list[str] = field(default_factory=list)
    lost: bool = False
    """Whether an answer may have been lost: then so may be what it gave."""


class Where(NamedTuple):
    """For whom something is, and how that is said."""

    realm: str
    recipient: str
    to_group: bool
    crosses: bool
    bare: bool
    """Whether the realm is in the address."""


def command_for(where: Where, token: str, entry: str, message: str, file: str | None) -> Command:
    """The command that says it."""
    told: dict[str, Any] = {"id": 1, "tokenId": token, "entry": entry}
    told |= {"message": message} if file is None else {"file": file}
    kind: Any
    if where.to_group and where.crosses:
        kind = commands.SendGroupRealm if file is None else commands.SendGroupFileRealm
        return kind(**told, realm=where.realm, group=where.recipient)  # type: ignore[no-any-return]
    if where.to_group:
        kind = commands.SendGroup if file is None else commands.SendGroupFile
        return kind(**told, group=where.recipient)  # type: ignore[no-any-return]
    if where.crosses and not where.bare:
        kind = commands.SendPrivateRealm if file is None else commands.SendFileRealm
        return kind(**told, realm=where.realm, to=where.recipient)  # type: ignore[no-any-return]
    kind = commands.Send if file is None else commands.SendFile
    return kind(**told, to=f"{where.recipient}@{where.realm}")  # type: ignore[no-any-return]


def is_of(entry: Entry, saying: Saying) -> bool:
    return entry.id == saying.entry and entry.sender == saying.sender


def texts_of(sender: Address, run: list[Entry]) -> list[str]:
    return [entry.id for entry in run if entry.sender == sender and entry.kind == "text"]
