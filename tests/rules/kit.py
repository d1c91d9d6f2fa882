"""A realm without sockets: the real core on the real store, a clock that the test turns, ids that repeat."""

import random
from pathlib import Path
from typing import Any

from realm.core import Core
from realm.effects import Effect, Publish, Reply, RunJob
from realm.inputs import Input, JobDone
from realm.jobs import (
    CheckPassword,
    CountUp,
    DialFailed,
    DialJob,
    HashPassword,
    Job,
    PasswordJob,
    ReadSettings,
    Result,
    SettingsBad,
    SettingsRead,
)
from realm.request import Request, Route
from realm.settings import Settings
from realm.store.sqlite import SqliteStore
from realm.turn import Turns
from schemas import commands
from schemas.answers import Answer, SessionOpened
from schemas.codec import Malformed
from schemas.commands import Command
from schemas.errors import Code, Refusal
from schemas.events import Event
from schemas.names import Name
from tests.rules.blobs_in_memory import BlobsInMemory

NOW = 1_790_000_000_000
REALM = Name("kampus")
INVITE_KEY = bytes(range(32))


class SeededIds:
    """`realm.ids.Ids`, the same for the same seed."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._count = 0

    def token(self) -> str:
        return self._random.randbytes(32).hex()

    def topic(self) -> bytes:
        return self._random.randbytes(16)

    def salt(self) -> bytes:
        return self._random.randbytes(16)

    def ulid(self, now: int) -> str:
        self._count += 1
        return f"01{self._count:024d}"

    def incident(self) -> str:
        return self._random.randbytes(4).hex()

    def epoch(self) -> int:
        return self._random.getrandbits(63)

    def nonce(self) -> bytes:
        return self._random.randbytes(16)

    def fraction(self) -> float:
        return self._random.random()


class RealmKit:
    """Says commands and hears answers, by key; password jobs are done at once, by a hash that hides nothing."""

    def __init__(self, folder: Path, settings: Settings | None = None, seed: int = 0) -> None:
        folder.mkdir(exist_ok=True)
        self.ids = SeededIds(seed)
        self.settings = settings or Settings()
        self.now = NOW
        self.folder = folder
        self.published: list[tuple[bytes, Event]] = []
        self.effects: list[Effect] = []
        self.jobs: list[Job] = []
        self.disk = BlobsInMemory()
        self.read: SettingsRead | SettingsBad = SettingsRead(self.settings)
        self.start()

    def start(self) -> None:
        """Open the folder, as a realm does that starts again."""
        self.store = SqliteStore(self.folder, REALM, self.ids.epoch)
        self.core = Core(self.store, self.settings, self.ids, self.now, INVITE_KEY)
        self.turns = Turns(self.core, self.store)

    def restart(self) -> None:
        self.store.close()
        self.start()

    def turn(self, *inputs: Input) -> list[Reply]:
        """One turn; its replies. What it published and the jobs that it wants are kept."""
        effects = self.turns.take(self.now, inputs)
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Publish):
                self.published += [(topic, effect.event) for topic in effect.topics]
            elif isinstance(effect, RunJob):
                self.jobs.append(effect.job)
        return [effect for effect in effects if isinstance(effect, Reply)]

    def do_jobs(self) -> list[Reply]:
        """Do the jobs that wait, and those that they lead to."""
        replies: list[Reply] = []
        while self.jobs:
            replies += self.turn(JobDone(self.jobs[0], self.do(self.jobs.pop(0)), 100))
        return replies

    def do(self, job: Job) -> Result:
        """What comes of a job; nobody can be dialled, and the settings file says `read`."""
        if isinstance(job, CountUp):
            return None
        if isinstance(job, ReadSettings):
            return self.read
        if isinstance(job, DialJob):
            return DialFailed("there is no network")
        return hash_openly(job) if isinstance(job, HashPassword | CheckPassword) else self.disk.run(job)

    def ask(
        self, key: str, body: Command | Malformed, address: str = "127.0.0.1", data: bytes = b""
    ) -> Answer | Refusal:
        """Say one command in a turn of its own; its answer."""
        answer = self.exchange(key, body, address, data).answer
        assert isinstance(answer, Answer | Refusal)
        return answer

    def exchange(self, key: str, body: Command | Malformed, address: str = "127.0.0.1", data: bytes = b"") -> Reply:
        """As `ask`, for the answer with the bytes that go with it."""
        replies = self.turn(request(key, body, address, data)) + self.do_jobs()
        assert len(replies) == 1, replies
        return replies[0]

    def register(self, name: str, key: str | None = None, password: str = "surabaya") -> SessionOpened:
        """A new account, logged in with its own key."""
        command = commands.Register(id=1, username=Name(name), password=password, country="Inggris", name=name.title())
        answer = self.ask(key or key_of(name), command)
        assert isinstance(answer, SessionOpened), answer
        return answer

    def log_in(self, name: str, key: str, password: str = "surabaya") -> Answer | Refusal:
        return self.ask(key, commands.Auth(id=1, username=Name(name), password=password))

    def close(self) -> None:
        self.store.close()


def key_of(name: str) -> str:
    """The key that `register` gives a user."""
    return f"key-of-{name}".ljust(40, "-")


def request(key: str, body: Command | Malformed, address: str = "127.0.0.1", data: bytes = b"") -> Request:
    return Request(Route(b"\0" + key.encode()[-4:]), key, address, body, data)


def refused(answer: object, code: Code) -> bool:
    return isinstance(answer, Refusal) and answer.code == code


def ok(answer: object) -> Any:
    """The answer, which must be no error. Untyped, for the fields of whichever it is."""
    assert isinstance(answer, Answer), answer
    return answer


def hash_openly(job: PasswordJob) -> str | bool:
    """The result of a password job, by a hash that hides nothing."""
    if isinstance(job, HashPassword):
        return f"hashed:{job.password}"
    return job.against == f"hashed:{job.password}"
