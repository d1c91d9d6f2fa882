"""The end of a connection whose realm is gone, so that all that it had sent is read."""

import zmq
from zmq.utils.monitor import recv_monitor_message

from tests.wire.player_actor import WAIT

_OVER = zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED
"""It has ended; or it had not begun when its realm ended, and is tried again."""


class Ending:
    """Watches a socket from its opening on."""

    def __init__(self, dealer: "zmq.Socket[bytes]", over: int = _OVER) -> None:
        """`over` has the events after which it is."""
        self._dealer = dealer
        self._monitor = dealer.get_monitor_socket(over)

    def wait(self) -> None:
        """Return when the connection of a process that has ended is over: what it had sent can be read then."""
        assert self._monitor.poll(int(WAIT * 1_000)), "the connection outlives the realm"
        recv_monitor_message(self._monitor)

    def close(self) -> None:
        """Watch no more."""
        self._dealer.disable_monitor()
        self._monitor.close()
