"""The command table: for every command who may say it, what it costs, what it must pass, and who does it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from realm import accounts, conversations, files, gates, groups, inbox, presence, private, uploads
from realm.context import Ctx
from realm.gates import Gate, has_session, not_available_yet, within_allowance
from realm.outcome import Outcome
from schemas import commands
from schemas.commands import COMMANDS, Command

Handler = Callable[[Ctx, Any], Outcome]


class Who(Enum):
    """Which party may say a command."""

    ANYONE = "anyone"
    USER = "user"


@dataclass(frozen=True)
class Row:
    """One command. The gates are passed from left to right, those of `who` and `cost` first."""

    command: type[Command]
    who: Who
    cost: float
    gates: tuple[Gate, ...]
    handle: Handler | None

    def all_gates(self) -> tuple[Gate, ...]:
        """Everything to pass, in order."""
        if self.who is Who.USER:
            return (has_session, within_allowance(self.cost), *self.gates)
        return self.gates


def _planned(command: type[Command]) -> Row:
    """A command that a later release will do."""
    return Row(command, Who.USER, 1, (not_available_yet,), None)


_ROWS: Final = (
    Row(commands.Auth, Who.ANYONE, 0, (gates.may_log_in,), accounts.auth),
    Row(commands.Register, Who.ANYONE, 0, (gates.may_log_in, gates.may_register), accounts.register),
    Row(commands.Resume, Who.USER, 2, (), accounts.resume),
    Row(commands.Logout, Who.USER, 1, (), accounts.logout),
    Row(commands.Passwd, Who.USER, 50, (), accounts.passwd),
    Row(commands.Info, Who.ANYONE, 0, (gates.within_address_allowance,), presence.info),
    Row(commands.Users, Who.USER, 10, (), accounts.users),
    Row(commands.Sync, Who.USER, 5, (), presence.sync),
    Row(commands.Send, Who.USER, 1, (), private.send),
    Row(commands.Inbox, Who.USER, 10, (), inbox.inbox),
    Row(commands.Conversations, Who.USER, 10, (), conversations.conversations),
    Row(commands.History, Who.USER, 10, (), conversations.history),
    Row(commands.Read, Who.USER, 1, (), conversations.read),
    Row(commands.AddGroup, Who.USER, 20, (), groups.add_group),
    Row(commands.JoinGroup, Who.USER, 5, (), groups.join_group),
    Row(commands.LeaveGroup, Who.USER, 5, (), groups.leave_group),
    Row(commands.RemoveMember, Who.USER, 5, (), groups.remove_member),
    Row(commands.SendGroup, Who.USER, 2, (), groups.send_group),
    Row(commands.Groups, Who.USER, 20, (), groups.groups),
    Row(commands.Members, Who.USER, 10, (), groups.members),
    Row(commands.SendFile, Who.USER, 1, (), private.send),
    Row(commands.SendGroupFile, Who.USER, 2, (), groups.send_group),
    Row(commands.Upload, Who.USER, 10, (), uploads.upload),
    Row(commands.Chunk, Who.USER, 0.25, (), uploads.chunk),
    Row(commands.Download, Who.USER, 0.25, (), files.download),
    _planned(commands.SendPrivateRealm),
    _planned(commands.SendFileRealm),
    _planned(commands.SendGroupRealm),
    _planned(commands.SendGroupFileRealm),
    _planned(commands.GetRealmInbox),
    _planned(commands.Realms),
    _planned(commands.AddRealm),
)

TABLE: Final = {row.command: row for row in _ROWS}

assert TABLE.keys() == set(COMMANDS), "every command has one row"
