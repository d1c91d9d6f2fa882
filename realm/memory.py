"""What a realm keeps in memory: a cache of rows, changed only after the commit that made it true.

Handlers read it through `View`, which adds what the present turn has decided already. Who is active, and what a
session may still ask, change at once: they are never truth.
"""

from collections import Counter
from typing import Final, TypeVar

import msgspec

from realm.federation.state import FederationChange, Peers
from realm.jobs import (
    CheckPassword,
    Cleaning,
    DialJob,
    HashPassword,
    Introduce,
    Job,
    ProveIntroduction,
    ReadBlob,
    ReadCard,
    ReadOwn,
    ReadThumbnail,
)
from realm.session import Session
from realm.settings import Settings
from schemas.names import Name

K = TypeVar("K")
_NOT_AWAITED: Final = Cleaning | ReadThumbnail | ReadOwn | DialJob
"""Jobs for which a realm that stops does not wait."""
FIRST_GUESS_MS: Final = 100
"""How long a password hash is taken to last before the first was measured."""


class Started(msgspec.Struct, frozen=True):
    """A session has begun."""

    session: Session


class Ended(msgspec.Struct, frozen=True):
    """A session is no more."""

    session: Session


class UploadState(msgspec.Struct, frozen=True):
    """How far an upload has come: a new value for each change."""

    id: str
    owner: int
    """An account, or minus a peer."""
    digest: bytes
    size: int
    name: str
    used_at: int
    saved_at: int = 0
    """When its row last took note of its use, ms."""
    held: int | None = None
    """Bytes on disk; None until the disk was asked."""
    taken: int = 0
    """Bytes on disk or on their way there."""

    @property
    def moving(self) -> int:
        """Bytes on their way to disk."""
        return 0 if self.held is None else self.taken - self.held


class UploadEnded(msgspec.Struct, frozen=True):
    """An upload is no more: complete, or given up."""

    id: str


class JobBegan(msgspec.Struct, frozen=True):
    """A job was handed out."""

    job: Job


class JobOver(msgspec.Struct, frozen=True):
    """A job is done, after `took` ms of work."""

    job: Job
    took: int


class Adopted(msgspec.Struct, frozen=True):
    """The realm goes by these settings from here on."""

    settings: Settings


Change = Started | Ended | UploadState | UploadEnded | JobBegan | JobOver | FederationChange | Adopted


class UnderWay:
    """Jobs that somebody waits for, or in a turn how their numbers change."""

    def __init__(self) -> None:
        self.awaited = 0
        """Those that a realm finishes before it stops."""
        self.hashing: Counter[str] = Counter()
        """Password jobs, by address."""
        self._reading: Counter[str] = Counter()
        """Reads of files, by key."""
        self._drawing: Counter[int] = Counter()
        """Reads of thumbnails, by account."""
        self.dialling = 0
        """Dials for users who add a realm."""
        self.proving: Counter[str] = Counter()
        """Introductions that are looked into, by address."""

    def reads(self, key: str | None) -> int:
        """Reads of files, for a key or in all."""
        return self._reading.total() if key is None else self._reading[key]

    def thumbnails(self, account: int | None) -> int:
        """Reads of thumbnails, for an account or in all."""
        return self._drawing.total() if account is None else self._drawing[account]

    def count(self, job: Job, by: int) -> None:
        """There is one job more, or less."""
        if not isinstance(job, _NOT_AWAITED):
            self.awaited += by
        match job:
            case HashPassword() | CheckPassword():
                _add(self.hashing, job.ask.address, by)
            case ReadBlob():
                _add(self._reading, job.ask.key, by)
            case ReadThumbnail():
                _add(self._drawing, job.account, by)
            case ReadCard() | Introduce() if job.ask is not None:
                self.dialling += by
            case ProveIntroduction():
                _add(self.proving, job.ask.address, by)


_NONE_UNDER_WAY: Final = UnderWay()
"""What a turn begins with, and most turns end with; never changed."""


def _add(counter: Counter[K], key: K, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]


class Memory:
    """Sessions, who is active, uploads, and the jobs under way."""

    def __init__(self) -> None:
        self.by_token: dict[bytes, Session] = {}
        self.by_topic: dict[bytes, Session] = {}
        self.by_account: dict[int, list[Session]] = {}
        self.by_key: dict[str, list[Session]] = {}
        self.active: dict[Name, int] = {}
        """Until when each user is active. Not truth: the row behind it lags by up to half a heartbeat."""
        self.uploads: dict[str, UploadState] = {}
        self.moving = 0
        """Bytes of uploads that are on their way to disk."""
        self.peers = Peers()
        self.under_way = UnderWay()
        self.hash_ms: float = FIRST_GUESS_MS

    def apply(self, change: Change) -> None:
        """Make one change. It cannot fail."""
        match change:
            case Started(session):
                self._start(session)
            case Ended(session):
                self._end(session)
            case UploadState():
                self.moving += change.moving - _moving(self.uploads.get(change.id))
                self.uploads[change.id] = change
            case UploadEnded(upload):
                self.moving -= _moving(self.uploads.pop(upload))
            case JobBegan(job):
                self.under_way.count(job, 1)
            case JobOver(job, took):
                self.under_way.count(job, -1)
                if isinstance(job, HashPassword | CheckPassword):
                    self.hash_ms += (took - self.hash_ms) / 8
            case Adopted():
                raise AssertionError("the core sees to settings")
            case _:
                self.peers.apply(change)

    def _start(self, session: Session) -> None:
        self.by_token[session.token_hash] = session
        self.by_topic[session.topic] = session
        self.by_account.setdefault(session.account, []).append(session)
        self.by_key.setdefault(session.key, []).append(session)

    def _end(self, session: Session) -> None:
        del self.by_token[session.token_hash]
        del self.by_topic[session.topic]
        others = self.by_account[session.account]
        others.remove(session)
        if not others:
            del self.by_account[session.account]
        of_key = self.by_key[session.key]
        of_key.remove(session)
        if not of_key:
            del self.by_key[session.key]


