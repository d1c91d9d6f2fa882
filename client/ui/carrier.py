"""The files that a chat sends: a few at once, beside all else, each for as long as somebody wants it sent."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from client.connection import Connection
from client.courier import Courier
from client.model.room import Outgoing
from client.ui.spool import Spool
from schemas.answers import Sent
from schemas.commands import Filing

LANES: Final = 4
"""Files that are sent at once; a realm takes 8 of a user."""


class Carrier:
    """Of one chat, and ends with its connection; `changed` is called when a file has moved so far that it is seen."""

    def __init__(self, connection: Connection, changed: Callable[[], None]) -> None:
        self.courier = Courier(connection)
        self._changed = changed
        self._lanes = asyncio.Semaphore(LANES)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        """Those that send files, by the ULIDs of their entries."""
        self.carried = 0
        """Bytes that the realm has taken of them all."""

    @property
    def is_busy(self) -> bool:
        """Whether a file is being sent."""
        return bool(self._tasks)

    def follow(self, one: Outgoing, task: "asyncio.Task[None]") -> None:
        """This task sends a message; it is to be ended where nobody wants its file sent any more."""
        if one.file is None:
            return

        def ended(task: "asyncio.Task[None]") -> None:
            if self._tasks.get(entry) is task:
                del self._tasks[entry]

        entry = one.entry
        self._tasks[entry] = task
        task.add_done_callback(ended)

    async def send(self, command: Filing, one: Outgoing) -> Sent:
        """Send the file of a message, once all of it is here; raises what `Courier.send` does, and LostError."""
        spool = one.file
        assert isinstance(spool, Spool)
        path = await spool.whole()
        spool.read = spool.sent = 0

        def reading(done: int, _size: int) -> None:
            self._see(spool, done, 0)

        def moved(sent: int, _size: int) -> None:
            self.carried += max(0, sent - spool.sent)
            self._see(spool, spool.size, sent)

        async with self._lanes, self._known(one.entry, spool):
            sent = await self.courier.send(command, path, spool.name, moved, reading)
        spool.remove()
        return sent

    def _see(self, spool: Spool, read: int, sent: int) -> None:
        before = spool.is_being_read, spool.percent
        spool.read, spool.sent = read, sent
        if (spool.is_being_read, spool.percent) != before:
            self._changed()

    @contextlib.asynccontextmanager
    async def _known(self, entry: str, spool: Spool) -> AsyncIterator[None]:
        """Let the courier know what one of a connection before it knew, and keep what it knows now.

        A realm that has the message refuses the same one with another file.
        """
        unsure = self.courier.unsure
        if spool.file:
            unsure[entry] = spool.file
        try:
            yield
        finally:
            spool.file = unsure.get(entry, "")

    def give_up(self, one: Outgoing) -> None:
        """Send its file no further, and keep it no longer."""
        if (task := self._tasks.get(one.entry)) is not None:
            task.cancel()
        if isinstance(one.file, Spool):
            one.file.remove()
