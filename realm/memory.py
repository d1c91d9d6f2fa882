"""What a realm keeps in memory: a cache of rows, changed only after the commit that made it true.

Handlers read it through `View`, which adds what the present turn has decided already. Who is active, and what a
session may still ask, change at once: they are never truth.
"""

from collections import Counter
from typing import Final

import msgspec

from realm.limits import Bucket
from realm.store.rows import SessionRow
from schemas.names import Address, Name, full

FIRST_GUESS_MS: Final = 100
"""How long a password hash is taken to last before the first was measured."""


class Session:
    """Somebody logged in with one key. What changes in it (allowance, last use) is never truth."""

    __slots__ = (
        "account",
        "address",
        "allowance",
        "display",
        "id",
        "key",
        "name",
        "saved_at",
        "token_hash",
        "topic",
    )

    def __init__(self, row: SessionRow, realm: Name, burst: float, now: int) -> None:
        self.id = row.id
        self.account = row.account
        self.name = row.name
        self.address: Address = full(row.name, realm)
        self.display = row.display
        self.key = row.key
        self.token_hash = row.token_hash
        self.topic = row.topic
        self.saved_at = row.used_at
        """When its row last took note of its use, ms."""
        self.allowance = Bucket(burst, now)


class Started(msgspec.Struct, frozen=True):
    """A session has begun."""

    session: Session


class Ended(msgspec.Struct, frozen=True):
    """A session is no more."""

    session: Session


class HashAsked(msgspec.Struct, frozen=True):
    """A password job was handed out for an address."""

    address: str


class HashDone(msgspec.Struct, frozen=True):
    """A password job came back after `took` ms of work."""

    address: str
    took: int


Change = Started | Ended | HashAsked | HashDone


class Memory:
    """Sessions, who is active, and the password jobs under way."""

    def __init__(self) -> None:
        self.by_token: dict[bytes, Session] = {}
        self.by_topic: dict[bytes, Session] = {}
        self.by_account: dict[int, list[Session]] = {}
        self.keys: Counter[str] = Counter()
        self.active: dict[Name, int] = {}
        """Until when each user is active. Not truth: the row behind it lags by up to half a heartbeat."""
        self.hashing: Counter[str] = Counter()
        self.hash_ms: float = FIRST_GUESS_MS

    def apply(self, change: Change) -> None:
        """Make one change. It cannot fail."""
        match change:
            case Started(session):
                self._start(session)
            case Ended(session):
                self._end(session)
            case HashAsked(address):
                self.hashing[address] += 1
            case HashDone(address, took):
                self.hashing[address] -= 1
                self.hashing += Counter()  # drops the zeros
                self.hash_ms += (took - self.hash_ms) / 8

    def _start(self, session: Session) -> None:
        self.by_token[session.token_hash] = session
        self.by_topic[session.topic] = session
        self.by_account.setdefault(session.account, []).append(session)
        self.keys[session.key] += 1

    def _end(self, session: Session) -> None:
        del self.by_token[session.token_hash]
        del self.by_topic[session.topic]
        others = self.by_account[session.account]
        others.remove(session)
        if not others:
            del self.by_account[session.account]
        self.keys[session.key] -= 1
        if not self.keys[session.key]:
            del self.keys[session.key]


class View:
    """Memory as it will be when this turn is committed."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.changes: list[Change] = []
        self._started: dict[bytes, Session] = {}
        self._ended: set[Session] = set()
        self._hashing: Counter[str] = Counter()

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
        self._hashing.clear()
        for change in self.changes:
            self._note(change)

    def session(self, token_hash: bytes) -> Session | None:
        """The session with that token."""
        found = self._memory.by_token.get(token_hash) or self._started.get(token_hash)
        return None if found in self._ended else found

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

    def hash_wait(self, address: str, workers: int) -> int:
        """The ms that a password job of this address would wait, where addresses take turns."""
        waiting = self._memory.hashing.copy()
        waiting.update(self._hashing)
        own = waiting[address]
        ahead = sum(min(count, own + 1) for other, count in waiting.items() if other != address) + own
        return int(max(0, ahead + 1 - workers) * self._memory.hash_ms / workers)

    def _note(self, change: Change) -> None:
        match change:
            case Started(session):
                self._started[session.token_hash] = session
            case Ended(session):
                self._ended.add(session)
            case HashAsked(address):
                self._hashing[address] += 1
            case HashDone(address):
                self._hashing[address] -= 1
