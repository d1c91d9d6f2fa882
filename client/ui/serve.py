"""The web client's process: FastAPI with Flet mounted in it, one event loop for all who are there."""

import asyncio
import fcntl
import locale
import logging
import resource
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import flet as ft
import flet_web.fastapi as flet_fastapi
import uvicorn
from fastapi import FastAPI, HTTPException
from flet.messaging.protocol import Message
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Receive, Scope, Send

from client.dial import Address
from client.errors import UsageError
from client.files import open_lock
from client.ui import files, fonts
from client.ui.assets import Packed, pack, write_page
from client.ui.hangup import Line
from client.ui.pages.app import draw_app
from client.ui.sign_in import Offer, SignIn, Tries
from client.ui.space import IN_ALL
from client.ui.tabs import GRACE_S, Tabs
from client.ui.visits import Visit, Visits, current
from client.ui.window import Window

DEFAULT_WEB_PORT: Final = 8550
SESSION_S: Final = 1
"""A page that has gone does not come back: each load begins a new one, and what must stay is the tab's."""
MAX_FRAME: Final = 1 << 20
"""Bytes that a page may send at once: what somebody types is far less."""
FORGET_S: Final = 86_400
STOP_S: Final = 3
"""Seconds that open pages have to end when the process is stopped."""

log = logging.getLogger(__name__)

# Flet writes each message out for a log that is off, which is a fifth of all its time.
Message.__repr__ = object.__repr__  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Site:
    """Where a web client listens and keeps its files, and which realm its login page names."""

    realm: Address
    home: Path
    cache: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_WEB_PORT
    grace: float = GRACE_S
    only_realm: bool = False
    """Whether visitors may go to no other realm."""
    offered: tuple[Offer, ...] = ()
    """Realms between which visitors choose on the login page."""
    file_room: int = IN_ALL
    """Bytes of files that may wait here to be sent, of all visitors together."""
    desktop: bool = False
    """Whether it is for one window of this machine, which brings its tab's secret along."""


class Windows:
    """All pages that are open."""

    def __init__(self, tabs: Tabs, visit: Visit | None = None, offered: tuple[Offer, ...] = ()) -> None:
        """`visit` is of the one person who may come; otherwise each page says who has come."""
        self.tabs = tabs
        self._offered = offered
        self._visit = visit
        self._tries = Tries()
        self._open: set[Window] = set()

    async def open(self, page: ft.Page) -> None:
        """Show a page to whoever has come: Flet calls this for each."""
        visit = self._visit or current.get()
        window = Window(page, self.tabs.enter(visit.tab), visit)
        self._open.add(window)

        def gone() -> None:
            self._open.discard(window)
            window.leave(self.tabs.grace)

        if self._visit is None:
            visit.leaving.append(gone)
        else:
            page.on_close = lambda _: gone()
        page.on_error = lambda event: log.error("Flet: %s", event.data)
        sign_in = SignIn(window, str(self.tabs.own), self._tries, self._offered)
        if await window.start(sign_in.resume):
            page.render(draw_app, window, sign_in)
            window.wake()
        if page.session.connection is None:  # it left while it was loading: to Flet, that is this
            raise BrokenPipeError

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._open)