class View:
    """Memory as it will be when this turn is committed."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.changes: list[Change] = []
        self._started: dict[bytes, Session] = {}
        self._ended: set[Session] = set()
        self._uploads: dict[str, UploadState | None] = {}
        self._under_way = _NONE_UNDER_WAY
        self.peers = Peers(memory.peers)

    def change(self, change: Change) -> None:
        """Decide a change; it is seen by the rest of the turn, and made after the commit."""
        self.changes.append(change)
        self._note(change)

    def rewind(self, mark: int) -> None:
        """Take back all changes from number `mark` on."""
        if len(self.changes) == mark:
            return
        del self.changes[mark:]
        self._started.clear()
        self._ended.clear()
        self._uploads.clear()
        self._under_way = _NONE_UNDER_WAY
        self.peers.clear()
        for change in self.changes:
            self._note(change)

    def session(self, token_hash: bytes) -> Session | None:
        """The session with that token."""
        found = self._memory.by_token.get(token_hash) or self._started.get(token_hash)
        return None if found in self._ended else found

    def sessions(self) -> int:
        """How many there are."""
        return len(self._memory.by_token) + len(self._started) - len(self._ended)

    def is_live(self, session: Session) -> bool:
        """Whether a session has not ended."""
        return self.session(session.token_hash) is session

    def sessions_of(self, account: int) -> list[Session]:
        """The sessions of an account, oldest first."""
        found = self._memory.by_account.get(account, [])
        if not self._started and not self._ended:
            return found
        started = [session for session in self._started.values() if session.account == account]
        return [session for session in (*found, *started) if session not in self._ended]

    def upload(self, upload: str) -> UploadState | None:
        """The upload with that id."""
        return self._uploads[upload] if upload in self._uploads else self._memory.uploads.get(upload)

    def uploads(self) -> list[UploadState]:
        """All uploads that are not complete."""
        all_of_them: dict[str, UploadState | None] = {**self._memory.uploads, **self._uploads}
        return [one for one in all_of_them.values() if one is not None]

    def moving(self) -> int:
        """Bytes of all uploads that are on their way to disk."""
        uploads = self._memory.uploads
        changed = sum(_moving(now) - _moving(uploads.get(upload)) for upload, now in self._uploads.items())
        return self._memory.moving + changed

    def reads(self, key: str | None = None) -> int:
        """How many reads of files are under way, for a key or in all."""
        return self._memory.under_way.reads(key) + self._under_way.reads(key)

    def thumbnails(self, account: int | None = None) -> int:
        """How many reads of thumbnails are under way, for a user or in all."""
        return self._memory.under_way.thumbnails(account) + self._under_way.thumbnails(account)

    def dials(self) -> int:
        """How many dials for users who add a realm are under way."""
        return self._memory.under_way.dialling + self._under_way.dialling

    def proofs(self, address: str | None = None) -> int:
        """How many introductions are being looked into, from an address or in all."""
        now = (self._memory.under_way.proving, self._under_way.proving)
        return sum(one.total() if address is None else one[address] for one in now)

    def hash_wait(self, address: str, workers: int) -> int:
        """The ms that a password job of this address would wait, where addresses take turns."""
        waiting = self._memory.under_way.hashing.copy()
        waiting.update(self._under_way.hashing)
        own = waiting[address]
        ahead = sum(min(count, own + 1) for other, count in waiting.items() if other != address) + own
        return int(max(0, ahead + 1 - workers) * self._memory.hash_ms / workers)

    def _note(self, change: Change) -> None:
        match change:
            case Started(session):
                self._started[session.token_hash] = session
            case Ended(session):
                self._ended.add(session)
            case UploadState():
                self._uploads[change.id] = change
            case UploadEnded(upload):
                self._uploads[upload] = None
            case JobBegan(job):
                self._count(job, 1)
            case JobOver(job):
                self._count(job, -1)
            case Adopted():
                return  # they hold from the next turn on
            case _:
                self.peers.apply(change)

    def _count(self, job: Job, by: int) -> None:
        if self._under_way is _NONE_UNDER_WAY:
            self._under_way = UnderWay()
        self._under_way.count(job, by)


def _moving(upload: UploadState | None) -> int:
    return 0 if upload is None else upload.moving
