"""The web client: how long until a message is read in another browser, and what a page costs its server.

There is no bare limit to put beside it: these are times and bytes of this machine, with the aims of the project.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from client.connection import Connection
from client.dial import Address
from client.keyring import Keyring
from client.ui.tabs import Door, Tabs
from schemas import commands
from schemas.names import Name
from tests.bench.figures import Figure, Line
from tests.bench.meter import median, quantile
from tests.bench.setup import Bench
from tests.browser.headless import HeadlessPage
from tests.browser.person import BrowserThread, Person
from tests.browser.web import WebProcess
from tests.realm_process import RealmProcess

PAGES: Final = 50
MESSAGES: Final = 20
BEFORE: Final = 100
"""Messages that are in the room already: a page shows as many at once."""
SAMPLES: Final = 20
"""Of one message to another browser, in each round."""
PAIR_MS: Final = 150.0
SERVER_MS: Final = 15.0
PAGE_MB: Final = 3.0
PASSWORD: Final = "surabaya"
GROUP: Final = "all"
NOTED: Final = """
text => { window.arrived = new Promise(done => {
  const look = () => {
    const said = [...document.querySelectorAll("[aria-label]")].map(one => one.getAttribute("aria-label"));
    const found = said.some(label => label.includes(text)) || document.body.innerText.includes(text);
    if (found) { watching.disconnect(); done(performance.timeOrigin + performance.now()); }
  };
  const watching = new MutationObserver(look);
  watching.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
}); }
"""
ENTERED: Final = """
() => addEventListener("keydown", event => {
  if (event.key === "Enter") window.entered = performance.timeOrigin + performance.now();
}, true)
"""


def many(bench: Bench) -> list[Line]:
    """Server time for each message in each of 50 open pages, and memory for each page."""
    with _servers(bench.folder / "pages") as (realm, web):
        readings = asyncio.run(_many(bench.rounds, realm, web))
    millis = [one["ms"] for one in readings["rounds"]]
    return [
        Line(
            key="windows",
            work=f"message to {PAGES} open pages of {BEFORE} messages",
            ours=f"{median(millis):.1f} ms of the server a page; in all of them after "
            f"{median([one['until'] for one in readings['rounds']]):,.0f} ms",
            figure=Figure("ms", median(millis), millis, at_most=SERVER_MS),
            raw=readings,
        ),
        Line(
            key="windows-memory",
            work="memory of an open page",
            ours=f"{readings['page_mb']:.2f} MB",
            figure=Figure("MB", readings["page_mb"], [readings["page_mb"]], at_most=PAGE_MB),
        ),
    ]


def pair(bench: Bench) -> list[Line]:
    """From Enter in one browser to the message in the other's DOM; and what the first page takes."""
    with _servers(bench.folder / "pair") as (realm, web):
        asyncio.run(_register(realm, web.home, 2))
        browser = BrowserThread()
        try:
            paints = [_paint(browser, web.url) for _ in range(bench.rounds)]
            taken = _pair(browser, web.url, bench.rounds)
        finally:
            browser.close()
    cold, warm = ([one[side] for one in paints] for side in (0, 1))
    p50, p99 = median(taken), quantile(taken, 0.99)
    p99s = [quantile(taken[at : at + SAMPLES], 0.99) for at in range(0, len(taken), SAMPLES)]
    return [
        Line(
            key="window-pair",
            work="Enter in one browser until it is in another's page",
            ours=f"p50 {p50:.0f} ms, p99 {p99:.0f} ms ({len(taken)} messages)",
            figure=Figure("ms", p99, p99s, at_most=PAIR_MS, of="p99"),
            raw={"ms": taken},
        ),
        Line(
            key="window-first",
            work="first page, until it can be read",
            ours=f"cold {median([ms for ms, _ in cold]):,.0f} ms, {median([size for _, size in cold]) / 1e6:.1f} MB; "
            f"warm {median([ms for ms, _ in warm]):,.0f} ms, {median([size for _, size in warm]) / 1e3:,.1f} kB",
            raw={"paints": paints},
        ),
    ]


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[RealmProcess, WebProcess]]:
    folder.mkdir()
    realm = RealmProcess(folder).start()
    web = WebProcess(folder, f"127.0.0.1:{realm.door}")
    try:
        yield realm, web.start()
    finally:
        if web.running:
            web.stop()
        realm.stop()