def make_app(site: Site, page_folder: Path) -> FastAPI:
    """The application; `page_folder` is for files that are made for it. Raises PageError, EngineError, UsageError."""
    _make_home(site.home)
    write_page(page_folder, desktop=site.desktop)
    packed = pack(site.cache)
    drawn = fonts.Fonts(site.cache / "fonts")
    drawn.get("")  # whether the engine's lists can be read at all
    _raise_limits()
    tabs = Tabs(site.home, site.realm, site.grace, only_own=site.only_realm, room=site.file_room)
    tabs.forget_files()
    windows = Windows(tabs, offered=site.offered)

    async def forget_old() -> None:
        while True:
            tabs.forget_old()
            await asyncio.sleep(FORGET_S)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        forgetting = asyncio.create_task(forget_old())
        await flet_fastapi.app_manager.start()
        try:
            yield
        finally:
            forgetting.cancel()
            await tabs.close()
            await flet_fastapi.app_manager.shutdown()

    app = FastAPI(lifespan=lifespan, openapi_url=None)

    @app.get("/health")
    async def health() -> dict[str, int]:
        return {"pages": windows.count, "tasks": len(asyncio.all_tasks())}

    @app.get("/docs")
    @app.get("/redoc")
    @app.get("/openapi.json")
    async def nothing() -> None:
        raise HTTPException(404)  # Flet's own application has such pages, which load scripts from elsewhere

    app.include_router(fonts.router(drawn))
    app.include_router(files.router(tabs))
    app.mount(
        "/",
        flet_fastapi.app(
            windows.open,
            assets_dir=str(page_folder),
            app_name="Bagan",
            app_description="Chat that people run themselves.",
            route_url_strategy=ft.RouteUrlStrategy.HASH,
            no_cdn=True,
            secret_key=secrets.token_hex(),
            session_timeout_seconds=SESSION_S,
        ),
    )
    app.add_middleware(_Compressing, minimum_size=1_000, compresslevel=5)
    app.add_middleware(Packed, folder=packed)
    app.add_middleware(Visits)
    return app


class _Compressing(GZipMiddleware):
    """Compresses what is not compressed ahead; but not people's files, which are as large as they say."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(f"{files.PREFIX}/"):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


async def serve(site: Site, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the address as soon as pages are answered.

    Raises UsageError where nobody can listen there; PageError, EngineError where Flet's files are not as they should.
    """
    with _listen(site) as listening, _alone(site.home), tempfile.TemporaryDirectory(prefix="bagan-page-") as folder:
        port = listening.getsockname()[1]
        app = await asyncio.to_thread(make_app, site, Path(folder))
        config = uvicorn.Config(
            app,
            log_level="warning",
            log_config=None,
            access_log=False,  # it would say the tabs' secrets
            http=Line,
            ws_max_size=MAX_FRAME,
            lifespan="on",
            timeout_graceful_shutdown=STOP_S,
        )
        shown = "localhost" if site.host in ("127.0.0.1", "0.0.0.0", "::1", "::") else site.host  # noqa: S104
        await _Server(config, lambda: ready(f"http://{shown}:{port}")).serve([listening])


async def serve_native(site: Site, secret: str) -> None:
    """Open Flet's native window, and end with it; no port is opened, the window is at the end of a private socket."""
    languages = locale.getlocale()[0] or ""
    visit = Visit(secret, languages.replace("_", "-"), datetime.now().astimezone().tzinfo or UTC, "")
    with _alone(site.home), tempfile.TemporaryDirectory(prefix="bagan-page-") as folder:
        tabs = Tabs(site.home, site.realm, site.grace, only_own=site.only_realm, room=site.file_room)
        tabs.forget_files()
        write_page(Path(folder), desktop=True)
        try:
            await ft.run_async(Windows(tabs, visit).open, name="Bagan", view=ft.AppView.FLET_APP, assets_dir=folder)
        finally:
            await tabs.close()


def _raise_limits() -> None:
    """Each tab has a few sockets, and the system is modest with files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        (home / "tabs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {home} cannot be made: {error.strerror}; name another with --home") from error


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep the folder for this process: another would take its files for what one before has left."""
    _make_home(home)
    with open_lock(home / ".lock") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(f"another web client uses the folder {home}: name another with --home") from error
        yield


def _listen(site: Site) -> socket.socket:
    if not site.host:  # the system would listen everywhere
        raise UsageError("--host is empty: name an address, or 0.0.0.0 for all of this machine's")
    family = socket.AF_INET6 if ":" in site.host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((site.host, site.port))
    except OSError as error:
        listening.close()
        raise UsageError(
            f"nobody can listen on {Address(site.host, site.port)}: {error.strerror}; try --port 0"
        ) from error
    except (TypeError, ValueError) as error:
        listening.close()
        raise UsageError(f"--host {site.host!r} is no host name") from error
    return listening
