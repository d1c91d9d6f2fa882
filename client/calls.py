"""Commands on their way: sockets that carry them, and who waits for which answer."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import zmq
import zmq.asyncio

from client.dial import Realm
from client.errors import ClosedError, NoAnswerError
from client.session import Call, Session, Settled
from schemas.commands import AddRealm

SLOW_S: Final = 12.0
"""Seconds for the answer to a command that waits for another realm to be dialled, which takes up to 10 s."""
TRIES: Final = 3
"""How often a command is asked that may be repeated; any other is asked once."""

Start = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class _Line:
    """One socket for commands, with the calls that may still be answered on it."""

    def __init__(self, socket: zmq.asyncio.Socket, reader: "asyncio.Task[None]") -> None:
        self.socket = socket
        self.reader = reader
        self.calls: set[int] = set()

    def close(self) -> None:
        self.reader.cancel()
        self.socket.close()


class Calls:
    """Sends calls and waits for their answers, on a new socket after every `patience` seconds without one.

    `settled` hears of every answer before the one who waits for it does.
    """

    def __init__(
        self,
        realm: Realm,
        session: Session,
        start: Start,
        settled: Callable[[Settled], None],
        patience: float,
    ) -> None:
        self._realm = realm
        self._session = session
        self._start = start
        self._settled = settled
        self._patience = patience
        self._lines: list[_Line] = []
        self._current: _Line | None = None
        self._waiting: dict[int, asyncio.Future[Settled]] = {}

    async def settle(self, call: Call) -> Settled:
        """How the call ends; raises NoAnswerError, and what `fail` is given."""
        future: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        self._waiting[call.id] = future
        try:
            return await self._ask_until_answered(call, future)
        finally:
            del self._waiting[call.id]
            self._session.forget(call)
            self._hang_up(call)

    def fail(self, error: BaseException) -> None:
        """Nobody waits any longer: all that is being asked raises `error`."""
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)

    def close(self) -> None:
        """Close the sockets; what is still being asked raises ClosedError."""
        self.fail(ClosedError("the connection was closed before the answer came"))
        for line in self._lines:
            line.close()
        self._lines.clear()
        self._current = None

    async def _ask_until_answered(self, call: Call, future: "asyncio.Future[Settled]") -> Settled:
        tries = TRIES if call.repeatable else 1
        patience = max(self._patience, SLOW_S if isinstance(call.command, AddRealm) else 0)
        for _ in range(tries):
            line = self._open_line()
            line.calls.add(call.id)
            try:
                async with asyncio.timeout(patience):
                    await line.socket.send_multipart(call.frames)
                    return await asyncio.shield(future)
            except TimeoutError:
                if self._current is line:
                    self._current = None  # the next call opens a socket; answers may still come on this one
        self._drop_lines_of(call)
        unknown = "" if call.repeatable else "; whether it was done is not known"
        raise NoAnswerError(f"no answer to {call.name} in {tries * patience:g} s{unknown}")

    def _drop_lines_of(self, call: Call) -> None:
        """Close the lines on which a call waits that is given up: what is given up is not to be done later.

        Other calls that wait there have had no answer either; they are asked again on another line, as ever.
        """
        for line in self._lines:
            if call.id in line.calls:
                line.close()
                if self._current is line:
                    self._current = None

    def _open_line(self) -> _Line:
        if self._current is None:
            socket = self._realm.dial(zmq.DEALER, self._realm.card.commands)
            self._current = _Line(socket, self._start(self._read(socket)))
            self._lines.append(self._current)
        return self._current

    def _hang_up(self, call: Call) -> None:
        """Close the old lines on which no answer is awaited any more, and what they still hold with them."""
        for line in self._lines:
            line.calls.discard(call.id)
            if line is not self._current and not line.calls:
                line.close()
        self._lines = [line for line in self._lines if not line.socket.closed]

    async def _read(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            settled = self._session.answered(await socket.recv_multipart())
            if settled is None:
                continue
            self._settled(settled)
            future = self._waiting.get(settled.call.id)
            if future is not None and not future.done():
                future.set_result(settled)