async def _register(realm: RealmProcess, home: Path, count: int) -> list[str]:
    """Tabs in which somebody is logged in, as somebody at a browser would leave them; their secrets."""
    door = Door("127.0.0.1", realm.door)
    tabs = Tabs(home, door.address)
    secrets = [f"{number:032x}" for number in range(count)]
    for number, secret in enumerate(secrets):
        tab = tabs.enter(secret)
        chat = await tab.dial(door)
        await chat.register(_account(f"user{number}"))
        group = commands.AddGroup(id=0, group=GROUP) if not number else commands.JoinGroup(id=0, group=Name(GROUP))
        await chat.ask(group)
        tab.logged_in(door)
    await tabs.close()
    return secrets


def _account(name: str) -> commands.Register:
    return commands.Register(id=0, username=Name(name), password=PASSWORD, country="Inggris", name=name.title())


async def _many(rounds: int, realm: RealmProcess, web: WebProcess) -> dict[str, Any]:
    secrets = await _register(realm, web.home, PAGES)
    keyring = Keyring(web.home / "speaker")
    address = Address("127.0.0.1", realm.door)
    process = psutil.Process(web.pid)
    async with AsyncExitStack() as keep:
        speaker = await keep.enter_async_context(
            await Connection.open(address.host, address.port, keyring.keys(), keyring.pins, listen=False)
        )
        await speaker.ask(_account("speaker"))
        await speaker.ask(commands.JoinGroup(id=0, group=Name(GROUP)))

        async def say(text: str) -> None:
            await speaker.ask(commands.SendGroup(id=0, group=Name(GROUP), message=text))

        for number in range(BEFORE):
            await say(f"before-{number}-end")
        empty = process.memory_info().rss
        pages = []
        for secret in secrets:
            page = await keep.enter_async_context(HeadlessPage(web.url, secret, f"/room/group/{GROUP}@{realm.name}"))
            await page.receives(f"before-{BEFORE - 1}-end")
            pages.append(page)
        page_mb = (process.memory_info().rss - empty) / len(pages) / 1e6
        taken = [await _round(f"{number}", process, pages, say) for number in range(rounds)]
    return {"rounds": taken, "page_mb": page_mb}


async def _round(name: str, process: psutil.Process, pages: list[HeadlessPage], say: Any) -> dict[str, float]:
    before, until = _cpu(process), []
    for number in range(MESSAGES):
        text = f"round-{name}-{number}-end"
        for page in pages:
            page.forget()
        began = time.perf_counter()
        await say(text)
        await asyncio.gather(*(page.receives(text) for page in pages))
        until.append((time.perf_counter() - began) * 1e3)
    spent = (_cpu(process) - before) * 1e3
    return {"ms": spent / MESSAGES / len(pages), "until": median(until)}


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _pair(browser: BrowserThread, url: str, rounds: int) -> list[float]:
    one, other = Person(browser, "one"), Person(browser, "other")
    try:
        for number, person in enumerate((one, other)):
            person.open(url)
            person.type("Username", f"user{number}")
            person.type("Password", PASSWORD)
            person.press("Sign in", "button")
            person.sees_soon(f"Hello, User{number}")
            person.press(GROUP)
            person.sees_soon("Write a message")
        one.with_page(lambda page: page.evaluate(ENTERED))
        return [_once(one, other, f"message {number} is here") for number in range(rounds * SAMPLES)]
    finally:
        one.close()
        other.close()


def _once(one: Person, other: Person, text: str) -> float:
    other.with_page(lambda page: page.evaluate(NOTED, text))
    one.say("Write a message", text)
    arrived = other.with_page(lambda page: page.evaluate("() => window.arrived"))
    return float(arrived - one.with_page(lambda page: page.evaluate("() => window.entered")))


def _paint(browser: BrowserThread, url: str) -> tuple[tuple[float, float], tuple[float, float]]:
    """Milliseconds and bytes of the first page, in a browser that has never been there, and then once more."""
    person = Person(browser, "new")
    try:
        return _load(person, url), _load(person, url)
    finally:
        person.close()


def _load(person: Person, url: str) -> tuple[float, float]:
    size = 0.0

    def count(event: dict[str, Any]) -> None:
        nonlocal size
        size += event["encodedDataLength"]

    def listen(page: Any) -> Any:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", count)
        return session

    session = person.with_page(listen)
    began = time.perf_counter()
    person.open(url)
    person.sees_soon("Sign in")
    taken = (time.perf_counter() - began) * 1e3
    person.with_page(lambda _: session.detach())
    return taken, size
