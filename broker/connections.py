"""The connections of a realm's sockets, by descriptor: of which kind each is, and whose end it is where it is too much.

A stranger costs a descriptor and some 40 KB of memory before it has shown anything, and libzmq lets in whoever dials.
So the strangers are bounded. Of users and peers those are cut who have most, once descriptors are about to run out:
one account could take them all.

What waits for those who do not read is bounded by libzmq for each connection, by messages (`sndhwm`), and not by bytes
nor for all. So of all together it is bounded here, by what the system says that the other sides have got (`tcp.py`).
"""

import os
import resource
import socket
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sized
from contextlib import suppress
from typing import Final, NamedTuple

import zmq

from broker import monitoring, tcp

STRANGERS: Final = 8_192
"""So many there may be, and no more than half of all descriptors. Thousands of clients that come at once are fewer."""

SPARED: Final = 16
"""So many connections a user or a peer may have, however many there are. A client has three."""
RESERVE: Final = 64
"""Descriptors, at the least, that are for the realm's own: files, links, the operator."""

UNREAD: Final = 8 << 20
"""Bytes that may wait for one before it is given no more pages and file bytes: four windows of a client."""
UNREAD_OF_ALL: Final = 128 << 20
"""Bytes that may wait for all."""
UNREAD_LEFT: Final = UNREAD_OF_ALL * 3 // 4
"""What is left where it is more."""

SHORT: Final = 255
"""Of the longest body on the wire whose header takes 2 bytes; others take 9 (RFC 23)."""


class Kind(NamedTuple):
    """Of connections."""

    seal: int
    """Bytes by which a frame is longer on the wire, before its header."""
    most: int
    """Bytes on the wire that may be held of one."""
    swells: int
    """Bytes of memory that one on the wire takes, at most: libzmq has 64 for the shortest frame."""
    strange: bool = False
    """Nobody has vouched for it yet."""

    def on_wire(self, frames: Iterable[Sized]) -> int:
        """Bytes that these take there."""
        size = 0
        for frame in frames:
            body = len(frame) + self.seal
            size += body + (2 if body <= SHORT else 9)
        return size


CLEAR: Final = Kind(0, 4 << 10, 32, strange=True)
"""For one question and its answer, at a front door."""
SEALED: Final = Kind(33, 8 << 20, 2, strange=True)
"""By CURVE (RFC 26): MESSAGE, a nonce, flags and a MAC. `most` is two windows of chunks of a file."""
LISTENING: Final = SEALED._replace(strange=False)
"""The same of users who hear what is pushed."""
TRUSTED: Final = LISTENING._replace(most=32 << 20)
"""The same of users who say commands, and of peers: twice a window of a peer's largest messages."""


class Connection:
    """One that was accepted, or made."""

    __slots__ = ("beside", "descriptor", "given", "inode", "is_cut", "kind", "since", "took", "who")

    def __init__(self, descriptor: int, inode: int, kind: Kind, received: int) -> None:
        self.descriptor = descriptor
        self.inode = inode
        """By which its descriptor is told from a later one with the same number."""
        self.kind = kind
        self.since = time.monotonic()
        self.took = received
        """Bytes that were taken from it, or had come before it was heard of. Theirs who take them."""
        self.given = 0
        """Bytes that were handed to libzmq for it. Theirs who do that."""
        self.beside = 0
        """Bytes, at the least, that it has got beside those: of handshakes and heartbeats."""
        self.is_cut = False
        self.who = ""
        """The user or the peer who has said something on it; empty of who is strange, and where this realm dialled."""

    def trust(self, who: str, kind: Kind) -> None:
        """A user or a peer has said something on it: it is of this kind from now on."""
        self.kind, self.who = kind, who

    def unread(self, acked: int) -> int:
        """Bytes that wait for it, here or on the way, where it has acknowledged so many, as was asked before."""
        waits = self.given + self.beside - acked
        if waits < 0:
            self.beside -= waits
        return max(0, waits)


class There(NamedTuple):
    """A connection that is there now, and not cut."""

    connection: Connection
    acked: int
    received: int
    """Bytes that it has got, as the next."""


