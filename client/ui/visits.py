"""Who is at the other end of a WebSocket: which tab, in which languages and time zone, and what its address asked for.

The page's own script (`page.js`) says so in the query of its WebSocket; here it becomes a `Visit`, which whatever is
started for that socket finds in `current`.
"""

import asyncio
import logging
import re
import zoneinfo
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgpack
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_QUERY: Final = 4_096
"""Bytes of a WebSocket's query: tab, zone, languages and an invitation are far less."""
REGISTER_S: Final = 10.0
"""Seconds in which a page says who it is."""
LEAVE_S: Final = 5.0
"""Seconds that Flet has to end a page's session once its socket is closed."""
PER_SECOND: Final = 60.0
"""Frames of one page: somebody who types fast makes 40."""
BURST: Final = 300.0
_FRAME: Final = b"\x00\x92"
"""A message of Flet's: msgpack, a pair."""
_REGISTER: Final = 1
_LATER: Final = (3, 4, 5)
"""Events, properties of controls, answers."""
_TAB: Final = re.compile(r"[0-9a-f]{32}")
_POLICY_VIOLATION: Final = 1008

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page said when it connected."""

    tab: str = field(repr=False)
    """The tab's secret, 32 hexadecimal digits."""
    languages: str
    """As in `Accept-Language`."""
    zone: tzinfo
    asked: str = field(repr=False)
    """The query of the page's own address, with what it was invited to."""
    in_view: bool = True
    """Whether the page was visible."""
    page: str = ""
    """What the page calls itself, to be told from others in the same tab."""
    address: str = ""
    """The browser's, as far as it is known; nothing that its page can choose."""
    leaving: list[Callable[[], None]] = field(default_factory=list, repr=False, compare=False)
    """What is to be done when it is over."""


current: ContextVar[Visit] = ContextVar("visit")


class Visits:
    """ASGI middleware: each WebSocket gets its visit, or is refused where it comes from no page of ours.

    Flet trusts its pages: it never ends one that did not register, begins another session for each time that one does,
    and takes what is said as fast as it comes. So what a page may say, and when it is over, is decided here.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one WebSocket."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        visit = visit_of(scope)
        if visit is None:
            await receive()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        frames = _Frames(receive)

        async def send_while_open(message: Message) -> None:
            # Flet takes an error here for its own end, and then never frees the session. That the socket is
            # closed is heard by its receiving side.
            try:
                await send(message)
            except OSError:
                log.debug("a page left while it was written to")

        current.set(visit)
        page = asyncio.ensure_future(self._app(scope, frames.receive, send_while_open))
        over = asyncio.create_task(frames.over.wait())
        try:
            await asyncio.wait([page, over], return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([page], timeout=LEAVE_S)
        finally:
            for task in (page, over):
                task.cancel()
            await asyncio.gather(page, over, return_exceptions=True)
            for leave in visit.leaving:
                leave()
            if not page.cancelled() and (error := page.exception()) is not None:
                log.warning("a page ended by an error", exc_info=error)
        if frames.refused:
            await send_while_open({"type": "websocket.close", "code": _POLICY_VIOLATION})


class _Frames:
    """What a page says, as far as Flet may hear it: one registration first, then events and answers, not too fast."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._registered = False
        self._tokens = BURST
        self._at = 0.0
        self.over = asyncio.Event()
        self.refused = False

    async def receive(self) -> Message:
        """The next message."""
        try:
            async with asyncio.timeout(None if self._registered else REGISTER_S):
                message = await self._receive()
        except TimeoutError:
            return self._refuse("said nothing")
        if message["type"] == "websocket.disconnect":
            self.over.set()
        if message["type"] != "websocket.receive":
            return message
        await self._pace()
        frame = message.get("bytes") or b""
        action = frame[2] if frame[:2] == _FRAME and len(frame) > 2 else 0
        if action == _REGISTER and not self._registered:
            registered = _anew(frame)
            if registered is not None:
                self._registered = True
                return {**message, "bytes": registered}
        elif action in _LATER and self._registered:
            return message
        return self._refuse("said what no page says")

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time()
        self._tokens = min(BURST, self._tokens + (now - self._at) * PER_SECOND) - 1
        self._at = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / PER_SECOND)

    def _refuse(self, why: str) -> Message:
        log.info("a page was closed: it %s", why)
        self.refused = True
        self.over.set()
        return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}


def _anew(frame: bytes) -> bytes | None:
    """The registration of a page, for a session of its own: Flet would take up one that was left."""
    try:
        action, body = msgpack.unpackb(frame[1:])
        packed: bytes = msgpack.packb([action, {**body, "session_id": None}])
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    return frame[:1] + packed


def visit_of(scope: Scope) -> Visit | None:
    """The visit of a WebSocket, or None where no page of ours has opened it."""
    query: bytes = scope["query_string"]
    headers = Headers(scope=scope)
    if len(query) > MAX_QUERY or not is_ours(headers):
        return None
    told = parse_qs(query.decode("ascii", errors="replace"))

    def one(name: str) -> str:
        return told.get(name, [""])[0]

    if not _TAB.fullmatch(one("tab")):
        return None
    client = scope.get("client")
    address = str(client[0]) if client else ""
    seen = one("hidden") != "true"
    return Visit(one("tab"), one("languages"), _zone(one("zone")), one("asked"), seen, one("page"), address)


def is_ours(headers: Headers) -> bool:
    """Whether a page of this host asks; what is no browser says no origin."""
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False


def _zone(name: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):  # none, or one that nobody knows here
        return UTC
