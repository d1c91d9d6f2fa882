"""One connection of a link, and what is wanted of it. See `links.py`."""

from typing import Final, NamedTuple

import zmq

from broker import monitoring, outgoing
from broker.connections import Connection
from broker.keyfiles import KeyPair
from broker.lookups import place
from broker.sockets import Context
from realm.effects import Connect

UNANSWERED: Final = zmq.EVENT_CONNECT_RETRIED
"""Comes when a connection could not be made, and also after one was lost."""
_OUTCOMES: Final = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | monitoring.REFUSED | UNANSWERED
_WATCHED: Final = zmq.EVENT_CONNECTED | _OUTCOMES


class Way(NamedTuple):
    """Which connection of which peer."""

    peer: int
    bulk: bool


class Line:
    """One socket to one address, and what libzmq reports of its connection, which it tries until it is made."""

    def __init__(self, context: Context, keys: KeyPair, wanted: Connect, address: str, *, bulk: bool) -> None:
        """Raises zmq.ZMQError where there can be no socket for that."""
        self.address = address
        self.connection: Connection | None = None
        """Once it is made, as far as is known."""
        self.failed = False
        """Whether the latest try to connect has failed, or its connection was lost."""
        self.worked = False
        """Whether there was a connection."""
        self.given_up = False
        """Whether libzmq has not said that it tries again, which it does not after what it calls a protocol error."""
        self.socket = outgoing.open_link(context, keys, wanted.key, address, bulk=bulk)
        try:
            self.reports = monitoring.watch(self.socket, _WATCHED)
        except zmq.ZMQError:
            self.socket.close(linger=0)
            raise
        outgoing.connect(self.socket, address, wanted.port)

    def close(self, linger: int | None) -> None:
        """Give both sockets back; what was not sent is sent for `linger` ms more."""
        monitoring.unwatch(self.socket, self.reports)
        self.socket.close(linger)


class Link:
    """What is wanted of a connection, and how it fares."""

    def __init__(self, way: Way, wanted: Connect) -> None:
        self.way = way
        self.wanted = wanted
        self.line: Line | None = None
        """None while the host is looked up, or where that was in vain."""
        self.tried = ""
        """The address of the line that has failed before it."""
        self.worked = False
        """Whether there was a connection to that."""
        self.up: bool | None = None
        """What was told last; None before it was told what came of the latest Connect."""

    @property
    def place(self) -> str:
        """Where it goes, as it is written."""
        return place(self.wanted.host, self.wanted.port)
