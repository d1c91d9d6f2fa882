"""What the pools for dialling do: they speak to other realms, before those are peers or when they do not answer.

Whoever is at the other end is a stranger until the key is checked. Each job ends in a few seconds, whatever it meets.
"""

import ipaddress
import re
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import structlog
from zmq.utils import z85

from broker.calls import CallError, Calls, UnansweredError
from broker.lookups import Lookups, NotFoundError, place, printable
from realm.incident import trace
from realm.jobs import Agreed, CardRead, DialFailed, DialJob, DialResult, Introduce, ProveIntroduction, ReadCard
from schemas.answers import Card
from schemas.codec import encode_command
from schemas.federation import Introduced, Prove
from schemas.keys import fingerprint
from schemas.names import NAME_PATTERN, Name

ELSEWHERE: Final = ("192.0.2.1", "2001:db8::1")
"""Addresses that are nobody's (RFC 5737, RFC 3849), to ask the system which way it would go."""
CARD_BYTES: Final = 4_096
ANSWER_BYTES: Final = 4_096
READ_S: Final = 3.0
PROVE_S: Final = 4.0
"""For the card and the proof together."""
INTRODUCE_S: Final = 6.0
"""The other realm reads our card meanwhile and asks for the proof. With the reading of its own card it is less than the
10 s after which a client asks again."""

T = TypeVar("T")
log: Final = structlog.get_logger()
_encode: Final = msgspec.msgpack.Encoder().encode
_CALL: Final = 1
"""The id of the one question on each connection."""
_IDENTITY: Final = _encode({"cmd": "identity", "id": _CALL})


class _Answer(msgspec.Struct):
    """What another realm says to a link command, as far as it matters here."""

    id: int | None = None
    status: str = ""
    message: str = ""
    nonce: bytes = b""


_decode_card: Final = msgspec.msgpack.Decoder(Card).decode
_decode_answer: Final = msgspec.msgpack.Decoder(_Answer).decode
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Home(NamedTuple):
    """Who this realm is, and where others reach its front door."""

    realm: Name
    host: str
    """Where it is any address of this machine, others are told the one that leads to them."""
    port: int

    @classmethod
    def at(cls, realm: Name, listening: str, port: int, advertised: str | None) -> "Home":
        """As it is advertised (`HOST:PORT`), else as it is listened on."""
        if advertised is None:
            return cls(realm, listening, port)
        host, _, known = advertised.rpartition(":")
        return cls(realm, host.removeprefix("[").removesuffix("]"), int(known))

    def seen_from(self, address: str) -> str:
        """The host that one at an address is to be told."""
        return _own_address_towards(address) if _is_any(self.host) else self.host

    def told(self) -> str:
        """HOST:PORT (IPv6 in brackets) for one of whom nobody knows where they are.

        Where any address of this machine is listened on, it is the one from which the system goes to the internet, and
        on a machine that has no way there, loopback. It is a guess: `--advertise` outranks it.
        """
        return place(_outward() if _is_any(self.host) else self.host, self.port)


