"""Connections of HTTP that can be cut: by an answer that will not be whole, and when the process stops.

ASGI knows no such thing. An answer that just ends is an error to uvicorn, which says so and goes on holding what was
not read; and one that is cancelled at the end of the process is a page of traceback.
"""

import asyncio
import contextlib
from typing import Any, Final

import uvicorn
from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from client.ui.running import has_left

LAST_S: Final = 2.0
"""Seconds that requests have to end when the process is stopped; what uvicorn gives them is more."""
_CUT: Final = "bagan.cut"
_CUT_S: Final = 5.0


class Line(HttpToolsProtocol):
    """uvicorn's, with a way to cut it in the state of each request."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, _CUT: self._cut}, _loop)

    def shutdown(self) -> None:
        """End soon: uvicorn calls this once, when it stops."""
        super().shutdown()
        asyncio.get_running_loop().call_later(LAST_S, self._cut)

    def _cut(self) -> None:
        self.transport.abort()


async def cut(scope: Scope, receive: Receive) -> None:
    """End the connection of a request at once, whatever was not read; return when nothing can be said there."""
    how = scope.get("state", {}).get(_CUT)
    if how is not None:
        how()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CUT_S):
                await has_left(receive)
