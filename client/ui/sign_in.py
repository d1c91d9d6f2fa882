"""Logging in, registering, and taking up where the tab was: what is typed there, and what becomes of it."""

import asyncio
import logging
import re
from typing import Final

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from msgspec import UNSET

from client.dial import Address, parse_address
from client.errors import (
    ClientError,
    ClosedError,
    ForbiddenError,
    IdentityError,
    NoAnswerError,
    UnreachableError,
    UsageError,
)
from client.ui.complaint import complaint
from client.ui.tabs import Door
from client.ui.window import Stage, Window
from schemas import commands, invites
from schemas.limits import MAX_PASSWORD, MIN_PASSWORD
from schemas.names import NAME_PATTERN, Name

AGAIN_S: Final = 2.0
"""Between two tries to reach a realm at which somebody is logged in already."""

TRIES: Final = RateLimitItemPerMinute(30)
"""Logins and registrations of one browser's address: the realm sees all of them come from this process."""

Offer = tuple[str, Address]
"""A realm that is offered: its name and front door."""

log = logging.getLogger(__name__)


class Tries:
    """How often each address has tried to log in of late."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def take(self, address: str) -> bool:
        """Whether one more is allowed."""
        return await self._limiter.hit(TRIES, address)


class SignIn:
    """The form of one window. Fields are as they were typed."""

    def __init__(self, window: Window, default: str, tries: Tries, offered: tuple[Offer, ...] = ()) -> None:
        """`default` is the realm that the web client was started for, HOST:PORT; `offered` are those to choose from."""
        self.window = window
        self.offered = offered
        self.chosen = ""
        """The one of these that was pressed."""
        self._tries = tries
        self.registering = False
        self.busy = False
        self.realm = default
        self.key: str | None = None
        self.invite = ""
        self.username = ""
        self.password = ""
        self.name = ""
        self.country = ""
        self._invited_to = ""
        self._read_link(window.visit.asked)

    def _read_link(self, asked: str) -> None:
        """Fill in what the page was invited to."""
        if "realm=" not in asked:
            return
        try:
            invitation = invites.parse(asked)
        except ValueError:
            self.window.trouble = self.window.words.bad_link
            return
        self.realm = self._invited_to = invitation.realm
        self.key = invitation.key
        self.invite = invitation.token or ""
        self.registering = invitation.token is not None

    def choose(self, door: Address) -> None:
        """Log in or register at this one of those that are offered."""
        self.realm = self.chosen = str(door)
        self.window.trouble = ""
        self.window.whole.redraw()

    async def submit(self) -> None:
        """Log in or register, as is chosen; what speaks against it stays on the page."""
        window = self.window
        if self.busy:
            return
        if amiss := self._amiss():
            self._complain(amiss)
            return
        if not await self._tries.take(window.visit.address):
            self._complain(window.words.too_often)
            return
        self.busy = True
        self._complain("")
        try:
            await self._enter()
        except ClientError as error:
            self._complain(self._why(error, self.realm))
        finally:
            self.busy = False
            window.form_tick.redraw()

    async def _enter(self) -> None:
        door = self._door(parse_address(self.realm))
        window = self.window
        username = Name(self.username.strip())
        chat = await window.tab.dial(door, lambda error: complaint(window.words, error))
        if self.registering:
            await chat.register(
                commands.Register(
                    id=0,
                    username=username,
                    password=self.password,
                    country=self.country.strip(),
                    name=self.name.strip(),
                    invite=self.invite.strip() or UNSET,
                )
            )
        else:
            await chat.log_in(username, self.password)
        self.password = ""
        window.tab.logged_in(door)
        window.trouble = ""
        window.wake()

    async def resume(self) -> None:
        """Take up the tab's session, if there is one; while the realm does not answer, go on trying."""
        window, tab = self.window, self.window.tab
        while window.stage is Stage.CONNECTING and (door := tab.door) is not None:
            try:
                chat = await tab.dial(door, lambda error: complaint(window.words, error))
                if tab.door != door:  # somebody has given up meanwhile
                    return
                if chat.desk is not None or await chat.resume():
                    window.wake()
                    return
                tab.logged_out()
                window.trouble = window.words.session_ended
            except IdentityError as error:
                window.trouble = complaint(window.words, error)
                break
            except ClientError as error:
                if tab.door != door:
                    return
                log.info("a tab's session is not taken up yet: %s", error)
                if (trouble := self._why(error, door.address)) != window.trouble:
                    window.trouble = trouble
                    window.whole.redraw()
                await asyncio.sleep(AGAIN_S)
        if window.stage is Stage.CONNECTING:
            self.leave()

    def leave(self) -> None:
        """Show the form; how something went is nobody else's business."""
        self.window.say("")
        self.window.stage = Stage.SIGN_IN
        self.window.whole.redraw()

    def sign_out(self) -> None:
        """End the session: here at once, on the realm as soon as it can be reached."""
        self.window.tab.log_out()
        self.window.trouble = ""
        self.leave()

    def _why(self, error: ClientError, address: object) -> str:
        words = self.window.words
        if self.registering and isinstance(error, ForbiddenError):
            return words.no_registration
        silent = isinstance(error, UnreachableError | NoAnswerError | ClosedError)
        return words.unreachable.format(address=address) if silent else complaint(words, error)

    def _door(self, address: Address) -> Door:
        # The key that a link gives is of the realm that it names, not of one that was typed over it.
        return Door(address.host, address.port, self.key if self.realm == self._invited_to else None)

    def _is_own(self) -> bool:
        try:
            return parse_address(self.realm) == self.window.tab.host.own
        except UsageError:
            return False

    def _amiss(self) -> str:
        """What is wrong with what was typed, as far as that can be seen from here."""
        words = self.window.words
        asked = [(self.realm, words.realm), (self.username, words.username), (self.password, words.password)]
        if self.registering:
            asked += [(self.name, words.display_name), (self.country, words.country)]
        if self.window.tab.host.only_own and not self._is_own():
            return words.only_realm.format(address=self.window.tab.host.own)
        if missing := next((name for typed, name in asked if not typed.strip()), ""):
            return words.fill_in.format(field=missing)
        if not re.match(NAME_PATTERN, self.username.strip()):
            return f"{words.username}: {words.name_hint}"
        too_long = len(self.password.encode()) > MAX_PASSWORD
        if too_long or (self.registering and not is_long_enough(self.password)):
            return f"{words.password}: {words.password_hint}"
        return ""

    def _complain(self, trouble: str) -> None:
        self.window.trouble = trouble
        self.window.form_tick.redraw()


def is_long_enough(password: str) -> bool:
    """Whether a realm takes it as a new password."""
    return MIN_PASSWORD <= len(password.encode()) <= MAX_PASSWORD
