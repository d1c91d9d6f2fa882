"""A network between realms that can be cut, held and slowed down: TCP, forwarded from one loopback address to another.

All of 127.0.0.0/8 is this machine, so the ports are the same on both sides.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

HERE = "127.0.0.1"
AT_ONCE = 65_536
BACKLOG = 128
SHARE = 0.02
"""Seconds for which a slow network keeps what it lets through at once."""


class Proxy:
    """Listens at `address` and forwards each port to the same one of 127.0.0.1, in a thread of its own."""

    def __init__(self, address: str, ports: Sequence[int]) -> None:
        self.address, self.ports = address, ports
        self.carried = 0
        """Bytes that were forwarded so far, in both directions."""
        self._loop = asyncio.new_event_loop()
        self._going = asyncio.Event()
        self._pace: int | None = None
        self._listening: list[socket.socket] = []
        self._carrying: dict[asyncio.Task[None], socket.socket] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy {address}", daemon=True)
        self._thread.start()
        self.heal()

    def heal(self) -> None:
        """Forward everything, as fast as it comes; what was held goes on."""
        self._do(self._heal())

    def cut(self) -> None:
        """End all connections, and refuse new ones."""
        self._do(self._cut())

    def hold(self) -> None:
        """Forward nothing, and say nothing: connections stay, and new ones are taken."""
        self._do(self._hold())

    def slow(self, pace: int) -> None:
        """Forward so many bytes a second in each direction of each connection."""
        self._do(self._slow(pace))

    def close(self) -> None:
        """End it all."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=30)

    async def _heal(self) -> None:
        self._pace = None
        self._going.set()
        if not self._listening:
            for port in self.ports:
                listener = self._bound(port)
                self._listening.append(listener)
                self._loop.add_reader(listener, self._accept, listener, port)

    async def _hold(self) -> None:
        self._going.clear()

    async def _slow(self, pace: int) -> None:
        self._pace = pace
        self._going.set()

    async def _cut(self) -> None:
        for listener in self._listening:
            self._loop.remove_reader(listener)
            listener.close()
        self._listening.clear()
        ended = dict(self._carrying)
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)
        for client in ended.values():
            client.close()  # also where its task had not begun

    def _bound(self, port: int) -> socket.socket:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.settimeout(0)
        listener.bind((self.address, port))
        listener.listen(BACKLOG)
        return listener

    def _accept(self, listener: socket.socket, port: int) -> None:
        with contextlib.suppress(OSError):
            client, _ = listener.accept()
            task = self._loop.create_task(self._carry(client, port))
            self._carrying[task] = client
            task.add_done_callback(lambda done: self._carrying.pop(done, None))

    async def _carry(self, client: socket.socket, port: int) -> None:
        """One connection, until either side ends it."""
        with client, socket.socket() as server, contextlib.suppress(OSError):
            client.settimeout(0)
            server.settimeout(0)
            await self._loop.sock_connect(server, (HERE, port))
            both = [self._loop.create_task(self._pump(*way)) for way in ((client, server), (server, client))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)

    async def _pump(self, source: socket.socket, target: socket.socket) -> None:
        while data := await self._loop.sock_recv(source, int(self._pace * SHARE) + 1 if self._pace else AT_ONCE):
            await self._going.wait()
            if self._pace:
                await asyncio.sleep(len(data) / self._pace)
            await self._loop.sock_sendall(target, data)
            self.carried += len(data)
