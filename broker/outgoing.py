"""Opens the sockets on which a realm speaks to others, with every limit that they need.

They connect to addresses and never to names (see `broker.lookups`).
"""

from typing import Final

import zmq

from broker.keyfiles import KeyPair
from broker.sockets import HANDSHAKE_MS, INSIDE, LINGER_MS, NO_BOUND, UNREAD_MS, Context, Socket

LINK_FRAME: Final = 131_072
"""The largest frame that a peer may answer with: what it says of a whole window is smaller."""
LINK_UNREAD: Final = 1_024
"""Frames that wait for one peer: four windows of messages, as libzmq learns by halves of it what was read."""
BULK_UNREAD: Final = 16
"""Frames with file bytes that wait for one peer: two windows."""
PING_MS: Final = 15_000
"""So often does a link ask whether its peer is there."""
PING_TIMEOUT_MS: Final = 45_000
"""A peer that does not answer a PING for so long is gone, or hangs."""
RECONNECT_MS: Final = 250
RECONNECT_MAX_MS: Final = 10_000


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
    link.heartbeat_ivl = PING_MS
    link.heartbeat_timeout = PING_TIMEOUT_MS
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


def connect(dealer: Socket, address: str, port: int) -> None:
    """Have a socket connect to an address, which may be one of IPv6."""
    dealer.connect(f"tcp://[{address}]:{port}" if ":" in address else f"tcp://{address}:{port}")


def _open_dealer(context: Context, address: str, keys: KeyPair | None, server_key: str) -> Socket:
    dealer = context.socket(zmq.DEALER)
    try:
        dealer.affinity = INSIDE
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
