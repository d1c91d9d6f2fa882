"""A realm at the other end of sockets: ask it, and hear what it pushes.

async with await Connection.open("127.0.0.1", 8889, keyring.keys(), keyring.pins) as realm:
    await realm.ask(parse("auth messi surabaya"))
    await realm.ask(parse("send henderson halo, selamat malam"))
    async for event in realm.events():
        ...
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Final, Self, cast

import zmq
import zmq.asyncio
from msgspec import UNSET

from client.calls import Calls
from client.dial import Address, Realm, find_host, read_card
from client.errors import ClientError, ClosedError, RateLimitedError
from client.keyring import KeyPair
from client.mirror import Mirror, Question
from client.pins import Pins
from client.push import Push
from client.reflect import reflect
from client.session import A_co, Asks, Event, Login, Session, SessionEnded, Settled
from client.ulid import new_ulid
from schemas.answers import Answer
from schemas.commands import Command, Repeatable
from schemas.events import EntryPushed, Welcome
from schemas.limits import HEARTBEAT_MS

PATIENCE: Final = 10.0
"""Seconds to wait for an answer before asking again on a new socket, and for the front door."""
SPARED: Final = 1.0
"""Seconds in which nothing is repaired after the realm said `rate_limited`: the user's own commands go first."""
KEPT: Final = 1_000
"""Entries of a conversation that its mirror keeps, and up to as many again."""
EVENTS: Final = 1_000
"""Events held for a slow reader; then pushes are left to the sockets, which drop some, and repaired later."""


def _mirror_of_news(user: str) -> Mirror:
    return Mirror(user, keep=KEPT)


