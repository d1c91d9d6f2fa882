"""One simulated history: a realm and several devices, faults and crashes, healing, and what must hold then."""

import hashlib
from pathlib import Path

from msgspec import UNSET

from client.errors import ClientError
from schemas import commands, names, operator
from schemas.answers import Answer
from schemas.commands import Command
from schemas.entries import CHAIN_START, Entry, follows
from schemas.names import Address, ConversationId, Name
from tests.simulation.client_node import ClientNode, Then
from tests.simulation.disk import what_is_wrong
from tests.simulation.network import Fault, World
from tests.simulation.realm_node import CHUNK, RealmNode
from tests.simulation.user import User

COMMANDS = 200
COMMANDS_SAID = (
    commands.Register,
    commands.Auth,
    commands.Resume,
    commands.Logout,
    commands.Passwd,
    commands.Info,
    commands.Users,
    commands.Send,
    commands.Inbox,
    commands.Conversations,
    commands.History,
    commands.Read,
    commands.Sync,
    commands.AddGroup,
    commands.JoinGroup,
    commands.LeaveGroup,
    commands.RemoveMember,
    commands.SendGroup,
    commands.Groups,
    commands.Members,
    commands.Upload,
    commands.Chunk,
    commands.Download,
    commands.SendFile,
    commands.SendGroupFile,
)
"""What is said in every run of many histories."""
CRASHES = 3
USERS = ("ani", "budi", "citra", "dewi")
DEVICES = 6
GROUPS = ("satu", "dua")
LARGE = 60_000
"""Four of these and what goes with them fill a page."""
LARGE_IN = 10
"""In one of so many histories some messages are large."""
UPLOADS = 0.08
"""How often an upload is begun instead of a command said."""
RESTS = 0.04
"""How often nobody says anything for a while, in which what is not used expires."""
REST_MS = 4_000
NEW_FILES = 3
CONTENTS = 5
FILE_SIZES = (0, 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK + 3, 20 * CHUNK)
STEP_MS = 60
ERASES_IN = 3
"""In one of so many histories a user is erased in the end."""
ERASING_STEPS = 12
SOME_TIME_MS = 3_000
HEAL_MS = 400_000


class BrokenError(AssertionError):
    """An invariant does not hold; the message names the seed that shows it."""


