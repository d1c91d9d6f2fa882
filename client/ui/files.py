"""Files between browsers and this process, beside Flet: its own ways hold all of one in the browser's memory.

A page that was told to send a file says so with its tab's secret, and gets an address where to put it. What is fetched
is at addresses of that kind too (`tickets.py`): they are for one tab and one session, and say nothing to anybody else.
"""

import asyncio
import contextlib
import hashlib
import logging
import re
from collections.abc import AsyncGenerator
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, HTTPException
from msgspec import Meta
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from client.errors import ClientError, LocalFileError, NoSuchFileError
from client.filenames import local_name
from client.model.attached import MAX_PICTURE, PICTURES, Loss
from client.ui.chat import Chat
from client.ui.tabs import Tab, Tabs
from client.ui.tickets import Bring, Look, Purpose, Save
from client.ui.visits import is_ours
from schemas.entries import File

PREFIX: Final = "/files"
TAB_HEADER: Final = "Bagan-Tab"
MAX_ASKED: Final = 8_192
"""Bytes of what a page says of a file before it sends it."""
STATUS: Final = {Loss.TOO_LARGE: 413, Loss.NO_ROOM: 507}
_RANGE: Final = re.compile(r"bytes=(\d{1,18})-")
_PLAIN: Final = re.compile(r"[^\w.() -]", re.ASCII)
_SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}

log = logging.getLogger(__name__)


class Asked(msgspec.Struct, frozen=True):
    """What a page says of a file that somebody has chosen or dropped."""

    name: Annotated[str, Meta(max_length=1_024)]
    size: Annotated[int, Meta(ge=0, lt=1 << 53)]


def address(tab: Tab, purpose: Purpose) -> str:
    """Where it is, for the browser of this tab in the session of now; below the page's own address."""
    return f"{PREFIX}/{tab.name}.{tab.tickets.give(tab.session, purpose)}"


def router(tabs: Tabs) -> APIRouter:
    """The routes; they have to stand before Flet's own application is mounted at `/`."""
    routes = APIRouter(include_in_schema=False)

    @routes.post(PREFIX)
    async def ask(request: Request) -> Response:
        tab = tabs.find(request.headers.get(TAB_HEADER, ""))
        if tab is None or tab.session is None or not is_ours(request.headers):
            raise HTTPException(403)
        spool = tab.choose(*await _asked(request))
        if spool is None:
            raise HTTPException(409)
        if spool.loss is not None:
            raise HTTPException(STATUS.get(spool.loss, 400))
        return JSONResponse({"address": address(tab, Bring(spool)).lstrip("/")}, 201)

    @routes.put(PREFIX + "/{name}.{code}")
    async def bring(name: str, code: str, request: Request) -> Response:
        tab = _of_session(tabs, name)
        spool = tab.tickets.use(tab.session, code)
        if spool is None or not is_ours(request.headers):
            raise HTTPException(404)
        try:
            await spool.take(request.stream(), tab.tell)
        except LocalFileError as error:
            log.info("a file was not taken: %s", error)
            raise HTTPException(STATUS.get(spool.loss or Loss.CUT, 400)) from error
        except ClientDisconnect:
            log.info("a page left while it sent a file")
        return Response(status_code=204)

    @routes.delete(PREFIX + "/{name}.{code}")
    async def give_up(name: str, code: str, request: Request) -> Response:
        tab = _of_session(tabs, name)
        spool = tab.tickets.use(tab.session, code)
        if spool is None or not is_ours(request.headers):
            raise HTTPException(404)
        spool.lose(Loss.CUT)
        tab.tell()
        return Response(status_code=204)

    @routes.get(PREFIX + "/{name}.{code}")
    async def fetch(name: str, code: str, request: Request) -> Response:
        tab = _of_session(tabs, name)
        purpose, chat = tab.tickets.find(tab.session, code), tab.chat
        assert chat is not None
        try:
            match purpose:
                case Save(file):
                    return await _save(chat, file, request.headers)
                case Look(file, small=True):
                    small = await chat.carrier.courier.thumbnail(file.id)
                    return Response(small, headers={**_SAFE, "Content-Type": "image/webp"})
                case Look(file) if file.media_type in PICTURES and file.size <= MAX_PICTURE:
                    headers = {"Content-Type": file.media_type, "Content-Disposition": _called("inline", file)}
                    return await _Sent.begin(chat, file, headers)
        except NoSuchFileError as error:
            raise HTTPException(404) from error
        except ClientError as error:
            log.info("a file was not fetched: %s", error)
            raise HTTPException(503) from error
        raise HTTPException(404)

    return routes


def _of_session(tabs: Tabs, name: str) -> Tab:
    """The tab of that name, if somebody is logged in there."""
    tab = tabs.named(name)
    if tab is None or tab.session is None:
        raise HTTPException(404)
    return tab


async def _asked(request: Request) -> tuple[str, int]:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_ASKED:
            raise HTTPException(413)
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(400) from error
    return asked.name, asked.size


async def _save(chat: Chat, file: File, asked: Headers) -> Response:
    """All of a file, or the rest of it where a browser goes on with what it has of the same."""
    tag = f'"{file.digest.hex()}"'
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": _called("attachment", file),
        "Accept-Ranges": "bytes",
        "ETag": tag,
    }
    found = _RANGE.fullmatch(asked.get("range", ""))
    begin = int(found[1]) if found and asked.get("if-range", tag) == tag else 0
    if begin and begin >= file.size:
        raise HTTPException(416, headers={"Content-Range": f"bytes */{file.size}"})
    return await _Sent.begin(chat, file, headers, begin)


def _called(how: str, file: File) -> str:
    """RFC 6266: the name as it is, and one in plain letters for those who do not know the other form."""
    name = local_name(file.name)
    return f"{how}; filename=\"{_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"


class _Sent(Response):
    """The bytes of a file as they come from the realm. Where they do not all come, the browser is not told an end."""

    def __init__(self, parts: AsyncGenerator[bytes], first: bytes, status: int, headers: dict[str, str]) -> None:
        super().__init__(None, status, headers)
        self._first, self._parts = first, parts

    @classmethod
    async def begin(cls, chat: Chat, file: File, headers: dict[str, str], begin: int = 0) -> "_Sent":
        """Raises what `Courier.chunks` does before its first part."""
        told = {**_SAFE, **headers, "Content-Length": f"{file.size - begin}"}
        if begin:
            told["Content-Range"] = f"bytes {begin}-{file.size - 1}/{file.size}"
        parts = _checked(chat, file, begin)
        first = await anext(parts, b"")
        return cls(parts, first, 206 if begin else 200, told)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send all of it, for as long as the browser listens."""
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled() and (error := sending.exception()) is not None:
            raise error

    async def _send(self, send: Send) -> None:
        async with contextlib.aclosing(self._parts):
            try:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                await send({"type": "http.response.body", "body": self._first, "more_body": True})
                async for part in self._parts:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
            except ClientError as error:
                log.info("a file was not sent whole: %s", error)


async def _checked(chat: Chat, file: File, begin: int) -> AsyncGenerator[bytes]:
    """Its parts from there on. Where they are not what was announced, the last one is kept back."""
    hasher, kept = hashlib.sha256(), b""
    async with contextlib.aclosing(chat.carrier.courier.chunks(file, begin)) as parts:
        async for part in parts:
            if kept:
                yield kept
            kept = part
            hasher.update(part)
    if not begin and hasher.digest() != file.digest:
        raise LocalFileError(f"what the realm has sent is not the file {file.id}")
    if kept:
        yield kept


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