class Connections:
    """Those of which libzmq has told; elsewhere than on Linux it is not asked, and there are none."""

    def __init__(self) -> None:
        self.can_ask = sys.platform == "linux"
        self._all: dict[int, Connection] = {}
        """Some are there no more."""
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._most = min(STRANGERS, descriptors // 2)
        self._most_of_all = descriptors - max(RESERVE, descriptors // 8)
        self._nothing, self._copy = (os.open(os.devnull, os.O_RDONLY) for _ in range(2))
        """Two descriptors that are had before there may be no other: what is cut is copied to the second."""

    def __bool__(self) -> bool:
        return bool(self._all)

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self._nothing)
        os.close(self._copy)

    def of(self, descriptor: int) -> Connection | None:
        """The one that has, or had, this descriptor."""
        return self._all.get(descriptor)

    def has(self, connection: Connection) -> bool:
        """Whether it is still there, as far as is known."""
        return self._all.get(connection.descriptor) is connection

    def began(self, report: monitoring.Report, kind: Kind) -> None:
        """A connection of that kind is reported, as accepted or as connected. From any thread.

        It may have ended since, and its descriptor serve another by now, of another socket and kind: that is told by
        its port, and reported by itself.
        """
        if not self.can_ask:
            return
        descriptor = report.value
        ours, theirs = tcp.ports(descriptor)
        if report.port != (theirs if report.event == zmq.EVENT_CONNECTED else ours):
            return
        with suppress(OSError):  # it has gone already
            inode = os.fstat(descriptor).st_ino
            before = self._all.get(descriptor)
            if before is None or before.inode != inode:
                counted = self.counted(descriptor, inode)
                received = 0 if counted is None else counted.received
                self._all[descriptor] = Connection(descriptor, inode, kind, received)
            elif kind.most > before.kind.most:  # of two that go to the same port
                before.kind = kind

    def counted(self, descriptor: int, inode: int) -> tcp.Counted | None:
        """What went over a connection; None where there is no such connection."""
        try:
            if os.fstat(descriptor).st_ino != inode:
                return None
        except OSError:
            return None
        return tcp.counted(descriptor)

    def unread(self, connection: Connection) -> int:
        """Bytes that wait for it, here or on the way; none where it has gone."""
        counted = self.counted(connection.descriptor, connection.inode)
        return 0 if counted is None else connection.unread(counted.acked)

    def there(self) -> Iterator[There]:
        """All that are; the others are forgotten."""
        for descriptor, connection in list(self._all.items()):
            counted = self.counted(descriptor, connection.inode)
            if counted is None:
                if self._all.get(descriptor) is connection:
                    del self._all[descriptor]
            elif not connection.is_cut:
                yield There(connection, *counted)

    def cut(self, one: There) -> str:
        """End it; the other side's address, or nothing where it had gone. It takes no descriptor: none may be left."""
        connection, address = one.connection, ""
        with suppress(OSError):  # it has gone by itself
            os.dup2(connection.descriptor, self._copy, inheritable=False)
            if os.fstat(self._copy).st_ino == connection.inode:
                copy = socket.socket(fileno=self._copy)
                try:
                    address = str(copy.getpeername()[0])
                    connection.is_cut = True
                    copy.shutdown(socket.SHUT_RDWR)
                finally:
                    copy.detach()
        os.dup2(self._nothing, self._copy, inheritable=False)
        return address

    def too_many(self, there: Iterable[There]) -> list[There]:
        """Strangers that are to be cut, as there are more than may be: the oldest of the addresses that have most.

        So many that half of what may be is left; whoever has come just now can still become known.
        """
        strangers = [one for one in there if one.connection.kind.strange]
        if len(strangers) <= self._most:
            return []
        return _beyond(strangers, lambda one: tcp.network(one.connection.descriptor), self._most // 2)

    def too_many_known(self, there: Iterable[There]) -> list[There]:
        """Those of users and peers that are to be cut, as few descriptors are left: the oldest of those who have most.

        Of who has no more than `SPARED` none is; should that not be enough, nobody takes more than others.
        """
        there = list(there)
        known = [one for one in there if one.connection.who]
        room = self._most_of_all - (len(there) - len(known))
        if len(known) <= room:
            return []
        return _beyond(known, lambda one: one.connection.who, max(0, room), SPARED)

    def too_much_unread(self, there: Iterable[There]) -> list[There]:
        """Those that are to be cut, as too much waits for all: of the users and addresses for whom most does, most."""
        unread: list[tuple[str | bytes, int, There]] = []
        waits: Counter[str | bytes] = Counter()
        for one in there:
            if size := one.connection.unread(one.acked):
                whose = one.connection.who or tcp.network(one.connection.descriptor)
                unread.append((whose, size, one))
                waits[whose] += size
        rest = waits.total()
        if rest <= UNREAD_OF_ALL:
            return []
        unread.sort(key=lambda of: (waits[of[0]], of[1]), reverse=True)
        ends: list[There] = []
        for _, size, one in unread:
            if rest <= UNREAD_LEFT:
                break
            ends.append(one)
            rest -= size
        return ends


def _beyond(some: Iterable[There], whose: Callable[[There], Hashable], room: int, spared: int = 0) -> list[There]:
    """The oldest of those who have most, so many that the others find room; of `spared` nobody loses any."""
    by_owner: defaultdict[Hashable, list[There]] = defaultdict(list)
    for one in sorted(some, key=lambda one: one.connection.since, reverse=True):
        by_owner[whose(one)].append(one)
    each = max(spared, share([len(those) for those in by_owner.values()], room))
    return [one for those in by_owner.values() for one in those[each:]]


def share(wanted: Iterable[int], room: int) -> int:
    """What each may have at most, so that all together have no more than `room`; who wants less has it."""
    ascending = sorted(wanted)
    for done, one in enumerate(ascending):
        each = room // (len(ascending) - done)
        if one > each:
            return each
        room -= one
    return ascending[-1] if ascending else 0
