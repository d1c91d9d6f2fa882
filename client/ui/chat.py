"""One person at one window: asks the realm, follows what it pushes, and says when something to be shown has changed.

No Flet here: `changed` is what the window gives.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

import zmq.asyncio

from client.connection import Connection
from client.dial import Address
from client.errors import ClientError, NoAnswerError
from client.keyring import Keyring
from client.model.desk import Desk, Wish, mirror_of_a_window
from client.model.room import Outgoing
from client.session import A_co, Asks, SessionEnded
from client.ulid import new_ulid
from schemas import answers, commands
from schemas.names import ConversationId, Name

PATIENCE: Final = 5.0
"""Seconds without an answer before a command is asked again."""


class Chat:
    """A connection to one realm, and the desk of whoever is logged in there."""

    def __init__(self, connection: Connection, keyring: Keyring, changed: Callable[[], None]) -> None:
        self._connection = connection
        self._keyring = keyring
        self._tell = changed
        self._tasks: set[asyncio.Task[None]] = set()
        self._events: asyncio.Task[None] | None = None
        self.desk: Desk | None = None
        """What is shown; None while nobody is logged in."""
        self.ended = False
        """Whether the realm has ended the session by itself."""

    @classmethod
    async def open(
        cls,
        address: Address,
        keyring: Keyring,
        context: zmq.asyncio.Context,
        changed: Callable[[], None],
        known_key: str | None = None,
    ) -> "Chat":
        """Connect to the realm at `address`.

        Raises what `Connection.open` does.
        """
        told: list[Chat] = []
        connection = await Connection.open(
            address.host,
            address.port,
            keyring.keys(),
            keyring.pins,
            known_key=known_key,
            patience=PATIENCE,
            context=context,
            mirror=mirror_of_a_window,
            changed=lambda: told[0].follow() if told else None,
        )
        told.append(cls(connection, keyring, changed))
        return told[0]

    @property
    def realm(self) -> str:
        """The realm's name."""
        return self._connection.name

    @property
    def online(self) -> bool:
        """Whether what others say arrives."""
        return self._connection.is_live

    @property
    def token(self) -> str:
        """The token of the session, empty while there is none."""
        login = self._connection.login
        return login.tokenId if login is not None else ""

    # who

    async def log_in(self, username: str, password: str) -> None:
        """Raises what the realm says against it (`ClientError`)."""
        await self._begin(commands.Auth(id=0, username=Name(username), password=password))

    async def register(self, command: commands.Register) -> None:
        """Raises what the realm says against it (`ClientError`)."""
        await self._begin(command)

    async def resume(self) -> bool:
        """Go on with the session of before, if there is one and the realm still knows it."""
        kept = self._keyring.login(self.realm)
        if kept is None:
            return False
        self._connection.adopt(kept)
        try:
            await self._begin(commands.Resume(id=0))
        except NoAnswerError:
            raise
        except ClientError:
            self._connection.adopt(None)
            self._keyring.forget(self.realm)
            return False
        return True

    async def log_out(self) -> None:
        """End the session, on the realm too where it can be reached."""
        try:
            await self._connection.ask(commands.Logout(id=0))
        finally:
            self._keyring.forget(self.realm)
            self._end()

    async def close(self) -> None:
        """Free all sockets and tasks."""
        self._end()
        await self._connection.close()

    async def _begin(self, command: commands.Auth | commands.Register | commands.Resume) -> None:
        opened: answers.SessionOpened = await self._connection.ask(command)
        login, mirror = self._connection.login, self._connection.mirror
        assert login is not None
        assert mirror is not None
        self._keyring.remember(self.realm, login)
        self._end()
        self.ended = False
        self.desk = Desk(mirror, opened.name)
        self._events = self._start(self._listen(self.desk))
        self.follow()

    def _end(self) -> None:
        self.desk = None
        for task in list(self._tasks):
            task.cancel()

    # what is said

    async def ask(self, command: Asks[A_co]) -> A_co:
        """As `Connection.ask`; what follows from the answer is shown."""
        answer = await self._connection.ask(command)
        self.follow()
        return answer

    def say(self, conversation: ConversationId, text: str) -> None:
        """Send a message; what becomes of it is seen in the room."""
        self.say_again(conversation, Outgoing(new_ulid(), text, time.time_ns() // 1_000_000))

    def say_again(self, conversation: ConversationId, one: Outgoing) -> None:
        """Send a message, or send one again that failed: it is never stored twice."""
        assert self.desk is not None
        self.desk.send(conversation, one)
        self._start(self._send(self.desk, conversation, one))
        self._tell()

    async def _send(self, desk: Desk, conversation: ConversationId, one: Outgoing) -> None:
        try:
            outcome = (await self._connection.exchange(desk.send_command(conversation, one))).outcome
        except ClientError as error:
            outcome = error
        desk.sent(conversation, one, outcome)
        self.follow()

    # what comes

    def follow(self) -> None:
        """Something may have changed: ask what the desk wants to know, and let it be shown."""
        if self.desk is not None:
            self.desk.changed()
            for wish in self.desk.take_wishes():
                self._start(self._grant(self.desk, wish))
        self._tell()

    async def _listen(self, desk: Desk) -> None:
        async for event in self._connection.events():
            if isinstance(event, SessionEnded):
                self._keyring.forget(self.realm)
                self.ended = True
                self.desk = None
                self._tell()
                return
            desk.heard(event)
            self.follow()

    async def _grant(self, desk: Desk, wish: Wish) -> None:
        wishes = [wish]
        while wishes:
            one = wishes.pop()
            try:
                outcome = (await self._connection.exchange(one.command)).outcome
            except ClientError as error:
                outcome = error
            wishes += desk.answered(one, outcome)
        desk.changed()
        self._tell()

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
