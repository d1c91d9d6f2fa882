"""The demo: two realms, three people, and a conversation that is really held, visibly live."""

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from msgspec import UNSET

from client.connection import Connection
from client.demo_realm import NAME, OTHER, PASSWORD, DemoRealm, demo_realms, own_python
from client.demo_view import View
from client.dial import Address
from client.errors import NoAnswerError, UnreachableError
from client.harmless import visible
from client.keyring import HOME_VARIABLE, Keyring
from client.present import answer_text, short
from client.session import Event
from client.syntax import parse, to_line
from schemas.answers import Answer, SessionOpened
from schemas.events import EntryPushed, Read

PEOPLE: Final = (("messi", "Lionel Messi"), ("henderson", "Jordan Henderson"), ("lineker", "Gary Lineker"))
PACE_S: Final = 0.7
"""Seconds between rows, for eyes; none where nobody watches. $BAGAN_DEMO_PACE is another."""
HEAR_S: Final = 5.0
LIVE_S: Final = 5.0


class Person:
    """Somebody with a client of their own: key pair, connection, column."""

    def __init__(self, name: str, connection: Connection, view: View, pace: float) -> None:
        self.name = name
        self._connection = connection
        self._view = view
        self._pace = pace
        self._heard: asyncio.Queue[tuple[float, Event]] = asyncio.Queue()

    async def listen(self) -> None:
        """Note every push with the moment of its arrival."""
        async for event in self._connection.events():
            self._heard.put_nowait((time.perf_counter(), event))

    async def say(self, line: str) -> float:
        """Type a line, and see the answer; the moment in which it was said."""
        login = self._connection.login
        command = parse(line, None if login is None else login.user)
        await asyncio.sleep(self._pace)
        self._view.typed(self.name, line if login is not None else to_line(command))
        said = time.perf_counter()
        answer: Answer = await self._connection.ask(command)
        if isinstance(answer, SessionOpened):
            await self._connection.live(LIVE_S)
            self._view.told(self.name, f"tokenId {answer.tokenId[:8]}…")
        else:
            self._view.told(self.name, answer_text(answer, self._connection.login))
        return said

    async def hears(self, since: float) -> float:
        """The next push, and how many milliseconds after `since` it came."""
        try:
            async with asyncio.timeout(HEAR_S):
                while True:
                    at, event = await self._heard.get()
                    if self._shows(event, (at - since) * 1000):
                        return (at - since) * 1000
        except TimeoutError as error:
            raise NoAnswerError(f"{self.name} heard nothing within {HEAR_S:g} s") from error

    async def show_all(self) -> None:
        """Show every push as it comes."""
        while True:
            _, event = await self._heard.get()
            self._shows(event, None)

    def _shows(self, event: Event, ms: float | None) -> bool:
        """Show a push, if it is one for people."""
        login = self._connection.login
        if isinstance(event, EntryPushed):
            said = "" if event.entry.message is UNSET else visible(event.entry.message)
            self._view.heard(self.name, short(event.entry.sender, login), f": {said}", ms)
        elif isinstance(event, Read):
            self._view.heard(self.name, short(event.by, login), f" has read to #{event.seq}", ms)
        else:
            return False
        return True


async def play() -> int:
    """The whole demo; in a terminal the realms stay until Ctrl-C. Nothing is left behind, however it ends."""
    task = asyncio.current_task()
    assert task is not None
    ended_by: list[int] = []

    def end(number: int) -> None:
        ended_by.append(number)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        with tempfile.TemporaryDirectory(prefix="bagan-demo-") as folder:
            await _play_in(Path(folder))
    except asyncio.CancelledError:
        if not ended_by:
            raise
        return 128 + ended_by[0]
    return 0


