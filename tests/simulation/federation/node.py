"""One of several simulated realms: the real core on the real store, with links to the others."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from realm.core import Core, Decision
from realm.effects import Connect, Disconnect, Effect, Note, Reply, RunJob, ToPeer
from realm.inputs import FromPeer, Input, JobDone, LinkDown, LinkUp, Stopping, Tick
from realm.jobs import (
    Agreed,
    CardRead,
    CheckPassword,
    DialFailed,
    FileJob,
    HashPassword,
    Introduce,
    Job,
    ProveIntroduction,
    ReadCard,
    ReadSettings,
    Result,
    SettingsRead,
)
from realm.request import OPERATOR, Request, Route
from realm.settings import Files, Limits, PeerRules, Settings
from realm.store.interface import Tx
from realm.turn import Turns
from schemas import commands
from schemas.answers import Answer, SessionOpened
from schemas.codec import Malformed, decode_command, decode_from_peer, encode_answer, encode_command, encode_refusal
from schemas.commands import Command
from schemas.errors import Code, Refusal
from schemas.federation import (
    Envelope,
    Hello,
    Introduced,
    LinkAck,
    LinkAgain,
    LinkChunk,
    LinkCommand,
    LinkUpload,
    Prove,
    Proved,
)
from schemas.names import Name
from schemas.operator import OperatorCommand
from tests.rules.blobs_in_memory import BlobsInMemory
from tests.rules.kit import SeededIds, hash_openly, key_of
from tests.simulation.federation.store import Database, StoreInMemory
from tests.simulation.federation.world import Fault, RealmsWorld, Seldom

QUEUE = 12
"""How many messages may wait for one peer: few, so that it happens."""
UNITS_A_TURN = 4
"""How much one peer may have of a turn: few, so that something is sent again for that."""
CHUNK = 64
"""Bytes of a file in one frame: one of a few hundred has several."""
HOUR_MS = 3_600_000
UNSENT_MS = 40_000
"""What is brought and not named is swept so soon, also what a peer has brought."""
GENEROUS = Settings(
    limits=Limits(
        session_per_second=1_000_000, session_burst=1_000_000, free_failures=1_000_000, session_idle_days=10_000
    ),
    peers=PeerRules(queue=QUEUE, units_a_turn=UNITS_A_TURN),
    files=Files(chunk_bytes=CHUNK, unsent_hours=UNSENT_MS / HOUR_MS, unfinished_hours=UNSENT_MS / HOUR_MS),
)
RESTART_MS = 400
LOOK_MS = 500
DIAL_MS = 500
CALM_DIAL_MS = 2_000
ANSWERED_MS = 5_000
"""Who has not answered a dial within this time does not."""
PORT = 8889
Told = Answer | Refusal | LinkAck | LinkAgain
Answered = Callable[[Any], None]
"""Takes an answer of whatever kind."""


class KilledError(Exception):
    """The process ends here, whatever it was doing."""


class Ids(SeededIds):
    """Ids of one realm, never those of another."""

    def __init__(self, seed: int, number: int) -> None:
        super().__init__(seed * 100 + number)
        self._number = number

    def ulid(self, now: int) -> str:
        return f"0{self._number}{super().ulid(now)[2:]}"


class MortalCore(Core):
    """A core whose process can be killed when it has decided, before anything is committed."""

    doomed = False

    def decide(self, tx: Tx, now: int, inputs: Sequence[Input]) -> Decision:
        decision = super().decide(tx, now, inputs)
        if self.doomed:
            raise KilledError(Fault.CRASH_BEFORE_COMMIT)
        return decision


class Backup(NamedTuple):
    """A realm's folder at some time."""

    at: int
    database: Database
    uploads: dict[str, bytes]
    blobs: dict[bytes, bytes]


class Connection:
    """What a DEALER is to the ROUTER at its other end, until it is lost."""

    def __init__(self, target: "RealmNode", number: int) -> None:
        self.target = target
        self.route = number.to_bytes(5, "big")
        self.up = False
        self.target_life = -1


