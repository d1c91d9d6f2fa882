"""The links: what this realm says to each peer, and what that answers, on connections with the realm's own key.

Each peer has two: one for messages, and one for files (`bulk`), so that none waits for the other. Of how they fare, the
core is told of the first; the second comes and goes beside it, and holds a few frames until it is made.

When to connect, and what to say, is the core's to know. libzmq tells how a connection fares on a socket of its own.
Where one is lost, its socket ends with it, and another is made: libzmq would keep bytes of files, in no account, for
whoever is dialled next. Nor is anything taken in any more that was said on the one that was lost.
Hundreds of sockets that have nothing to say would make every poll slow, so all are watched by one descriptor. libzmq's
own descriptors tell only of what is new, and any call may use that up: whoever may have more is remembered.
"""

import selectors
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

import zmq

from broker import monitoring
from broker.clock import steady_ms
from broker.connections import TRUSTED
from broker.holding import Holding
from broker.keyfiles import KeyPair
from broker.line import UNANSWERED, Line, Link, Way
from broker.lookups import Found, Lookups, not_there
from broker.sockets import Context, Sent, Socket
from realm.due import FAR
from realm.effects import Connect
from realm.inputs import FromPeer, LinkDown, LinkUp
from schemas.codec import decode_from_peer

FRAMES_A_TURN: Final = 64
"""The most that one turn takes in from one peer."""
BYTES_A_TURN: Final = 2 << 20
"""About the most that one turn takes in from all of them."""
AGAIN_MS: Final = 250
"""So long after a connection was lost it is made anew: who ends each at once is not dialled without a pause."""

FromLink = FromPeer | LinkUp | LinkDown


class _Watched(NamedTuple):
    """To whom a descriptor belongs."""

    way: Way
    is_reports: bool


