"""What users of simulated realms do with their sessions and their group, and what must then hold."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from schemas import commands, names
from schemas.answers import Answer, Conversations, SessionOpened
from schemas.commands import Command
from schemas.errors import Code, Refusal
from schemas.names import Address, Name
from tests.rules.kit import key_of
from tests.simulation.federation.node import RealmNode
from tests.simulation.federation.operating import PASSWORD, Operators
from tests.simulation.federation.saying import GROUP, USERS
from tests.simulation.federation.world import Dice, RealmsWorld, Seldom
from tests.simulation.history import BrokenError

DEVICES = 0.2
"""In so many histories somebody has a second device for a time,"""
LEAVES = 0.2
"""and in so many somebody leaves a group, or is removed from it."""
USED_MS = (100, 5_000, 40_000)
AWAY_MS = (1_000, 15_000, None)
"""After so long they join it again, or never."""
ULID = "06000000000000000000000000"
WAYS_TO_END = (Seldom.LOGGED_OUT, Seldom.LOGGED_OUT, Seldom.PASSWORD_CHANGED, Seldom.REPLACED)


@dataclass
class Ended:
    """A session that is dead for sure, unless its realm is put back to before."""

    node: RealmNode
    key: str
    token: str
    restored: int


class People:
    """Of all realms of a history. They have dice of their own: see `Operators`."""

    def __init__(self, world: RealmsWorld, nodes: Mapping[str, RealmNode], operators: Operators) -> None:
        self._world = world
        self._nodes = list(nodes.values())
        self._operators = operators
        self._devices, self._leaves = (Dice(f"{world.seed} {kind}") for kind in ("device", "leave"))
        self._left: set[tuple[str, str]] = set()
        self._away: set[tuple[str, str]] = set()
        """Those of them who are not known to have come back."""
        self._seconds: set[tuple[str, str]] = set()
        """Whose second device has a session, or had one that ended."""
        self._ended: list[Ended] = []
        operators.ended_for_sure = self._bury
        if self._devices.random() < DEVICES:
            operators.plan(self._devices, self._second_device)
        if self._leaves.random() < LEAVES:
            for _ in range(self._leaves.choice((1, 1, 2))):
                operators.plan(self._leaves, self._leave)

    def may_have_left(self, user: str, realm: str) -> bool:
        """Whether a user may not have been in the group all the time."""
        return (user, realm) in self._left

    # sessions

    def _second_device(self) -> None:
        node, user = self._devices.choice(self._nodes), self._devices.choice(USERS)
        key = key_of(f"{user}-2")
        if (user, node.name) in self._seconds:
            return  # this login would end that session, and nobody could tell when
        self._seconds.add((user, node.name))

        def opened(answer: Answer | Refusal | None) -> None:
            if not isinstance(answer, SessionOpened):
                return  # an operator has ended what the user had
            if self._operators.has_ended(user, node.name):
                node.database.seen.know(user, answer.topic)
                return  # perhaps in the same turn, and this session too
            node.database.seen.open(user, answer.topic)
            if self._world.faulty:  # else all is being healed, and who has a session keeps it
                self._operators.after(self._devices.choice(USED_MS), partial(self._end, node, user, key, answer))

        node._accept(key, commands.Auth(id=1, username=Name(user), password=PASSWORD), opened)

    def _end(self, node: RealmNode, user: str, key: str, session: SessionOpened) -> None:
        """End the session of the second device in some way, or that of the first."""
        how = self._devices.choice(WAYS_TO_END)
        node.database.seen.topics.pop(user, None)
        ended = Ended(node, key, session.tokenId, 0), session.topic
        own = key_of(user)
        if how is Seldom.REPLACED:
            login = commands.Auth(id=1, username=Name(user), password=PASSWORD)
            node._accept(key, login, partial(self._has_ended, how, *ended))
        elif how is Seldom.PASSWORD_CHANGED:
            token = node.tokens[user]
            change = commands.Passwd(id=1, tokenId=token, old=PASSWORD, new=PASSWORD)
            self._operators.insist(partial(node._accept, own, change), partial(self._has_ended, how, *ended))
        elif self._devices.random() < 0.5:
            logout = commands.Logout(id=1, tokenId=session.tokenId)
            self._operators.insist(partial(node._accept, key, logout), partial(self._has_ended, how, *ended))
        else:
            token = node.tokens[user]
            self._operators.ended.add((user, node.name))
            logout = commands.Logout(id=1, tokenId=token)
            first = Ended(node, own, token, 0), node.database.seen.first[user]
            self._operators.insist(partial(node._accept, own, logout), partial(self._has_ended, how, *first))

    def _has_ended(self, how: Seldom, one: Ended, topic: bytes, answer: Answer | Refusal | None) -> None:
        if isinstance(answer, Answer):
            self._world.count(how)
            one.node.database.seen.dead.add(topic)
            self._bury(one.node, one.key, one.token)

    def _bury(self, node: RealmNode, key: str, token: str) -> None:
        """Nobody may do anything with a session that has ended, now and later."""
        one = Ended(node, key, token, node.restored)
        self._ended.append(one)
        self._try(one)
        self._world.later(10_000, partial(self._try, one))

    def try_all(self) -> None:
        """Try everything with all sessions that have ended."""
        for one in self._ended:
            self._try(one)

    def _try(self, one: Ended) -> None:
        if one.restored != one.node.restored:
            return  # it is alive again

        def answered(command: Command, answer: Answer | Refusal | None) -> None:
            if not (isinstance(answer, Refusal) and answer.code is Code.SESSION_NOT_FOUND):
                self._fail(f"{one.node.name} does {command} in a session that has ended: {answer}")
            self._world.count(Seldom.STAYED_DEAD)

        for command in _all_ways(one.token):
            one.node._accept(one.key, command, partial(answered, command))

    # the group

    def _leave(self) -> None:
        """Leave the group; or be removed by its admin, who is the first."""
        node, user = self._leaves.choice(self._nodes), self._leaves.choice(USERS)
        how = self._leaves.choice((Seldom.LEFT, Seldom.PUT_OUT)) if user != USERS[0] else Seldom.LEFT
        who = user if how is Seldom.LEFT else USERS[0]
        back = self._leaves.choice(AWAY_MS)
        if (user, node.name) in self._away:
            return  # or nobody could tell which of both the realm does first
        self._away.add((user, node.name))
        seen = node.database.seen
        seen.members.discard(user)
        self._left.add((user, node.name))

        def answered(answer: Answer | Refusal) -> None:
            if isinstance(answer, Answer):
                self._world.count(how)
                seen.out.add(user)
                self._look_in(node, user)
            if back is not None:
                self._world.later(back, partial(self._join, node, user))

        def say(then: Callable[[Answer | Refusal | None], None]) -> None:
            told: dict[str, Any] = {"id": 1, "tokenId": node.tokens[who], "group": GROUP}
            command: Command = commands.LeaveGroup(**told)
            if how is Seldom.PUT_OUT:
                command = commands.RemoveMember(**told, username=Name(user))
            node._accept(key_of(who), command, then)

        self._operators.insist(say, answered)

    def _look_in(self, node: RealmNode, user: str) -> None:
        """Who has left sees nothing of the group: asked before they join again."""
        token, restored = node.tokens[user], node.restored
        group = names.group(Address(f"{GROUP}@{node.name}"))

        def answered(command: Command, answer: Answer | Refusal | None) -> None:
            if isinstance(answer, Refusal) and answer.code in (Code.NOT_MEMBER, Code.SESSION_NOT_FOUND):
                return
            shown = not isinstance(answer, Conversations) or group in {one.conversation for one in answer.conversations}
            if shown and restored == node.restored:
                self._fail(f"{user}@{node.name} has left, and is told {answer} for {command}")

        told: dict[str, Any] = {"id": 1, "tokenId": token}
        for command in (
            commands.History(**told, conversation=group),
            commands.Members(**told, group=GROUP),
            commands.Conversations(**told),
            commands.SendGroup(**told, group=GROUP, message="as if I were there", entry=ULID),
        ):
            node._accept(key_of(user), command, partial(answered, command))

    def _join(self, node: RealmNode, user: str) -> None:
        seen = node.database.seen
        seen.out.discard(user)

        def answered(answer: Answer | Refusal) -> None:
            if isinstance(answer, Answer):
                self._world.count(Seldom.JOINED_AGAIN)
                seen.members.add(user)
                self._away.discard((user, node.name))

        def say(then: Callable[[Answer | Refusal | None], None]) -> None:
            node._accept(key_of(user), commands.JoinGroup(id=1, tokenId=node.tokens[user], group=GROUP), then)

        self._operators.insist(say, answered)

    def _fail(self, why: str) -> None:
        raise BrokenError(f"seed {self._world.seed}: {why}")


def _all_ways(token: str) -> Iterator[Command]:
    """One command of each kind that is said in a session."""
    told: dict[str, Any] = {"id": 1, "tokenId": token}
    to_group = names.group(Address(f"{GROUP}@kampus"))
    yield commands.Resume(**told)
    yield commands.Send(**told, to=Address(USERS[0]), message="as if I were there", entry=ULID)
    yield commands.SendGroup(**told, group=GROUP, message="as if I were there", entry=ULID)
    yield commands.SendPrivateRealm(
        **told, realm=Name("pusat"), to=Name(USERS[0]), message="as if I were there", entry=ULID
    )
    yield commands.SendGroupRealm(**told, realm=Name("pusat"), group=GROUP, message="as if I were there", entry=ULID)
    yield commands.Inbox(**told)
    yield commands.GetRealmInbox(**told, realm=Name("pusat"))
    yield commands.Conversations(**told)
    yield commands.History(**told, conversation=to_group)
    yield commands.Sync(**told)
    yield commands.Upload(**told, digest=bytes(32), size=1, name="a.txt")
    yield commands.Download(**told, file=ULID, offset=0, size=1)
    yield commands.Users(**told)
    yield commands.Groups(**told)
    yield commands.JoinGroup(**told, group=GROUP)
    yield commands.LeaveGroup(**told, group=GROUP)
    yield commands.Realms(**told)
    yield commands.Passwd(**told, old=PASSWORD, new=PASSWORD)
    yield commands.Logout(**told)
