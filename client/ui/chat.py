"""One person at one window: asks the realm, follows what it pushes, and says when something to be shown has changed.

No Flet here: `changed` is what the window gives.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import zmq.asyncio
from msgspec import UNSET, structs

from client import dial
from client.connection import Connection
from client.errors import ClientError, ClosedError, SessionNotFoundError
from client.file_lines import NOT_YET
from client.keyring import Keyring
from client.model.bounce import Resent, again, is_tried_again, next_try
from client.model.desk import Desk, Unsaid, Wish, mirror_of_a_window
from client.model.room import Fate, Outgoing
from client.model.sending import REFUSALS
from client.session import A_co, Asks, SessionEnded
from client.ui.carrier import Carrier
from client.ui.spool import Spool
from client.ulid import new_ulid
from schemas import answers, commands, names
from schemas.entries import Entry
from schemas.names import Address, ConversationId, Name

PATIENCE: Final = 5.0
"""Seconds without an answer before a command is asked again."""

log = logging.getLogger(__name__)


class Chat:
    """A connection to one realm, and the desk of whoever is logged in there."""

    def __init__(
        self,
        door: dial.Address,
        connection: Connection,
        keyring: Keyring,
        changed: Callable[[], None],
        unsaid: Callable[[str], Unsaid],
        tell_why: Callable[[ClientError], str],
    ) -> None:
        self.door = door
        """The realm's front door."""
        self._connection = connection
        self.carrier = Carrier(connection, changed)
        """Sends and fetches files."""
        self._unsaid = unsaid
        self._tell_why = tell_why
        self._keyring = keyring
        self._tell = changed
        self._tasks: set[asyncio.Task[None]] = set()
        self._events: asyncio.Task[None] | None = None
        self.desk: Desk | None = None
        """What is shown; None while nobody is logged in."""
        self.ended = False
        """Whether the realm has ended the session by itself."""
        self._ends = 0
        """How often somebody has logged out."""

    @classmethod
    async def open(
        cls,
        address: dial.Address,
        keyring: Keyring,
        context: zmq.asyncio.Context,
        changed: Callable[[], None],
        known_key: str | None = None,
        unsaid: Callable[[str], Unsaid] = lambda _: Unsaid(),
        tell_why: Callable[[ClientError], str] = str,
    ) -> "Chat":
        """Connect to the realm at `address`.

        `unsaid` is what a user has written before, and the realm does not have; `tell_why` what a person is told of a
        message that was not stored.

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
            changed=lambda: told[0]._follow() if told else None,
        )
        told.append(cls(address, connection, keyring, changed, unsaid, tell_why))
        return told[0]

    @property
    def realm(self) -> str:
        """The realm's name."""
        return self._connection.name

    def address(self, name: str) -> Address:
        """The full address of a user or group of this realm."""
        return names.full(Name(name), Name(self.realm))

    @property
    def online(self) -> bool:
        """Whether what others say arrives."""
        return self._connection.is_live

    @property
    def fingerprint(self) -> str:
        """The realm's key, which nobody else has."""
        return self._connection.key

    @property
    def failed(self) -> bool:
        """Whether the connection is of no more use."""
        return self._connection.failed

    @property
    def token(self) -> str:
        """The token of the session, empty while there is none."""
        login = self._connection.login
        return login.tokenId if login is not None else ""

    @property
    def session(self) -> object | None:
        """Equals itself over all connections in which it is open, and nothing else; None while nobody is logged in."""
        return None if self.desk is None else (self.fingerprint, self.token)

    # who

    async def log_in(self, username: str, password: str) -> None:
        """Raises what the realm says against it (`ClientError`)."""
        await self._begin(commands.Auth(id=0, username=Name(username), password=password))

    async def register(self, command: commands.Register) -> None:
        """Raises what the realm says against it (`ClientError`)."""
        await self._begin(command)

    async def resume(self) -> bool:
        """Go on with the session of before, if there is one and the realm still knows it.

        Raises what else the realm says (`ClientError`): it may know the session, and can be asked again.
        """
        kept = self._keyring.login(self.realm)
        if kept is None:
            return False
        self._connection.adopt(kept)
        try:
            await self._begin(commands.Resume(id=0))
        except SessionNotFoundError:
            self._connection.adopt(None)
            self._keyring.forget(self.realm)
            return False
        return True

    async def log_out(self) -> None:
        """End the session here, and on the realm where it can be reached."""
        self._ends += 1
        self._keyring.forget(self.realm)
        self._end()
        await self._connection.ask(commands.Logout(id=0))

    async def close(self) -> None:
        """Free all sockets and tasks."""
        self._end()
        await self._connection.close()

    async def _begin(self, command: commands.Auth | commands.Register | commands.Resume) -> None:
        ends = self._ends
        opened: answers.SessionOpened = await self._connection.ask(command)
        if ends != self._ends:
            raise ClosedError("somebody has logged out meanwhile")
        login, mirror = self._connection.login, self._connection.mirror
        assert login is not None
        assert mirror is not None
        self._keyring.remember(self.realm, login)
        self._end()
        self.ended = False
        self.desk = desk = Desk(mirror, opened.name, self._unsaid(login.user))
        self._events = self._start(self._listen(desk))
        files: dict[ConversationId, asyncio.Task[None]] = {}
        for conversation, one in desk.unanswered:
            task = self._start_sending(desk, conversation, one, files.get(conversation) if one.file else None)
            if one.file is not None:
                files[conversation] = task
        self.follow()

    def _end(self) -> None:
        self.desk = None
        for task in list(self._tasks):
            task.cancel()

    # what is said

    async def ask(self, command: Asks[A_co]) -> A_co:
        """As `Connection.ask`; what follows from the answer is shown."""
        answer = await self._connection.ask(command)
        self._follow()
        return answer

    def say(self, conversation: ConversationId, text: str) -> None:
        """Send a message; what becomes of it is seen in the room."""
        self._begin_sending(conversation, Outgoing(new_ulid(), text, time.time_ns() // 1_000_000))
        self._tell()

    def send_files(self, conversation: ConversationId, spools: Sequence[Spool]) -> Sequence[Spool]:
        """Send files in this order, even while they come here; what becomes of each is seen in the room.

        Those that would be too many on their way are not sent, but given back.
        """
        assert self.desk is not None
        before: asyncio.Task[None] | None = None
        for number, spool in enumerate(spools):
            if not self.desk.unsaid.may_send(conversation):
                spools = spools[number:]
                break
            one = Outgoing(new_ulid(), "", time.time_ns() // 1_000_000, spool)
            before = self._begin_sending(conversation, one, before)
        else:
            spools = ()
        self._tell()
        return spools

    def give_up(self, one: Outgoing) -> None:
        """Send a file no further, or a message that failed not again."""
        self.carrier.give_up(one)
        if self.desk is not None:
            self.desk.discard(one)
        self._tell()

    def say_again(self, conversation: ConversationId, one: Outgoing) -> None:
        """Send a message again if it failed: it is never stored twice."""
        if one.fate is Fate.FAILED:
            self._begin_sending(conversation, one)
            self._tell()

    def _begin_sending(
        self, conversation: ConversationId, one: Outgoing, after: "asyncio.Task[None] | None" = None
    ) -> "asyncio.Task[None]":
        assert self.desk is not None
        if one.is_refused:
            one.entry, one.is_refused = next_try(one.entry), False
        self.desk.send(conversation, one)
        return self._start_sending(self.desk, conversation, one, after)

    def say_once_more(self, conversation: ConversationId, entry: Entry) -> None:
        """Send anew what another realm has refused: that is final for an entry, so this is a new one; but one alone."""
        assert self.desk is not None
        if is_tried_again(entry.id, {one.entry for one in self.desk.unsaid.outgoing.get(conversation, [])}):
            return
        text = "" if entry.message is UNSET else entry.message
        one = Outgoing(next_try(entry.id), text, time.time_ns() // 1_000_000, again(entry))
        self._begin_sending(conversation, one)
        self._tell()

    def _start_sending(
        self, desk: Desk, conversation: ConversationId, one: Outgoing, after: "asyncio.Task[None] | None" = None
    ) -> "asyncio.Task[None]":
        task = self._start(self._send(desk, conversation, one, after))
        self.carrier.follow(one, task)
        return task

    async def _send(
        self, desk: Desk, conversation: ConversationId, one: Outgoing, after: "asyncio.Task[None] | None"
    ) -> None:
        if after is not None:
            await asyncio.wait({after})  # however it ends
        try:
            sent = await self._store(desk, conversation, one)
        except ClientError as error:
            one.is_refused = names.crosses(conversation) and isinstance(error, REFUSALS)
            desk.sent(conversation, one, self._tell_why(error))
        except Exception as error:
            log.exception("a message could not be sent")  # what seems to be on its way could not even be discarded
            desk.sent(conversation, one, self._tell_why(ClientError(str(error))))
        else:
            desk.sent(conversation, one, sent)
        self._follow()

    async def _store(self, desk: Desk, conversation: ConversationId, one: Outgoing) -> answers.Sent:
        command = desk.send_command(conversation, one, NOT_YET)
        if isinstance(command, commands.Texting):
            return await self._connection.ask(command)
        if isinstance(one.file, Resent):
            return await self._connection.ask(structs.replace(command, file=one.file.id))
        return await self.carrier.send(command, one)

    # what comes

    def follow(self) -> None:
        """Something else is looked at, or may have changed: ask what is not known of it, and let it be shown."""
        self._connection.repair()

    def _follow(self) -> None:
        if self.desk is not None:
            self.desk.changed()
            for wish in self.desk.take_wishes():
                self._start(self._grant(self.desk, wish))
        self._tell()

    async def _listen(self, desk: Desk) -> None:
        try:
            await self._hear(desk)
        except ClosedError:  # it has failed, which the window sees
            log.exception("a connection failed")
            self._tell()

    async def _hear(self, desk: Desk) -> None:
        async for event in self._connection.events():
            if isinstance(event, SessionEnded):
                self._keyring.forget(self.realm)
                self.ended = True
                self.desk = None
                self._tell()
                return
            desk.heard(event)
            self._follow()

    async def _grant(self, desk: Desk, wish: Wish) -> None:
        wishes = [wish]
        while wishes:
            one = wishes.pop()
            try:
                outcome = (await self._connection.exchange(one.command)).outcome
            except ClientError as error:
                outcome = error
            wishes += desk.answered(one, outcome)
        if isinstance(outcome, ClientError):  # asked again at once it would fail again
            self._tell()
        else:
            self._follow()

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of a chat failed", exc_info=error)
