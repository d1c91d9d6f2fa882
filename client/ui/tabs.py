"""Browser tabs: what stays of each between the windows that show it, so that a reload changes nothing.

A tab proves itself by its secret. It has a folder of its own (key pair, session), so two tabs are two devices, and two
people may use one browser. Nothing of it is in the folder but what `client/keyring.py` keeps, and which realm it is.
"""

import asyncio
import contextlib
import hashlib
import logging
import shutil
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq
import zmq.asyncio

from client.dial import Address
from client.errors import ClientError, KeyringError, UnreachableError, UsageError
from client.files import read_json, remove, write_json
from client.keyring import Keyring
from client.model.desk import Unsaid
from client.pins import Pins
from client.ui.chat import Chat
from client.ui.choice import Choice
from client.ui.running import Crowd, Running
from client.ui.space import IN_ALL, Space
from client.ui.spool import Spool, Spools
from client.ui.stay import Stay
from client.ui.tickets import Tickets
from schemas.names import ConversationId

GRACE_S: Final = 15.0
"""A tab that no window shows keeps its connection for so long: it may be loading anew."""
LEAST_GRACE_S: Final = 1.0
"""Seconds until it is looked at again whether what a left tab sends is through."""
FORGOTTEN_S: Final = 30 * 86_400
"""After so long unused, what is on disk of a tab is removed: its session is over by then."""
SOCKETS: Final = 65_000
"""In all: a tab has four. libzmq allows 65,535 and is set to 1,023."""
SPOOLED: Final = "files"
"""The folder of a tab's files that are not sent yet."""
AT_MOST: Final = 10_000
"""Tabs in memory: what has been typed there and not sent."""

log = logging.getLogger(__name__)


class Door(msgspec.Struct, frozen=True):
    """Where a tab's realm is, and its key where that is known from elsewhere."""

    host: str
    port: int
    key: str | None = None

    @property
    def address(self) -> Address:
        """The front door."""
        return Address(self.host, self.port)