class Connection:
    """Made by `Connection.open`. All methods belong to the event loop in which it was opened."""

    def __init__(
        self,
        realm: Realm,
        *,
        listen: bool,
        patience: float,
        owned: bool,
        mirror: Callable[[str], Mirror],
        changed: Callable[[], None],
    ) -> None:
        self.session = Session(new_ulid)
        self._realm = realm
        self._listen = listen
        self._owned = owned
        self._make_mirror = mirror
        self._changed = changed
        self._patience = patience
        self._calls = Calls(realm, self.session, self._start, self._settled, patience)
        self._besides: list[Connection] = []
        self.mirror: Mirror | None = None
        """The conversations as far as they are known, where pushes are listened to."""
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._taken = asyncio.Event()
        self._behind = False
        """Whether the reader of events is too slow for more of them."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._followed: Login | None = None
        self._push: Push | None = None
        self._session_tasks: list[asyncio.Task[None]] = []
        self._closed = False
        self._failure: BaseException | None = None
        """What has ended a task of this connection, and so all of it."""

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        keys: KeyPair,
        pins: Pins,
        *,
        known_key: str | None = None,
        listen: bool = True,
        patience: float = PATIENCE,
        context: zmq.asyncio.Context | None = None,
        mirror: Callable[[str], Mirror] = _mirror_of_news,
        changed: Callable[[], None] = lambda: None,
    ) -> Self:
        """Read the identity card at a front door, check it against the pins, and be ready to ask.

        `known_key` is the realm's key where it is known from elsewhere. Without `listen` there is no push
        and no heartbeat. `patience` is in seconds. A `context` that is given is shared and stays open; it
        saves a thread for each connection. `mirror` makes the mirror of a user; `changed` is called whenever what
        it shows, who is logged in, or whether pushes arrive may have changed.

        Raises UnreachableError, ProtocolError, IdentityError, KeyringError (the pin file).
        """
        address = Address(host.lower(), port)
        own = zmq.asyncio.Context() if context is None else context
        try:
            found = await find_host(address, patience)
            card = await read_card(own, address, found, patience)
            pins.check(str(address), card, known_key)
        except BaseException:
            if context is None:
                own.destroy(linger=0)
            raise
        realm = Realm(own, found, card, keys)
        return cls(realm, listen=listen, patience=patience, owned=context is None, mirror=mirror, changed=changed)

    @property
    def name(self) -> str:
        """The realm's name."""
        return self._realm.card.realm

    @property
    def key(self) -> str:
        """The realm's CURVE key, Z85."""
        return self._realm.card.key

    @property
    def failed(self) -> bool:
        """Whether a task of it has failed: nothing can be asked any more."""
        return self._failure is not None

    @property
    def is_closed(self) -> bool:
        """Whether it has been closed."""
        return self._closed

    @property
    def is_live(self) -> bool:
        """Whether pushes arrive."""
        return self._push is not None and self._push.live.is_set()

    @property
    def login(self) -> Login | None:
        """Who is logged in here."""
        return self.session.login

    def adopt(self, login: Login | None) -> None:
        """Speak in a session of before: its token is used as it is; `resume` opens its push."""
        self.session.adopt(login)
        self._followed = login

    def beside(self) -> "Connection":
        """Another connection to the same realm, for commands alone, in the session that is open here now.

        It is for files, behind which nothing else then waits. It ends with this one; who logs in here later is not
        known there, unless it is told to `adopt` it. Raises ClosedError.
        """
        if self._closed:
            raise ClosedError("the connection is closed")
        beside = Connection(
            self._realm,
            listen=False,
            patience=self._patience,
            owned=False,
            mirror=_mirror_of_news,
            changed=lambda: None,
        )
        beside.adopt(self.login)
        self._besides = [one for one in self._besides if not one.is_closed]
        self._besides.append(beside)
        return beside

    async def ask(self, command: Asks[A_co]) -> A_co:
        """The answer to any command of `schemas.commands`; its `id`, token and `entry` are put in here.

        Raises the `AnswerError` of the answer's code; NoAnswerError after `patience` (10 s), or three times that for
        a command that may be repeated and so was asked three times; ProtocolError; ClosedError; UnicodeEncodeError
        for text with half of a surrogate pair.
        """
        settled = await self.exchange(cast("Command", command))
        if isinstance(settled.outcome, ClientError):
            raise settled.outcome
        return cast("A_co", settled.outcome)

    async def exchange(self, command: Command, payload: bytes = b"") -> Settled:
        """As `ask`, for the frames with file bytes; an error answer is in the `outcome`, not raised."""
        if self._failure is not None:
            raise ClosedError(f"the connection has failed: {self._failure!r}") from self._failure
        if self._closed:
            raise ClosedError("the connection is closed")
        call = self.session.ask(command, payload)
        if self.mirror is not None and isinstance(call.command, Repeatable) and call.command.entry is not UNSET:
            self.mirror.sending(call.command.entry)
        return await self._calls.settle(call)

    async def live(self, patience: float) -> bool:
        """Wait until pushes arrive, at most `patience` seconds; whether they do."""
        if self._push is None:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._push.live.wait()
        return self.is_live

    async def events(self) -> AsyncIterator[Event]:
        """What the realm pushes, and the end of the session, as they come; ends with the connection.

        Entries come in the order of their conversation, without a gap, each once: what a push has lost is
        fetched first. There is one stream: each event goes to one reader. Raises ClosedError where the connection
        failed.
        """
        while (event := await self._events.get()) is not None:
            self._taken.set()
            if self._behind:
                self.repair()
            yield event
        self._events.put_nowait(None)
        if self._failure is not None:
            raise ClosedError(f"the connection has failed: {self._failure!r}") from self._failure

    async def close(self) -> None:
        """End all sockets and tasks. What is still being asked raises ClosedError; twice does no harm."""
        if self._closed:
            return
        self._closed = True
        for beside in self._besides:
            await beside.close()
        self._calls.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._owned:
            self._realm.context.destroy(linger=0)
        self._events.put_nowait(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _settled(self, settled: Settled) -> None:
        self._follow_login()
        for event in settled.events:
            self._events.put_nowait(event)
        if self.mirror is not None:
            reflect(self.mirror, settled.call.command, settled.outcome)
            self.repair()

    def _follow_login(self) -> None:
        """For every session that begins: a fresh push socket and a heartbeat; they end with it."""
        login = self.session.login
        if login is self._followed or not self._listen:
            return
        self._followed = login
        for task in self._session_tasks:
            task.cancel()
        self._push = None
        self._session_tasks = []
        if login is not None:
            if self.mirror is None or self.mirror.user != login.user:
                self.mirror = self._make_mirror(login.user)
            self._push = Push(self._realm, login.topic, self._hear, changed=self._changed)
            self._session_tasks = [self._start(self._push.run()), self._start(self._beat())]

    async def _hear(self, frames: Sequence[bytes]) -> bool:
        while self._events.qsize() >= EVENTS:
            self._taken.clear()
            await self._taken.wait()
        events = self.session.heard(frames)
        for event in events:
            if self.mirror is not None and not isinstance(event, SessionEnded):
                self.mirror.heard(event)
            if not isinstance(event, EntryPushed):  # entries are told when they are in their places
                self._events.put_nowait(event)
        self.repair()
        return any(isinstance(event, Welcome) for event in events)

    async def _beat(self) -> None:
        """Keep the user active, and see what was lost; a session that has ended shows here at the latest."""
        while True:
            await asyncio.sleep(HEARTBEAT_MS / 1000)
            if self.mirror is not None:
                self.mirror.beat()
                self.repair()

    def repair(self) -> None:
        """Tell what the mirror has news of, and ask what it lacks; a slow reader first reads what there is.

        To be called by whoever wants more of the mirror than before; what comes is seen to here.
        """
        self._changed()
        self._behind = self._events.qsize() >= EVENTS
        if self._behind or self.mirror is None or self.login is None:
            return
        for entry in self.mirror.take_news():
            self._events.put_nowait(EntryPushed(entry=entry))
        for question in self.mirror.take_questions():
            self._start(self._ask_for(self.mirror, question))

    async def _ask_for(self, mirror: Mirror, question: Question) -> None:
        outcome: Answer | ClientError
        try:
            outcome = (await self.exchange(question.command)).outcome
        except ClientError as error:
            outcome = error
        mirror.answered(question, outcome)
        if isinstance(outcome, RateLimitedError):
            await asyncio.sleep(max((outcome.retry_after or 0) / 1000, SPARED))
            mirror.go_on()
        self.repair()

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """A task that fails takes the questions with it: nobody is left waiting."""
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failure = error
            self._calls.fail(error)
            self._events.put_nowait(None)
