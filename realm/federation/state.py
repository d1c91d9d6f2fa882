"""What memory knows of other realms: a cache of rows, how each link fares, and who waits for a peer's word."""

from enum import Enum
from typing import Final

import msgspec

from realm.due import FAR, when
from realm.inputs import CarryingDue, Due, LinkDue, WaitDue
from realm.request import Request
from realm.session import Session
from realm.store.rows import Peer

UNACKNOWLEDGED: Final = 256
"""Envelopes of one link that may be without an acknowledgement."""

WAIT_MS: Final = 2_000
"""So long a peer is waited for before a sender is told that it is queued."""
FAR_MS: Final = 120_000
"""Nothing of a link is due later than that."""
AT_ONCE: Final = 256
"""Of those who have waited for long enough, so many are answered in one turn."""


def beyond(epoch: int, known: int, now: int) -> bool:
    """Whether no honest realm can have come to that epoch, where `known` was the highest that this one knew of.

    Epochs grow by one, and rarely, so they stay below the clock in ms. Whoever lies about them is never above it
    either, and the honest owner of that key, who goes on with the next, is not refused for longer than clocks differ.
    """
    return epoch > max(known, now)


class Phase(Enum):
    """Where a link is."""

    RESTING = "resting"
    """Until the next try: it is out of reach (see `Link.down_since`), or was told to begin again."""
    CALLING = "calling"
    """The peer's card is being read."""
    GREETING = "greeting"
    """A hello is without an answer."""
    BARRED = "barred"
    """The settings do not let this realm speak with the peer."""
    OPEN = "open"
    """The peer has answered the latest hello, and the two agree how far they are."""


class Link(msgspec.Struct, frozen=True):
    """The link that carries what this realm sends to a peer. Never truth: after a restart it begins anew."""

    peer: int
    phase: Phase = Phase.RESTING
    connected: bool = False
    """Whether a connection is up, as far as is known."""
    hello: int = 0
    """The id of the latest hello."""
    sent: int = 0
    """The highest number that was handed over since the link opened."""
    due: int = 0
    """When it is next to be looked after, ms."""
    tried_at: int = 0
    """When a try began last."""
    asking: bool = False
    """Whether its card is being read, perhaps since an earlier try."""
    failures: int = 0
    """Tries since the last that reached the peer."""
    down_since: int | None = None
    """Since when the peer is known to be out of reach."""
    heard_at: int | None = None
    """When anything came from it last."""
    error: str = ""
    """Why it is down."""
    greeted: bool = False
    """Whether the peer has answered a hello since the link was last down: that it said one itself is no answer."""

    @property
    def answers(self) -> bool:
        """Whether the peer answers now, as far as is known."""
        return self.down_since is None and self.greeted


class PutOff(msgspec.Struct, frozen=True):
    """A file that the peer would not take for now, or could not be read: others are carried meanwhile."""

    row: int
    """The `place` of its row in the outbox."""
    until: int
    """Before that it is not tried again, ms."""
    failures: int
    """How often it was put off since the peer held more of it than ever before."""
    rejected: int
    """How often the peer has found fault with its bytes."""
    held: int
    """The most that the peer was known to hold of it."""


class Carrying(msgspec.Struct, frozen=True):
    """The file that is being carried to a peer: the oldest that may be tried. Never truth."""

    peer: int
    number: int = 0
    """Grows with every beginning: what belongs to an earlier one is ignored."""
    row: int = 0
    """The `place` of its row in the outbox; 0 where nothing is carried."""
    account: int = 0
    """Who sends it,"""
    entry: str = ""
    """and under which ULID."""
    digest: bytes = b""
    size: int = 0
    upload: str = ""
    """The peer's id for it, once that has answered."""
    chunk: int = 0
    """Most bytes of a frame, as the peer says."""
    read: int = 0
    """Up to here its bytes were asked from the disk."""
    held: int = 0
    """So much the peer is known to hold."""
    due: int = 0
    """When to begin anew, where nothing happens; with nothing carried, when the next may begin; 0 where none waits."""
    pausing: bool = False
    """Whether nothing at all is begun before that."""
    put_off: tuple[PutOff, ...] = ()
    failures: int = 0
    """How often it was begun anew since a file was taken."""
    lost: bool = False
    """Whether the link was lost since anything was heard of it."""
    rejected: int = 0
    """How often the peer has found fault with the bytes of this file."""


class Greeter(msgspec.Struct, frozen=True):
    """The connection on which a peer said its latest hello: only what comes on it counts."""

    peer: int
    route: bytes


class Wait(msgspec.Struct, frozen=True):
    """Somebody waits for a peer's word on what was sent."""

    account: int
    entry: str
    peer: int
    due: int
    """When there will be an answer without it, ms."""
    asked: tuple[tuple[Request, Session], ...]
    """Each who asks, in which session."""
    begins: bool = True
    """Whether nobody waited for it before."""


class WaitOver(msgspec.Struct, frozen=True):
    """There was an answer for those who waited."""

    account: int
    entry: str
    peer: int


class Introducing(msgspec.Struct, frozen=True):
    """An introduction of this realm to the one with that key has begun, or has ended."""

    key: str
    by: int
    """1 or -1."""


FederationChange = Peer | Link | Carrying | Greeter | Wait | WaitOver | Introducing


