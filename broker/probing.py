"""Knocks at realms as strangers do: at the ports of this one, and at those of its peers. For its operator.

Each knock is a round trip on a connection of its own, with a key that is made for it, and ends in a few seconds.
"""

import contextlib
import resource
import socket
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import zmq

from broker import monitoring, outgoing
from broker.calls import CallError, Calls, Stop
from broker.dialling import ANSWER_BYTES, Dialler, Home
from broker.holding import Holding
from broker.keyfiles import KeyPair
from broker.lookups import Lookups, NotFoundError, place
from broker.sockets import NO_BOUND, Context
from realm.jobs import CardRead, DialFailed, ReadCard
from schemas.codec import encode_command
from schemas.commands import Info
from schemas.federation import Prove
from schemas.keys import fingerprint
from schemas.names import Name

AT_ONCE: Final = 16
"""Peers that are knocked at together."""
WITHIN_S: Final = 4.0
EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
_NONCE: Final = bytes(16)
_ENDS: Final = monitoring.REFUSED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_CLOSED | zmq.EVENT_DISCONNECTED
_decode_any: Final = msgspec.msgpack.Decoder(dict[str, Any]).decode


class Knock(NamedTuple):
    """What came of one; `why` is empty where all is as it should be."""

    why: str
    ms: int = 0
    other_key: bool = False
    """Whether somebody is there who is not the one expected."""


class Descriptors(NamedTuple):
    """How many files and connections a process may have open, and how many it has; None where nobody tells."""

    most: int
    used: int | None


class Prober:
    """Knocks. To be used in a `with` of `probing`."""

    def __init__(self, context: Context, calls: Calls, networks: tuple[str, ...]) -> None:
        self._context = context
        self._calls = calls
        self._lookups = {own: Lookups(EVERYWHERE if own else networks) for own in (True, False)}
        self._diallers = {own: Dialler(calls, looks, Home(Name("-"), "", 0)) for own, looks in self._lookups.items()}

    def door(self, realm: str, key: str, host: str, port: int, *, own: bool) -> tuple[Knock, CardRead | None]:
        """Read the card at a front door, which must be that of a realm with this key."""
        began = time.monotonic()
        card = self._diallers[own].run(ReadCard(None, None, host, port))
        if not isinstance(card, CardRead):
            return Knock(card.why if isinstance(card, DialFailed) else "no card came"), None
        if card.key != key:
            told = f"the key at {place(host, port)} is another: {fingerprint(card.key)}, and not {fingerprint(key)}"
            return Knock(told, other_key=True), None
        if card.realm != realm:
            return Knock(f"the realm at {place(host, port)} is {card.realm}, and not {realm}", other_key=True), None
        return Knock("", _ms_since(began)), card

    def commands(self, host: str, port: int, key: str, *, own: bool) -> Knock:
        """Be answered on a commands port, by whoever has this key."""
        question = Info(id=1) if own else Prove(id=1, nonce=_NONCE)  # neither changes anything
        began = time.monotonic()
        try:
            for address in self._lookups[own].wait(host, began + WITHIN_S):
                self._calls.ask(address, port, key, encode_command(question), ANSWER_BYTES, began + WITHIN_S, _answered)
                return Knock("", _ms_since(began))
        except (CallError, NotFoundError) as error:
            return Knock(str(error))
        return Knock(f"{host} has no address")

    def push(self, host: str, port: int, key: str) -> Knock:
        """Be shown out at a push port, as strangers are, by whoever has this key."""
        began = time.monotonic()
        try:
            address = self._lookups[True].wait(host, began + WITHIN_S)[0]
        except NotFoundError as error:
            return Knock(str(error))
        event = self._ending(address, port, key)
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return Knock("", _ms_since(began))
        where = place(host, port)
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            return Knock(f"whoever is at {where} lets in keys without a session")
        if event & monitoring.REFUSED or event == zmq.EVENT_DISCONNECTED:
            return Knock(f"what is at {where} does not have the realm's key")
        return Knock(f"nothing answers at {where}")

    def peers(self, peers: Iterable[tuple[str, str, str, int]]) -> list[Knock]:
        """Knock at front door and commands of each: its name and key, and where its front door is."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(lambda peer: self._peer(*peer), peers))

    def stop(self) -> None:
        """Look nothing up any more."""
        for looks in self._lookups.values():
            looks.stop()

    def _peer(self, realm: str, key: str, host: str, port: int) -> Knock:
        knock, card = self.door(realm, key, host, port, own=False)
        if card is None:
            return knock
        second = self.commands(host, card.commands, key, own=False)
        return second if second.why else Knock("", knock.ms + second.ms)

    def _ending(self, address: str, port: int, key: str) -> int:
        """How a connection of a stranger to a push port ends; 0 where it does not."""
        subscriber = self._context.socket(zmq.SUB)
        subscriber.linger = 0
        subscriber.rcvhwm = NO_BOUND
        subscriber.reconnect_ivl = -1
        subscriber.ipv6 = ":" in address
        subscriber.curve_publickey, subscriber.curve_secretkey = zmq.curve_keypair()
        subscriber.curve_serverkey = key.encode()
        reports = monitoring.watch(subscriber, _ENDS)
        try:
            outgoing.connect(subscriber, address, port)
            return monitoring.next_report(reports).event if reports.poll(round(WITHIN_S * 1_000)) else 0
        finally:
            monitoring.unwatch(subscriber, reports)
            subscriber.close()


@contextmanager
def probing(networks: tuple[str, ...]) -> Iterator[Prober]:
    """Somebody who knocks; `networks` is where peers may be."""
    context: Context = zmq.Context()
    stop, holding = Stop(), Holding()
    holding.start({})
    prober = Prober(context, Calls(context, KeyPair(*zmq.curve_keypair()), stop, holding), networks)
    try:
        yield prober
    finally:
        prober.stop()
        holding.close()
        context.destroy(linger=0)
        stop.close()


def why_not_free(host: str, port: int) -> str:
    """Why a realm could not listen there; empty where it could."""
    try:
        family, kind, protocol, _, at = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(at)
            probe.listen()
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or "no such host"
    return ""


def descriptors(pid: int | None) -> Descriptors:
    """Those of a realm's process; without one, what a realm would have that is started as this program was."""
    if pid is None:
        return Descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[1], None)  # it takes all that it may have
    process = Path("/proc") / str(pid)
    used: int | None = None
    with contextlib.suppress(OSError):
        used = sum(1 for _ in (process / "fd").iterdir())
    try:
        return Descriptors(resource.prlimit(pid, resource.RLIMIT_NOFILE)[0], used)
    except (OSError, AttributeError):  # it is another user's, or this is no Linux
        return Descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[1], used)


def _answered(frame: bytes) -> bool | None:
    """Whether this is an answer to the one question."""
    try:
        return True if _decode_any(frame).get("id") == 1 else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _ms_since(began: float) -> int:
    return round((time.monotonic() - began) * 1_000)
