"""What must hold when all is healed: every message is there once, where it should be, and nothing else is."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msgspec import UNSET

from schemas import commands, names
from schemas.answers import Answer, Messages
from schemas.commands import Command
from schemas.entries import CHAIN_START, Entry, follows
from schemas.errors import Code, Refusal
from schemas.names import Address, ConversationId, Name
from tests.simulation.federation.node import GENEROUS, RealmNode
from tests.simulation.federation.operating import Operators, known, left_of
from tests.simulation.federation.people import People
from tests.simulation.federation.ruling import to_be_removed
from tests.simulation.federation.saying import GROUP, USERS, Fetched, Restore, Saying, is_of, may_be_lost, texts_of
from tests.simulation.federation.seen import DAY_MS, IN_GROUP
from tests.simulation.federation.world import Rarely, RealmsWorld, Seldom
from tests.simulation.history import BrokenError

KEPT_MS = int(GENEROUS.peers.keep_days * DAY_MS)
UNCERTAIN = {Code.QUEUE_FULL, Code.FILE_NOT_FOUND, Code.NOT_MEMBER}
"""What a network that doubles may answer to the one, and take the other."""


CLOCKS_OFF_MS = (-DAY_MS, 0, DAY_MS)
"""How far the clock of a realm may be off when it says when it has stored something."""


class Checks:
    """Of one history that is over."""

    def __init__(
        self,
        world: RealmsWorld,
        nodes: Mapping[str, RealmNode],
        operators: Operators,
        people: People,
        sayings: Sequence[Saying],
        restores: Sequence[Restore],
        fetched: Mapping[tuple[str, str, str], Fetched],
        leaps: Sequence[tuple[int, int]],
        now: Callable[[RealmNode, str, Command], Answer | Refusal],
    ) -> None:
        """`leaps`: see `FederatedHistory.leaps`. `now` asks a realm for a user, and has the answer."""
        self._world = world
        self._nodes = nodes
        self._operators = operators
        self._people = people
        self._sayings = sayings
        self._said_at = {(one.entry, one.sender): one.said_at for one in sayings}
        self._restores = restores
        self._fetched = fetched
        self._leaps = leaps
        self._leapt_at = max((at for at, _ in leaps), default=0)
        """Until when what was acknowledged may be forgotten: up to then more time passed than it is kept."""
        self._removed: dict[tuple[str, str], int] = {}
        """By realm and conversation: up to which number retention has removed what was said."""
        self._now = now

    def check(self) -> None:
        """All of it. Raises BrokenError where something does not hold."""
        for node in self._nodes.values():
            for wrong in node.database.seen.wrongs:
                self._fail(f"{node.name}: {wrong}")
            for one in self._operators.erasures:
                if one.realm == node.name and (left := left_of(node, one.user)):
                    self._fail(f"{node.name} still has of {one.user} {left}")
            with node.store.transaction() as tx:
                for peer in known(tx).values():
                    if peer.name not in self._nodes or peer.key != self._nodes[peer.name].key:
                        self._fail(f"{node.name} takes {peer.key} for {peer.name}")
        rows: dict[str, set[str]] = {node.name: self._check_rows(node) for node in self._nodes.values()}
        kept = {name: self._kept(node) for name, node in self._nodes.items()}
        for saying in self._sayings:
            self._check_saying(saying, kept, is_kept=(saying.entry in rows[saying.source]))
        self._check_order(kept)
        self._check_fetched(kept)
        self._check_heard(kept)

    def _check_rows(self, node: RealmNode) -> set[str]:
        """The ids of what a realm's outbox still has, after it was seen that this is what it should have."""
        if late := to_be_forgotten(node):
            self._fail(f"{node.name} keeps {late} rows that were to be forgotten")
        if late := to_be_removed(node):
            self._fail(f"{node.name} keeps what was to be removed in {late} conversations")
        return {row for (row,) in node.store._connection.execute("SELECT id FROM outbox")}

    def _kept(self, node: RealmNode) -> dict[str, list[Entry]]:
        """All entries of a realm by conversation, removed or not, after numbers, chains and senders were checked."""
        said = {(saying.entry, saying.sender): saying for saying in self._sayings}
        kept: dict[str, list[Entry]] = {}
        with node.store.transaction() as tx:
            for (name,) in node.store._connection.execute("SELECT name FROM conversations").fetchall():
                conversation = ConversationId(name)
                removed = node.database.removed(conversation)
                run = removed + tx.history(conversation, after=0, limit=1 << 20, max_bytes=1 << 40).entries
                self._world.counts[Seldom.REMOVED] += len(removed)
                self._removed[node.name, name] = len(removed)
                before = CHAIN_START
                for number, entry in enumerate(run, start=1):
                    if entry.seq != number or not follows(before, entry):
                        self._fail(f"{node.name}: {name} #{number} does not follow")
                    before = entry.chain
                    if entry.queued:
                        self._fail(f"{node.name}: {entry} is still queued")
                    is_removed = number <= len(removed)
                    must = self._operators.must_be_erased(node.name, conversation, entry)
                    if entry.erased > must or (entry.erased < must and not is_removed):
                        self._fail(f"{node.name}: {entry} is {'' if entry.erased else 'not '}erased")
                    if entry.kind != "bounce":
                        saying = said.get((entry.id, Address(entry.sender)))
                        if saying is None or not self._says(node, saying, entry, is_removed=is_removed):
                            self._fail(f"{node.name} has {entry}, which nobody has said")
                        elif name not in (saying.own, saying.theirs):
                            self._fail(f"{node.name} has {entry} in {name}, but it is {saying}")
                kept[name] = run
        return kept

    def _says(self, node: RealmNode, saying: Saying, entry: Entry, *, is_removed: bool) -> bool:
        """Whether an entry is what was said, and its file is there; of one that is erased nothing can be told."""
        if entry.erased:
            return (entry.message, entry.file) == (UNSET, UNSET)
        if saying.content is None:
            return entry.message == f"message {saying.entry}"
        self._world.counts[Seldom.FILE_THERE] += not is_removed
        file = entry.file
        return (
            file is not UNSET
            and (file.name, file.digest) == ("a.txt", hashlib.sha256(saying.content).digest())
            and (is_removed or node.disk.blobs.get(file.digest) == saying.content)
        )

    def _is_too_late(self, saying: Saying) -> bool:
        """Whether its row was forgotten after its time, and the realm it was for was put back to before it came."""
        return any(one.realm == saying.target and (saying.entry, saying.sender) in one.lost for one in self._restores)

    def _check_saying(self, saying: Saying, kept: dict[str, dict[str, list[Entry]]], *, is_kept: bool) -> None:
        own = [entry for entry in kept[saying.source].get(saying.own, []) if is_of(entry, saying)]
        bounces = [entry for entry in kept[saying.source].get(saying.own, []) if entry.re == saying.entry]
        if self._is_gone(saying.source, own[:-1]):  # said again after it was removed, it is another
            self._world.count(Rarely.SAID_AGAIN)
            own, bounces = own[-1:], bounces[-1:]
        theirs = [entry for entry in kept[saying.target].get(saying.theirs, []) if is_of(entry, saying)]
        if self._is_gone(saying.target, theirs[:-1]) and (not saying.crosses or self._is_unknown(saying)):
            self._world.count(Rarely.CAME_AGAIN)
            theirs = theirs[-1:]
        counts = len(own), len(theirs), len(bounces)
        if max(counts) > 1:
            self._fail(f"{saying} is there {counts} times")
        if bounces:
            self._world.count(Seldom.BOUNCED)
        if saying.refused in (*UNCERTAIN, Code.REALM_NOT_FOUND) or may_be_lost(saying, self._restores):
            return
        if self._operators.is_erased(saying.user, saying.source):
            there = 0 if self._is_gone(saying.source, bounces) else len(bounces)  # removed before
            self._check_erased(saying, (len(own), len(theirs), there))
            return
        if bounces and saying.said_at > self._leapt_at and saying.told is not None and saying.told.queued is not True:
            self._fail(f"{saying} was answered as taken, and bounced")
        if saying.crosses and saying.told is not None and not is_kept:
            self._world.count(Seldom.FORGOTTEN)
            if saying.said_at > self._leapt_at:
                self._fail(f"{saying} was forgotten before its time")
            if counts == (1, 0, 0) and saying.is_possible and self._is_too_late(saying):
                self._world.count(Seldom.TOO_LATE)
                return
        forgotten = self._operators.have_forgotten(saying.source, saying.target, saying.said_at)
        if counts == (1, 0, 0) and saying.is_possible and forgotten and self._is_too_late(saying):
            self._world.count(Rarely.LOST_WITH_BOTH)
        elif self._came_too_late(saying, counts, bounces, theirs):
            self._world.count(Seldom.LATE_FOR_ERASED)
        elif self._is_given_back(saying, bounces):
            self._world.count(Seldom.GIVEN_BACK_AND_TAKEN if theirs else Seldom.GIVEN_BACK)
        elif not saying.is_possible:
            refused = saying.refused
            if refused is Code.BAD_REQUEST and self._is_gone(saying.source, own):
                refused = None  # it was taken, and asked for again when it was kept no longer
            if refused is not None and counts != (0, 0, 0) and not self._is_repeated_late(saying, counts):
                self._fail(f"{saying} was refused, and is there {counts}")
            if refused is None and counts != (1, 0, 1):
                self._fail(f"{saying} cannot be, and is there {counts}")
        elif counts != (1, 1, 0):
            self._fail(f"{saying} is there {counts}")

    def _is_gone(self, realm: str, entries: Sequence[Entry]) -> bool:
        """Whether there are such, and retention has removed them all."""
        return bool(entries) and all(one.seq <= self._removed[realm, one.conversation] for one in entries)

    def _is_unknown(self, saying: Saying) -> bool:
        """Whether a realm that has taken it may not remember that any more."""
        since = sum(ms for at, ms in self._leaps if at >= saying.said_at)
        is_long = since + 2 * DAY_MS >= GENEROUS.peers.remember_days * DAY_MS
        return is_long or self._operators.have_forgotten(saying.target, saying.source)

    def _check_erased(self, saying: Saying, counts: tuple[int, int, int]) -> None:
        """Of what a user said who was erased since: what still waited for another realm may have been withdrawn."""
        own, theirs, bounces = counts
        if bounces or (saying.told is not None and not own) or (theirs and not saying.is_possible):
            self._fail(f"the sender of {saying} was erased, and it is there {counts}")
        taken = saying.told is not None and saying.told.queued is not True and not self._may_have_come_back(saying)
        if taken and saying.is_possible and not theirs and not self._is_too_late(saying):
            self._fail(f"{saying} was taken, its sender erased, and it is there {counts}")
        if saying.crosses and saying.is_possible:
            self._world.count(Seldom.ERASED_AND_TAKEN if theirs else Seldom.WITHDRAWN)

    def _may_have_come_back(self, saying: Saying) -> bool:
        """Whether it may have been given back, which is erased with it; and been said again when that was long ago.

        Then the answer is of what is kept at home, and that alone.
        """
        forgotten = self._operators.have_forgotten(saying.source, saying.target, saying.said_at)
        return forgotten and saying.said_at <= self._leapt_at

    def _came_too_late(
        self, saying: Saying, counts: tuple[int, int, int], bounces: list[Entry], taken: list[Entry]
    ) -> bool:
        """Whether it was for a user who was erased before it came; that, a realm that has forgotten may not know."""
        if saying.to_group or not self._operators.is_erased(saying.recipient, saying.target):
            return False
        own, theirs, bounced = counts
        refused = saying.refused is Code.USER_NOT_FOUND
        if counts == (1, 0, 0) and self._is_too_late(saying):
            return True  # it was taken, lost with a restore, and came again too late: the first word counts
        if bounces and bounces[0].code != Code.USER_NOT_FOUND:
            return False
        is_gone = self._is_gone(saying.target, taken) and self._is_unknown(saying)
        if theirs and not is_gone and not self._operators.have_forgotten(saying.target, saying.source):
            return False
        return (own, bounced) == ((0, 0) if refused else (1, 1)) or self._is_repeated_late(saying, counts)

    def _is_repeated_late(self, saying: Saying, counts: tuple[int, int, int]) -> bool:
        """Whether it was refused, and said again when that was forgotten: then it bounces."""
        return saying.said_at <= self._leapt_at and counts == (1, 0, 1)

    def _is_given_back(self, saying: Saying, bounces: list[Entry]) -> bool:
        """Whether it waited for a realm that was forgotten then; that may have taken it, and not have said so."""
        if not bounces or bounces[0].code != Code.REALM_NOT_FOUND:
            return False
        if not self._operators.have_forgotten(saying.source, saying.target, saying.said_at):
            self._fail(f"{saying} was given back, and {saying.target} not forgotten")
        return True

    def _is_said_again(self, saying: Saying, own: Entry) -> bool:
        """Whether it is of that conversation, was given back when the other realm was forgotten, and said once more."""
        said_at = self._said_at.get((own.id, Address(own.sender)))
        return said_at is not None and any(
            self._operators.have_forgotten(saying.source, saying.target, said_at, own.sent_at - off)
            for off in CLOCKS_OFF_MS
        )

    def _check_order(self, kept: dict[str, dict[str, list[Entry]]]) -> None:
        """What one user sends to a conversation comes in the order in which it is kept at home; files when whole."""
        restored = {one.realm for one in self._restores}
        for saying in self._sayings:
            if saying.crosses and not restored & {saying.source, saying.target}:
                theirs = texts_of(saying.sender, kept[saying.target].get(saying.theirs, []))
                run = kept[saying.source].get(saying.own, [])
                back = {one.re for one in run if one.code == Code.REALM_NOT_FOUND}
                back |= {one.id for one in run if self._is_said_again(saying, one)}
                own = [one for one in texts_of(saying.sender, run) if one not in back]  # that has the place it came to
                erased = self._operators.is_erased(saying.user, saying.source)
                if erased or self._operators.have_forgotten(saying.source, saying.target):
                    theirs = [one for one in theirs if one in own]  # what it was told not to be taken has no own entry
                own, theirs = (
                    list(dict.fromkeys(own)),
                    list(dict.fromkeys(theirs)),
                )  # the first place of what came again
                if [one for one in own if one in theirs] != theirs:
                    self._fail(f"{saying.theirs} has {theirs}, and its sender {own}")

    def _check_fetched(self, kept: dict[str, dict[str, list[Entry]]]) -> None:
        """`getrealminbox` gives what came from a realm once, all of it, and nothing else."""
        restored = {one.realm for one in self._restores}
        for node in self._nodes.values():
            for user in USERS:
                for realm in self._nodes:
                    if realm == node.name or self._operators.is_erased(user, node.name):
                        continue
                    fetched = self._fetched[node.name, user, realm]
                    command = commands.GetRealmInbox(id=1, tokenId=node.tokens[user], realm=Name(realm), limit=100)
                    rest = self._now(node, user, command)
                    if not isinstance(rest, Messages) or rest.more:
                        self._fail(f"getrealminbox gives {rest}")
                        continue
                    removed = self._may_be_missing(user, node, kept[node.name])
                    ids = fetched.ids + [entry.id for entry in rest.messages]
                    there = Counter(entry.id for run in kept[node.name].values() for entry in run)
                    if node.name not in restored and Counter(ids) - there:
                        self._fail(f"{user}@{node.name} was given something of {realm} twice")
                    due = self._from(realm, user, node, kept[node.name])
                    if not set(ids) <= due and node.name not in restored:
                        self._fail(f"{user}@{node.name} was given {set(ids) - due}, not of {realm}")
                    if not fetched.lost and not due - removed <= set(ids) <= due:
                        self._fail(f"{user}@{node.name} was given of {realm} {sorted(ids)}, not {sorted(due)}")

    def _check_heard(self, kept: dict[str, dict[str, list[Entry]]]) -> None:
        """Who is in a group hears all that is said there, once."""
        restored = {one.realm for one in self._restores}
        for node in self._nodes.values():
            seen = node.database.seen
            if node.name not in restored and any(times > 1 for times in seen.heard.values()):
                self._fail(f"something is told twice in {node.name}: {seen.heard}")
            for entry in kept[node.name].get(names.group(names.full(GROUP, node.name)), []):
                user, _, realm = entry.sender.partition("@")
                if node.name not in restored and seen.not_heard(entry.seq, user if realm == node.name else ""):
                    self._fail(f"not all who are in the group of {node.name} hear {entry}")
                self._world.counts[Seldom.HEARD] += bool(seen.due.get(entry.seq))

    def _may_be_missing(self, user: str, node: RealmNode, kept: dict[str, list[Entry]]) -> set[str]:
        all_kept = [one for run in kept.values() for one in run]
        away = self._people.may_have_left(user, node.name)
        return {
            one.id
            for one in all_kept
            if self._is_gone(node.name, [one]) or (away and one.conversation.startswith(IN_GROUP))
        }

    def _from(self, realm: str, user: str, node: RealmNode, kept: dict[str, list[Entry]]) -> set[str]:
        own = f"{user}@{node.name}"
        seen = [
            run
            for name, run in kept.items()
            if name == names.group(names.full(GROUP, node.name)) or own in name.partition("/")[2].split(",")
        ]
        return {entry.id for run in seen for entry in run if entry.sender.endswith(f"@{realm}")}

    def _fail(self, why: str) -> None:
        raise BrokenError(f"seed {self._world.seed}: {why}")


def to_be_forgotten(node: RealmNode) -> int:
    """How many rows of its outbox were acknowledged longer ago than they are kept."""
    query = (
        "SELECT count(*) FROM outbox o JOIN peers p ON p.id = o.peer WHERE o.settled_at < ?"
        " AND coalesce(o.n, 0) <= p.acked AND (o.file IS NULL OR o.n IS NOT NULL OR o.result <> '')"
    )
    return int(node.store._connection.execute(query, (node.now - KEPT_MS,)).fetchone()[0])
