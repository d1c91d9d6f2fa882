"""Opens the sockets on which a realm speaks to others, with every limit that they need.

They connect to addresses and never to names (see `broker.lookups`).
"""

import itertools
from typing import Final, NamedTuple

import zmq
from zmq.utils.monitor import recv_monitor_message

from broker.keyfiles import KeyPair
from broker.sockets import (
    HANDSHAKE_MS,
    HEARTBEAT_MS,
    HEARTBEAT_TIMEOUT_MS,
    LINGER_MS,
    NO_BOUND,
    NOBLOCK,
    UNREAD_MS,
    Context,
    Socket,
)

LINK_FRAME: Final = 131_072
"""The largest frame that a peer may answer with: what it says of a whole window is smaller."""
LINK_UNREAD: Final = 1_024
"""Frames that wait for one peer: four windows of messages, as libzmq learns by halves of it what was read."""
BULK_UNREAD: Final = 16
"""Frames with file bytes that wait for one peer: two windows."""
REFUSED: Final = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
"""What libzmq reports where the other side has another key, or does not want this one."""
RECONNECT_MS: Final = 250
RECONNECT_MAX_MS: Final = 10_000

_watched = itertools.count(1)


class Report(NamedTuple):
    """What libzmq tells of a connection of a socket."""

    event: int
    value: int
    """The descriptor of the connection, or with some events the number of an error."""
    port: int
    """Ours, where the socket listens, else theirs."""


def open_link(context: Context, keys: KeyPair, server_key: str, address: str, *, bulk: bool) -> Socket:
    """A DEALER to the commands of a realm with that key, not yet connected; `address` is to be one, and no name.

    The one for messages holds nothing for a peer that is not there: what is sent meanwhile is refused. Raises
    zmq.ZMQError where there can be no more sockets, or the key is none.
    """
    link = _open_dealer(context, address, keys, server_key)
    link.immediate = not bulk
    link.linger = LINGER_MS
    link.maxmsgsize = LINK_FRAME
    link.sndhwm = BULK_UNREAD if bulk else LINK_UNREAD
    link.handshake_ivl = HANDSHAKE_MS
    link.connect_timeout = HANDSHAKE_MS
    link.heartbeat_ivl = HEARTBEAT_MS
    link.heartbeat_timeout = HEARTBEAT_TIMEOUT_MS
    link.tcp_keepalive = 1
    link.set(zmq.TCP_MAXRT, UNREAD_MS)
    link.reconnect_ivl = RECONNECT_MS
    link.reconnect_ivl_max = RECONNECT_MAX_MS
    return link


def open_call(context: Context, address: str, largest: int, keys: KeyPair | None, server_key: str) -> Socket:
    """A DEALER for one question, not yet connected: it tries once, and takes frames of `largest` bytes at most.

    Without `keys` it is one in the clear. Raises zmq.ZMQError as `open_link` does.
    """
    call = _open_dealer(context, address, keys, server_key)
    call.linger = 0
    call.maxmsgsize = largest
    call.sndhwm = 16
    call.reconnect_ivl = -1
    return call


def watch(watched: Socket, events: int) -> Socket:
    """A socket that reports those events of another (a mask). To be ended by `unwatch` before the other is closed.

    libzmq's thread for input and output waits where a report finds no room, so there is room for all.
    """
    at = f"inproc://reports-{next(_watched)}"
    reports: Socket = watched.context.socket(zmq.PAIR)
    reports.linger = 0
    reports.rcvhwm = NO_BOUND
    try:
        watched.monitor(at, events)
        reports.connect(at)
    except zmq.ZMQError:
        reports.close()
        raise
    return reports


def next_report(reports: Socket) -> Report:
    """What `watch` has to tell next; raises zmq.Again where that is nothing."""
    told = recv_monitor_message(reports, NOBLOCK)
    return Report(int(told["event"]), int(told["value"]), int(told["endpoint"].rpartition(b":")[2] or 0))


def unwatch(watched: Socket, reports: Socket) -> None:
    """End what `watch` began."""
    watched.monitor(None, 0)
    reports.close()


def connect(dealer: Socket, address: str, port: int) -> None:
    """Have a socket connect to an address, which may be one of IPv6."""
    dealer.connect(f"tcp://[{address}]:{port}" if ":" in address else f"tcp://{address}:{port}")


def _open_dealer(context: Context, address: str, keys: KeyPair | None, server_key: str) -> Socket:
    dealer = context.socket(zmq.DEALER)
    try:
        dealer.ipv6 = ":" in address
        dealer.rcvhwm = NO_BOUND
        if keys is not None:
            dealer.curve_publickey = keys.public
            dealer.curve_secretkey = keys.secret
            dealer.curve_serverkey = server_key.encode()
    except (zmq.ZMQError, ValueError):
        dealer.close()
        raise zmq.ZMQError(zmq.EINVAL) from None
    return dealer
