"""The other realms as one window sees them: whether each answers now, and what waits for it.

The realm pushes no such thing: it is asked every few seconds while somebody looks at it, and when something is heard
of other realms.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, tzinfo
from typing import Final

from client.errors import ClientError
from client.model.desk import Desk
from client.model.places import Peer, Place, Realms, Room
from client.model.who import other_realm
from client.ui.link_text import link_text
from client.ui.words import Words
from schemas import answers, commands
from schemas.entries import Entry
from schemas.errors import FIXED_TEXTS, Code

MAIL: Final = 300
"""Entries of what came from one realm that a page shows at most; all of them are in their chats."""
UNKNOWN: Final = FIXED_TEXTS[Code.REALM_NOT_FOUND]
ASK_S: Final = 3
"""Seconds from one question to the next, while somebody looks."""
SETTLE_S: Final = 0.3
"""What is heard of other realms comes in bursts; so long the question waits for the rest of one."""


class Peers:
    """What is known of them. `changed` is called when there may be more to see."""

    def __init__(
        self, ask: Callable[[commands.Realms], Awaitable[answers.Realms]], changed: Callable[[], None], zone: tzinfo
    ) -> None:
        self._ask = ask
        self._changed = changed
        self._zone = zone
        self._watched = False
        self._wanted = asyncio.Event()
        self._crossings = 0
        self._seen: object = None
        self.rows: list[answers.RealmSeen] | None = None
        """As the realm has told last; None before that."""
        self.links: dict[str, str] = {}
        """For each realm, how the link to it fares, in words."""
        self.problem: ClientError | None = None
        """Why nothing is known."""
        self.mail: dict[str, list[Entry]] = {}
        """For each realm, what was fetched of it last, and no more than a page can bear."""
        self.more: set[str] = set()
        """Of these more can be fetched."""

    def refresh(self, desk: Desk, place: Place, words: Words, *, in_view: bool) -> bool:
        """See who looks at what, and whether that is to be drawn anew."""
        watched = in_view and _shows_links(desk, place)
        if (watched and not self._watched) or desk.crossings != self._crossings:
            self._wanted.set()
        self._watched, self._crossings = watched, desk.crossings
        if not watched:
            return False
        now = datetime.now(self._zone)
        self.links = {row.realm: link_text(words, row, now) for row in self.rows or ()}
        waiting = {row.realm: row.queued for row in self.rows or ()}
        seen = self.links, waiting, self.rows is None, self.problem
        changed, self._seen = seen != self._seen, seen
        return changed

    def queued(self, words: Words, realm: str) -> str:
        """Why a message waits, as far as that is known."""
        told = words.queued_for.format(realm=realm)
        row = next((row for row in self.rows or () if row.realm == realm), None)
        return told if row is None or row.connected else f"{told}: {self.links.get(realm, words.not_heard)}"

    def link(self, realm: str) -> str:
        """How the link to a realm fares, in words; empty where that is not known yet."""
        if realm in self.links:
            return self.links[realm]
        known = self.rows is None or any(row.realm == realm for row in self.rows)
        return "" if known else UNKNOWN

    def look(self) -> None:
        """Ask soon."""
        self._wanted.set()

    async def run(self) -> None:
        """Ask while somebody looks."""
        while True:
            self._wanted.clear()
            if self._watched:
                await self._look()
            await self._pause()

    async def _pause(self) -> None:
        """Until it is time to ask again; meanwhile the seconds to the next try are counted down."""
        passed = 0
        while not self._watched or passed < ASK_S:
            try:
                async with asyncio.timeout(1 if self._watched else None):
                    await self._wanted.wait()
            except TimeoutError:
                passed += 1
                self._changed()
            else:
                await asyncio.sleep(SETTLE_S)
                return

    async def _look(self) -> None:
        try:
            self.rows = (await self._ask(commands.Realms(id=0))).realms
        except ClientError as error:
            self.problem = error
        else:
            self.problem = None
        self._changed()

    def fetched(self, realm: str, got: answers.Messages, *, after: bool) -> None:
        """Take in what came from a realm: after what was fetched before, or in its place."""
        before = self.mail.get(realm, []) if after else []
        self.mail[realm] = [*before, *got.messages][-MAIL:]
        (self.more.add if got.more else self.more.discard)(realm)


def _shows_links(desk: Desk, place: Place) -> bool:
    """Whether a place shows how links to other realms fare."""
    if isinstance(place, Room):
        return other_realm(place.conversation, desk.user) is not None
    return isinstance(place, Realms | Peer)
