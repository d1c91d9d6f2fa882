"""Who may connect, and how often: the answers to libzmq's ZAP requests (RFC 27).

The rules, apart from the loop that runs them. A connection's `User-Id` becomes `KEY ADDRESS`, so that both
come with every frame in one look-up. Nothing that a client writes gets into it.
"""

import ipaddress
from collections.abc import Callable
from typing import Final, NamedTuple

import zmq
from zmq.utils import z85

from broker.culprits import Culprits
from realm.limits import Buckets, Trusted
from realm.settings import Settings

ENDPOINT: Final = "inproc://zeromq.zap.01"
DOOR: Final = b"door"
COMMANDS: Final = b"commands"
PUSH: Final = b"push"

NO_KEY: Final = "-" * 40
_MECHANISMS: Final = {DOOR: b"NULL", COMMANDS: b"CURVE", PUSH: b"CURVE"}
_AT_ONCE: Final = 512


class Caller(NamedTuple):
    """Who is at the other end of a connection."""

    key: str
    address: str

    @classmethod
    def of(cls, frame: zmq.Frame) -> "Caller | None":
        """Read the `User-Id` that `Gatekeeper` has given, None where it has not."""
        try:
            user_id = str(frame.get("User-Id"))
        except zmq.ZMQError:
            return None
        return cls(user_id[:40], user_id[41:])


class Verdict(NamedTuple):
    """What a ZAP reply says. Status 300 closes the connection without a word; the client tries again."""

    status: bytes
    text: bytes
    user_id: bytes


class Gatekeeper:
    """Admits connections by domain, mechanism, key and pace."""

    def __init__(
        self,
        settings: Settings,
        has_session: Callable[[str], bool],
        is_short: Callable[[], bool],
        culprits: Culprits,
        now: Callable[[], int],
    ) -> None:
        """`is_short` tells whether nobody is to be let in for now, as memory is short."""
        limits = settings.limits
        self._has_session = has_session
        self._is_short = is_short
        self._culprits = culprits
        self._now = now
        self._trusted = Trusted(settings.trusted_clients)
        self._handshakes = Buckets(limits.handshakes_per_second, limits.handshake_burst)

    def adopt(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self._trusted = Trusted(settings.trusted_clients)
        self._handshakes.change(settings.limits.handshakes_per_second, settings.limits.handshake_burst)

    def judge(self, domain: bytes, address: str, mechanism: bytes, credentials: list[bytes]) -> Verdict:
        """Decide on one connection."""
        if _MECHANISMS.get(domain) != mechanism:
            return Verdict(b"400", b"wrong mechanism", b"")
        if self._is_short():
            return Verdict(b"300", b"memory is short", b"")
        if address not in self._trusted:
            address = network_of(address)
            if self._handshakes.take(address, self._now()):
                self._culprits.name("connections limited", address, address=address)
                return Verdict(b"300", b"too many connections", b"")
        if domain == DOOR:
            return _admit(NO_KEY, address)
        if len(credentials) != 1 or len(credentials[0]) != 32:
            return Verdict(b"400", b"no key", b"")
        key = z85.encode(credentials[0]).decode()
        if domain == PUSH and not self._has_session(key):
            return Verdict(b"400", b"no session", b"")
        return _admit(key, address)


class ZapSocket:
    """The socket on which libzmq asks. Bind it before any other socket: without it CURVE admits everybody."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", gatekeeper: Gatekeeper) -> None:
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(ENDPOINT)
        self._gatekeeper = gatekeeper

    def adopt(self, settings: Settings) -> None:
        """Go by other settings from now on."""
        self._gatekeeper.adopt(settings)

    def serve(self) -> None:
        """Answer all that ask now."""
        for _ in range(_AT_ONCE):
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._answer(frames)

    def _answer(self, frames: list[bytes]) -> None:
        route, empty, version, request, domain, address, _identity, mechanism, *credentials = frames
        verdict = self._gatekeeper.judge(domain, address.decode("ascii", "replace"), mechanism, credentials)
        try:
            self.socket.send_multipart([route, empty, version, request, *verdict, b""], zmq.NOBLOCK)
        except zmq.Again:
            return  # the connection that asked is gone


def network_of(address: str) -> str:
    """Under what an address is counted: an IPv6 host has all of its /64 to choose from, so that counts as one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False).network_address)


def _admit(key: str, address: str) -> Verdict:
    return Verdict(b"200", b"OK", f"{key} {address}".encode())