class SimulatedHistory:
    """Made from a seed; `run` lets it happen and checks it."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.world = World(seed)
        folder.mkdir()
        self.realm = RealmNode(self.world, folder)
        dice = self.world.dice
        self._contents = [(dice.randbytes(dice.choice(FILE_SIZES)), f"{number}.bin") for number in range(CONTENTS)]
        self.commands = 0
        """How many were chosen at random; logging in and repairs come on top."""
        self.users = [User(name) for name in USERS]
        self.clients = [
            ClientNode(self.world, self.realm, self.users[number % len(USERS)], number, self.users)
            for number in range(DEVICES)
        ]

    def run(self) -> None:
        """Raises BrokenError where an invariant does not hold."""
        world = self.world
        while self.commands < COMMANDS or self.crashes < CRASHES:
            rests = world.dice.random() < RESTS
            world.run_until(world.now + world.dice.randint(1, REST_MS if rests else STEP_MS))
            client = world.dice.choice(self.clients)
            if client.logged_in and world.dice.random() < UPLOADS:
                client.upload(*world.dice.choice(self._contents))
                self.commands += 1
            elif client.logged_in:
                command = self._command(client)
                self.commands += 1
                client.ask(command, _learn_password(client, command))
            if world.chance(0.01):
                self.realm.kill(Fault.CRASH_IDLE)
        self._heal()
        self._check()
        if world.seed % ERASES_IN == 0:
            self._erase(world.dice.choice(self.users))

    def _erase(self, user: User) -> None:
        """A user is erased, while the realm is killed again and again; nothing else is said meanwhile."""
        world = self.world
        for client in self.clients:
            if client.user is user:
                client.end()
        world.faulty = True
        for _ in range(ERASING_STEPS):
            self.realm.operate(operator.EraseUser(id=1, username=user.name))
            world.run_until(world.now + world.dice.randint(1, STEP_MS))
            if world.chance(0.2):
                self.realm.kill(Fault.CRASH_IDLE)
        world.faulty = False
        for _ in range(ERASING_STEPS):
            self.realm.operate(operator.EraseUser(id=1, username=user.name))
            world.run_until(world.now + SOME_TIME_MS)
        with self.realm.store.transaction() as tx:
            if tx.erasing(1) or tx.account(user.name) or not tx.is_name_taken(user.name):
                self._fail(f"{user.name} is not erased: {tx.erasing(1)}")
        kept = self._kept()
        for run in kept.values():
            for entry in run:
                if entry.erased != (entry.sender == user.address):
                    self._fail(f"{user.name} was erased, and here is {entry}")
        self._check_files(kept)

    @property
    def crashes(self) -> int:
        """How often the realm was killed."""
        return sum(self.world.counts[fault] for fault in Fault if fault.startswith("crash"))

    def close(self) -> None:
        """Release the realm's folder."""
        if self.realm.running:
            self.realm.store.close()

    def _heal(self) -> None:
        world = self.world
        world.faulty = False
        end = world.now + HEAL_MS
        quiet = 0
        while quiet < 3:
            for client in self.clients:
                for conversation in list(client.mirror.shown):
                    client.mirror.want_older(conversation)
            world.run_until(world.now + 21_000)
            settled = all(client.settled and client.shows_all for client in self.clients)
            quiet = quiet + 1 if self.realm.running and settled else 0
            if world.now > end:
                self._kept()
                self._fail("it does not come to rest")

    def _command(self, client: ClientNode) -> Command:
        """Anything that a person or a bot might say."""
        dice = self.world.dice
        to = Address(dice.choice(USERS))
        group = Name(dice.choice(GROUPS))
        conversation = self._conversation(client)
        text = f"{client.user.name} {self.world.now}"
        if self.world.seed % LARGE_IN == 0 and self.world.chance(0.3):
            text = text.ljust(LARGE, ".")
        said = list(client.user.said.items())
        kinds: list[tuple[int, Command]] = [
            (60, commands.Send(id=0, to=to, message=text)),
            (40, commands.SendGroup(id=0, group=group, message=text)),
            (8, commands.AddGroup(id=0, group=group)),
            (12, commands.JoinGroup(id=0, group=group)),
            (6, commands.LeaveGroup(id=0, group=group)),
            (6, commands.RemoveMember(id=0, group=group, username=Name(to))),
            (8, commands.Inbox(id=0, limit=dice.randint(1, 20))),
            (5, commands.Conversations(id=0)),
            (5, commands.History(id=0, conversation=conversation, limit=dice.randint(1, 20))),
            (5, commands.Read(id=0, conversation=conversation, seq=dice.randint(0, 30))),
            (3, commands.Users(id=0)),
            (3, commands.Groups(id=0)),
            (3, commands.Members(id=0, group=group)),
            (3, commands.Info(id=0)),
            (3, commands.Sync(id=0)),
            (3, commands.Resume(id=0)),
            (2, commands.Logout(id=0)),
            (2, commands.Auth(id=0, username=client.user.name, password=client.user.passwords[0])),
            (2, commands.Passwd(id=0, old=client.user.passwords[0], new=f"password-{self.world.now}")),
        ]
        if own := list(client.user.files)[-NEW_FILES:]:
            file = dice.choice(own)
            kinds += [
                (15, commands.SendFile(id=0, to=to, file=file)),
                (12, commands.SendGroupFile(id=0, group=group, file=file)),
            ]
        if known := [*client.shown_files(), *own]:
            kinds.append((15, self._download(known)))
        if others := [file for user in self.users if user is not client.user for file in user.files]:
            kinds += [(3, commands.SendFile(id=0, to=to, file=dice.choice(others))), (3, self._download(others))]
        if said:
            entry, message = dice.choice(said)
            kinds.append((10, commands.Send(id=0, to=to, message=message, entry=entry)))
        weights, choices = zip(*kinds, strict=True)
        chosen: Command = dice.choices(choices, weights)[0]
        return chosen

    def _download(self, files: list[str]) -> Command:
        """Some bytes of one of these, and sometimes none, behind its end."""
        dice = self.world.dice
        file = dice.choice(files)
        length = len(next(user.files[file] for user in self.users if file in user.files))
        offset, size = dice.randint(0, length + length // 8), dice.randint(1, 4 * CHUNK)
        return commands.Download(id=0, file=file, offset=offset, size=size)

    def _conversation(self, client: ClientNode) -> ConversationId:
        """One that the client shows, and sometimes one that another does."""
        asked = self.world.dice.choice(self.clients) if self.world.chance(0.2) else client
        shown = sorted(asked.mirror.shown)
        own = Address(client.mirror.user)
        return self.world.dice.choice(shown) if shown else names.private(own, own)

    # what must hold

    def _check(self) -> None:
        if self.realm.wrongs:
            self._fail(self.realm.wrongs[0])
        kept = self._kept()
        for user in self.users:
            for entry, sent in user.told.items():
                found = [one for run in kept.values() for one in run if one.id == entry]
                if [(one.conversation, one.seq, one.chain) for one in found] != [
                    (sent.conversation, sent.seq, sent.chain)
                ]:
                    self._fail(f"entry {entry} was answered OK as {sent.conversation} #{sent.seq}, and is {found}")
        for client in self.clients:
            self._check_mirror(client, kept)
        self._check_files(kept)

    def _check_files(self, kept: dict[str, list[Entry]]) -> None:
        """What entries name is on disk as it was uploaded, and nothing else is."""
        store = self.realm.store
        named = {entry.file.id: entry.file for run in kept.values() for entry in run if entry.file is not UNSET}
        with store.transaction(writable=False) as tx:
            files = {file: tx.file(file) for file in named}
            under_way = tx.uploads("", 1 << 20)
            removals = tx.removals(1 << 20)
            blobs = dict(store._connection.execute("SELECT digest, size FROM blobs").fetchall())
            unsent = store._connection.execute("SELECT id FROM files WHERE uses = 0").fetchall()
        for file, shown in named.items():
            row = files[file]
            content = next((user.files[file] for user in self.users if file in user.files), None)
            if row is None or row.shown != shown or shown.digest not in blobs:
                self._fail(f"entries name {shown}, and it is {row}")
            if content is None or shown.digest != hashlib.sha256(content).digest():
                self._fail(f"entries name {shown}, and nobody has uploaded that")
        if blobs.keys() != {shown.digest for shown in named.values()} or unsent or under_way or removals:
            self._fail(f"more is kept than entries name: {[*unsent, *under_way, *removals]}, {len(blobs)} blobs")
        if why := what_is_wrong(self.realm.folder, blobs):
            self._fail(why)

    def _kept(self) -> dict[str, list[Entry]]:
        """All entries, after their numbers and chains were checked."""
        with self.realm.store.transaction() as tx:
            all_names: set[str] = {name for client in self.clients for name in client.mirror.shown}
            all_names |= {entry.conversation for client in self.clients for entry in client.news}
            all_names |= {sent.conversation for user in self.users for sent in user.told.values()}
            kept = {
                name: tx.history(ConversationId(name), after=0, limit=1 << 20, max_bytes=1 << 40).entries
                for name in all_names
            }
        for name, run in kept.items():
            before = CHAIN_START
            for number, entry in enumerate(run, start=1):
                if entry.seq != number or not follows(before, entry):
                    self._fail(f"{name} #{number} does not follow")
                before = entry.chain
        return kept

    def _check_mirror(self, client: ClientNode, kept: dict[str, list[Entry]]) -> None:
        who = client.mirror.user
        with self.realm.store.transaction() as tx:
            account = tx.account(client.user.name)
            assert account is not None
            standings = tx.standings_named(account.id, "", 1 << 20)
        theirs = {standing.conversation for standing in standings}
        if theirs != set(client.mirror.shown):
            self._fail(f"{who} shows {sorted(client.mirror.shown)}, and has {sorted(theirs)}")
        self._check_news(client, kept)
        for name, shown in client.mirror.shown.items():
            if shown.entries != kept[name]:
                self._fail(f"{who} shows of {name} {[e.seq for e in shown.entries]}, not all {len(kept[name])} as kept")

    def _check_news(self, client: ClientNode, kept: dict[str, list[Entry]]) -> None:
        """In order, each once, not its own; and where the user stayed, none is missing."""
        who = client.mirror.user
        told: dict[str, list[int]] = {}
        for entry in client.news:
            before = told.setdefault(entry.conversation, [])
            if entry not in kept.get(entry.conversation, []) or (before and entry.seq <= before[-1]):
                self._fail(f"{who} was told of {entry}")
            before.append(entry.seq)
        for name in client.mirror.shown.keys() - client.left:
            owed = {entry.seq for entry in kept[name] if entry.seq > client.owed.get(name, 0)}
            own = {entry.seq for entry in kept[name] if entry.id in client.sent}
            if missing := sorted(owed - own - set(told.get(name, []))):
                self._fail(f"{who} was never told of {name} {missing}")

    def _fail(self, why: str) -> None:
        raise BrokenError(f"seed {self.world.seed}: {why}")


def _learn_password(client: ClientNode, command: Command) -> Then:
    """Follow what a `passwd` may have done, whether its answer comes or not."""

    if not isinstance(command, commands.Passwd):
        return lambda _: None
    new = command.new
    client.user.passwords.append(new)

    def then(outcome: Answer | ClientError) -> None:
        if isinstance(outcome, Answer):
            client.user.passwords.remove(new)
            client.user.passwords.insert(0, new)

    return then
