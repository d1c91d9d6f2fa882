"""One window: what it shows now, and the one task that has it drawn anew when that has changed.

A window is a session of Flet's and ends with its page; what must outlive that is the tab's (`tabs.py`).
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from enum import Enum, auto
from typing import Any, Final

import flet as ft

from client.errors import ClientError
from client.model import places
from client.model.desk import Desk
from client.model.glance import Glance, glances
from client.model.places import Home, Place, Room
from client.model.who import may_be_in, other
from client.ui import look
from client.ui.attaching import Attaching
from client.ui.chat import Chat
from client.ui.complaint import complaint
from client.ui.deeds import Deeds
from client.ui.draw import LoggedOutError, Tick
from client.ui.peers import Peers
from client.ui.people import People
from client.ui.preferences import THEMES, Preferences
from client.ui.room_view import RoomView
from client.ui.saving import Saving
from client.ui.tabs import Tab
from client.ui.visits import Visit
from client.ui.words import LANGUAGES, Words
from schemas import names
from schemas.entries import File
from schemas.names import Address

FRAME_S: Final = 0.03
"""What comes more often than this is drawn together."""
MINUTE_S: Final = 60.0
"""So often a window looks whether it is another day."""
LIST_PAGE: Final = 50
"""Conversations that are in the list at first, and that come with each asking for more."""
OFFLINE_S: Final = 1.5
"""A connection that is back sooner was hardly lost."""
NAME: Final = "Bagan"

log = logging.getLogger(__name__)


Resume = Callable[[], Coroutine[Any, Any, None]]


class Stage(Enum):
    """What kind of page it is."""

    SIGN_IN = auto()
    CONNECTING = auto()
    """Somebody is logged in here, and the realm does not answer yet."""
    CHAT = auto()
    ELSEWHERE = auto()
    """Another window shows this tab."""


class Window(Deeds):
    """The state of one page. Components read it, and are drawn again for its ticks."""

    def __init__(self, page: ft.Page, tab: Tab, visit: Visit) -> None:
        super().__init__()
        self.page = page
        self.tab = tab
        self.visit = visit
        self.preferences = Preferences(visit.languages)
        self.stage = Stage.CONNECTING if tab.door else Stage.SIGN_IN
        self.place: Place = places.find(page.route or "/")
        self.wide = (page.width or look.NARROW) >= look.NARROW
        self.notice = ""
        """One sentence that tells how something went."""
        self.banner = ""
        """One sentence that stays while the connection is lost."""
        self.trouble = ""
        """One sentence of why nobody is logged in here."""
        self.glances: list[Glance] = []
        self.listed = LIST_PAGE
        """How many conversations the list shows."""
        self._people: People | None = None
        self._peers: Peers | None = None
        self._listed: dict[Address, bool] = {}
        self._came_from: Place = Home()
        self.room = RoomView(visit.zone)
        self.whole, self.list_tick, self.strip, self.form_tick = Tick(), Tick(), Tick(), Tick()
        self.attaching = Attaching(tab)
        self.picture: File | None = None
        """The picture that somebody looks at."""
        self.picture_tick = Tick()
        self.saving = Saving(self.strip)
        self._in_view = visit.in_view
        self._user = ""
        self._head: tuple[str, bool] = ("", False)
        self.people_tick = Tick()
        """For whoever shows whether people of a page are active."""
        self.peers_tick = Tick()
        """For whoever shows how other realms fare."""
        self._resume: Resume | None = None
        self._woken = asyncio.Event()
        self._offline_since: float | None = None
        self._looking: list[asyncio.Task[None]] = []
        self._title = ""
        self._gone = False
        self._seen_desk: Desk | None = None

    # what there is

    @property
    def chat(self) -> Chat:
        """The connection; raises LoggedOutError where there is none."""
        if self.tab.chat is None:
            raise LoggedOutError
        return self.tab.chat

    @property
    def desk(self) -> Desk:
        """The desk; raises LoggedOutError where nobody is logged in."""
        if self.chat.desk is None:
            raise LoggedOutError
        return self.chat.desk

    @property
    def is_logged_in(self) -> bool:
        """Whether there is a desk."""
        return self.tab.chat is not None and self.tab.chat.desk is not None

    @property
    def people(self) -> People:
        """Who is who; only where somebody is logged in."""
        assert self._people is not None
        return self._people

    @property
    def peers(self) -> Peers:
        """The other realms; only where somebody is logged in."""
        assert self._peers is not None
        return self._peers

    @property
    def today(self) -> date:
        """The day that it is where the person is."""
        return datetime.now(self.visit.zone).date()

    # its life

    async def start(self, resume: Resume) -> bool:
        """Show the page, and follow what happens; false where the page is gone meanwhile.

        `resume` takes the tab's session up, now and whenever its connection has failed.
        """
        self._resume = resume
        self.tab.show(self.wake, self.visit.page)  # at once: of two windows the one that came later shows it
        self.page.title = NAME
        self.page.theme = self.page.dark_theme = look.theme()
        self.page.padding = 0
        await self.preferences.read()
        self.page.theme_mode = THEMES[self.preferences.theme]
        self.page.on_resize = self.handle(self._resized)
        self.page.on_keyboard_event = self.handle(self._key)
        self.page.on_route_change = self.handle(self._route_changed)
        self.page.on_app_lifecycle_state_change = self.handle(self._looked_at)
        if not self._gone:
            self.start_task(self._follow())
            self.start_task(resume())
        return not self._gone

    def leave(self, grace: float) -> None:
        """The page is gone: end what was done for it."""
        self._gone = True
        self.end_tasks()
        self.tab.hide(self.wake, grace)

    # what a person does

    def failed(self, error: ClientError | None) -> None:
        """Something did not work: say so."""
        self.say(self.words.wrong if error is None else complaint(self.words, error))

    def say(self, notice: str) -> None:
        """Tell how something went, until something else is done."""
        self.notice = notice
        self.strip.redraw()

    async def go(self, place: Place, notice: str = "") -> None:
        """Go somewhere; the browser's own back button comes back."""
        self._arrive(place)
        self.say(notice)
        await self.page.push_route(places.route(place))

    async def back(self) -> None:
        """Go to where this place hangs."""
        await self.go(places.above(self.place, wide=self.wide, came_from=self._came_from))

    def list_more(self) -> None:
        """Show more of the conversations."""
        self.listed += LIST_PAGE
        self.wake()

    def private_room(self, other: Address) -> Room:
        """The place where one talks to somebody."""
        return Room(names.private(Address(self.desk.user), other))

    def _arrive(self, place: Place) -> None:
        chat = self.tab.chat
        if self.stage is Stage.CHAT and chat is not None and chat.desk is not None:
            if isinstance(place, Room) and not may_be_in(chat.desk.user, place.conversation):
                place = Home()
            if isinstance(place, Room):
                self.room.open(chat.desk, place.conversation)
                self.start_task(self.people.find(place.conversation))
            else:
                chat.desk.close()
            chat.follow()
            self.people.leave_page()
        if place != self.place:
            self._came_from, self.place = self.place, place
            self.close_dialogs()
        self.whole.redraw()
        self.wake()

    def look_at(self, picture: File | None) -> None:
        """Show a picture at full size, or none."""
        if picture != self.picture:
            self.picture = picture
            self.picture_tick.redraw()

    def close_dialogs(self) -> bool:
        """Close what is open above the page; whether anything was."""
        was_open = self.attaching.is_open or self.picture is not None
        self.attaching.close()
        self.look_at(None)
        return was_open

    def _route_changed(self, event: ft.RouteChangeEvent) -> None:
        route: object = event.route
        if not isinstance(route, str):
            return  # no page of ours says so
        place = places.find(route)
        if place != self.place:
            self.say("")
            self._arrive(place)

    async def _key(self, event: ft.KeyboardEvent) -> None:
        if self.stage is not Stage.CHAT:
            return
        if event.key == "Escape" and not self.close_dialogs() and self.place != Home():
            await self.back()
        elif event.key.upper() == "K" and (event.ctrl or event.meta):
            await self.go(places.Search())

    def _resized(self, event: ft.PageResizeEvent) -> None:
        wide = event.width >= look.NARROW
        if wide != self.wide:
            self.wide = wide
            self.whole.redraw()

    def _looked_at(self, event: ft.AppLifecycleStateChangeEvent) -> None:
        self._in_view = event.state in (ft.AppLifecycleState.SHOW, ft.AppLifecycleState.RESUME)
        if self.tab.changed == self.wake and self.is_logged_in:  # what another window shows is not read in this one
            self.desk.in_view = self._in_view
            self.chat.follow()

    # how it looks

    @property
    def words(self) -> Words:
        """The language that is spoken."""
        return self.preferences.words

    async def choose_theme(self, theme: str) -> None:
        """Light, dark, or as the system is."""
        if theme != self.preferences.theme:
            self.preferences.theme = theme
            await self.preferences.keep()  # first: what is seen outlives a reload
            self.page.theme_mode = THEMES[theme]
            self.page.update()

    async def choose_language(self, code: str) -> None:
        """Speak that language."""
        if code != self.words.code:
            self.preferences.words = LANGUAGES[code]
            await self.preferences.keep()  # first, as above
            self.whole.redraw()
            self.refresh(everything=True)

    # what happens

    def wake(self) -> None:
        """Something may have changed."""
        self._woken.set()

    async def _follow(self) -> None:
        drawn = self.today
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MINUTE_S):
                    await self._woken.wait()
            self._woken.clear()
            self.refresh(everything=self.today != drawn)  # what was today's is yesterday's
            drawn = self.today
            await asyncio.sleep(FRAME_S)

    def refresh(self, *, everything: bool = False) -> None:
        """Look at what there is, and have drawn anew what has changed."""
        if self.tab.changed != self.wake:
            self._show(Stage.ELSEWHERE)
            return
        chat = self.tab.chat
        if self.stage is Stage.CHAT and chat is not None and chat.failed and self._resume is not None:
            self._show(Stage.CONNECTING)
            self.start_task(self._resume())
            return
        if chat is None or chat.desk is None:
            if self.stage is Stage.CHAT:
                self.trouble = self.words.session_ended if chat is not None and chat.ended else ""
                self._show(Stage.SIGN_IN)
            return
        if chat.desk is not self._seen_desk:
            self._enter(chat, chat.desk)
        if isinstance(self.place, Room) and chat.desk.room is None:
            self.start_task(self.go(Home(), self.words.left))
            return
        self.attaching.refresh(chat.desk.room)
        self._see_connection(chat)
        self.people.watch()
        if (listed := self.people.listed) != self._listed:
            self._listed = listed
            self.people_tick.redraw()
        if self.peers.refresh(chat.desk, self.place, self.words, in_view=self._in_view):
            self.peers_tick.redraw()
        seen = glances(chat.desk, self.people.presence.active, self.visit.zone, self.listed)
        if everything or seen != self.glances:
            self.glances = seen
            self.list_tick.redraw()
        self.room.refresh(chat.desk, everything=everything)
        self._see_head()
        self._entitle(chat.desk.unread)

    def _enter(self, chat: Chat, desk: Desk) -> None:
        """Somebody has just logged in, or was before this window."""
        self._seen_desk = desk
        self.attaching.hide()  # what is chosen may stay: who has loaded the page anew goes on with it
        self.look_at(None)
        desk.in_view = self._in_view
        self._people = People(chat, desk, self.wake)
        self._peers = Peers(chat.ask, self.wake, self.visit.zone)
        for looking in self._looking:
            looking.cancel()
        self._looking = [self.start_task(one.run()) for one in (self.people.presence, self.peers)]
        self.stage = Stage.CHAT
        if self._user not in ("", desk.user):  # somebody else was here
            self.place = Home()
        self._user = desk.user
        self._arrive(self.place)

    def _show(self, stage: Stage) -> None:
        if stage is not self.stage:
            self.stage = stage
            if stage is Stage.SIGN_IN:
                self.say("")  # whoever is here next is not to read it
            self._seen_desk = None
            self._entitle(0)
            self.whole.redraw()

    def _see_head(self) -> None:
        """The name of the room, and whether the other one is active."""
        room = self.room.conversation
        people, user = self.people, self.desk.user
        head = ("", False) if room is None else (people.title(room), people.is_active(other(room, user)))
        if head != self._head:
            self._head = head
            self.room.head.redraw()

    def _see_connection(self, chat: Chat) -> None:
        now = time.monotonic()
        if chat.online:
            self._offline_since, banner = None, ""
        else:
            if self._offline_since is None:
                self._offline_since = now
                asyncio.get_running_loop().call_later(OFFLINE_S, self.wake)
            banner = self.words.offline if now - self._offline_since >= OFFLINE_S else ""
        if banner != self.banner:
            self.banner = banner
            self.strip.redraw()

    def _entitle(self, unread: int) -> None:
        title = f"({unread}) {NAME}" if unread else NAME
        if title != self._title:
            self._title = title
            self.page.title = title
            self.page.update()
