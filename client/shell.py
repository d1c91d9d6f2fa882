"""What a command line does with a line: understand it, ask, show the answer, keep the session."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from client import errands
from client.connection import Connection
from client.dial import Address
from client.errors import AnswerError, ClientError, SessionNotFoundError, UsageError
from client.file_lines import Errand
from client.harmless import visible
from client.interrupts import stoppable
from client.keyring import Keyring
from client.output import Output
from client.session import SessionEnded
from client.syntax import help_text, parse_any
from schemas.commands import InSession, Logout, Register, Resume, name_of
from schemas.entries import Entry
from schemas.errors import Code
from schemas.names import ConversationId

DONE: Final = 0
REFUSED: Final = 1
WRONG: Final = 2
LIVE_PATIENCE: Final = 2.0
"""Seconds that the answer to a login is held back for its pushes, so that what follows is not missed."""


class Target(NamedTuple):
    """Which realm, and with which keys."""

    address: Address
    keyring: Keyring
    known_key: str | None
    invite: str | None = None
    """What `register` needs where registration is by invite."""


class Shell:
    """Lines in, answers out. `worst` is the exit code so far: an error answer is 1, a wrong line 2."""

    def __init__(
        self,
        connection: Connection,
        keyring: Keyring,
        output: Output,
        *,
        listen: bool,
        invite: str | None = None,
        interactive: bool = False,
    ) -> None:
        self.worst = DONE
        self._connection = connection
        self._keyring = keyring
        self._output = output
        self._listen = listen
        self._invite = invite
        self._interactive = interactive
        self._kept = keyring.login(connection.name)
        self._mute = listen and self._kept is not None
        connection.adopt(self._kept)
        self._events = asyncio.create_task(self._show_events())

    @property
    def prompt(self) -> str:
        """`user@realm> `, or without a session `realm> `."""
        login = self._connection.login
        return f"{self._connection.name if login is None else visible(login.user)}> "

    @property
    def logged_in(self) -> bool:
        """Whether there is a session."""
        return self._connection.login is not None

    async def do(self, line: str | list[str]) -> int:
        """Carry out one line that is not blank; the exit code that it deserves."""
        words = line.split(maxsplit=1) if isinstance(line, str) else line
        name = words[0].lower()
        if name == "help":
            self._output.note(help_text())
            return DONE
        code = DONE
        try:
            try:
                await self._carry_out(line)
            finally:
                self._keep()
        except UsageError as error:
            self._output.error(name, error)
            code = WRONG
        except ClientError as error:
            self._output.error(name, error)
            code = REFUSED
        self.worst = max(self.worst, code)
        return code

    async def resume(self) -> None:
        """Open the push of the session that was stored, if there is one that the realm still knows."""
        if not self._mute:
            return
        self._mute = False
        try:
            with contextlib.suppress(SessionNotFoundError):  # the command that needs it will be told
                await self._connection.ask(Resume(id=0))
                await self._connection.live(LIVE_PATIENCE)
        finally:
            self._keep()

    async def stay(self, seconds: float | None) -> None:
        """Show what is pushed for so long (None: not at all); without a session, SessionNotFoundError."""
        if seconds is None:
            return
        await self.resume()
        if self._connection.login is None:
            raise AnswerError.of(Code.SESSION_NOT_FOUND)
        await asyncio.wait({self._events}, timeout=None if seconds == float("inf") else seconds)

    async def end(self) -> None:
        """Stop showing; raises what has kept events from being shown."""
        self._events.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._events

    def complain(self, error: ClientError) -> None:
        """Show what is wrong with a line that could not even be read."""
        self._output.error(None, error)
        self.worst = max(self.worst, WRONG)

    async def _carry_out(self, line: str | list[str]) -> None:
        login = self._connection.login
        command = parse_any(line, None if login is None else login.user)
        if isinstance(command, Errand):
            await self.resume()
            running = errands.run(command, self._connection)
            answer = await (stoppable(running) if self._interactive else running)
            self._output.answer(command.name, answer, self._connection.login, self._find)
            return
        if isinstance(command, InSession) and not isinstance(command, Resume | Logout):
            await self.resume()
        if isinstance(command, Register) and self._invite is not None:
            command = replace(command, invite=self._invite)
        login = self._connection.login
        answer = await self._connection.ask(command)
        if self._listen and self._connection.login is not login:
            self._mute = False
            await self._connection.live(LIVE_PATIENCE)
        self._output.answer(name_of(type(command)), answer, self._connection.login, self._find)

    async def _show_events(self) -> None:
        async for event in self._connection.events():
            if isinstance(event, SessionEnded):
                self._keep()
            if self._listen:
                self._output.event(event, self._connection.login, self._find)

    def _find(self, conversation: ConversationId, entry: str) -> Entry | None:
        """What the user has said there, where the mirror shows it."""
        mirror = self._connection.mirror
        return None if mirror is None else mirror.find(conversation, entry)

    def _keep(self) -> None:
        """Store the session that is open now as the last one, or forget the one that has ended."""
        login, kept, name = self._connection.login, self._kept, self._connection.name
        if login is kept:
            return
        self._kept = login
        if login is not None:
            self._keyring.remember(name, login)
            return
        stored = self._keyring.login(name)
        if stored is not None and kept is not None and stored.tokenId == kept.tokenId:
            self._keyring.forget(name)  # unless another process has put its own there


@contextlib.asynccontextmanager
async def open_shell(
    target: Target, output: Output, *, listen: bool, interactive: bool = False
) -> AsyncIterator[Shell]:
    """Connect; while it is open, pushes are shown as they come, if it is to `listen`.

    Where it is `interactive`, Ctrl-C stops the transfer of a file, and nothing else with it.
    Raises what `Connection.open` and `Keyring.keys` do, and BrokenPipeError where nobody reads the output.
    """
    keyring = target.keyring
    host, port = target.address
    connection = await Connection.open(
        host, port, keyring.keys(), keyring.pins, known_key=target.known_key, listen=listen
    )
    async with connection:
        shell = Shell(connection, keyring, output, listen=listen, invite=target.invite, interactive=interactive)
        try:
            yield shell
        finally:
            await shell.end()