class Peers:
    """All of that; or, over another, how a turn changes it."""

    def __init__(self, below: "Peers | None" = None) -> None:
        self._below = below
        self._peers: dict[int, Peer] = {}
        self._links: dict[int, Link] = {}
        self._carrying: dict[int, Carrying] = {}
        self._greeters: dict[int, bytes] = {}
        self._waits: dict[tuple[int, str], Wait | None] = {}
        self._awaited: dict[int, int] = {}
        """How many wait for each peer."""
        self._introducing: dict[str, int] = {}
        self._by_key: dict[str, Peer | None] = {}
        self._by_name: dict[str, Peer | None] = {}
        self._first: tuple[int, int] | None = None
        """When the first link or file, and the first wait, is due; None where that is to be looked up."""

    def apply(self, change: FederationChange) -> None:
        """Make one change. It cannot fail."""
        self._first = None
        match change:
            case Wait(account, entry, peer):  # these two are of every message
                self._awaited[peer] = self._awaited.get(peer, 0) + change.begins
                self._waits[account, entry] = change
            case WaitOver(account, entry, peer):
                self._awaited[peer] = self._awaited.get(peer, 0) - 1
                if self._below is None:
                    del self._waits[account, entry]
                else:
                    self._waits[account, entry] = None
            case Peer():
                self._peers[change.id] = change
                self._by_key[change.key] = self._by_name[change.name] = None if change.forgotten_at else change
            case Link():
                self._links[change.peer] = change
            case Carrying():
                self._carrying[change.peer] = change
            case Greeter(peer, route):
                self._greeters[peer] = route
            case Introducing(key, by):
                self._introducing[key] = self._introducing.get(key, 0) + by
                if self._below is None and not self._introducing[key]:
                    del self._introducing[key]

    def clear(self) -> None:
        """Forget all changes."""
        self.__init__(self._below)  # type: ignore[misc]

    def by_key(self, key: str) -> Peer | None:
        """The peer with that key."""
        if key in self._by_key or self._below is None:
            return self._by_key.get(key)
        return self._below.by_key(key)

    def by_name(self, name: str) -> Peer | None:
        """The peer with that name."""
        if name in self._by_name or self._below is None:
            return self._by_name.get(name)
        return self._below.by_name(name)

    def peer(self, peer: int) -> Peer:
        """The peer with that number, also one that is forgotten."""
        found = self._peers.get(peer)
        if found is not None:
            return found
        assert self._below is not None
        return self._below.peer(peer)

    def all(self) -> list[Peer]:
        """All peers, by number."""
        return [one for _, one in sorted(self._all_peers().items()) if one.forgotten_at is None]

    def _all_peers(self) -> dict[int, Peer]:
        return {**self._below._all_peers(), **self._peers} if self._below else self._peers

    def link(self, peer: int) -> Link:
        """How the link to a peer fares."""
        found = self._links.get(peer)
        if found is not None:
            return found
        return self._below.link(peer) if self._below else Link(peer)

    def carrying(self, peer: int) -> Carrying:
        """What is carried to a peer."""
        found = self._carrying.get(peer)
        if found is not None:
            return found
        return self._below.carrying(peer) if self._below else Carrying(peer)

    def greeter(self, peer: int) -> bytes | None:
        """The connection of the peer's latest hello."""
        found = self._greeters.get(peer)
        return found if found is not None or self._below is None else self._below.greeter(peer)

    def wait(self, account: int, entry: str) -> Wait | None:
        """Who waits for what became of that entry."""
        who = account, entry
        if who in self._waits or self._below is None:
            return self._waits.get(who)
        return self._below.wait(account, entry)

    def waits(self) -> list[Wait]:
        """All who wait, the longest waiting first."""
        return [wait for wait in self._all_waits().values() if wait is not None]

    def is_awaited(self, peer: int) -> bool:
        """Whether somebody waits for a peer's word."""
        return self._awaited_by(peer) > 0

    def _awaited_by(self, peer: int) -> int:
        return self._awaited.get(peer, 0) + (self._below._awaited_by(peer) if self._below else 0)

    def _all_waits(self) -> dict[tuple[int, str], Wait | None]:
        return {**self._below._all_waits(), **self._waits} if self._below else self._waits

    def is_introducing(self, key: str) -> bool:
        """Whether an introduction to the realm with that key is under way."""
        return self._introductions(key) > 0

    @property
    def any(self) -> bool:
        """Whether there is a peer at all, or was one."""
        return bool(self._peers) or (self._below is not None and self._below.any)

    def due(self, now: int) -> list[Due]:
        """What is due now."""
        waits = [WaitDue(one.account, one.entry) for one in self._waits_due(now)]
        links = [LinkDue(one.peer) for one in self._all_links().values() if when(one.due, now, FAR_MS) <= now]
        files = [
            CarryingDue(one.peer)
            for one in self._all_carrying().values()
            if one.due and when(one.due, now, FAR_MS) <= now
        ]
        return [*waits, *links, *files]

    def _waits_due(self, now: int) -> list[Wait]:
        """At most `AT_ONCE` whose wait is over, each after all that have waited for the same peer for longer."""
        waits = self.waits()
        last = {one.peer: place for place, one in enumerate(waits) if when(one.due, now, WAIT_MS) <= now}
        return [one for place, one in enumerate(waits) if place <= last.get(one.peer, -1)][:AT_ONCE]

    def wake_at(self, now: int) -> int:
        """When something is due at the latest, ms."""
        if self._first is None:
            links = [link.due for link in self._links.values()]
            links += [one.due for one in self._carrying.values() if one.due]
            waits = [wait.due for wait in self._waits.values() if wait is not None]
            self._first = min(links, default=FAR), min(waits, default=FAR)
        link, wait = self._first
        return min(when(link, now, FAR_MS), when(wait, now, WAIT_MS))

    def _all_links(self) -> dict[int, Link]:
        return {**self._below._all_links(), **self._links} if self._below else self._links

    def _all_carrying(self) -> dict[int, Carrying]:
        return {**self._below._all_carrying(), **self._carrying} if self._below else self._carrying

    def _introductions(self, key: str) -> int:
        return self._introducing.get(key, 0) + (self._below._introductions(key) if self._below else 0)
