"""What `python -m realm` does, with less that may wait for all connections together."""

import sys

import zmq

from broker import excess, holding, monitoring
from broker.sockets import Socket
from realm.cli.app import main

watch = monitoring.watch


def watch_no_accepted(watched: Socket, events: int) -> Socket:
    """A socket on which nothing is reported of who is accepted."""
    if events != zmq.EVENT_ACCEPTED:
        return watch(watched, events)
    silent: Socket = watched.context.socket(zmq.PAIR)
    return silent


if __name__ == "__main__":
    kib, hears = sys.argv.pop(1), sys.argv.pop(1)
    # They are final for the realm: this is a realm of other bounds.
    excess.UNREAD_OF_ALL = int(kib) << 10  # type: ignore[misc]
    excess.UNREAD_LEFT = excess.UNREAD_OF_ALL // 2  # type: ignore[misc]
    holding.UNREAD_OF_ALL, holding.GIVEN = excess.UNREAD_OF_ALL, excess.UNREAD_OF_ALL // 16  # type: ignore[attr-defined, misc]
    if hears == str(False):
        monitoring.watch = watch_no_accepted
    main()
