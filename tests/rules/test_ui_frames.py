"""What a page may say on its WebSocket: anybody may write one."""

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import urlencode

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.ui.visits import BURST, PER_SECOND, REGISTER_S, Visits, current
from tests.rules import virtual_time

Said = MutableMapping[str, Any]
SCOPE = {
    "type": "websocket",
    "path": "/ws",
    "query_string": urlencode({"tab": "0123456789abcdef" * 2}).encode(),
    "headers": [],
    "client": ("192.0.2.7", 4711),
}


def frame(action: int, body: object) -> Said:
    return {"type": "websocket.receive", "bytes": b"\x00" + msgpack.packb([action, body])}


REGISTER = frame(1, {"session_id": None, "page_name": "", "page": {}})
EVENT = frame(3, {"target": 7, "name": "click", "data": None})


class Flet:
    """What Flet hears. It stays until its socket is closed, and with `stubborn` also then."""

    def __init__(self, *, stubborn: bool = False) -> None:
        self.heard: list[Said] = []
        self.at: list[float] = []
        self.left = 0
        self._stubborn = stubborn

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Said], Any]) -> None:
        current.get().leaving.append(self._leave)
        while (message := await receive())["type"] != "websocket.disconnect":
            self.heard.append(message)
            self.at.append(asyncio.get_running_loop().time())
        if self._stubborn:
            await asyncio.Event().wait()

    def _leave(self) -> None:
        self.left += 1


def visit(flet: Flet, *said: Said, silent: bool = False) -> list[Said]:
    """Say all this and hang up, or then be `silent`; what the browser is sent."""
    sent: list[Said] = []
    waiting = list(said)

    async def receive() -> Said:
        if waiting:
            return waiting.pop(0)
        if silent:
            await asyncio.Event().wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Said) -> None:
        sent.append(message)

    virtual_time.run(Visits(flet)(SCOPE, receive, send))
    return sent


REFUSED = [{"type": "websocket.close", "code": 1008}]


def test_a_page_registers_and_then_says_what_pages_say() -> None:
    flet = Flet()
    assert visit(flet, REGISTER, EVENT, frame(4, {}), frame(5, {})) == []
    assert [message["bytes"][2] for message in flet.heard] == [1, 3, 4, 5]
    assert flet.left == 1


def test_a_page_gets_a_session_of_its_own() -> None:
    """Flet would let it take up one that somebody has left."""
    flet = Flet()
    visit(flet, frame(1, {"session_id": "somebody's", "page_name": "", "page": {"route": "/"}}))
    action, body = msgpack.unpackb(flet.heard[0]["bytes"][1:])
    assert (action, body) == (1, {"session_id": None, "page_name": "", "page": {"route": "/"}})


@pytest.mark.parametrize(
    "said",
    [
        [EVENT],
        [REGISTER, REGISTER],
        [REGISTER, frame(2, {})],
        [REGISTER, {"type": "websocket.receive", "bytes": b""}],
        [REGISTER, {"type": "websocket.receive", "text": "hello"}],
        [REGISTER, {"type": "websocket.receive", "bytes": b"\x01\x00\x00\x00\x00"}],
        [{"type": "websocket.receive", "bytes": b"\x00\x92\x01\xc1"}],
        [frame(1, "no map")],
    ],
)
def test_whoever_says_anything_else_is_closed(said: list[Said]) -> None:
    flet = Flet()
    assert visit(flet, *said, silent=True) == REFUSED
    assert len(flet.heard) == len(said) - 1
    assert flet.left == 1


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_nothing_that_is_said_goes_on_for_ever(said: list[bytes]) -> None:
    flet = Flet(stubborn=True)
    visit(flet, *({"type": "websocket.receive", "bytes": one} for one in said))
    assert flet.left == 1


def test_whoever_says_nothing_is_closed() -> None:
    flet = Flet()
    assert visit(flet, silent=True) == REFUSED
    assert REGISTER_S > 0
    assert flet.left == 1


def test_an_application_that_does_not_end_is_ended() -> None:
    flet = Flet(stubborn=True)
    visit(flet, REGISTER)
    assert flet.left == 1


def test_a_page_is_heard_no_faster_than_anybody_types() -> None:
    flet = Flet()
    count = int(BURST) + 600
    visit(flet, REGISTER, *([EVENT] * count))
    assert len(flet.heard) == count + 1
    assert flet.at[-1] - flet.at[0] >= (count - BURST) / PER_SECOND * 0.99


def test_the_address_is_the_sockets() -> None:
    seen: list[str] = []

    async def flet(scope: Any, receive: Any, send: Any) -> None:
        seen.append(current.get().address)

    async def hang_up() -> Said:
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(_: Said) -> None:
        return

    virtual_time.run(Visits(flet)(SCOPE, hang_up, send))
    assert seen == ["192.0.2.7"]
