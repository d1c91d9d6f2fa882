"""The command table: for every command who may say it, what it costs, what it must pass, and who does it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from realm import (
    accounts,
    conversations,
    erasing,
    figures,
    files,
    gates,
    groups,
    inbox,
    presence,
    private,
    reloading,
    uploads,
    users,
)
from realm.context import Ctx
from realm.federation import forgetting, outbox, peers, receiving
from realm.federation.peers import federates, is_peer
from realm.gates import Gate, has_session, is_operator, within_allowance
from realm.outcome import Outcome
from schemas import commands, federation, operator
from schemas.commands import COMMANDS, Command

Handler = Callable[[Ctx, Any], Outcome]


class Who(Enum):
    """Which party may say a command."""

    ANYONE = "anyone"
    USER = "user"
    PEER = "peer"
    """Another realm, by its key."""
    OPERATOR = "operator"
    """Whoever may use the realm's folder."""


@dataclass(frozen=True)
class Row:
    """One command. The gates are passed from left to right, those of `who` and `cost` first."""

    command: type[Command] | type[federation.Envelope]
    who: Who
    cost: float
    gates: tuple[Gate, ...]
    handle: Handler

    def all_gates(self) -> tuple[Gate, ...]:
        """Everything to pass, in order."""
        if self.who is Who.USER:
            return (has_session, within_allowance(self.cost), *self.gates)
        if self.who is Who.PEER:
            return (is_peer, *self.gates)
        if self.who is Who.OPERATOR:
            return (is_operator, *self.gates)
        return self.gates


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
    Row(commands.SendPrivateRealm, Who.USER, 2, (federates,), outbox.send_private),
    Row(commands.SendFileRealm, Who.USER, 2, (federates,), outbox.send_private),
    Row(commands.SendGroupRealm, Who.USER, 2, (federates,), outbox.send_group),
    Row(commands.SendGroupFileRealm, Who.USER, 2, (federates,), outbox.send_group),
    Row(commands.GetRealmInbox, Who.USER, 10, (), inbox.realm_inbox),
    Row(commands.Realms, Who.USER, 10, (), peers.realms),
    Row(commands.AddRealm, Who.USER, 100, (federates, peers.may_add), peers.add_realm),
    Row(federation.Introduced, Who.ANYONE, 0, (federates,), peers.introduced),
    Row(federation.Prove, Who.ANYONE, 0, (), peers.prove),
    Row(federation.Hello, Who.PEER, 0, (), receiving.hello),
    Row(federation.LinkUpload, Who.PEER, 0, (), receiving.upload),
    Row(federation.LinkChunk, Who.PEER, 0, (), uploads.chunk),
    Row(federation.Envelope, Who.PEER, 0, (), receiving.envelope),
    Row(operator.Peers, Who.OPERATOR, 0, (), peers.seen_by_operator),
    Row(operator.AddPeer, Who.OPERATOR, 0, (federates,), peers.add_realm),
    Row(operator.ForgetPeer, Who.OPERATOR, 0, (), forgetting.forget),
    Row(operator.Registration, Who.OPERATOR, 0, (), users.registration),
    Row(operator.ListUsers, Who.OPERATOR, 0, (), users.list_users),
    Row(operator.AddUser, Who.OPERATOR, 0, (), users.add),
    Row(operator.ResetPassword, Who.OPERATOR, 0, (), users.reset),
    Row(operator.DisableUser, Who.OPERATOR, 0, (), users.disable),
    Row(operator.AdministerUser, Who.OPERATOR, 0, (), users.administer),
    Row(operator.EraseUser, Who.OPERATOR, 0, (), erasing.erase),
    Row(operator.Figures, Who.OPERATOR, 0, (), figures.figures),
    Row(operator.Reload, Who.OPERATOR, 0, (), reloading.reload),
)

TABLE: Final = {row.command: row for row in _ROWS}

PAGES: Final = frozenset(
    (
        commands.Users,
        commands.Sync,
        commands.Inbox,
        commands.GetRealmInbox,
        commands.Conversations,
        commands.History,
        commands.Groups,
        commands.Members,
        commands.Realms,
    )
)
"""Commands that read as much as fits an answer: a turn has only a few of them."""

_ALL: Final = {*COMMANDS, *federation.LINK_COMMANDS, federation.Envelope, *operator.OPERATOR_COMMANDS}
assert TABLE.keys() == _ALL, "every command has one row"
