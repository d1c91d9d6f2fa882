"""How much of what connections were sent their peers have not taken: libzmq bounds that by messages, not by bytes.

The system knows how many bytes a peer has acknowledged (see `tcp.py`; where nothing is known, nothing waits). What was
handed to libzmq since a connection was first looked at, less that, still waits for it, here or on the way. A peer that
asks for nothing more is not looked at any more: after a minute it is cut (`sockets.UNREAD_MS`), and what waited for it
is gone.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Final

import zmq

from broker import tcp
from broker.sockets import UNREAD_MS

MOST: Final = 8 << 20
"""Bytes that may wait for all connections of a user before more file bytes are given: four windows of a client."""
MOST_OF_ALL: Final = 128 << 20
"""The same for all users."""


def acked_on(frame: zmq.Frame) -> int | None:
    """Bytes that the peer at the other end of a frame's connection has acknowledged; None where nobody knows.

    The connection may have ended already and its descriptor serve another: what is said of that one is harmless.
    """
    try:
        return tcp.counted(int(frame.get(zmq.SRCFD)), tcp.ACKED)
    except zmq.ZMQError:
        return None


class _Peer:
    """A connection that has asked for file bytes."""

    __slots__ = ("handed", "looked_at", "waiting", "who")

    def __init__(self, who: str, acked: int) -> None:
        self.who = who
        self.handed = acked
        """Bytes handed over, on top of what had been acknowledged when it was first looked at."""
        self.waiting = 0
        """What waited for it when it was last looked at, and what was handed over since."""
        self.looked_at = 0


class Backlog:
    """Of the connections that ask for files, by routing id."""

    def __init__(self, now: Callable[[], int], acked_on: Callable[[zmq.Frame], int | None] = acked_on) -> None:
        """`now` in ms."""
        self._now = now
        self._acked_on = acked_on
        self._peers: OrderedDict[bytes, _Peer] = OrderedDict()
        """The longest not looked at comes first."""
        self._of: Counter[str] = Counter()
        self._all = 0

    def __contains__(self, peer: bytes) -> bool:
        return peer in self._peers

    def handed(self, peer: bytes, size: int) -> None:
        """So many bytes were sent to a peer."""
        if (found := self._peers.get(peer)) is not None:
            found.handed += size
            self._wait(found, size)

    def is_long(self, peer: bytes, who: str, frame: zmq.Frame) -> bool:
        """Whether too much waits for this user, or for all, to give the peer that a frame came from any more."""
        acked = self._acked_on(frame)
        if acked is None:
            return False
        now = self._now()
        self._forget_before(now - UNREAD_MS)
        found = self._peers.setdefault(peer, _Peer(who, acked))
        self._peers.move_to_end(peer)
        found.looked_at = now
        self._wait(found, max(0, found.handed - acked) - found.waiting)
        return self._of[who] > MOST or self._all > MOST_OF_ALL

    def _wait(self, peer: _Peer, more: int) -> None:
        peer.waiting += more
        self._of[peer.who] += more
        self._all += more

    def _forget_before(self, then: int) -> None:
        while self._peers:
            peer, found = next(iter(self._peers.items()))
            if found.looked_at >= then:
                return
            del self._peers[peer]
            self._wait(found, -found.waiting)
            if not self._of[found.who]:
                del self._of[found.who]
