"""The commands ROUTER: frames to requests, and answers to frames."""

from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec
import zmq

from broker.connections import TRUSTED, Connection
from broker.culprits import Culprits
from broker.excess import UNREAD
from broker.holding import Holding
from broker.sockets import Sent, Socket
from broker.waiting import Waiting
from broker.zap import Caller
from realm.core import Core
from realm.effects import Reply
from realm.limits import Bucket
from realm.request import Request, Route
from realm.table import PAGES
from schemas.codec import Malformed, decode_command, encode_answer, encode_refusal
from schemas.commands import Download
from schemas.errors import Code, Refusal

_GIVEN_LENGTH: Final = 5
"""A routing id that libzmq gives is so long and starts with a zero, which `Identity` would not show."""

BYTES_A_TURN: Final = 8 << 20
"""About so many bytes one turn takes in: more would keep others waiting, and fill memory."""

LONG: Final = 131_072
"""Bytes of a command, twice the longest message: no honest client says more at once."""
LONG_PER_SECOND: Final = 4 << 20
"""Bytes of longer ones, of all callers: to refuse a million tiny values takes 9 ms."""
LONG_AT_ONCE: Final = 4 << 20

LARGE: Final = PAGES | {Download}
"""Commands whose answers may be."""
REMEMBERED: Final = 1_024
"""Connections, and twice those that were there when last looked: then those are forgotten that have gone."""

_UNREAD: Final = Refusal(
    Code.RATE_LIMITED, "read what you have asked for: too much waits for this connection", retry_after=200
)
_CHOSEN: Final = Malformed(None, Refusal(Code.BAD_REQUEST, "set no routing id (ZMQ_ROUTING_ID) on your socket"))


class _Peer(NamedTuple):
    """Who has a routing id."""

    connection: Connection | None
    """None where nobody knows."""
    is_given: bool
    """Whether libzmq gave the id, and no peer chose it."""


_NOBODY: Final = _Peer(None, is_given=False)


class Commands:
    """The ROUTER, and what it could not deliver."""

    def __init__(
        self, router: Socket, core: Core, culprits: Culprits, now: Callable[[], int], holding: Holding
    ) -> None:
        self.socket = router
        self._core = core
        self._culprits = culprits
        self._holding = holding
        self.nameless = 0
        """Frames dropped because nobody had vouched for their sender."""
        self.undelivered = 0
        """Answers dropped because the caller was gone or did not read."""
        self.bytes_in = self.bytes_out = 0
        """Of files."""
        self.waiting = Waiting()
        self._now = now
        self._long = Bucket(LONG_AT_ONCE, now())
        self._peers: dict[bytes, _Peer] = {}
        """By routing ids: looking at `Identity` costs as much as a decode."""
        self._forget_at = REMEMBERED

    def gather(self, at_most: int) -> list[Request]:
        """Take in what waits, all but pages and what was said behind them: those are `waiting`."""
        requests: list[Request] = []
        waiting = self.waiting
        room = BYTES_A_TURN
        for _ in range(at_most):
            if room <= 0 or waiting.is_full:
                break
            try:
                frames = self._holding.receive(self.socket, routed=True)
            except zmq.Again:
                break
            if not frames:
                break
            size = sum(map(len, frames))
            room -= size
            request = self._request(frames)
            if request is None:
                self.nameless += 1
                continue
            self.bytes_in += len(request.data)
            if not waiting.take(request, size):
                requests.append(self._unless_unread(request))
        return requests

    def pages(self, at_most: int) -> list[Request]:
        """Those of which it is the turn; who has not read what was asked for before is refused."""
        return [self._unless_unread(request) for request in self.waiting.next(at_most)]

    def reply(self, effect: Reply) -> None:
        """Send an answer; where the caller does not take it, it is dropped and never tried again."""
        answer, request = effect.answer, effect.request
        frame = encode_refusal(request.call, answer) if isinstance(answer, Refusal) else encode_answer(answer)
        peer, delimited, _ = request.route
        frames = (b"", frame) if delimited else (frame,)
        if effect.data is not None:
            frames = (*frames, effect.data)
        connection = self._peers.get(peer, _NOBODY).connection
        sent = self._holding.send(self.socket, connection, frames, peer)
        if sent is Sent.SENT:
            if effect.data is not None:
                self.bytes_out += len(effect.data)
            if connection and (who := self._core.whose(request.key)) and who != connection.who:
                connection.trust(who, TRUSTED)
            return
        self.undelivered += 1
        if sent is Sent.FULL:
            self._name("answers not read", request.key, request.address)

    def _unless_unread(self, request: Request) -> Request:
        if type(request.body) not in LARGE:
            return request
        connection = self._peers.get(request.route.peer, _NOBODY).connection
        if connection is None or (self._holding.connections.unread(connection) or 0) <= UNREAD:
            return request
        return msgspec.structs.replace(request, body=Malformed(request.call, _UNREAD), data=b"")

    def _unread(self, size: int, caller: Caller) -> Malformed | None:
        """The refusal of a command that is not read: it is long, and as many such were read as may be."""
        wait = 0 if size <= LONG else self._long.take(size, LONG_PER_SECOND, LONG_AT_ONCE, self._now())
        if not wait:
            return None
        self._name("too much to read", *caller)
        refusal = Refusal(Code.RATE_LIMITED, f"commands above {LONG:,} bytes are read at a pace", retry_after=wait)
        return Malformed(None, refusal)

    def _name(self, what: str, key: str, address: str) -> None:
        self._culprits.name(what, key if self._core.has_session(key) else address, address=address, key=key)

    def _request(self, frames: list[zmq.Frame]) -> Request | None:
        caller = Caller.of(frames[-1])
        if caller is None:
            return None
        peer, *parts = [frame.bytes for frame in frames]
        delimited = len(parts) > 1 and not parts[0]
        if delimited:
            del parts[0]
        route = Route(peer, delimited)
        known = self._peers.get(peer) or self._meet(peer, frames[-1])
        if not known.is_given:
            return Request(route, *caller, _CHOSEN)
        decoded = self._unread(len(parts[0]), caller) or decode_command(parts)
        if isinstance(decoded, Malformed):
            return Request(route, *caller, decoded)
        return Request(route, *caller, *decoded)

    def _meet(self, route: bytes, frame: zmq.Frame) -> _Peer:
        if len(self._peers) >= self._forget_at:
            self._forget()
        self._holding.meet(self.socket, frame)
        is_given = len(route) == _GIVEN_LENGTH and not route[0] and not _identity(frame)
        peer = self._peers[route] = _Peer(self._holding.latest, is_given)
        return peer

    def _forget(self) -> None:
        """Forget those who have gone."""
        has = self._holding.connections.has
        self._peers = {route: one for route, one in self._peers.items() if one.connection and has(one.connection)}
        self._forget_at = REMEMBERED + 2 * len(self._peers)


def _identity(frame: zmq.Frame) -> str:
    """The routing id that the peer has chosen. libzmq's own peers always say one, an empty one; others need not."""
    try:
        return str(frame.get("Identity"))
    except zmq.ZMQError:
        return ""