async def _play_in(folder: Path) -> None:
    watched = sys.stdout.isatty()
    view = View(PEOPLE)
    view.line("Starting two realms with the demo accounts …", "dim")
    async with demo_realms(folder, NAME, OTHER) as (realm, other):
        door = realm.door
        view.line(f"Realm {NAME} is ready at {door}.")
        view.line(f"Realm {OTHER} is ready at {other.door}; each knows the other.")
        view.line(f"Three people of {NAME}, a key each:")
        view.line()
        view.header()
        async with _people(folder, door, view, _pace() if watched else 0.0) as people:
            await _converse(view, *people)
            view.line()
            if watched:
                await _stay(view, folder, door, people, realm)
            else:
                view.line("In a terminal the realms would stay, for you to talk to.")


@contextlib.asynccontextmanager
async def _people(folder: Path, door: Address, view: View, pace: float) -> AsyncIterator[list[Person]]:
    """Everybody's client, connected and not yet logged in."""
    people = []
    async with contextlib.AsyncExitStack() as stack:
        tasks = []
        for name, _ in PEOPLE:
            keyring = Keyring(folder / name)
            connection = await Connection.open(*door, keyring.keys(), keyring.pins)
            await stack.enter_async_context(connection)
            person = Person(name, connection, view, pace)
            tasks.append(asyncio.create_task(person.listen()))
            people.append(person)
        yield people
    await asyncio.gather(*tasks)  # each ends with its connection


async def _converse(view: View, messi: Person, henderson: Person, lineker: Person) -> None:
    took = []
    await messi.say(f"auth messi {PASSWORD}")
    await henderson.say(f"auth henderson {PASSWORD}")
    await messi.say("info")
    took.append(await henderson.hears(await messi.say("send henderson halo, selamat malam")))
    took.append(await messi.hears(await henderson.say("send messi selamat malam, Leo! Apa kabar?")))
    took.append(await henderson.hears(await messi.say("send henderson baik. Besok latihan jam tujuh")))
    took.append(await messi.hears(await henderson.say("read messi 3")))
    await messi.say("send lineker Gary, besok ikut latihan?")
    view.note("lineker", "not logged in: it waits for him")
    await lineker.say(f"auth lineker {PASSWORD}")
    await lineker.say("inbox")
    took.append(await messi.hears(await lineker.say("send messi ikut! Jam tujuh, ya?")))
    await lineker.say("history messi")
    await messi.say("realms")
    await messi.say(f"send henderson@{OTHER} halo dari {NAME}")
    view.line()
    fast, slow = min(took), max(took)
    view.line(f"{len(took)} pushes, each {fast:.1f} to {slow:.1f} ms after it was said, over encrypted sockets.")


async def _stay(view: View, folder: Path, door: Address, people: list[Person], realm: DemoRealm) -> None:
    """Say what to try, and show what then happens, until Ctrl-C."""
    python = own_python()
    view.line("The realms stay. In another terminal, be lineker on a second device:")
    view.line()
    for line in (
        f"export BAGAN_REALM={door} {HOME_VARIABLE}={folder}/you",
        f"{python} -m client auth lineker {PASSWORD}",
        f"{python} -m client send messi halo dari terminal",
        f"{python} -m client inbox",
        f"{python} -m client send messi@{OTHER} halo dari {NAME}",
        f"{python} -m client",
    ):
        view.line(f"  {line}", "bold")
    view.line()
    view.line("The last one is a prompt. What is said shows here too. Ctrl-C ends it all.")
    view.line()
    shows = [asyncio.create_task(person.show_all()) for person in people]
    try:
        await realm.process.wait()
        raise UnreachableError("the realm has ended by itself")
    except asyncio.CancelledError:
        view.line()  # below the ^C; this is how the demo is meant to end
    finally:
        for show in shows:
            show.cancel()
        await asyncio.gather(*shows, return_exceptions=True)


def _pace() -> float:
    """Seconds between rows."""
    given = os.environ.get("BAGAN_DEMO_PACE", "")
    return float(given) if given.replace(".", "", 1).isdigit() else PACE_S
