"""A realm in a simulated world: the real core on the real store, killed anywhere and started again."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from realm.context import Ctx
from realm.core import Core, Decision
from realm.effects import Effect, Note, Publish, Reply, RunJob
from realm.inputs import Due, Input, JobDone, Subscribed, SweepDue, Tick
from realm.jobs import CheckPassword, FileJob, FileResult, Finished, FinishUpload, HashPassword, PasswordJob, RemoveBlob
from realm.outcome import Outcome
from realm.request import OPERATOR, Request, Route
from realm.settings import Files, Limits, Settings
from realm.store.files import FileRows
from realm.store.interface import Tx
from realm.store.sqlite import SqliteStore
from realm.turn import Turns
from schemas import commands, names
from schemas.codec import Malformed, decode_command, encode_answer, encode_event, encode_refusal
from schemas.errors import Refusal
from schemas.events import EntryPushed
from schemas.operator import OperatorCommand
from tests.rules.kit import REALM, SeededIds, hash_openly
from tests.simulation.disk import Disk, FilePool, Platter
from tests.simulation.network import Fault, Seldom, World

CHUNK = 64
"""Bytes of a file in one frame: a file of a few hundred has several."""
HOUR_MS = 3_600_000
UNSENT_MS = 5_000
UNFINISHED_MS = 12_000
"""Longer than a client waits for an answer: most uploads that lose one go on, some have expired."""
GENEROUS = Settings(
    limits=Limits(session_per_second=1_000_000, session_burst=1_000_000, free_failures=1_000_000),
    files=Files(chunk_bytes=CHUNK, unsent_hours=UNSENT_MS / HOUR_MS, unfinished_hours=UNFINISHED_MS / HOUR_MS),
)
RESTART_MS = 400
LOOK_MS = 500
Deliver = Callable[[bytes], None]
Answered = Callable[[list[bytes]], None]


class KilledError(Exception):
    """The process ends here, whatever it was doing."""


class RealmNode:
    """Takes frames in, takes turns, and can be killed between any two steps."""

    def __init__(self, world: World, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._ids = SeededIds(world.seed)
        self._platter = Platter(world)
        self._callers: dict[bytes, Answered] = {}
        self._listeners: dict[bytes, list[Deliver]] = {}
        self._waiting: list[Input] = []
        self._turn_due = False
        self._routes = 0
        self.life = 0
        self._store: SqliteStore | None = None
        self.wrongs: list[str] = []
        """What must never happen, and did."""
        self._start()

    @property
    def running(self) -> bool:
        return self._store is not None

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def store(self) -> SqliteStore:
        assert self._store is not None
        return self._store

    # what the network brings

    def receive(self, key: str, frames: Sequence[bytes], answer: Answered) -> None:
        """A command arrives; its answer goes to `answer`."""
        if not self.running:
            return
        self._routes += 1
        route = Route(self._routes.to_bytes(5, "big"))
        self._callers[route.peer] = answer
        decoded = decode_command(list(frames))
        body, data = (decoded, b"") if isinstance(decoded, Malformed) else decoded
        self._take(Request(route, key, "127.0.0.1", body, data))

    def operate(self, command: OperatorCommand) -> None:
        """The operator says something, and does not wait for the answer."""
        if self.running:
            self._routes += 1
            route = Route(self._routes.to_bytes(5, "big"), operator=True)
            self._callers[route.peer] = lambda _frames: None
            self._take(Request(route, OPERATOR, OPERATOR, command))

    def subscribe(self, key: str, topic: bytes, hear: Deliver) -> None:
        """A subscription arrives; a realm that was killed since has forgotten it."""
        if self.running and self._core.may_hear(key, topic):
            self._listeners.setdefault(topic, []).append(hear)
            self._take(Subscribed(key, topic))

    def kill(self, how: Fault) -> None:
        """End the process, and start it again a little later."""
        if not self.running:
            return
        self._world.count(how)
        self.store.close()
        self._store = None
        self._pool.end()
        if self._world.dice.random() < 0.5:
            self._disk.power_cut()
        self.life += 1
        self._waiting.clear()
        self._callers.clear()
        self._listeners.clear()
        self._world.later(RESTART_MS, self._start)

    def _start(self) -> None:
        self._store = SqliteStore(self._folder, REALM, self._ids.epoch)
        self._store._connection.execute("PRAGMA synchronous = OFF")  # a kill, unlike a power cut, loses no write
        self._core = MortalCore(self._store, GENEROUS, self._ids, self._world.now, bytes(32))
        self._core.count = self._world.count
        self._turns = Turns(self._core, self._store)
        self._turn_due = False
        self._disk = Disk(self._world, self._folder, self._platter)
        self._disk.keep_only(self._core.memory.uploads)
        died = partial(self.kill, Fault.CRASH_IN_A_FILE_JOB)
        self._pool = FilePool(self._world, self._disk, partial(self._file_done, self.life), died)
        self._sweep_in_time(self.life)

    # turns

    def _sweep_in_time(self, life: int) -> None:
        if life == self.life and self.running:
            if self._world.now >= self._core.wake_at(self._world.now):
                self._take(Tick())
            self._world.later(LOOK_MS, partial(self._sweep_in_time, life))

    def _take(self, item: Input) -> None:
        self._waiting.append(item)
        if not self._turn_due:
            self._turn_due = True
            life = self.life
            self._world.later(self._world.dice.randint(0, 3), lambda: self._turn(life))

    def _turn(self, life: int) -> None:
        if life != self.life or not self.running:
            return
        self._turn_due = False
        inputs, self._waiting = self._waiting, []
        try:
            self._core.doomed = self._world.chance(0.004)
            self._act(self._turns.take(self._world.now, inputs))
        except KilledError as killed:
            self.kill(Fault(killed.args[0]))

    def _act(self, effects: list[Effect]) -> None:
        if self._world.chance(0.004):
            raise KilledError(Fault.CRASH_AFTER_COMMIT)
        for number, effect in enumerate(effects):
            if self._world.chance(0.001):
                raise KilledError(Fault.CRASH_WHILE_ACTING)
            match effect:
                case Reply(request, answer, data):
                    call = request.call
                    frame = encode_refusal(call, answer) if isinstance(answer, Refusal) else encode_answer(answer)
                    self._reply(request.route, [frame] if data is None else [frame, data])
                case Publish(topics, event):
                    if isinstance(event, EntryPushed):
                        self._check_rights(topics, event, effects[number:])
                    frame = encode_event(event)
                    for topic in topics:
                        for hear in self._listeners.get(topic, []):
                            hear(frame)
                case RunJob(HashPassword() | CheckPassword() as job):
                    self._world.later(100, partial(self._job_done, self.life, job))
                case Note("error", event, fields):
                    self.wrongs.append(f"the realm says: {event} {fields}")
                case RunJob(job):
                    assert isinstance(job, FileJob)
                    self._pool.submit(job)
                    if isinstance(job, FinishUpload) and self._world.chance(0.5):
                        self._take(Tick())  # the worst time for it

    def _reply(self, route: Route, frames: list[bytes]) -> None:
        answer = self._callers.pop(route.peer, None)
        if answer is None:
            self.wrongs.append("a request was answered twice")
        else:
            answer(frames)

    def _job_done(self, life: int, job: PasswordJob) -> None:
        if life == self.life and self.running:
            self._take(JobDone(job, hash_openly(job), 100))

    def _file_done(self, life: int, job: FileJob, result: FileResult) -> None:
        if life == self.life and self.running:
            self._look_at_rows(job, result)
            self._take(JobDone(job, result, 10))

    def _look_at_rows(self, job: FileJob, result: FileResult) -> None:
        """Nothing is removed from disk that a row names; and what was to be removed may return before it is."""
        rows = self.store._connection
        match job, result:
            case RemoveBlob(digest), _ if rows.execute("SELECT 1 FROM blobs WHERE digest = ?", (digest,)).fetchone():
                self.wrongs.append(f"the blob {digest.hex()[:8]} is removed from disk, and a row names it")
            case FinishUpload(digest=digest), Finished():
                if rows.execute("SELECT 1 FROM removals WHERE digest = ?", (digest,)).fetchone():
                    self._world.count(Seldom.RETURNED)

    def _check_rights(self, topics: list[bytes], event: EntryPushed, later: list[Effect]) -> None:
        """Nobody hears of an entry in a conversation that they are not in, unless they left later in this turn."""
        conversation = event.entry.conversation
        left = {_leaves(effect) for effect in later}
        with self.store.transaction() as tx:
            for topic in topics:
                session = self._core.memory.by_topic.get(topic)
                if session is None or (session.name, conversation) in left:
                    continue
                if tx.standing(session.account, conversation) is None:
                    self.wrongs.append(f"{session.name} was pushed {conversation} #{event.entry.seq}, but is not in it")


def _leaves(effect: Effect) -> tuple[str, str] | None:
    """Who has left which conversation, where this answers a command that did it."""
    if not isinstance(effect, Reply) or isinstance(effect.answer, Refusal):
        return None
    match effect.request.body:
        case commands.LeaveGroup(group=group):
            return effect.request.key.partition("-")[0], names.group(names.full(group, REALM))
        case commands.RemoveMember(group=group, username=username):
            return username, names.group(names.full(group, REALM))
    return None


class MortalCore(Core):
    """A core whose process can be killed when it has decided, before anything is committed."""

    doomed = False
    count: Callable[[str], None]

    def decide(self, tx: Tx, now: int, inputs: Sequence[Input]) -> Decision:
        decision = super().decide(tx, now, inputs)
        self.perhaps_die()
        return decision

    def perhaps_die(self) -> None:
        """End the process, if it is doomed."""
        if self.doomed:
            raise KilledError(Fault.CRASH_BEFORE_COMMIT)

    def _handle(self, ctx: Ctx, item: Input | Due) -> Outcome:
        if type(item) is not SweepDue:
            return super()._handle(ctx, item)
        before = _what_may_expire(ctx)
        outcome = super()._handle(ctx, item)
        self.count(Seldom.SWEPT)
        for what, number in (before - _what_may_expire(ctx)).items():
            for _ in range(number):
                self.count(what)
        return outcome


def _what_may_expire(ctx: Ctx) -> Counter[str]:
    assert isinstance(ctx.tx, FileRows)
    files = ctx.tx._read("SELECT count(*) FROM files", ()).fetchone()[0]
    return Counter({Seldom.EXPIRED_UPLOAD: len(ctx.view.uploads()), Seldom.EXPIRED_FILE: files})