class Tab:
    """One tab. At most one window shows it; `changed` is called whenever it must look again."""

    def __init__(self, folder: Path, host: "Tabs") -> None:
        self._folder = folder
        self.host = host
        self.name = folder.name
        """What anybody may know of it."""
        self.tickets = Tickets()
        self.running = Running(host.crowd)
        """What its browser is being given of files."""
        self.spools = Spools(folder / SPOOLED, host.space, self.tell)
        self.choice = Choice(self.spools)
        """Files that the person is about to send into the room that is open."""
        self._door_file = folder / "realm.json"
        self._closing: asyncio.TimerHandle | None = None
        """When the connection ends, or after that what waits to be sent."""
        self._closes: set[asyncio.Task[None]] = set()
        self._dialling = asyncio.Lock()
        self.chat: Chat | None = None
        self.door: Door | None = None
        """Of the realm that somebody is logged in at, as far as the tab knows."""
        self.changed: Callable[[], None] | None = None
        self.page = ""
        """What tells the page that showed it last from others of the same browser tab, or of one that was copied."""
        self._user = ""
        self._left = False
        """Whether a window has shown it, and none came after within the grace."""
        self._grace = GRACE_S
        self._stay = Stay()
        self._unsaid: dict[str, Unsaid] = {}

    def read(self) -> None:
        """Remember what is on disk, if anything is and it may still be gone to; raises KeyringError."""
        try:
            if self._folder.exists():
                self._folder.touch()  # used today
        except OSError as error:
            raise KeyringError(f"{self._folder} cannot be used: {error.strerror}") from error
        door = read_json(self._door_file, Door)
        self.door = door if door is not None and self.host.allows(door) else None

    async def dial(self, door: Door, tell_why: Callable[[ClientError], str] = str) -> Chat:
        """The chat at this realm; one at another realm ends. Raises what `Connection.open` does.

        `tell_why` is what a person is told of a message that was not stored. Where nobody may go there, UsageError.
        """
        if not self.host.allows(door):
            raise UsageError(f"this web client is for {self.host.own} only, not for {door.address}")
        async with self._dialling:
            chat = self.chat
            if chat is not None and not chat.failed and self._is_at(chat, door):
                return chat
            await self.hang_up()
            keyring = Keyring(self._folder, self.host.pins_for(door))
            try:
                self.chat = await Chat.open(
                    door.address, keyring, self.host.context, self.tell, door.key, self._unsaid_by, tell_why
                )
            except zmq.ZMQError as error:
                raise UnreachableError(f"no socket is left for {door.address}: {error.strerror}") from error
            chat = self.chat
            if self._left:
                await self.hang_up()
            return chat

    def _is_at(self, chat: Chat, door: Door) -> bool:
        return chat.door == door.address and door.key in (None, chat.fingerprint)

    def logged_in(self, door: Door) -> None:
        """Remember where, for the next window."""
        self.door = door
        write_json(self._door_file, door)

    def logged_out(self) -> None:
        """Nobody is logged in here any more: what was not said is for nobody else's eyes."""
        self.door = None
        self._unsaid.clear()
        self.forget_files()
        self.tickets.clear()
        self.running.end()
        remove(self._door_file)

    def log_out(self) -> None:
        """End the session here at once, and on the realm as soon as it can be reached."""
        chat, self.chat = self.chat, None
        self.logged_out()
        Keyring(self._folder).forget_all()
        if chat is not None:
            self._start(self._log_out(chat))

    async def _log_out(self, chat: Chat) -> None:
        try:
            await chat.log_out()
        except ClientError as error:
            log.info("a session could not be ended on its realm: %s", error)
        finally:
            await chat.close()

    async def hang_up(self) -> None:
        """Free the connection, and what runs over it; where nobody was logged in, keep nothing else either."""
        chat, self.chat = self.chat, None
        self.running.end()
        if chat is not None:
            await chat.close()
        if self.door is None:
            self.tickets.clear()
            _empty(self._folder)

    def show(self, changed: Callable[[], None], page: str = "") -> None:
        """A window shows it from now on, and no other: the one before is told to look.

        What another page than this one was still to send will not come.
        """
        before, self.changed = self.changed, changed
        self._left = False
        self._close_no_more()
        if page != self.page:
            self.page = page
            self.spools.page_left()
        if before is not None:
            before()

    def hide(self, changed: Callable[[], None], grace: float) -> None:
        """This window is gone; unless another comes within `grace` seconds, the connection ends."""
        if self.changed == changed:
            self.changed = None
            self._grace = grace
            if self.chat is not None and self.chat.desk is not None:
                self.chat.desk.in_view = False  # what comes now is read by nobody
            self._stay.begin(self._carried)
            self._hang_up_in(grace)

    def _close_no_more(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _hang_up_in(self, seconds: float) -> None:
        self._close_no_more()
        self._closing = asyncio.get_running_loop().call_later(seconds, self._hang_up_soon)

    def _hang_up_soon(self) -> None:
        self._start(self._hang_up_unless_shown())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._closes.add(task)
        task.add_done_callback(self._closes.discard)

    async def _hang_up_unless_shown(self) -> None:
        if self.changed is not None:
            return
        left = self._stay.left(self._carried)
        if self._is_needed(left):
            if not left:
                self.forget_files()
            self._hang_up_in(max(self._grace, LEAST_GRACE_S))
            return
        self._left = True
        await self.hang_up()
        if not left or not self.spools.are_wanted:
            self.forget_files()
        elif self._is_left():  # who comes back soon may still send them, or send them again
            self._close_no_more()
            self._closing = asyncio.get_running_loop().call_later(left, self.forget_files)

    def _is_needed(self, left: float) -> bool:
        """Whether something goes on though its page is gone: who has sent or saves a file need not stay for it."""
        if self.chat is not None and self.chat.carrier.is_busy:
            return left > 0
        return self.running.is_saving

    @property
    def _carried(self) -> int:
        return 0 if self.chat is None else self.chat.carrier.carried

    def _is_left(self) -> bool:
        return self.changed is None

    def _unsaid_by(self, user: str) -> Unsaid:
        """What this user has not sent; what another was about to send is not for them."""
        if user != self._user:
            self._user = user
            self.forget_files()
        return self._unsaid.setdefault(user, Unsaid())

    def tell(self) -> None:
        """Have the window look again."""
        if self.changed is not None:
            self.changed()

    # files

    @property
    def session(self) -> object | None:
        """Which session is open here; tickets of another one are void."""
        return None if self.chat is None else self.chat.session

    def choose(
        self, page: str, room: ConversationId, files: Sequence[tuple[str, int]], more: int = 0
    ) -> list[Spool] | None:
        """Somebody has chosen files of the browser's for a room, and `more` beside them; None where it is not shown.

        Only the page that shows the tab may say so, of the room that it shows.
        """
        desk = None if self.chat is None else self.chat.desk
        if self.changed is None or page != self.page or desk is None or desk.room != room:
            return None
        made = self.choice.add(room, files, more)
        self.tell()
        return made

    def forget_files(self) -> None:
        """Nothing that waits here will be sent."""
        self.choice.forget()
        self.spools.clear()


class Tabs:
    """All tabs of one web process, in the folder `home`; one ZeroMQ context serves them all.

    Visitors may name any realm, so what they find there is pinned for their tab alone; only the pin of the `own` realm,
    which the operator has named, is for all.
    """

    def __init__(
        self, home: Path, own: Address, grace: float = GRACE_S, *, only_own: bool = False, room: int = IN_ALL
    ) -> None:
        """`only_own`: nobody may go to another realm; `room`: bytes of files that may wait here to be sent, in all."""
        self.grace = grace
        self.own = own
        self.only_own = only_own
        self.context = zmq.asyncio.Context()
        self.context.set(zmq.MAX_SOCKETS, SOCKETS)
        self._folder = home / "tabs"
        self.space = Space(self._folder, room)
        self.crowd = Crowd()
        self._pins = Pins(home / "pins.json")
        self._tabs: dict[str, Tab] = {}

    def allows(self, door: Door) -> bool:
        """Whether a tab may go there."""
        return not self.only_own or door.address == self.own

    def enter(self, secret: str) -> Tab:
        """The tab of this secret. Raises KeyringError where its folder cannot be used."""
        name = _name(secret)
        tab = self._tabs.pop(name, None)
        if tab is None:
            tab = Tab(self._folder / name, self)
        tab.read()
        self._tabs[name] = tab  # the last that was entered is the last to be dropped
        if len(self._tabs) > AT_MOST:
            self._drop_one(tab)
        return tab

    def find(self, secret: str) -> Tab | None:
        """The tab of this secret, if it has been entered."""
        return self._tabs.get(_name(secret))

    def named(self, name: str) -> Tab | None:
        """The tab of this name, if it has been entered."""
        return self._tabs.get(name)

    def pins_for(self, door: Door) -> Pins | None:
        """The pins that a realm is checked against; None: the tab's own."""
        return self._pins if door.address == self.own and door.key is None else None

    def forget_files(self) -> None:
        """Remove what a process before this one has left of files."""
        for folder in self._folder.glob(f"*/{SPOOLED}"):
            shutil.rmtree(folder, ignore_errors=True)

    def forget_old(self) -> None:
        """Remove what is on disk of tabs that were last entered long ago."""
        for folder in self._folder.glob("*"):
            if folder.stat().st_mtime < time.time() - FORGOTTEN_S:
                shutil.rmtree(folder, ignore_errors=True)

    async def close(self) -> None:
        """Free all sockets. A tab's chat ends without a logout: the tab may come back to another process."""
        for tab in self._tabs.values():
            try:
                await tab.hang_up()
            except ClientError:
                log.exception("a tab did not close")
            tab.forget_files()
        self.space.settle()
        self.context.destroy(linger=0)

    def _drop_one(self, entered: Tab) -> None:
        for name, tab in self._tabs.items():
            if tab is not entered and tab.changed is None and tab.chat is None:
                tab.forget_files()
                del self._tabs[name]
                return


def _empty(folder: Path) -> None:
    """Remove what is in it and the folder itself; files that waited to be sent go by themselves (`space.py`)."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name != SPOOLED:
                path.unlink()
    for left in (folder / SPOOLED, folder):
        with contextlib.suppress(OSError):
            left.rmdir()


def _name(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:32]
