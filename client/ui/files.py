"""Files between browsers and this process, beside Flet: its own ways hold all of one in the browser's memory.

A page that was told to send files says so with its tab's secret, and for which room, and gets an address for each where
to put it, once. What is fetched is at addresses of that kind too (`tickets.py`): they are for one tab and one session.
They say nothing to anybody else.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, HTTPException
from msgspec import Meta
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from client.courier import Courier
from client.errors import LocalFileError
from client.filenames import local_name
from client.model import places
from client.model.attached import MAX_PICTURE, PICTURES, Loss
from client.model.places import Room
from client.ui.giving import AGAIN, Begun, Given, begin, begin_small
from client.ui.pace import STALL_S
from client.ui.spool import AT_ONCE, Spool
from client.ui.tabs import Tab, Tabs
from client.ui.tickets import Look, Purpose, Save
from client.ui.visits import is_ours
from schemas.entries import File

PREFIX: Final = "/files"
TAB_HEADER: Final = "Bagan-Tab"
PAGE_HEADER: Final = "Bagan-Page"
MAX_ASKED: Final = 131_072
"""Bytes of what a page says of files before it sends them."""
STATUS: Final = {Loss.TOO_LARGE: 413, Loss.NO_ROOM: 507}
END: Final = {"Connection": "close"}
"""Whatever else of a file was on its way is not waited for."""
SEEN_S: Final = 3_600
"""Seconds for which a browser keeps a small picture that is scrolled out of sight."""
_RANGE: Final = re.compile(r"bytes=(\d{1,18})-")
_PLAIN: Final = re.compile(r"[^\w.() -]", re.ASCII)

log = logging.getLogger(__name__)


class Chosen(msgspec.Struct, frozen=True):
    """What a page says of a file."""

    name: Annotated[str, Meta(min_length=1, max_length=1_024)]
    size: Annotated[int, Meta(ge=0, lt=1 << 53)]


class Asked(msgspec.Struct, frozen=True):
    """What a page says of the files that somebody has chosen, or dropped, at once."""

    route: Annotated[str, Meta(max_length=1_024)]
    """Where the page is."""
    files: Annotated[list[Chosen], Meta(min_length=1, max_length=AT_ONCE)]
    more: Annotated[int, Meta(ge=0, lt=1 << 53)] = 0
    """How many there were beside them."""


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
        if not tab.choice.may_choose():
            raise HTTPException(429)
        try:
            asked = await _asked(request)
        except ClientDisconnect:
            return Response(status_code=204)  # which nobody hears
        place, files = places.find(asked.route), [(one.name, one.size) for one in asked.files]
        page = request.headers.get(PAGE_HEADER, "")
        made = tab.choose(page, place.conversation, files, asked.more) if isinstance(place, Room) else None
        if made is None:
            raise HTTPException(409)
        bring_at = [bring_address(tab, spool).lstrip("/") if spool.is_wanted else None for spool in made]
        return JSONResponse({"addresses": bring_at}, 201)

    @routes.put(PREFIX + "/{name}.{code}")
    async def bring(name: str, code: str, request: Request) -> Response:
        tab, spool = _expected(tabs, name, code, request)
        try:
            await spool.take(request.stream(), tab.tell)
        except LocalFileError as error:
            log.info("a file was not taken: %s", error)
            raise HTTPException(STATUS.get(spool.loss or Loss.CUT, 400), headers=END) from error
        except ClientDisconnect:
            log.info("a page left while it sent a file")
        return Response(status_code=204)

    @routes.delete(PREFIX + "/{name}.{code}")
    async def give_up(name: str, code: str, request: Request) -> Response:
        tab, spool = _expected(tabs, name, code, request)
        spool.lose(Loss.CUT)
        tab.tell()
        return Response(status_code=204)

    @routes.get(PREFIX + "/{name}.{code}")
    async def fetch(name: str, code: str, request: Request) -> Response:
        tab = tabs.named(name)
        purpose = None if tab is None else tab.tickets.find(tab.session, code)
        if tab is None or purpose is None:
            raise HTTPException(404)
        if tab.chat is None or tab.session is None:
            raise HTTPException(503, headers=AGAIN)  # as soon as a page of its own is there again
        start = _how(tab.chat.carrier.courier, purpose, request.headers)
        return Given(tab.running, purpose, start, lambda: tab.tickets.renew(code))

    return routes


def _how(courier: Courier, purpose: Purpose, asked: Headers) -> Callable[[], Awaitable[Begun]]:
    """What begins to fetch it; raises HTTPException where a browser is not to have it so."""
    match purpose:
        case Save(file):
            return partial(begin, courier, file, *_saved(file, asked))
        case Look(file, small=True):
            kept = {"Content-Type": "image/webp", "Cache-Control": f"private, max-age={SEEN_S}"}
            return partial(begin_small, courier, file, kept)
        case Look(file) if file.media_type in PICTURES and file.size <= MAX_PICTURE:
            headers = {"Content-Type": file.media_type, "Content-Disposition": _called("inline", file)}
            return partial(begin, courier, file, headers)
    raise HTTPException(404)


def bring_address(tab: Tab, spool: Spool) -> str:
    """Where the browser of this tab may put a file, or give it up: it outlives the session, for the file does too."""
    return f"{PREFIX}/{tab.name}.{spool.code}"


def _expected(tabs: Tabs, name: str, code: str, request: Request) -> tuple[Tab, Spool]:
    """The file of that address, which a page of ours is to bring; what another sends there is not read."""
    tab = tabs.named(name) if is_ours(request.headers) else None
    spool = None if tab is None else tab.spools.find(code)
    if tab is None or spool is None:
        raise HTTPException(404, headers=END)
    return tab, spool


async def _asked(request: Request) -> Asked:
    body = bytearray()
    try:
        async with asyncio.timeout(STALL_S):
            async for part in request.stream():
                body += part
                if len(body) > MAX_ASKED:
                    raise HTTPException(413, headers=END)
    except TimeoutError as error:
        raise HTTPException(408, headers=END) from error
    try:
        return msgspec.json.decode(body, type=Asked)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(400) from error


def _saved(file: File, asked: Headers) -> tuple[dict[str, str], int]:
    """What is told of a file, and where it begins: not at its beginning where a browser goes on with the same one."""
    tag = f'"{file.digest.hex()}"'
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": _called("attachment", file),
        "Accept-Ranges": "bytes",
        "ETag": tag,
    }
    found = _RANGE.fullmatch(asked.get("range", ""))
    offset = int(found[1]) if found and asked.get("if-range", tag) == tag else 0
    if offset and offset >= file.size:
        raise HTTPException(416, headers={"Content-Range": f"bytes */{file.size}"})
    return headers, offset


def _called(how: str, file: File) -> str:
    """RFC 6266: the name as it is, and one in plain letters for those who do not know the other form."""
    name = local_name(file.name)
    return f"{how}; filename=\"{_PLAIN.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"
