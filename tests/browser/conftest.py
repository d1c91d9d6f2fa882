"""A campus to chat on: a realm with the three of the contract, a web client, and people who come to it."""

import asyncio
import re
import secrets
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from client.dial import parse_address
from client.ui.tabs import Door, Tabs
from schemas.names import Name
from tests.browser.person import MakePerson, Person, Words, browser, person
from tests.browser.web import StartWeb, WebProcess, start_web
from tests.realm_process import RealmProcess
from tests.wire.player import Stage
from tests.wire.player_language import command

__all__ = ["browser", "person", "start_web"]

PASSWORD = "surabaya"
NAMES = {"messi": "Lionel Messi", "henderson": "Jordan Henderson", "lineker": "Gary Lineker"}
PATIENCE_S = 30
TAB = "sessionStorage['bagan.tab'] ??= 'SECRET'"


@dataclass(frozen=True)
class Speech:
    """What is written on things, in one language."""

    locale: str
    username: str
    password: str
    sign_in: str
    greeting: str
    write: str
    chats: str
    active: str
    unread: str


EN = Speech(
    locale="en-GB", username="Username", password="Password", sign_in="Sign in", greeting="Hello, {}",
    write="Write a message", chats="Chats", active="(not )?active", unread=r"(, \d+ unread)?",
)  # fmt: skip
ID = Speech(
    locale="id-ID", username="Nama pengguna", password="Kata sandi", sign_in="Masuk", greeting="Halo, {}",
    write="Tulis pesan", chats="Obrolan", active="(tidak )?aktif", unread=r"(, \d+ belum dibaca)?",
)  # fmt: skip


@dataclass
class Campus:
    """Where people chat. Who is not told otherwise speaks English."""

    realm: RealmProcess
    web: WebProcess
    seat: MakePerson
    scripts: ExitStack
    seated: list[Person] = field(default_factory=list)

    def visitor(self, name: str, speech: Speech = EN, **options: Any) -> Person:
        """Somebody before the login page."""
        visitor = self.seat(name, **{"locale": speech.locale, **options})
        self.seated.append(visitor)
        visitor.open(self.web.url)
        visitor.sees_soon(speech.sign_in, exact=True)
        return visitor

    def home(self, name: str, speech: Speech = EN, **options: Any) -> Person:
        """One of the three, in a tab in which they have logged in some time before, and at home."""
        one = self.returns(name, name, self.realm, speech, **options)
        one.sees_soon(speech.greeting.format(NAMES[name]))
        return one

    def returns(self, called: str, username: str, realm: RealmProcess, speech: Speech = EN, **options: Any) -> Person:
        """Somebody before a page that loads, in a tab in which they have logged in at this realm."""
        one = self.seat(called, **{"locale": speech.locale, **options})
        self.seated.append(one)
        secret = secrets.token_hex(16)
        asyncio.run(leave_tab(self.web, secret, realm, username))
        one.with_page(lambda page: page.context.add_init_script(TAB.replace("SECRET", secret)))
        one.open(self.web.url)
        return one

    def script(self, name: str) -> "Script":
        """One of the three, who writes by a program."""
        return self.scripts.enter_context(Script(self.realm, name))

    def no_console_errors(self, besides: tuple[str, ...] = ()) -> None:
        """Nobody's browser has anything to complain of."""
        assert {one.name: one.console_errors(besides) for one in self.seated} == {one.name: [] for one in self.seated}


class Script:
    """A user's program: it says more in a second than anybody types, and asks what no page shows."""

    def __init__(self, realm: RealmProcess, name: str, begin: str = "") -> None:
        """`begin` is what opens the session, where that is not a login."""
        self._stage = Stage(realm)
        self._actor = self._stage.actor(name)
        self._begin = begin or f"auth {name} {PASSWORD}"

    def __enter__(self) -> "Script":
        self.ask(self._begin)
        return self

    def __exit__(self, *_: object) -> None:
        self._stage.__exit__(None, None, None)

    def ask(self, *texts: str) -> list[dict[str, Any]]:
        """The answers to these commands, all of which work."""
        answers = self._actor.ask([command(text, self._actor.user, {}) for text in texts])
        assert [answer["status"] for answer in answers] == ["OK"] * len(texts), answers
        return answers

    def tell(self, other: str, *texts: str) -> None:
        """Say this to another user."""
        self.ask(*(f"send {other} {text}" for text in texts))


async def leave_tab(web: WebProcess, secret: str, realm: RealmProcess, username: str) -> None:
    """Leave in the web client's folder what a login in the tab of this secret leaves there."""
    tabs, door = Tabs(web.home, parse_address(web.realm)), Door("127.0.0.1", realm.door)
    try:
        tab = tabs.enter(secret)
        await (await tab.dial(door)).log_in(Name(username), PASSWORD)
        tab.logged_in(door)
    finally:
        await tabs.close()


def log_in(one: Person, username: str, speech: Speech = EN, password: str = PASSWORD) -> None:
    """Log in on the login page, and return at home."""
    one.type(speech.username, username)
    one.type(speech.password, password)
    one.press(speech.sign_in, "button")
    one.sees_soon(speech.greeting.format(NAMES[username]))


def open_room(one: Person, other: str, speech: Speech = EN) -> None:
    """From home, open the room with another user."""
    one.press("Private Chat")
    one.press(re.compile(f"^{NAMES[other]}, {speech.active}$"))
    one.sees_soon(speech.write)


def in_list(title: str, speech: Speech = EN) -> Words:
    """What a conversation is called in the list, whatever waits in it and was said last."""
    return re.compile(f"^{re.escape(title)}{speech.unread}(, .*)?$")


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds that no page tells."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE_S} s: {what}"
        time.sleep(0.05)


def brightness(one: Person) -> int:
    """How bright the corner of the window is, where nothing but its background is: 0 to 255."""
    return max(colours(one, 2, 400, 1)[0])


def colours(one: Person, x: float, y: float, width: int) -> list[tuple[int, int, int]]:
    """Red, green and blue of the points of a line in the window, from the left."""
    png = one.with_page(lambda page: page.screenshot(clip={"x": x, "y": y, "width": width, "height": 1}))
    chunks, at = b"", 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] == b"IDAT":
            chunks += png[at + 8 : at + 8 + length]
        at += length + 12
    kind, *line = zlib.decompress(chunks)  # how the line is filtered stands first
    points = [tuple(line[at : at + 3]) for at in range(0, 3 * width, 3)]
    for number in range(1, width):  # above there is none: a point may be told by how it differs from the one before
        share = {1: 1.0, 3: 0.5, 4: 1.0}.get(kind, 0.0)
        before = points[number - 1]
        points[number] = tuple(
            (one + int(other * share)) % 256 for one, other in zip(points[number], before, strict=True)
        )
    return [(red, green, blue) for red, green, blue in points]


@pytest.fixture
def campus(realm: RealmProcess, start_web: StartWeb, person: MakePerson) -> Iterator[Campus]:
    """A realm with the three of the contract, in a group `new`, and a web client."""
    with Stage(realm) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Lionel Messi
            henderson: register henderson surabaya Inggris Jordan Henderson
            lineker: register lineker surabaya Inggris Gary Lineker
            messi: addgroup new
            henderson: joingroup new
            lineker: joingroup new
            messi: logout
            henderson: logout
            lineker: logout
        """)
    with ExitStack() as scripts:
        yield Campus(realm, start_web(realm), person, scripts)
