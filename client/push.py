"""The subscription to a session's topic, kept alive. Push is a hint: what it drops, `history` has."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import zmq
import zmq.asyncio

from client.dial import Realm

WELCOME_MS: Final = 2_000
"""How long a subscription waits for its `welcome`."""
SUBSCRIPTIONS: Final = 2
"""How often a socket subscribes before a fresh one takes over: a refused one does not dial again."""

Deliver = Callable[[Sequence[bytes]], Awaitable[bool]]
"""Takes the frames of a push, and says whether it was a `welcome`."""


class Push:
    """Hears one topic until it is cancelled; `live` is set while the realm has accepted the subscription.

    `changed` is called when that may have changed.
    """

    def __init__(
        self,
        realm: Realm,
        topic: bytes,
        deliver: Deliver,
        welcome_ms: int = WELCOME_MS,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.live = asyncio.Event()
        self._realm = realm
        self._topic = topic
        self._deliver = deliver
        self._welcome_ms = welcome_ms
        self._changed = changed

    async def run(self) -> None:
        """Subscribe, and again after every silence; on a fresh socket where the old one stays mute."""
        while True:
            with self._socket() as (socket, monitor):
                await self._hear(socket, monitor)

    async def _hear(self, socket: zmq.asyncio.Socket, monitor: zmq.asyncio.Socket) -> None:
        """Deliver what comes; return when the socket has got no `welcome` for its last subscription."""
        socket.subscribe(self._topic)
        silent = 0
        while True:
            came = await socket.poll(self._welcome_ms)
            if await _lost(monitor):
                # libzmq dials and subscribes again by itself; a new welcome shows that it was accepted
                self._lose()
                silent = 0
            if came:
                if await self._deliver(await socket.recv_multipart()):
                    self.live.set()
                    self._changed()
            elif not self.live.is_set():
                silent += 1
                if silent == SUBSCRIPTIONS:
                    return
                socket.unsubscribe(self._topic)
                socket.subscribe(self._topic)

    def _lose(self) -> None:
        self.live.clear()
        self._changed()

    @contextlib.contextmanager
    def _socket(self) -> Iterator[tuple[zmq.asyncio.Socket, zmq.asyncio.Socket]]:
        """A fresh subscriber, and what tells of its breaks."""
        socket = self._realm.dial(zmq.SUB, self._realm.card.push)
        monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            yield socket, monitor
        finally:
            self._lose()
            socket.disable_monitor()
            monitor.close()
            socket.close()


async def _lost(monitor: zmq.asyncio.Socket) -> bool:
    """Whether the connection broke since the last look."""
    broke = False
    while await monitor.poll(0):
        await monitor.recv_multipart()
        broke = True
    return broke