class Links:
    """All of them."""

    def __init__(
        self, context: Context, keys: KeyPair, lookups: Lookups, wake: Callable[[], None], holding: Holding
    ) -> None:
        """`wake` is called, from any thread, when `gather` has something to do."""
        self.unsent = 0
        """Frames dropped because a peer was not connected, or did not read."""
        self.unread = 0
        """Frames dropped because they were nothing that a peer answers."""
        self.bytes_out = 0
        """Of files, with the few that say which; handed over, though a connection may be lost before they are read."""
        self._context = context
        self._keys = keys
        self._lookups = lookups
        self._wake = wake
        self._holding = holding
        self._links: dict[Way, Link] = {}
        self._selector = selectors.DefaultSelector()
        self._found: SimpleQueue[tuple[Connect, Found]] = SimpleQueue()
        self._told: deque[LinkUp | LinkDown] = deque()
        self._lost: dict[Way, int] = {}
        """When to make those anew that were lost, ms."""
        self._ready: dict[Way, None] = {}
        """Connections on which there may be more; whose turn it is comes first."""

    def fileno(self) -> int:
        """A descriptor that can be read when something has come."""
        return int(self._selector.fileno())  # epoll and kqueue both have one

    @property
    def waiting(self) -> bool:
        """Whether `gather` has left something, or found out since: then nobody may wait for the descriptor."""
        return bool(self._told or self._ready)

    @property
    def again_ms(self) -> int:
        """For how long nobody need `gather` where nothing is told."""
        return max(0, min(self._lost.values()) - steady_ms()) if self._lost else FAR

    def connect(self, wanted: Connect) -> None:
        """Have the link go there. One that does, or is being connected, stays; one that has failed is tried at once.

        What comes of it is told, once, and then only what changes.
        """
        wants = [self._want(Way(wanted.peer, bulk), wanted) for bulk in (False, True)]
        if any(wants):
            self._lookups.begin(wanted.host, lambda found: self._tell_found(wanted, found))

    def disconnect(self, peer: int) -> None:
        """End both connections of a peer; what was just sent still goes out."""
        for bulk in (False, True):
            link = self._links.pop(Way(peer, bulk), None)
            if link is not None:
                self._close_line(link, None)

    def allow(self, networks: tuple[str, ...]) -> None:
        """Say in which networks peers may be, from now on: what goes elsewhere is ended, and told."""
        self._lookups.allow(networks)
        for link in self._links.values():
            if link.line is not None and not self._lookups.may_be_dialled(link.line.address):
                self._tell_down(link, not_there(link.line.address))
                self._close_line(link, 0)

    def send(self, peer: int, *frames: bytes, bulk: bool = False) -> None:
        """Send without waiting; what cannot be sent now is dropped."""
        way = Way(peer, bulk)
        link = self._links.get(way)
        if link is None or link.line is None or not (link.up or bulk):
            self.unsent += 1
            return
        if bulk and link.line.given_up:
            self._give_up_line(link)
            self._open(link, (link.tried,))
        line = link.line
        if line is None or self._holding.send(line.socket, line.connection, frames) is not Sent.SENT:
            self.unsent += 1
            return
        if bulk:
            self.bytes_out += sum(map(len, frames))
        if int(line.socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN:
            self._ready.setdefault(way)  # sending may have used up what the descriptor had to tell

    def gather(self, at_most: int) -> list[FromLink]:
        """Take in what waits, some of each peer."""
        self._open_found()
        self._open_lost()
        self._look()
        came: list[FromLink] = []
        while self._told and len(came) < at_most:
            came.append(self._told.popleft())
        room = BYTES_A_TURN
        for way in list(self._ready):
            if len(came) >= at_most or room <= 0:
                break
            del self._ready[way]
            room -= self._receive(way, min(FRAMES_A_TURN, at_most - len(came)), came)
        return came

    def close(self) -> None:
        """Close all; what was just sent still goes out. Twice is harmless."""
        for link in self._links.values():
            self._close_line(link, None)
        self._links.clear()
        self._lost.clear()
        self._ready.clear()
        self._selector.close()

    def _want(self, way: Way, wanted: Connect) -> bool:
        """Whether a connection is to be made for that, or made anew."""
        link = self._links.get(way)
        if link is None or link.wanted != wanted:
            if link is not None:
                self._drop(link, "it goes elsewhere now")
            link = self._links[way] = Link(way, wanted)
        elif link.up:
            return False
        elif link.line is not None and link.line.failed:
            self._give_up_line(link)  # or what comes of its next try would be taken for what comes of this
        link.up = None
        return True

    def _receive(self, way: Way, at_most: int, came: list[FromLink]) -> int:
        """Take in what was said on one connection, and return how many bytes that was."""
        line = self._links[way].line
        assert line is not None, "a link without a socket is not ready"
        size = 0
        for _ in range(at_most):
            try:
                frames = self._holding.receive(line.socket)
            except zmq.Again:
                return size
            if not frames:
                break
            size += sum(map(len, frames))
            said = decode_from_peer(frames[0].bytes) if len(frames) == 1 else None
            if said is None:
                self.unread += 1
            else:
                came.append(FromPeer(way.peer, said, way.bulk))
        self._ready[way] = None
        return size

    def _look(self) -> None:
        """See on which sockets something is new; of one that was lost nothing is taken in any more."""
        new = [key.data for key, _ in self._selector.select(0)]
        for way in [way for way, is_reports in new if is_reports]:
            self._hear(self._links[way])
        for way in [way for way, is_reports in new if not is_reports]:
            if self._links[way].line is not None:
                self._ready.setdefault(way)

    def _hear(self, link: Link) -> None:
        """Take in what libzmq reports of a connection. It makes some few tries a second at most."""
        line = link.line
        assert line is not None, "nobody else reports"
        with suppress(zmq.Again):
            while True:
                report = monitoring.next_report(line.reports)
                event = report.event
                if event == zmq.EVENT_CONNECTED:
                    line.connection = self._holding.connections.began(report, TRUSTED)
                    if line.connection is not None:
                        line.connection.trust(link.place, TRUSTED)
                    continue
                if event == zmq.EVENT_DISCONNECTED and link.up:
                    self._lose(link)
                    return
                line.failed = event != zmq.EVENT_HANDSHAKE_SUCCEEDED
                line.worked |= not line.failed
                line.given_up = line.failed and not event & UNANSWERED
                if line.failed:
                    self._tell_down(link, _why(event, link.place))
                else:
                    self._tell_up(link)

    def _lose(self, link: Link) -> None:
        """Its connection is lost, and what was said on it, and not taken in, with it."""
        self._tell_down(link, _why(zmq.EVENT_DISCONNECTED, link.place))
        self._give_up_line(link)
        self._lost[link.way] = steady_ms() + AGAIN_MS

    def _open_lost(self) -> None:
        """Make those anew that were lost, unless that is done, or they are wanted no more, or not there."""
        now = steady_ms()
        for way in [way for way, at in self._lost.items() if at <= now]:
            del self._lost[way]
            link = self._links.get(way)
            if link is not None and link.line is None and link.tried and self._lookups.may_be_dialled(link.tried):
                self._open(link, (link.tried,))
                if link.line is None:  # there is no socket to be had
                    self._lost[way] = now + AGAIN_MS

    def _tell_up(self, link: Link) -> None:
        if not link.up:
            link.up = True
            if not link.way.bulk:
                self._told.append(LinkUp(link.way.peer))

    def _tell_down(self, link: Link, why: str) -> None:
        if link.up is not False:
            link.up = False
            if not link.way.bulk:
                self._told.append(LinkDown(link.way.peer, why))

    def _tell_found(self, wanted: Connect, found: Found) -> None:
        self._found.put((wanted, found))
        self._wake()

    def _open_found(self) -> None:
        """Connect those whose hosts were looked up."""
        with suppress(Empty):
            while True:
                wanted, found = self._found.get_nowait()
                for bulk in (False, True):
                    link = self._links.get(Way(wanted.peer, bulk))
                    # Else it is wanted no more, or another, or it is there by itself.
                    if link is not None and link.wanted == wanted and not link.up:
                        self._go_on(link, found)

    def _go_on(self, link: Link, found: Found) -> None:
        if found.addresses:
            self._open(link, found.addresses)
        else:
            self._close_line(link, 0)
            self._tell_down(link, found.why)

    def _open(self, link: Link, addresses: tuple[str, ...]) -> None:
        """Connect to one of the addresses: to the next one, where there never was a connection to the last."""
        if link.line is not None and link.line.address in addresses:
            return
        self._close_line(link, 0)
        at = addresses.index(link.tried) + (not link.worked) if link.tried in addresses else 0
        try:
            address = addresses[at % len(addresses)]
            line = Line(self._context, self._keys, link.wanted, address, bulk=link.way.bulk)
        except zmq.ZMQError as error:
            self._tell_down(link, f"no socket can be had for {link.place} ({error.strerror})")
            return
        link.line = line
        for watched, is_reports in ((line.socket, False), (line.reports, True)):
            whose = _Watched(link.way, is_reports)
            self._selector.register(_descriptor(watched), selectors.EVENT_READ, whose)
        self._hear(link)  # a descriptor tells nothing before its socket was once found empty

    def _drop(self, link: Link, why: str) -> None:
        if link.up:
            self._tell_down(link, why)
        self._close_line(link, 0)

    def _give_up_line(self, link: Link) -> None:
        assert link.line is not None
        link.tried, link.worked = link.line.address, link.line.worked
        self._close_line(link, 0)

    def _close_line(self, link: Link, linger: int | None) -> None:
        line, link.line = link.line, None
        if line is not None:
            self._ready.pop(link.way, None)
            self._selector.unregister(_descriptor(line.socket))
            self._selector.unregister(_descriptor(line.reports))
            line.close(linger)


def _why(event: int, place: str) -> str:
    if event & monitoring.REFUSED:
        return f"the realm at {place} has another key, or lets nobody in now"
    if event & UNANSWERED:
        return f"nothing answers at {place}"
    return f"the connection to {place} was lost"


def _descriptor(of: Socket) -> int:
    return int(of.getsockopt(zmq.FD))
