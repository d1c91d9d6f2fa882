"""One simulated history of several realms: what users say, what goes wrong, healing, and what must hold then."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import combinations, permutations
from unittest.mock import patch

import msgspec
from msgspec import UNSET, UnsetType

from realm import erasing
from realm.federation import forgetting, link
from schemas import commands
from schemas.answers import Answer, ChunkTaken, Messages, Sent, SessionOpened, UploadOpened
from schemas.commands import Command
from schemas.errors import Code, Refusal
from schemas.names import Name
from tests.rules.kit import key_of
from tests.simulation.federation.checking import CLOCKS_OFF_MS, UNCERTAIN, Checks, to_be_forgotten
from tests.simulation.federation.impostor import Impostor
from tests.simulation.federation.node import CHUNK, PORT, UNSENT_MS, Backup, RealmNode
from tests.simulation.federation.operating import PASSWORD, Operators, known
from tests.simulation.federation.people import People
from tests.simulation.federation.ruling import Ruling, to_be_removed
from tests.simulation.federation.saying import (
    GROUP,
    USERS,
    Fetched,
    Restore,
    Saying,
    Where,
    command_for,
    may_be_lost,
)
from tests.simulation.federation.seen import DAY_MS
from tests.simulation.federation.store import Databases
from tests.simulation.federation.world import Fault, RealmsWorld, Seldom
from tests.simulation.history import BrokenError

COMMANDS = 200
REALMS = ("kampus", "pusat", "kantor", "klub", "lab")
PATIENCE_MS = 10_000
CALM_MS = 400_000
RENUMBERED = 5
"""Rows that one turn numbers anew: few, so that much can happen between two turns that do."""
GIVEN_BACK = 3
"""Rows that one turn gives back of a realm that was forgotten,"""
ERASED = 3
"""and that one slice erases,"""
SCANNED = 20
"""of so many that it looks at."""

SWEPT_MS = 2 * UNSENT_MS
"""Within so long what is to be forgotten is,"""
REMOVED_MS = 600_000 + SWEPT_MS
"""and what is to be removed, also where there was no room to do so at first."""
BACKUP = "backup"
WRONG = (
    Fault.PARTITION,
    Fault.PARTITION,
    Fault.CRASH_IDLE,
    Fault.STOP,
    Fault.CLOCK_JUMP,
    Fault.RESTORE,
    Fault.IMPOSTOR,
    Fault.LONG_CUT,
    Fault.HUNG,
    Fault.HUNG,
    Fault.FULL_DISK,
    Fault.FULL_DISK,
    BACKUP,
)
LONG_DAYS = (10, 10, 40)
"""Longer than rows are kept, also where a clock was set back meanwhile; and longer than answers are remembered."""


class FederatedHistory:
    """Two to five realms, each with two users and a group."""

    def __init__(self, seed: int, databases: Databases) -> None:
        self._databases = databases
        self.world = RealmsWorld(seed, faulty=False)
        self.sayings: list[Saying] = []
        self.restores: list[Restore] = []
        self.leaps: list[tuple[int, int]] = []
        """When so long passed that what was acknowledged may be forgotten, and how long, ms."""
        self.commands = 0
        self.fetched: dict[tuple[str, str, str], Fetched] = defaultdict(Fetched)
        self._backups: dict[str, Backup] = {}
        dice = self.world.dice
        self.nodes = {
            name: RealmNode(self.world, name, number, databases.take())
            for number, name in enumerate(REALMS[: dice.choice((2, 2, 2, 3, 3, 4, 5))])
        }
        for node in self.nodes.values():
            node.nodes = dict(self.nodes)
        self.operators = Operators(self.world, self.nodes, COMMANDS, USERS)
        Ruling(self.world, self.nodes, self.operators)
        self.people = People(self.world, self.nodes, self.operators)

    def run(self) -> None:
        """All of it. Raises BrokenError where something does not hold."""
        with (
            patch.object(link, "RENUMBERED", RENUMBERED),
            patch.object(forgetting, "AT_ONCE", GIVEN_BACK),
            patch.multiple(erasing, CHANGED=ERASED, SCANNED=SCANNED),
        ):
            self._set_up()
            self.world.faulty = True
            for number in range(COMMANDS):
                self.world.later(0, self._something)
                self.operators.act(number)
                self.world.run_until(self.world.now + self.world.dice.choice((0, 0, 20, 200, 800)))
                if self.world.chance(0.04):
                    self._go_wrong()
            self._heal()
            Checks(
                self.world,
                self.nodes,
                self.operators,
                self.people,
                self.sayings,
                self.restores,
                self.fetched,
                self.leaps,
                self._now,
            ).check()

    def close(self) -> None:
        """What it has borrowed may be used by others."""
        for node in self.nodes.values():
            self._databases.give_back(node.database)

    # the beginning

    def _set_up(self) -> None:
        for node in self.nodes.values():
            for user in USERS:
                node.register(user)
            self._now(node, USERS[0], commands.AddGroup(id=1, tokenId=node.tokens[USERS[0]], group=GROUP))
            self._now(node, USERS[1], commands.JoinGroup(id=1, tokenId=node.tokens[USERS[1]], group=GROUP))
            node.database.seen.members.update(USERS)
        self._add_all()
        for node in self.nodes.values():
            self._backups[node.name] = node.backup()

    def _add_all(self) -> None:
        """Make all known to each other."""
        for node in self.nodes.values():
            for other in self.nodes.values():
                with node.store.transaction() as tx:
                    is_known = other.name in known(tx)
                if other is not node and not is_known:
                    command = commands.AddRealm(
                        id=1, tokenId=node.tokens[USERS[0]], realm=other.name, address=other.name, port=PORT
                    )
                    answer = self._now(node, USERS[0], command)
                    if not isinstance(answer, Answer):
                        self._fail(f"{node.name} cannot add {other.name}: {answer}")
                    self.world.count(Seldom.ADDED)

    def _now(self, node: RealmNode, user: str, command: Command) -> Answer | Refusal:
        told: list[Answer | Refusal] = []

        def answered(answer: Answer | Refusal | None) -> None:
            if isinstance(answer, SessionOpened):  # now: a login from before may be answered behind it
                node.opened(user, answer)
            if answer is not None:
                told.append(answer)

        node._accept(key_of(user), command, answered)
        end = self.world.now + 60_000
        while not told and self.world.now < end:
            self.world.run_until(self.world.now + 10)
        if not told:
            self._fail(f"{node.name} does not answer {command}")
        return told[0]

    # what people do

    def _something(self) -> None:
        dice = self.world.dice
        node = dice.choice(list(self.nodes.values()))
        user = dice.choice(USERS)
        if self.operators.is_erased(user, node.name):
            user = next(one for one in USERS if one != user)
        self.commands += 1
        kind = dice.random()
        if kind < 0.80:
            self._say(node, user)
        elif kind < 0.88:
            self._fetch(node, user)
        elif kind < 0.92:
            self._ask(node, user, commands.Inbox(id=1, tokenId=node.tokens[user]))
        elif kind < 0.95:
            self._ask(node, user, commands.Realms(id=1, tokenId=node.tokens[user]))
        elif kind < 0.97:
            self._ask(node, user, commands.Conversations(id=1, tokenId=node.tokens[user]))
        else:
            self._add_again(node, user)

    def _say(self, node: RealmNode, user: str) -> None:
        dice = self.world.dice

        others = [name for name in self.nodes if name != node.name]
        target = dice.choice(others) if dice.random() < 0.85 else node.name
        to_group = dice.random() < 0.3
        recipient = GROUP if to_group else dice.choice(USERS)
        if target != node.name and dice.random() < 0.12:
            recipient = "nobody"
        entry = f"05{self.world.seed % 10_000:012d}{self.commands:012d}"
        token = node.tokens[user]
        where = Where(target, recipient, to_group=to_group, crosses=target != node.name, bare=dice.random() < 0.5)

        def say(content: bytes | None, file: str = "") -> None:
            command = command_for(where, token, entry, f"message {entry}", file if content is not None else None)
            self.world.count(commands.name_of(type(command)))
            saying = Saying(entry, user, node.name, target, to_group, recipient, command, self.world.now, content)
            self.sayings.append(saying)
            self._say_on(node, saying)

        if dice.random() < 0.15:
            content = dice.randbytes(dice.choice((0, 1, 63, 64, 65, 300))) if dice.random() < 0.7 else b"known to all"
            self._upload(node, user, content, partial(say, content))
        else:
            say(None)

    def _upload(self, node: RealmNode, user: str, content: bytes, then: Callable[[str], None]) -> None:
        """Bring a file to one's own realm, over a network without faults; a realm that dies meanwhile ends it."""
        key, token = key_of(user), node.tokens[user]

        def opened(answer: Answer | Refusal | None) -> None:
            if isinstance(answer, UploadOpened):
                go_on(answer.upload, answer.offset, answer.file)

        def go_on(upload: str, offset: int, file: str | UnsetType) -> None:
            if file is not UNSET:
                then(file)
                return
            chunk = commands.Chunk(id=1, tokenId=token, upload=upload, offset=offset)

            def taken(answer: Answer | Refusal | None) -> None:
                if isinstance(answer, ChunkTaken):
                    go_on(upload, answer.offset, answer.file)

            node._accept(key, chunk, taken, content[offset : offset + CHUNK])

        digest = hashlib.sha256(content).digest()
        node._accept(key, commands.Upload(id=1, tokenId=token, digest=digest, size=len(content), name="a.txt"), opened)

    def _say_on(self, node: RealmNode, saying: Saying) -> None:
        """Say it until there is an answer, as clients do."""
        if saying.told is not None or saying.refused is not None:
            return
        saying.asked += 1
        if saying.asked > 1:
            self.world.count(Seldom.REPEATED)
            saying.command = msgspec.structs.replace(saying.command, tokenId=node.tokens[saying.user])
        node.ask(saying.user, saying.command, partial(self._told, saying))
        self.world.later(PATIENCE_MS, partial(self._say_on, node, saying))

    def _told(self, saying: Saying, answer: Answer | Refusal | None) -> None:
        if isinstance(answer, Sent):
            if saying.told is None:
                self.world.count(Seldom.QUEUED if answer.queued is True else Seldom.TAKEN)
                saying.told, saying.told_at = answer, self.world.now
            elif (saying.told.seq, saying.told.chain) != (answer.seq, answer.chain) and not (
                may_be_lost(saying, self.restores) or self._has_removed(saying)
            ):
                self._fail(f"{saying} was answered in two ways: {answer}")
        elif isinstance(answer, Refusal) and answer.code is Code.UNAVAILABLE:
            self.world.count(Seldom.UNAVAILABLE)  # it is asked again
        elif isinstance(answer, Refusal) and saying.told is None:
            refused, saying.refused = saying.refused, answer.code
            if answer.code is Code.QUEUE_FULL:
                self.world.count(Seldom.QUEUE_FULL)
            elif answer.code is Code.REALM_NOT_FOUND and self.operators.have_forgotten(saying.source, saying.target):
                self.world.count(Seldom.TOLD_OF_NONE)
            elif answer.code is Code.SESSION_NOT_FOUND and self.operators.is_erased(saying.user, saying.source):
                pass
            elif answer.code is Code.SESSION_NOT_FOUND and self.operators.has_ended(saying.user, saying.source):
                saying.refused = refused  # it is asked again, unless that was of a second copy
                self._log_in(self.nodes[saying.source], saying.user)
            elif answer.code is Code.NOT_MEMBER and self.people.may_have_left(saying.user, saying.source):
                self.world.count(Seldom.NOT_MEMBER)
            elif answer.code is Code.BAD_REQUEST and self._has_removed(saying):
                pass  # what it was is not known any more
            elif answer.code in (Code.USER_NOT_FOUND, Code.GROUP_NOT_FOUND):
                self.world.count(Seldom.REFUSED)
            elif answer.code not in UNCERTAIN:
                self._fail(f"{saying} was answered {answer}")

    def _has_removed(self, saying: Saying) -> bool:
        return self.nodes[saying.source].database.has_removed(saying.entry, saying.sender)

    def _log_in(self, node: RealmNode, user: str) -> None:
        """Log in, as who has no session any more; who may not is asked again with what is said next."""
        self.world.count("auth")
        command = commands.Auth(id=1, username=Name(user), password=PASSWORD)

        def answered(answer: Answer | Refusal | None) -> None:
            if isinstance(answer, SessionOpened):
                if self.operators.is_disabled(user, node.name) and not any(
                    one.realm == node.name for one in self.restores
                ):
                    self._fail(f"{user}@{node.name} is disabled, and has logged in")
                self.world.count(Seldom.BACK)
                node.opened(user, answer)
            elif isinstance(answer, Refusal) and answer.code is Code.FORBIDDEN:
                self.world.count(Seldom.NO_LOGIN)

        node._accept(key_of(user), command, answered)

    def _log_in_all(self) -> None:
        """All who are not erased have a session that is known."""
        for user, realm in sorted(self.operators.ended):
            node = self.nodes[realm]
            if self.operators.is_erased(user, realm):
                continue
            while True:
                answer = self._now(node, user, commands.Auth(id=1, username=Name(user), password=PASSWORD))
                if isinstance(answer, SessionOpened):
                    break
                if answer.code is not Code.UNAVAILABLE:  # type: ignore[union-attr]
                    self._fail(f"{user}@{realm} cannot log in: {answer}")
                self.world.run_until(self.world.now + 5_000)

    def _fetch(self, node: RealmNode, user: str) -> None:
        others = [name for name in self.nodes if name != node.name]
        realm = self.world.dice.choice(others)
        fetched = self.fetched[node.name, user, realm]
        fetched.lost = True  # until the answer is there; a doubled command counts as lost too
        self.world.count("getrealminbox")

        given: list[Answer | Refusal | None] = []

        def answered(answer: Answer | Refusal | None) -> None:
            doubled = any(answer is one for one in given)
            given.append(answer)
            if isinstance(answer, Messages) and not doubled:
                fetched.ids += [entry.id for entry in answer.messages]
                self.world.count(Seldom.FETCHED)

        node.ask(user, commands.GetRealmInbox(id=1, tokenId=node.tokens[user], realm=Name(realm)), answered)

    def _ask(self, node: RealmNode, user: str, command: Command) -> None:
        self.world.count(commands.name_of(type(command)))

        def answered(answer: Answer | Refusal | None) -> None:
            code = answer.code if isinstance(answer, Refusal) else None
            ended = code is Code.SESSION_NOT_FOUND and self.operators.has_ended(user, node.name)
            if not isinstance(answer, Answer) and code is not Code.UNAVAILABLE and not ended:
                self._fail(f"{command} was answered {answer}")

        node.ask(user, command, answered)

    def _add_again(self, node: RealmNode, user: str) -> None:
        self.world.count("addrealm")
        realm = self.world.dice.choice(REALMS)
        address = self.world.dice.choice(REALMS)
        command = commands.AddRealm(id=1, tokenId=node.tokens[user], realm=Name(realm), address=address, port=PORT)

        def answered(answer: Answer | Refusal | None) -> None:
            self.world.count(Seldom.ADDED if isinstance(answer, Answer) else Seldom.NOT_ADDED)

        node.ask(user, command, answered)

    # what goes wrong

    def _go_wrong(self) -> None:
        dice, world = self.world.dice, self.world
        node = dice.choice(list(self.nodes.values()))
        other = dice.choice([one for one in self.nodes.values() if one is not node])
        what = dice.choice(WRONG)
        if what is Fault.PARTITION:
            world.partition(node.name, other.name, dice.choice((1_000, 10_000, 90_000)))
        elif what is Fault.CRASH_IDLE:
            node.kill(Fault.CRASH_IDLE)
        elif what is Fault.STOP:
            node.stop()
        elif what is Fault.CLOCK_JUMP:
            world.count(Fault.CLOCK_JUMP)
            node.clock = dice.choice(CLOCKS_OFF_MS)
        elif what is Fault.RESTORE and world.seed % 2:
            backup = self._backups[node.name]
            lost = node.database.holds() - backup.database.holds()
            self.restores.append(Restore(node.name, backup.at, world.now, lost))
            node.restore(backup)
        elif what is Fault.IMPOSTOR:
            self._impersonate(node, other)
        elif what is Fault.LONG_CUT:
            self._let_days_pass(node, other)
        elif what is Fault.HUNG:
            node.hang(dice.choice((3_000, 12_000, 40_000)))
        elif what is Fault.FULL_DISK:
            node.fill_disk(dice.choice((1_000, 10_000, 60_000)), to_the_brim=dice.random() < 0.5)
        elif what == BACKUP:
            self._backups[node.name] = node.backup()

    def _let_days_pass(self, node: RealmNode, other: RealmNode) -> None:
        """Cut off two, or all from all others, for so long that what was acknowledged before is forgotten."""
        dice, world = self.world.dice, self.world
        world.count(Fault.LONG_CUT)
        pairs = list(combinations(self.nodes, 2)) if dice.random() < 0.5 else [(node.name, other.name)]
        for pair in pairs:
            world.partition(*pair, dice.choice((1_000, 20_000)))
        self.leaps.append((world.now, dice.choice(LONG_DAYS) * DAY_MS))
        world.leap(self.leaps[-1][1])

    def _impersonate(self, victim: RealmNode, known: RealmNode) -> None:
        """Somebody has taken the address of a realm that is known for a while, and says to be it."""
        self.world.count(Fault.IMPOSTOR)
        impostor = Impostor(known.name)
        victim.nodes[known.name] = impostor  # type: ignore[assignment]
        impostor.introduce_to(victim)
        self.world.later(20_000, lambda: victim.nodes.update({known.name: known}))

    # the end

    def _heal(self) -> None:
        world = self.world
        world.faulty = False
        world.cut.clear()
        world.run_until(world.now + 31_000)  # what was delayed arrives
        world.cut.clear()
        for node in self.nodes.values():
            node.nodes = dict(self.nodes)
        end = world.now + CALM_MS
        while world.now < end and self.operators.are_waiting:  # what was said before would come after what is said now
            world.run_until(world.now + 1_000)
        self.operators.enable_all()
        for erasure in self.operators.erasures:
            erasure.done = False
        while world.now < end and (
            self.operators.are_waiting or self._add_again_what_is_forgotten() or self.operators.erase_again()
        ):
            world.run_until(world.now + 1_000)
        self._log_in_all()
        self.people.try_all()
        while not self._is_settled() and world.now < end:
            world.run_until(world.now + 5_000)
        if not self._is_settled():
            self._fail(f"not settled: {self._unsettled()}")
        for waits, ms in ((to_be_forgotten, SWEPT_MS), (to_be_removed, REMOVED_MS)):
            end = world.now + ms
            while world.now < end and any(waits(node) for node in self.nodes.values()):
                world.run_until(world.now + 5_000)

    def _add_again_what_is_forgotten(self) -> bool:
        """Whether a realm did not know another, or knows an impostor in its place."""
        missing = False
        for node, other in permutations(self.nodes.values(), 2):
            with node.store.transaction() as tx:
                peer = known(tx).get(other.name)
            if peer is None:
                self.operators.add(node, other)
            elif peer.key != other.key and self.operators.have_forgotten(node.name, other.name):
                self.operators.forget(node, other)  # somebody else took its name, which was free
            else:
                continue
            missing = True
        return missing

    def _is_settled(self) -> bool:
        return not self._unsettled()

    def _unsettled(self) -> list[str]:
        found = [f"{one}" for one in self.sayings if one.told is None and one.refused is None]
        for node in self.nodes.values():
            with node.store.transaction() as tx:
                for peer in tx.peers(0, 1_000):
                    if peer.forgotten_at is not None:
                        if tx.sending(peer.id).queued or tx.untaken(peer.id, 1):
                            found.append(f"{node.name} has not given back all to {peer.name}: {tx.sending(peer.id)}")
                        continue
                    sending, link = tx.sending(peer.id), node._core.memory.peers.link(peer.id)
                    files = tx.unnumbered(peer.id, 1)  # also such as were taken, and are brought again after a restore
                    if sending.queued or sending.acked != sending.last or files or not link.answers:
                        found.append(f"{node.name} to {peer.name}: {sending} {link} {files}")
        return found

    def _fail(self, why: str) -> None:
        raise BrokenError(f"seed {self.world.seed}: {why}")