class RealmNode:
    """Takes commands of users and frames of realms, takes turns, and can be killed between any two steps."""

    def __init__(self, world: RealmsWorld, name: str, number: int, database: Database) -> None:
        self.name = Name(name)
        self.key = f"key-of-realm-{name}".ljust(40, "-")
        self.nodes: dict[str, RealmNode] = {}
        """Who is where: by the address at which somebody dials."""
        self.tokens: dict[str, str] = {}
        self.file = GENEROUS
        """What its settings file says."""
        self.life = 0
        self.restored = 0
        self.clock = 0
        """How far its clock is off, ms."""
        self.database = database
        self._world = world
        self._ids = Ids(world.seed, number)
        self._waiting: list[Input] = []
        self._turn_due = False
        self._asking: dict[bytes, Answered] = {}
        self._links: dict[int, Connection] = {}
        self._store: StoreInMemory | None = None
        self.disk = BlobsInMemory()
        self._hung = False
        self._full = 0
        """How many times its disk was filled, and has no room again yet."""
        self._free_at: dict[bytes, int] = {}
        self._start()

    @property
    def running(self) -> bool:
        return self._store is not None

    @property
    def reachable(self) -> bool:
        """Whether somebody who dials is answered."""
        return self.running and not self._hung

    @property
    def store(self) -> StoreInMemory:
        assert self._store is not None
        return self._store

    @property
    def now(self) -> int:
        return self._world.now + self.clock

    # users

    def register(self, user: str) -> None:
        """A user of this realm, logged in. Before the first fault."""
        told: list[Answer | Refusal | None] = []
        command = commands.Register(id=1, username=Name(user), password="surabaya", country="ID", name=user.title())
        self._accept(key_of(user), command, told.append)
        while not told:
            self._world.run_until(self._world.now + 10)
        answer = told[0]
        assert isinstance(answer, SessionOpened), answer
        self.opened(user, answer)
        self.database.seen.open(user, answer.topic)
        self.database.seen.first[user] = answer.topic

    def opened(self, user: str, session: SessionOpened) -> None:
        """The user speaks in this session from now on."""
        self.tokens[user] = session.tokenId
        self.database.seen.know(user, session.topic)

    def ask(self, user: str, command: Command, answered: Answered) -> None:
        """A user's command arrives, and its answer goes back, over a network that loses."""
        self._world.carry(lambda: self._accept(key_of(user), command, lambda a: self._world.carry(lambda: answered(a))))

    def _accept(self, key: str, command: Command, answered: Answered, data: bytes | None = None) -> None:
        frames = [encode_command(command)] if data is None else [encode_command(command), data]
        self._receive(key, Route(self._route()), frames, answered)

    def operate(self, command: OperatorCommand, answered: Answered) -> None:
        """The operator says something, over the socket in the folder."""
        if self.running:
            route = Route(self._route(), operator=True)
            self._asking[route.peer] = answered
            self._take(Request(route, OPERATOR, OPERATOR, command))

    # links

    def _connect(self, peer: int, host: str) -> None:
        known = self._links.get(peer)
        if known is None or known.target is not self.nodes[host]:
            self._links[peer] = Connection(self.nodes[host], self._number())
            self._dial(peer, self._links[peer], self.life)

    def _dial(self, peer: int, connection: Connection, life: int) -> None:
        """Connect, as often as need be, as libzmq does."""
        if life != self.life or self._links.get(peer) is not connection:
            return
        target = connection.target
        cut = self._world.is_cut(self.name, target.name)
        keeps = target.running and connection.up and connection.target_life == target.life
        if self._hung or (not target.reachable and keeps and not cut):
            self._world.later(DIAL_MS, partial(self._dial, peer, connection, life))
            return  # the one does not look; the other is there, and says nothing
        reachable = target.reachable and self.running and not cut
        if reachable and connection.target_life != target.life:
            connection.up = False
        if connection.up and (not reachable or self._world.chance(0.01)):
            connection.up = False
            self._world.count(Fault.LINK_LOST)
            self._take(LinkDown(peer, "connection lost"))
        elif reachable and (not connection.up or self._world.chance(0.01)):
            if connection.up:
                self._world.count(Fault.SILENT_RECONNECT)
            connection.route, connection.target_life = self._number().to_bytes(5, "big"), target.life
            if not connection.up:
                self._take(LinkUp(peer))
            connection.up = True
        self._world.later(DIAL_MS if self._world.faulty else CALM_DIAL_MS, partial(self._dial, peer, connection, life))

    def _to_peer(self, effect: ToPeer) -> None:
        connection = self._links.get(effect.peer)
        if connection is None or not connection.up:
            return
        target, on, life = connection.target, connection.route, self.life
        frames = [encode_command(effect.frame)] if effect.data is None else [encode_command(effect.frame), effect.data]
        route = Route((b"f" if effect.bulk else b"") + on)

        def heard(frame: bytes) -> None:
            if life == self.life and connection.up and connection.route == on:  # else its socket is closed
                self.hear(effect, frame)

        def answered(told: tuple[int | None, Told]) -> None:
            target.send_back(self, heard, *told)

        self._world.carry_between(self.name, target.name, lambda: target._receive(self.key, route, frames, answered))

    def send_back(self, to: "RealmNode", heard: Callable[[bytes], None], call: int | None, answer: Told) -> None:
        """An answer goes back over the connection on which it was asked."""
        frame = encode_refusal(call, answer) if isinstance(answer, Refusal) else encode_answer(answer)
        self._world.carry_between(self.name, to.name, partial(heard, frame))

    def hear(self, asked: ToPeer, frame: bytes) -> None:
        """What a peer answers arrives."""
        read = decode_from_peer(frame)
        assert read is not None
        if self.running:
            self._take(FromPeer(asked.peer, read, asked.bulk))

    # dialling

    def _run_job(self, job: Job) -> None:
        life = self.life
        if isinstance(job, HashPassword | CheckPassword):
            self._world.later(5, lambda: self._done(life, job, hash_openly(job)))
        elif isinstance(job, ReadCard | Introduce | ProveIntroduction):
            delay = ANSWERED_MS if self._world.chance(0.1) else self._world.dice.randint(2, 20)
            self._world.later(delay, lambda: self._dialled(life, job, failed=delay == ANSWERED_MS))
        elif isinstance(job, ReadSettings):
            self._world.later(5, lambda: self._done(life, job, SettingsRead(self.file)))
        elif isinstance(job, FileJob):
            free = max(self._world.now, self._free_at.get(job.digest, 0)) + self._world.dice.randint(1, 20)
            self._free_at[job.digest] = free  # one job of a digest after the other, as the pool has it
            self._world.later(free - self._world.now, lambda: self._do_file_job(life, job))

    def _do_file_job(self, life: int, job: FileJob) -> None:
        if life == self.life and self.running:
            self._done(life, job, self.disk.run(job))

    def _dialled(self, life: int, job: ReadCard | Introduce | ProveIntroduction, *, failed: bool) -> None:
        target = self.nodes.get(job.host)
        if failed or target is None or not target.reachable or self._world.is_cut(self.name, target.name):
            self._done(life, job, DialFailed("no answer"))
            return
        card = CardRead(target.name, 1, target.key, 0)
        match job:
            case ReadCard():
                self._done(life, job, card)
            case Introduce():
                told = Introduced(id=1, realm=self.name, address=self.name, port=PORT)
                self._ask_there(target, told, life, job)
            case ProveIntroduction():
                if (card.realm, card.key) != (job.realm, job.key):
                    self._done(life, job, DialFailed("another realm"))
                    return
                self._ask_there(target, Prove(id=1, nonce=job.nonce), life, job)

    def _ask_there(
        self, target: "RealmNode", command: LinkCommand, life: int, job: Introduce | ProveIntroduction
    ) -> None:
        """Ask another realm, and wait for its answer for some time: it may be killed before."""
        told: list[Answer | Refusal | None] = []

        def answered(answer: Answer | Refusal | None) -> None:
            if not told:
                told.append(answer)
                self._agreed(life, job, answer)

        target._receive(self.key, Route(self._route()), [encode_command(command)], answered)
        self._world.later(ANSWERED_MS, lambda: answered(None))

    def _agreed(self, life: int, job: Introduce | ProveIntroduction, answer: Answer | Refusal | None) -> None:
        good = isinstance(answer, Answer) and not (isinstance(answer, Proved) and answer.nonce != job.nonce)  # type: ignore[union-attr]
        self._done(life, job, Agreed(0) if good else DialFailed("it says no"))

    def _done(self, life: int, job: Job, result: Result) -> None:
        if life == self.life and self.running:
            self._take(JobDone(job, result, 1))

    # turns

    def _receive(self, key: str, route: Route, frames: list[bytes], answered: Answered) -> None:
        if not self.running:
            return
        decoded = decode_command(frames)
        body, data = (decoded, b"") if isinstance(decoded, Malformed) else decoded
        request = Request(route, key, "127.0.0.1", body, data)
        self._asking[route.peer] = answered
        self._take(request)

    def _take(self, item: Input) -> None:
        if not self.running:
            return
        self._waiting.append(item)
        self._turn_soon()

    def _turn_soon(self) -> None:
        if self._waiting and not self._turn_due and not self._hung:
            self._turn_due = True
            self._world.later(self._world.dice.randint(0, 25), partial(self._turn, self.life))

    def _turn(self, life: int) -> None:
        if life != self.life or not self.running:
            return
        self._turn_due = False
        if self._hung:
            return
        inputs, self._waiting = self._waiting, []
        try:
            self._core.doomed = self._world.chance(0.002)
            self._act(self._decided(inputs))
        except KilledError as killed:
            self.kill(Fault(killed.args[0]))

    def _decided(self, inputs: list[Input]) -> list[Effect]:
        seen = self.database.seen
        effects = self._turns.take(self.now, inputs)
        seen.hear(effects)
        for effect in effects:
            if isinstance(effect, Reply) and isinstance(effect.answer, Refusal):
                self._look_at(effect.answer)
        for item in inputs:
            if isinstance(item, JobDone) and isinstance(item.result, SettingsRead):
                seen.rules = item.result.settings  # from the next turn on
        return effects

    def _look_at(self, refusal: Refusal) -> None:
        """Whether what is refused for a limit is refused for that of now."""
        rules, default = self.database.seen.rules, GENEROUS
        if refusal.code is Code.QUEUE_FULL:
            if not refusal.text.startswith(f"{rules.peers.queue:,} messages wait"):
                self.database.seen.wrongs.append(f"refused, where {rules.peers.queue} may wait: {refusal.text}")
            if rules.peers.queue != default.peers.queue:
                self._world.count(Seldom.FULL_ANEW)
        elif refusal.code is Code.QUOTA_EXCEEDED:
            about_room = "under way" not in refusal.text
            self._world.counts[Seldom.NO_ROOM] += about_room
            if about_room and rules.files.user_bytes == default.files.user_bytes:
                self.database.seen.wrongs.append(f"refused, where there is room: {refusal.text}")

    def _act(self, effects: list[Effect]) -> None:
        if self._world.chance(0.002):
            raise KilledError(Fault.CRASH_AFTER_COMMIT)
        for effect in effects:
            if self._world.chance(0.0005):
                raise KilledError(Fault.CRASH_WHILE_ACTING)
            match effect:
                case Reply(request, answer):
                    if isinstance(request.body, Envelope) and isinstance(answer, Refusal):
                        self._world.count(Seldom.NOT_NOW)
                    answered = self._asking.get(request.route.peer)
                    if answered is not None:
                        on_link = isinstance(request.body, Envelope | Hello | LinkUpload | LinkChunk)
                        answered((request.call, answer) if on_link else answer)
                case ToPeer():
                    self._to_peer(effect)
                case Connect(peer, _, host):
                    self._connect(peer, host)
                case Disconnect(peer):
                    self._links.pop(peer, None)
                case RunJob(job):
                    self._run_job(job)
                case Note("error", "internal error", fields):
                    raise AssertionError(fields)
                case Note("error", event, fields):
                    self.database.seen.wrongs.append(f"{self.name} says: {event} {fields}")
                case Note(_, "peer out of reach", {"why": why}) if str(why).startswith("no answer within"):
                    self._world.count(Seldom.NO_ANSWER)
                case Note(_, "restore noticed"):
                    self._world.count(Seldom.NOTICED)

    # life and death

    def kill(self, how: Fault) -> None:
        """End the process, and start it again a little later."""
        if self.running:
            self._world.count(how)
            self._end()
            self._world.later(RESTART_MS, self._start)

    def stop(self) -> None:
        """End it in good order, and start it again a little later."""
        if self.reachable:
            self._world.count(Fault.STOP)
            self._act_all(self._decided([*self._waiting, Stopping()]))
            if self.running:
                self._end()
            self._world.later(RESTART_MS, self._start)

    def hang(self, ms: int) -> None:
        """Let it do nothing for a time: what comes waits, and connections stay as they are."""
        if not self.reachable:
            return
        self._world.count(Fault.HUNG)
        self._hung = True
        life = self.life

        def wake() -> None:
            if life == self.life:
                self._hung = False
                self._turn_soon()

        self._world.later(ms, wake)

    def fill_disk(self, ms: int, *, to_the_brim: bool) -> None:
        """Let there be no room on its disk for a time."""
        self._world.count(Fault.FULL_DISK)
        self._full += 1
        self.database.fill(to_the_brim=to_the_brim)
        self.disk.full = True
        self._world.later(ms, self._make_room)

    def _make_room(self) -> None:
        self._full -= 1
        if not self._full:
            self.database.make_room()
            self.disk.full = False

    def _act_all(self, effects: list[Effect]) -> None:
        faulty, self._world.faulty = self._world.faulty, False
        self._act(effects)
        self._world.faulty = faulty

    def backup(self) -> "Backup":
        """All that is on disk now."""
        return Backup(self._world.now, self.database.copy(), dict(self.disk.uploads), dict(self.disk.blobs))

    def restore(self, backup: "Backup") -> None:
        """Put an older backup in the place of what there is, and draw a new epoch."""
        self._world.count(Fault.RESTORE)
        self.restored += 1
        if self.running:
            self._end()
            self._world.later(RESTART_MS, self._start)
        self.database.become(backup.database)
        self.database.seen.doubt()
        self.disk.uploads, self.disk.blobs = dict(backup.uploads), dict(backup.blobs)
        self.database.draw_epoch(self._ids.epoch())

    def _end(self) -> None:
        self.store.close()
        self._store = None
        self.life += 1
        self._hung = False
        self._waiting.clear()
        self._asking.clear()
        self._links.clear()

    def _start(self) -> None:
        if self.running:
            return
        self._store = StoreInMemory(self.database, self.name, self._ids.epoch)
        self._core = MortalCore(self._store, self.file, self._ids, self.now, bytes(32), self.key)
        self._turns = Turns(self._core, self._store)
        self.database.seen.rules = self.file
        self.disk.uploads = {one: held for one, held in self.disk.uploads.items() if one in self._core.memory.uploads}
        self._turn_due = False
        self._tick(self.life)

    def _tick(self, life: int) -> None:
        if life == self.life and self.running:
            if self.now >= self._core.wake_at(self.now):
                self._take(Tick())
            self._world.later(LOOK_MS, partial(self._tick, life))

    def _number(self) -> int:
        return self._world.next_number()

    def _route(self) -> bytes:
        return b"u" + self._number().to_bytes(4, "big")
