"""What libzmq tells of the connections of a socket, which it makes, accepts and loses by itself."""

import itertools
from typing import Final, NamedTuple

import zmq
from zmq.utils.monitor import recv_monitor_message

from broker.sockets import NO_BOUND, NOBLOCK, Socket

REFUSED: Final = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
"""What libzmq reports where the other side has another key, or does not want this one."""

_watched = itertools.count(1)


class Report(NamedTuple):
    """What libzmq tells of a connection of a socket."""

    event: int
    value: int
    """The descriptor of the connection, or with some events the number of an error."""
    port: int
    """Ours, where the socket listens, else theirs."""


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
