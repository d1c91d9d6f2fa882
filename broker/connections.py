"""The connections of a realm's sockets, by descriptor: of which kind each is, what waits for it, and its end."""

import os
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import suppress
from typing import Final, NamedTuple

import zmq

from broker import monitoring, tcp
from broker.account import Account

SOON_S: Final = 10
DAY_S: Final = 86_400
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
    handshake: int
    """Bytes before the first message, about, and at the least those of an honest one."""
    lasts_s: int
    """After so long it is ended: what may be heartbeats, and may be what never becomes a message, has a bound so."""
    strange: bool = False
    """Nobody has vouched for it yet."""

    def on_wire(self, frames: Iterable[Sized]) -> int:
        """Bytes that these take there."""
        size = 0
        for frame in frames:
            body = len(frame) + self.seal
            size += body + (2 if body <= SHORT else 9)
        return size


CLEAR: Final = Kind(0, 4 << 10, 32, 256, 30, strange=True)
"""For one question and its answer, at a front door."""
SEALED: Final = Kind(33, 8 << 20, 2, 2_048, 600, strange=True)
"""By CURVE (RFC 26): MESSAGE, a nonce, flags and a MAC. `most` is two windows of chunks of a file."""
LISTENING: Final = SEALED._replace(strange=False, lasts_s=7 * DAY_S)
"""The same of users who hear what is pushed."""
TRUSTED: Final = LISTENING._replace(most=32 << 20)
"""The same of users who say commands, and of peers: twice a window of a peer's largest messages."""


class Connection:
    """One that was accepted, or made."""

    __slots__ = ("account", "descriptor", "granted", "inode", "is_cut", "kind", "since", "took", "who")

    def __init__(self, descriptor: int, inode: int, kind: Kind, received: int) -> None:
        self.descriptor = descriptor
        self.inode = inode
        """By which its descriptor is told from a later one with the same number."""
        self.kind = kind
        self.since = time.monotonic()
        self.took = received
        """Bytes that were taken from it, or had come before it was heard of. Theirs who take them."""
        self.account = Account()
        """What it was given."""
        self.granted = 0
        """Topics that it was let hear. Theirs who let it."""
        self.is_cut = False
        self.who = ""
        """The user or the peer whose it is, or where this realm dialled; empty of who is strange."""

    def trust(self, who: str, kind: Kind) -> None:
        """A user or a peer was answered on it, or hears: it is of this kind from now on."""
        self.kind, self.who = kind, who


class There(NamedTuple):
    """A connection that is there now, and not cut."""

    connection: Connection
    received: int
    """Bytes that it has got."""
    waits: int
    """Bytes that wait for it in this process."""
    late: int
    """How many of them will still do in `SOON_S`, at the pace at which it reads."""


class Connections:
    """Those of which libzmq has told, or that have said something. For all threads."""

    def __init__(self) -> None:
        self._all: dict[int, Connection] = {}
        """Some are there no more."""
        self._lock = threading.Lock()
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

    def began(self, report: monitoring.Report, kind: Kind) -> Connection | None:
        """A connection of that kind is reported, as accepted or as connected; returns it, if it is still there.

        It may have ended since, and its descriptor serve another by now, of another socket and kind: that is told by
        its port, and reported by itself.
        """
        descriptor = report.value
        ours, theirs = tcp.ports(descriptor)
        if report.port != (theirs if report.event == zmq.EVENT_CONNECTED else ours):
            return None
        with self._lock, suppress(OSError):  # it has gone already
            inode = os.fstat(descriptor).st_ino
            before = self._all.get(descriptor)
            if before is None or before.inode != inode:
                counted = self.counted(descriptor, inode)
                received = 0 if counted is None else counted.received
                self._all[descriptor] = Connection(descriptor, inode, kind, received)
            elif kind.most > before.kind.most:  # of two that go to the same port
                before.kind = kind
            return self._all[descriptor]
        return None

    def counted(self, descriptor: int, inode: int) -> tcp.Counted | None:
        """What went over a connection; None where there is no such connection."""
        try:
            if os.fstat(descriptor).st_ino != inode:
                return None
        except OSError:
            return None
        return tcp.counted(descriptor)

    def unread(self, connection: Connection) -> int | None:
        """Bytes that wait for it, here or on the way; None where it has gone, or nobody knows."""
        counted = self.counted(connection.descriptor, connection.inode)
        return None if counted is None else connection.account.waits(counted)

    def there(self) -> Iterator[There]:
        """All that are; the others are forgotten. Elsewhere than on Linux nobody knows, and there are none."""
        for descriptor, connection in list(self._all.items()) if sys.platform == "linux" else ():
            counted = self.counted(descriptor, connection.inode)
            if counted is None:
                with self._lock:
                    if self.has(connection):
                        del self._all[descriptor]
            elif not connection.is_cut:
                account = connection.account
                waits = max(0, account.look(counted) - counted.queued)
                yield There(connection, counted.received, waits, max(0, waits - int(SOON_S * account.pace)))

    def cut(self, connection: Connection) -> str:
        """End it; the other side's address, or nothing where it had gone. It takes no descriptor: none may be left."""
        address = ""
        with self._lock:
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
