"""A slow line: a TCP proxy that brings all that it is given, in order, some time later."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Self

CHUNK = 1 << 16


class SlowLine:
    """From a free port on loopback to another port there, with a delay each way, in seconds."""

    def __init__(self, port: int, delay: float) -> None:
        self._to = port
        self._delay = delay
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="slow line")
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen()).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._close()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> "Future[None]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        for come, go in ((reader, back), (there, writer)):
            task = asyncio.create_task(self._carry(come, go))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, come: asyncio.StreamReader, go: asyncio.StreamWriter) -> None:
        """What comes is written later, while more comes; then the end is."""
        loop, waiting = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

        async def bring() -> None:
            data = b"before"
            while data:
                due, data = await waiting.get()
                await asyncio.sleep(due - loop.time())
                go.write(data)
                await go.drain()

        bringing = asyncio.create_task(bring())
        try:
            with contextlib.suppress(ConnectionError):
                while data := await come.read(CHUNK):
                    waiting.put_nowait((loop.time() + self._delay, data))
            waiting.put_nowait((loop.time() + self._delay, b""))
            with contextlib.suppress(ConnectionError):
                await bringing
        finally:
            bringing.cancel()
            go.close()
            with contextlib.suppress(ConnectionError):
                await go.wait_closed()
