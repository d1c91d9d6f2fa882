"""A list of the realm's, page by page, as somebody looks through it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from msgspec import UNSET, UnsetType, structs

from client.errors import ClientError
from client.session import Asks
from schemas.answers import Page
from schemas.commands import Listing as Command
from schemas.limits import MAX_ITEMS

TYPING_S: Final = 0.25
"""Somebody who types no more for so long wants to see what is found."""

A = TypeVar("A", bound=Page)
R = TypeVar("R")

Ask = Callable[[Asks[A]], Awaitable[A]]


class Listing(Generic[A, R]):
    """What a command lists, as far as it was fetched. `changed` is called when there is more to see."""

    def __init__(
        self, ask: Ask[A], command: Command, rows: Callable[[A], list[R]], changed: Callable[[], None]
    ) -> None:
        self._ask = ask
        self._command = command
        self._take = rows
        self._changed = changed
        self._next: str | UnsetType = UNSET
        self._asking = False
        self.rows: list[R] = []
        self.more = True
        """Whether the realm has more."""
        self.fetched = False
        """Whether a first page has come, so that an empty list is one."""
        self.problem: ClientError | None = None

    async def fetch(self) -> None:
        """Ask for the next page, unless that is under way or there is none; what goes wrong is in `problem`."""
        if self._asking or not self.more:
            return
        self._asking, self.problem = True, None
        try:
            answer = await self._ask(structs.replace(self._command, after=self._next))  # type: ignore[arg-type]
        except ClientError as error:
            self.problem = error
        else:
            self.rows += self._take(answer)[:MAX_ITEMS]
            self.more = answer.more and answer.next is not UNSET
            self._next, self.fetched = answer.next, True
        finally:
            self._asking = False
            self._changed()


class Finder(Generic[A, R]):
    """A list that is searched as somebody types."""

    def __init__(
        self, make: Callable[[str], Listing[A, R]], start: Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
    ) -> None:
        """`make` makes the list of what a text finds, `start` the tasks that fetch it."""
        self._make = make
        self._start = start
        self._task: asyncio.Task[None] | None = None
        self.text = ""
        self.listing = make("")

    def typed(self, text: str) -> None:
        """Look for this, once the typing rests."""
        if text.strip() == self.text:
            return
        self.text = text.strip()
        if self._task is not None:
            self._task.cancel()
        self._task = self._start(self._find())

    async def again(self) -> None:
        """Fetch anew what is shown: it has changed."""
        self.listing = self._make(self.text)
        await self.listing.fetch()

    async def _find(self) -> None:
        await asyncio.sleep(TYPING_S)
        await self.again()
