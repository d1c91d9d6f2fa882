"""What a browser fetches of files: from its beginning at the realm to the last byte that the browser takes."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from client.courier import Courier
from client.errors import ClientError, LocalFileError, NoSuchFileError
from client.ui.hangup import cut
from client.ui.pace import STALL_S
from client.ui.running import Running
from client.ui.tickets import Purpose
from schemas.entries import File

SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}
PART: Final = 65_536
"""Bytes of a small picture that are sent at once."""
AGAIN: Final = {"Retry-After": "5"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """What the realm has begun to give."""

    parts: AsyncGenerator[bytes]
    first: bytes
    status: int
    headers: dict[str, str]


async def begin(courier: Courier, file: File, headers: dict[str, str], offset: int = 0) -> Begun:
    """A file from there on; raises what `Courier.chunks` does before its first part, and LocalFileError."""
    told = {**SAFE, **headers, "Content-Length": f"{file.size - offset}"}
    if offset:
        told["Content-Range"] = f"bytes {offset}-{file.size - 1}/{file.size}"
    parts = _checked(courier, file, offset)
    return Begun(parts, await anext(parts, b""), 206 if offset else 200, told)


async def begin_small(courier: Courier, file: File, headers: dict[str, str]) -> Begun:
    """The small picture of a file; raises what `Courier.thumbnail` does, and TimeoutError."""
    async with asyncio.timeout(STALL_S):
        small = await courier.thumbnail(file.id)
    return Begun(_cut_up(small), b"", 200, {**SAFE, **headers, "Content-Length": f"{len(small)}"})


class Given(Response):
    """The answer. Where it does not all come, the browser is not told an end: its connection is cut."""

    def __init__(
        self, running: Running, purpose: Purpose, start: Callable[[], Awaitable[Begun]], renew: Callable[[], None]
    ) -> None:
        """`renew` is called as long as something of it moves."""
        super().__init__(None)
        self._running = running
        self._purpose = purpose
        self._start = start
        self._renew = renew
        self._ended = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Give all of it, for as long as the browser listens and takes what is given."""
        if refusal := self._running.refusal(self._purpose):
            await Response(status_code=refusal, headers={**SAFE, **AGAIN})(scope, receive, send)
            return
        await self._running.run(self._purpose, self._give(_Patient(send)), receive)
        if not self._ended:
            await cut(scope, receive)

    async def _give(self, send: Send) -> None:
        try:
            begun = await self._start()
        except (ClientError, TimeoutError) as error:
            log.info("a file was not fetched: %s", error)
            await self._refuse(404 if isinstance(error, NoSuchFileError) else 503, send)
            return
        async with contextlib.aclosing(begun.parts):
            try:
                await self._send(begun, send)
            except ClientError as error:
                log.info("a file was not sent whole: %s", error)
            except TimeoutError:
                log.info("a file was not sent on: nobody reads it")

    async def _refuse(self, status: int, send: Send) -> None:
        headers = [(name.lower().encode(), value.encode()) for name, value in SAFE.items()]
        with contextlib.suppress(TimeoutError):
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
            self._ended = True

    async def _send(self, begun: Begun, send: Send) -> None:
        self.init_headers(begun.headers)
        await send({"type": "http.response.start", "status": begun.status, "headers": self.raw_headers})
        if begun.first:
            await send({"type": "http.response.body", "body": begun.first, "more_body": True})
        async for part in begun.parts:
            self._renew()
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        self._ended = True
        self._renew()


class _Patient:
    """Sends for a while only: what nobody reads would be held for ever. Raises TimeoutError."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        async with asyncio.timeout(STALL_S):
            await self._send(message)


async def _checked(courier: Courier, file: File, offset: int) -> AsyncGenerator[bytes]:
    """Its parts from there on. Where they are not what was announced, the last one is kept back."""
    hasher, kept = hashlib.sha256(), b""
    async with contextlib.aclosing(courier.chunks(file, offset)) as parts:
        async for part in parts:
            if kept:
                yield kept
            kept = part
            hasher.update(part)
    if not offset and hasher.digest() != file.digest:
        raise LocalFileError(f"what the realm has sent is not the file {file.id}")
    if kept:
        yield kept


async def _cut_up(data: bytes) -> AsyncGenerator[bytes]:
    for begin in range(0, len(data), PART):
        yield data[begin : begin + PART]
