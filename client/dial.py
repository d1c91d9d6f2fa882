"""Sockets to a realm: the front door, where the identity card is read, and the CURVE sockets behind it."""

import asyncio
import contextlib
import os
from typing import Final, NamedTuple

import msgspec
import zmq
import zmq.asyncio

from client.errors import ProtocolError, UnreachableError, UsageError
from client.harmless import in_short, is_harmful
from client.keyring import KeyPair
from schemas.answers import Card
from schemas.limits import HEARTBEAT_MS, MAX_FRAME

DEFAULT_PORT: Final = 8889
RECONNECT_MS: Final = 100
RECONNECT_MAX_MS: Final = 5_000

_encode = msgspec.msgpack.Encoder().encode
_decode_card = msgspec.msgpack.Decoder(Card).decode


class Address(NamedTuple):
    """A realm's front door as a person names it."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(typed: str) -> Address:
    """HOST, HOST:PORT or [IPV6]:PORT; without a port the default one. Raises UsageError."""
    host, port = typed.strip(), ""
    if host.startswith("["):
        host, closed, rest = host[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise UsageError(f"an address is HOST:PORT or [IPV6]:PORT, not {typed!r}")
        port = rest[1:]
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    if not host or (port and not (port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65_536)):
        raise UsageError(f"an address is HOST:PORT, with a port of 1 to 65535, not {typed!r}")
    if any(map(is_harmful, host)):
        raise UsageError(f"an address is HOST:PORT, without control characters, not {typed!r}")
    return Address(host.lower(), int(port) if port else DEFAULT_PORT)


def open_socket(context: zmq.asyncio.Context, kind: int, host: str) -> zmq.asyncio.Socket:
    """A socket for a realm, not yet connected; closing it drops what it still holds."""
    socket = context.socket(kind)
    socket.linger = 0
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME)
    socket.setsockopt(zmq.RCVHWM, 0)  # libzmq 4.3.5 aborts where a connection that has reached it is reset
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MAX_MS)
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 2 * HEARTBEAT_MS)
    if ":" in host:
        socket.setsockopt(zmq.IPV6, 1)
    return socket


def endpoint(host: str, port: int) -> str:
    """What libzmq connects to."""
    return f"tcp://{Address(host, port)}"


class Realm(NamedTuple):
    """Where a realm's sockets are and how to know it: what every further socket is opened with."""

    context: zmq.asyncio.Context
    host: str
    card: Card
    keys: KeyPair

    def dial(self, kind: int, port: int) -> zmq.asyncio.Socket:
        """A connected CURVE socket that talks to this realm and no other."""
        socket = open_socket(self.context, kind, self.host)
        socket.curve_serverkey = self.card.key.encode("ascii")
        socket.curve_publickey = self.keys.public.encode("ascii")
        socket.curve_secretkey = self.keys.secret.encode("ascii")
        socket.connect(endpoint(self.host, port))
        return socket


async def find_host(address: Address, patience: float) -> str:
    """The IP address at which the front door takes connections, found within `patience` seconds.

    libzmq goes on dialling in silence, and takes only the first address of a name. So a plain connection
    goes before it, which tries them all and says at once why there is none. Raises UnreachableError.
    """
    try:
        async with asyncio.timeout(patience):
            _, writer = await asyncio.open_connection(address.host, address.port, happy_eyeballs_delay=0.25)
    except TimeoutError as error:
        raise UnreachableError(f"nothing answers at {address} within {patience:g} s") from error
    except (OSError, UnicodeError) as error:
        raise UnreachableError(f"nothing answers at {address}: {_reason(error)}") from error
    peer = writer.get_extra_info("peername")
    writer.close()
    with contextlib.suppress(OSError):  # it was only opened to see where it leads
        await writer.wait_closed()
    if peer is None:
        raise UnreachableError(f"what answers at {address} hangs up at once")
    return str(peer[0])


async def read_card(context: zmq.asyncio.Context, address: Address, host: str, patience: float) -> Card:
    """The identity card at the front door; raises UnreachableError or ProtocolError."""
    with open_socket(context, zmq.DEALER, host) as socket:
        socket.connect(endpoint(host, address.port))
        await socket.send(_encode({"cmd": "identity", "id": 1}))
        if not await socket.poll(int(patience * 1000)):
            raise UnreachableError(
                f"something listens at {address}, but it does not answer as the front door of a realm"
            )
        frames = await socket.recv_multipart()
    try:
        return _decode_card(frames[0])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(
            f"what answers at {address} is not the front door of a realm: {in_short(str(error))}"
        ) from error


def _reason(error: OSError | UnicodeError) -> str:
    """The operating system's words for it, without Python's own."""
    if isinstance(error, UnicodeError):
        return "this is no host name"
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error)).lower()
