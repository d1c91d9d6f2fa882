"""What the operators of simulated realms do meanwhile, and what may be missing for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from realm.store.interface import Tx
from realm.store.rows import Peer
from schemas import names, operator
from schemas.answers import Answer
from schemas.entries import Entry
from schemas.errors import Code, Refusal
from schemas.names import ConversationId, Name
from tests.rules.kit import key_of
from tests.simulation.federation.node import PORT, Answered, RealmNode
from tests.simulation.federation.world import Dice, RealmsWorld, Seldom

PATIENCE_MS = 10_000
NEVER = 1 << 62
FORGETS = 0.25
"""In so many histories a realm is forgotten,"""
ERASES = 0.2
"""and in so many a user erased,"""
ENDS = 0.15
"""and in so many all sessions of a user ended: disabled for a time, or given a password."""
DISABLED_MS = (2_000, 15_000, None)
"""For so long; or until all is healed."""
PASSWORD = "surabaya"
AWAY_MS = (0, 500, 5_000, 40_000, None)
"""After so long it is added again; or only when all is healed."""


@dataclass
class Forgetting:
    """An operator wanted a peer to be one no more."""

    realm: str
    peer: str
    since: int
    until: int = NEVER
    """When that was answered: what was sent there before may go back to its sender."""


@dataclass
class Erasure:
    """A user that is erased, while messages from and for them are on their way."""

    realm: str
    user: str
    done: bool = False
    """Whether the realm has said so, since nothing can undo it any more."""

    @property
    def address(self) -> str:
        return f"{self.user}@{self.realm}"


class Operators:
    """Of all realms of a history. They have dice of their own, for each thing that they do.

    So what one of them does not touch goes on as without it, and a seed goes on showing what it has shown.
    """

    def __init__(self, world: RealmsWorld, nodes: Mapping[str, RealmNode], commands: int, users: Sequence[str]) -> None:
        self._world = world
        self._nodes = nodes
        self._users = users
        self._forgets, self._erases, self._ends = (Dice(f"{world.seed} {kind}") for kind in ("forget", "erase", "end"))
        self._asking = 0
        self._commands = commands
        self.forgettings: list[Forgetting] = []
        self.erasures: list[Erasure] = []
        self.ended: set[tuple[str, str]] = set()
        """Users, and their realms, whose sessions may have been ended."""
        self._disabled: set[tuple[str, str]] = set()
        """Those that may not log in now."""
        self.ended_for_sure: Callable[[RealmNode, str, str], None] = lambda *_: None
        """Told of a session that has ended: the realm, its key and its token."""
        self._plan: dict[int, list[Callable[[], None]]] = {}
        """What is done beside which command."""
        if self._forgets.random() < FORGETS:
            for _ in range(self._forgets.choice((1, 1, 2, 3))):
                self.plan(self._forgets, self._forget_some)

        if self._erases.random() < ERASES:
            self.plan(self._erases, self._erase)
        if self._ends.random() < ENDS:
            self.plan(self._ends, self._end_sessions)

    def act(self, number: int) -> None:
        """Do what is to be done beside a command."""
        for what in self._plan.get(number, ()):
            what()

    @property
    def are_waiting(self) -> bool:
        """Whether something that they have said is still to be done."""
        return self._asking > 0

    def plan(self, dice: Dice, what: Callable[[], None]) -> None:
        """Have something done beside some command."""
        self._plan.setdefault(dice.randint(self._commands // 10, self._commands - 1), []).append(what)

    def tell(
        self, node: RealmNode, command: operator.OperatorCommand, then: Callable[[Answer | Refusal], None]
    ) -> None:
        """Say something to a realm until there is an answer."""
        self.insist(lambda answered: node.operate(command, answered), then)

    def after(self, ms: int, what: Callable[[], None]) -> None:
        """Do something so much later; until then they are waiting."""
        self._asking += 1

        def do() -> None:
            self._asking -= 1
            what()

        self._world.later(ms, do)

    def insist(self, say: Callable[[Answered], None], then: Callable[[Answer | Refusal], None]) -> None:
        """Say something until there is an answer: a realm may be killed meanwhile, or have no room on its disk."""
        told: list[Answer | Refusal] = []
        self._asking += 1

        def ask() -> None:
            if not told:
                say(answered)
                self._world.later(PATIENCE_MS, ask)

        def answered(answer: Answer | Refusal) -> None:
            if told or (isinstance(answer, Refusal) and answer.code is Code.UNAVAILABLE):
                return
            told.append(answer)
            self._asking -= 1
            then(answer)

        ask()

    # forgetting a realm

    def _forget_some(self) -> None:
        node, other = self._two()
        self.forget(node, other)
        if self._forgets.random() < 0.25:
            self.forget(other, node)
        away = self._forgets.choice(AWAY_MS)
        if away is not None:
            self._world.later(
                away, lambda: self.add(node, other) if self._forgets.random() < 0.5 else self.add(other, node)
            )

    def _two(self) -> tuple[RealmNode, RealmNode]:
        node = self._forgets.choice(list(self._nodes.values()))
        return node, self._forgets.choice([one for one in self._nodes.values() if one is not node])

    def forget(self, node: RealmNode, other: RealmNode) -> None:
        """Make a peer, whoever has its name, one no more."""
        one = Forgetting(node.name, other.name, self._world.now)
        self.forgettings.append(one)

        def answered(answer: Answer | Refusal) -> None:
            one.until = self._world.now
            if isinstance(answer, operator.PeerForgotten):
                self._world.count(Seldom.PEER_FORGOTTEN)
            else:
                assert isinstance(answer, Refusal)
                assert answer.code is Code.REALM_NOT_FOUND, answer  # said before, or the other has not come back yet

        self.tell(node, operator.ForgetPeer(id=1, realm=other.name), answered)

    def add(self, node: RealmNode, other: RealmNode) -> None:
        """Make another realm a peer, or this one known to it again."""
        command = operator.AddPeer(id=1, realm=other.name, address=other.name, port=PORT, key=other.key)

        def answered(answer: Answer | Refusal) -> None:
            if isinstance(answer, Answer):
                self._world.count(Seldom.ADDED_AGAIN)
            else:
                assert isinstance(answer, Refusal)
                assert answer.code is Code.REALM_UNREACHABLE, answer

        self.tell(node, command, answered)

    def have_forgotten(self, realm: str, peer: str, said_at: int = 0, stored_at: int = NEVER) -> bool:
        """Whether what was said to a peer then, and stored then, may have been given back between the two."""
        return any(
            (one.realm, one.peer) == (realm, peer) and said_at <= one.until and one.since <= stored_at
            for one in self.forgettings
        )

    # erasing a user

    def _erase(self) -> None:
        one = Erasure(self._erases.choice(list(self._nodes)), self._erases.choice(self._users))
        self.erasures.append(one)
        self._nodes[one.realm].database.seen.topics.pop(one.user, None)
        self._say_erase(one)

    def _say_erase(self, one: Erasure) -> None:
        def answered(answer: Answer | Refusal) -> None:
            assert isinstance(answer, operator.ErasingSeen), answer
            one.done = answer.done
            if answer.begun:
                self._world.count(Seldom.ERASED)

        self.tell(self._nodes[one.realm], operator.EraseUser(id=1, username=Name(one.user)), answered)

    def erase_again(self) -> bool:
        """Say it again, as is to be done after a restore, until all is erased; whether some is not."""
        left = [one for one in self.erasures if not one.done]
        for one in left:
            self._say_erase(one)
        return bool(left)

    def is_erased(self, user: str, realm: str) -> bool:
        """Whether it was said that a user is to be erased."""
        return any((one.user, one.realm) == (user, realm) for one in self.erasures)

    def must_be_erased(self, realm: str, conversation: ConversationId, entry: Entry) -> bool:
        """Whether nothing may be left of what an entry says: its sender is erased, or all who saw it here are."""
        for one in self.erasures:
            if one.realm == realm:
                here = {party for party in names.parse(conversation)[1] if party.endswith(f"@{realm}")}
                if entry.sender == one.address or here == {one.address}:
                    return True
        return False

    # ending sessions

    def _end_sessions(self) -> None:
        realm, user = self._ends.choice(list(self._nodes)), self._ends.choice(self._users)
        self.ended.add((user, realm))
        self._nodes[realm].database.seen.topics.pop(user, None)
        away = self._ends.choice(DISABLED_MS)
        token = self._nodes[realm].tokens[user]
        if self._ends.random() < 0.4:
            reset = operator.ResetPassword(id=1, username=Name(user), password=PASSWORD)
            self.tell(self._nodes[realm], reset, partial(self._has_ended, user, realm, token))
            return

        def disabled(answer: Answer | Refusal) -> None:
            self._has_ended(user, realm, token, answer)
            self._disabled.add((user, realm))
            if away is not None:
                self._world.later(away, lambda: self._enable(user, realm))

        self.tell(self._nodes[realm], operator.DisableUser(id=1, username=Name(user), disabled=True), disabled)

    def _enable(self, user: str, realm: str) -> None:
        self._disabled.discard((user, realm))
        enable = operator.DisableUser(id=1, username=Name(user), disabled=False)
        self.tell(self._nodes[realm], enable, lambda _answer: None)

    def enable_all(self) -> None:
        """Let everybody log in who is not erased."""
        for user, realm in sorted(self.ended):
            self._enable(user, realm)

    def _has_ended(self, user: str, realm: str, token: str, answer: Answer | Refusal) -> None:
        if isinstance(answer, Answer):
            self._world.count(Seldom.ENDED)
            self.ended_for_sure(self._nodes[realm], key_of(user), token)

    def is_disabled(self, user: str, realm: str) -> bool:
        """Whether nobody may be logged in as this user, for sure."""
        return (user, realm) in self._disabled

    def has_ended(self, user: str, realm: str) -> bool:
        """Whether an operator may have ended the user's sessions."""
        return (user, realm) in self.ended or self.is_erased(user, realm)


def left_of(node: RealmNode, user: str) -> list[str]:
    """What a realm still has of a user who is erased, beside the name."""
    read = node.store._connection.execute
    ((account, *told),) = read("SELECT id, display, country, password_hash FROM accounts WHERE name = ?", (user,))
    counts = {
        "outbox": "account",
        "files": "owner",
        "uploads": "owner",
        "sessions": "account",
        "participants": "account",
        "realm_inboxes": "account",
    }
    found = [
        table
        for table, column in counts.items()
        if read(f"SELECT count(*) FROM {table} WHERE {column} = ?", (account,)).fetchone() != (0,)
    ]
    return found + [text for text in told if text]


def known(tx: Tx) -> dict[Name, Peer]:
    """The peers of a realm, without those that it has forgotten."""
    return {peer.name: peer for peer in tx.peers(0, 1_000) if peer.forgotten_at is None}
