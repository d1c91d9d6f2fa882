"""Who is active of those whom a window shows: asked of the realm, for it pushes no such thing."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from msgspec import UNSET

from client.errors import ClientError
from schemas import answers, commands
from schemas.limits import HEARTBEAT_MS, MAX_ITEMS
from schemas.names import Address

SETTLE_S: Final = 0.3
"""Who is to be watched changes in bursts; so long the first question waits for the rest of one."""


class Presence:
    """`active` has the addresses of those who were active when the realm was asked last."""

    def __init__(self, ask: Callable[[commands.Sync], Awaitable[answers.Synced]], changed: Callable[[], None]) -> None:
        self._ask = ask
        self._changed = changed
        self._watched: tuple[Address, ...] = ()
        self._wanted = asyncio.Event()
        self.active: frozenset[str] = frozenset()
        self.told: frozenset[str] = frozenset()
        """Of whom the realm has said whether they are."""

    def watch(self, addresses: Iterable[Address]) -> None:
        """Ask for these from now on; beyond 100, for the first of them."""
        watched = tuple(sorted(list(addresses)[:MAX_ITEMS]))
        if watched != self._watched:
            self._watched = watched
            self.active &= frozenset(watched)
            self.told &= frozenset(watched)
            self._wanted.set()

    async def run(self) -> None:
        """Ask whenever others are to be watched, and with each heartbeat."""
        while True:
            self._wanted.clear()
            if self._watched:
                await self._look()
            try:
                async with asyncio.timeout(HEARTBEAT_MS / 1000):
                    await self._wanted.wait()
                    await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            answer = await self._ask(commands.Sync(id=0, watch=list(self._watched)))
        except ClientError:
            return  # whatever is wrong is seen elsewhere; it is asked again
        if answer.active is not UNSET:
            active = frozenset(name for name, is_active in answer.active.items() if is_active)
            told = frozenset(answer.active)
            if (active, told) != (self.active, self.told):
                self.active, self.told = active, told
                self._changed()
