"""How an operator's command reaches a realm: the one that runs on a folder, or the folder itself where none does.

Either way it is the same row of the command table that decides. Where no realm runs, this process takes the turns,
under the folder's lock, and does the jobs itself; links, sockets and dials there are none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol, TypeVar

import structlog

from broker import keyfiles
from broker.blobs import Blobs
from broker.clock import now_ms
from broker.passwords import Hasher
from broker.random_ids import RandomIds
from broker.reaching import WITHIN_S, OperatorError, RefusedError, reach
from realm import invites
from realm.cli.options import NO_REALM, open_store, settings_of
from realm.core import Core
from realm.effects import Note, Reply, RunJob
from realm.inputs import Input, JobDone, Tick
from realm.jobs import CountUp, DialFailed, DialJob, Job, PasswordJob, ReadSettings, Result, SettingsBad
from realm.request import OPERATOR, Request, Route
from realm.settings import Settings
from realm.store.database import exists
from realm.store.interface import StoreError
from realm.store.sqlite import SqliteStore
from realm.turn import Turns
from schemas.answers import Answer
from schemas.errors import Refusal
from schemas.operator import OperatorCommand

T = TypeVar("T", bound=Answer)
log: Final = structlog.get_logger()


class Realm(Protocol):
    """What the operator's commands are said to."""

    def ask(self, command: OperatorCommand, answer: type[T], within_s: float = WITHIN_S) -> T:
        """The answer to a command. Raises RefusedError where it is refused, OperatorError where none comes."""
        ...


class Resting:
    """A realm that does not run; the caller holds the lock of its folder."""

    def __init__(self, folder: Path, store: SqliteStore, chosen: Settings) -> None:
        keys = keyfiles.load(folder, create=False)
        ids = RandomIds()
        self._hasher = Hasher(chosen.hashing)
        self._blobs = Blobs(folder)
        core = Core(store, chosen, ids, now_ms(), invites.derive_key(keys.secret), keys.public.decode())
        self._turns = Turns(core, store)
        self._store = store

    def ask(self, command: OperatorCommand, answer: type[T], within_s: float = WITHIN_S) -> T:
        """See `Realm.ask`; how long it takes is up to this process."""
        said = self._take([Request(Route(b"", operator=True), OPERATOR, OPERATOR, command)])
        if isinstance(said, Refusal):
            raise RefusedError(said.code, said.text)
        if not isinstance(said, answer):
            raise OperatorError(f"the realm's folder gives no answer within {within_s:.0f} s")
        return said

    def tick(self) -> None:
        """Do what is due."""
        self._take([Tick()])

    def rewrite(self) -> None:
        """See `SqliteStore.rewrite`."""
        self._store.rewrite()

    def close(self) -> None:
        """Give back what it holds."""
        self._blobs.close()

    def _take(self, inputs: list[Input]) -> object:
        """Take turns until no job is left; the answer, if there was one."""
        said: object = None
        while inputs:
            done: list[Input] = []
            for effect in self._turns.take(now_ms(), inputs):
                match effect:
                    case Reply(_, answer):
                        said = answer
                    case RunJob(job):
                        done.append(JobDone(job, self._run(job), 0))
                    case Note("error", event, fields):  # of the rest whoever said the command is told anyway
                        log.error(event, **fields)
            inputs = done
        return said

    def _run(self, job: Job) -> Result:
        if isinstance(job, PasswordJob):
            return self._hasher.run(job)
        if isinstance(job, CountUp):
            return None
        if isinstance(job, ReadSettings):
            return SettingsBad("no realm runs here: it reads its settings when it starts")
        if isinstance(job, DialJob):
            return DialFailed("no realm runs here that could be answered: start it first")
        return self._blobs.run(job)


@contextmanager
def realm_on(data: Path, config: Path | None) -> Iterator[tuple[Realm, bool]]:
    """The realm on a folder, and whether it runs. Settings matter only where it does not.

    Raises OperatorError, StoreError, KeyFileError and SettingsError with what to do.
    """
    with reach(data) as reached:
        if reached is not None:
            yield reached, True
            return
        if not exists(data):
            raise StoreError(NO_REALM.format(data))
        store = open_store(data, None)
        try:
            resting = Resting(data, store, settings_of(data, config))
            try:
                yield resting, False
            finally:
                resting.close()
        finally:
            store.close()
