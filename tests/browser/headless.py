"""A page without a browser: it speaks Flet's protocol, answers what the server asks of it, and keeps what it is sent.

One costs a few kilobytes, a real page a few hundred megabytes: this is for many at once. The protocol is Flet 1.0.5's.
"""

import asyncio
import urllib.parse
from types import TracebackType
from typing import Any, Final, Self

import msgpack
import websockets

REGISTER: Final = 1
EVENT: Final = 3
INVOKE: Final = 5
_PACKED: Final = b"\x00"
_PAGE: Final = {
    "pwa": False, "web": True, "debug": False, "wasm": True, "test": False, "multi_view": False, "pyodide": False,
    "platform_brightness": "light", "width": 1280.0, "height": 800.0, "platform": "linux", "window": {}, "media": {},
}  # fmt: skip


class HeadlessPage:
    """One page of the web client at `url`, in the tab of that secret, at a route such as `/room/private/…`."""

    def __init__(
        self, url: str, tab: str, route: str = "/", languages: str = "en", asked: str = "", page: str = ""
    ) -> None:
        """`page` is what it calls itself."""
        told = {"tab": tab, "page": page, "zone": "UTC", "languages": languages, "asked": asked}
        query = urllib.parse.urlencode(told)
        self._url = f"{url.replace('http', 'ws', 1)}/ws?{query}"
        self._route = route
        self._grown = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self.received = bytearray()
        """All frames so far, one after the other."""
        self._controls: dict[int, dict[Any, Any]] = {}

    async def __aenter__(self) -> Self:
        self._socket = await websockets.connect(self._url, max_size=None, compression=None)
        page = {**_PAGE, "route": self._route}
        await self._send(REGISTER, {"session_id": None, "page_name": "", "page": page})
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reader is not None
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._socket.close()

    def forget(self) -> None:
        """Keep nothing of what was received."""
        self.received.clear()

    def break_off(self) -> None:
        """Leave without a word."""
        self._socket.transport.abort()

    async def receives(self, text: str, seconds: float = 30) -> None:
        """Wait until a text has come; raises TimeoutError."""
        wanted = text.encode()
        async with asyncio.timeout(seconds):
            while wanted not in self.received:
                self._grown.clear()
                await self._grown.wait()

    async def press(self, name: str) -> None:
        """Click the last button that has come with this text or tooltip; wait for one."""
        while not (found := [number for number, told in self._controls.items() if _is_called(told, name)]):
            self._grown.clear()
            await self._grown.wait()
        await self._send(EVENT, {"target": max(found), "name": "click", "data": None})

    async def _read(self) -> None:
        async for frame in self._socket:
            assert isinstance(frame, bytes)
            self.received += frame
            action, body = msgpack.unpackb(frame[1:], strict_map_key=False, ext_hook=lambda _, data: data)
            if action == INVOKE:
                answer = {"control_id": body["control_id"], "call_id": body["call_id"], "result": None, "error": None}
                await self._send(INVOKE, answer)
            self._note(body)
            self._grown.set()

    def _note(self, told: object) -> None:
        """Keep what is told of controls, wherever in a frame that is."""
        if isinstance(told, dict):
            if isinstance(number := told.get("_i"), int):
                self._controls[number] = told
            for part in told.values():
                self._note(part)
        elif isinstance(told, list):
            for part in told:
                self._note(part)

    async def _send(self, action: int, body: dict[str, Any]) -> None:
        await self._socket.send(_PACKED + msgpack.packb([action, body]))


def _is_called(control: dict[Any, Any], name: str) -> bool:
    return name in (control.get("content"), control.get("tooltip")) and "Button" in str(control.get("_c"))