class Dialler:
    """Does dial jobs, in any thread, several at once."""

    def __init__(self, calls: Calls, lookups: Lookups, home: Home) -> None:
        self._calls = calls
        self._lookups = lookups
        self._home = home

    def allow(self, networks: tuple[str, ...]) -> None:
        """Say in which networks peers may be, from now on."""
        self._lookups.allow(networks)

    def run(self, job: DialJob) -> DialResult:
        """Do a job. Never raises: what goes wrong is a DialFailed."""
        try:
            return self._do(job)
        except (CallError, NotFoundError) as error:
            return DialFailed(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on and the caller is told
            log.error("dial job failed", job=type(job).__name__, at=trace(error))
            return DialFailed(f"this failed here ({type(error).__name__})")

    def _do(self, job: DialJob) -> DialResult:
        now = time.monotonic()
        match job:
            case ReadCard(host=host, port=port):
                return self._read_card(host, port, now + READ_S)[1]
            case Introduce():
                return self._introduce(job, now + INTRODUCE_S)
            case ProveIntroduction():
                return self._prove(job, now + PROVE_S)

    def _read_card(self, host: str, port: int, until: float) -> tuple[str, CardRead]:
        """The card at a front door, and the address that shows it."""

        def read(address: str, until: float) -> tuple[str, CardRead]:
            frame = self._calls.ask_door(address, port, _IDENTITY, CARD_BYTES, until)
            return address, _card(frame, place(host, port))

        return self._first(host, until, read)

    def _introduce(self, job: Introduce, until: float) -> Agreed:
        def introduce(address: str, until: float) -> Agreed:
            said = Introduced(
                id=_CALL, realm=self._home.realm, address=self._home.seen_from(address), port=self._home.port
            )
            self._ask(address, job.card, encode_command(said), until)
            return Agreed(job.card.commands)

        return self._first(job.host, until, introduce)

    def _prove(self, job: ProveIntroduction, until: float) -> Agreed:
        address, card = self._read_card(job.host, job.port, until)
        where = place(job.host, job.port)
        if card.realm != job.realm:
            raise CallError(f"the realm at {where} is {card.realm}, and not {job.realm}")
        if card.key != job.key:
            raise CallError(f"the key at {where} is another: {fingerprint(card.key)}, and not {fingerprint(job.key)}")
        answer = self._ask(address, card, encode_command(Prove(id=_CALL, nonce=job.nonce)), until)
        if answer.nonce != job.nonce:
            raise CallError(f"{card.realm} at {where} gives back another nonce")
        return Agreed(card.commands)

    def _ask(self, address: str, card: CardRead, question: bytes, until: float) -> _Answer:
        """The answer of a realm to a link command; raises CallError where it refuses."""
        answer = self._calls.ask(address, card.commands, card.key, question, ANSWER_BYTES, until, _answer)
        if answer.status != "OK":
            raise CallError(f"{card.realm} says: {printable(answer.message) or 'no'}")
        return answer

    def _first(self, host: str, until: float, ask: Callable[[str, float], T]) -> T:
        """What is answered at the first address of a host that does; each has its share of the time that is left."""
        addresses = self._lookups.wait(host, until)
        why = UnansweredError("there is no address")
        for behind, address in reversed(list(enumerate(reversed(addresses)))):
            now = time.monotonic()
            try:
                return ask(address, now + (until - now) / (behind + 1))
            except UnansweredError as error:
                why = error
        raise why


def _card(frame: bytes, where: str) -> CardRead:
    try:
        card = _decode_card(frame)
    except _BROKEN:
        raise CallError(_no_card(frame, where)) from None
    if not re.match(NAME_PATTERN, card.realm) or not _is_key(card.key) or not 1 <= card.commands <= 65_535:
        raise CallError(f"the card at {where} is not a valid one")
    return CardRead(card.realm.lower(), card.version, card.key, card.commands)


def _no_card(frame: bytes, where: str) -> str:
    try:
        said = _decode_answer(frame)
    except _BROKEN:
        said = _Answer()
    if said.status == "ERROR":
        return f"the front door at {where} says: {printable(said.message) or 'no'}"
    return f"what is at {where} is not the front door of a realm"


def _answer(frame: bytes) -> _Answer | None:
    """The answer to the one question, None where it is none."""
    try:
        answer = _decode_answer(frame)
    except _BROKEN:
        return None
    return answer if answer.id == _CALL else None


def _is_key(text: str) -> bool:
    try:
        return len(text) == 40 and len(z85.decode(text)) == 32
    except (ValueError, KeyError, struct.error):  # pyzmq does not say which
        return False


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _outward() -> str:
    for address in ELSEWHERE:
        with suppress(CallError):
            return _own_address_towards(address)
    return "127.0.0.1"


def _own_address_towards(address: str) -> str:
    """The address of this machine from which the system goes to another; nothing is sent. Raises CallError."""
    found: list[Any] = socket.getaddrinfo(address, 9, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    family, kind, protocol, _, target = found[0]
    try:
        with socket.socket(family, kind, protocol) as towards:
            towards.connect(target)
            return str(towards.getsockname()[0])
    except OSError as error:
        raise CallError(f"there is no way to {address} ({error.strerror})") from None
