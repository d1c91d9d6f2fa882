"""Puts a realm on the network: sockets, pools and loop around a core, from start to the last answer."""

import gc
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import structlog
import zmq

from broker import logs, sockets
from broker.blobs import Blobs
from broker.calls import Calls, Stop
from broker.clock import now_ms, steady_ms
from broker.commands import Commands
from broker.connections import CLEAR, SEALED
from broker.counting import Counts
from broker.culprits import Culprits
from broker.dialling import Dialler, Home
from broker.door import Door
from broker.growing import LogWatch
from broker.holding import Holding
from broker.jobs import Pools
from broker.keyfiles import KeyPair
from broker.links import Links
from broker.logs import Forgiving
from broker.lookups import Lookups
from broker.loop import Loop, Wake
from broker.operator import OperatorSocket
from broker.push import Push
from broker.survey import About, Survey
from broker.zap import Gatekeeper, ZapSocket
from realm.core import Core
from realm.settings import FigureRules, Listen, Settings
from realm.store.interface import Store
from schemas.answers import Card
from schemas.keys import fingerprint
from schemas.limits import PROTOCOL_VERSION
from schemas.names import Name

GARBAGE: Final = 50_000
"""After so many new objects is garbage looked for. A full turn makes a tenth of it, and no cycles."""
DIAL_LOOKUPS: Final = 32
"""Names that are looked up at once for strangers: slow ones must leave room for others."""
SWITCH_S: Final = 0.000_5
"""Seconds after which a thread that computes lets others have the interpreter (Python's own: 5 ms). So a turn hardly
waits for the one that looks at all connections (`holding.py`)."""
log: Final = structlog.get_logger()


class Source(NamedTuple):
    """Where the settings come from."""

    read: Callable[[], Settings]
    """Raises SettingsError where they cannot be used."""
    path: Callable[[], Path | None]
    """The file; None where there is none."""


def run(
    folder: Path,
    core: Core,
    store: Store,
    keys: KeyPair,
    source: Source,
) -> None:
    """Serve a realm that lives in `folder` until SIGTERM or SIGINT; with SIGHUP it reads its settings again.

    Raises BindError and StoreError before anybody was served, and StoreError where the store fails later.
    """
    settings = core.rules.settings
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # an image of memory has keys, and what people say
    sys.setswitchinterval(SWITCH_S)
    blobs = Blobs(folder)
    blobs.keep_only(core.memory.uploads)
    with ExitStack() as ending:
        wake = Wake()
        ending.callback(wake.close)
        context = sockets.make_context()
        ending.callback(context.destroy)
        operator = OperatorSocket(folder)
        ending.callback(operator.close)
        holding = Holding(settings.hashing)
        ending.callback(holding.close)
        zap, culprits = _guard(context, core, settings, holding)
        bound = _bind(context, keys, settings.listen)
        port = sockets.port_of(bound.door)
        card = _card(core.rules.realm, keys, bound)
        home = Home.at(core.rules.realm, settings.listen.host, port, settings.listen.advertise)
        core.rules.home = home.told()
        holding.start({bound.door: CLEAR, bound.commands: SEALED, bound.push: SEALED})
        pools = _start_pools(ending, context, settings, keys, blobs, home, source.read, wake, holding)
        links = _open_links(ending, context, settings, keys, wake, holding)
        door = Door(bound.door, card, settings, culprits, steady_ms, holding)
        commands = Commands(bound.commands, core, culprits, steady_ms, holding)
        push = Push(bound.push, core, culprits, steady_ms, holding)
        counts = Counts()
        about = About(now_ms(), settings.listen, port, card, settings.figures.port, source.path)
        survey = Survey(about, counts, door, commands, push, links, operator, pools, holding)
        adopt = _adopting(zap, door, pools, links, holding)
        wires = (zap, door, commands, push, links, operator, pools)
        loop = Loop(core, store, *wires, counts, survey, adopt, wake, now_ms, LogWatch(folder, steady_ms))
        _give_figures(ending, folder, settings.figures)
        _stop_on_signals(ending, loop, wake)
        _say_ready(core, store, card, keys, port)
        _collect_no_more()
        loop.run()
        log.info("realm stops", realm=core.rules.realm)


class _Bound(NamedTuple):
    """The sockets that are listened on."""

    door: sockets.Socket
    commands: sockets.Socket
    push: sockets.Socket


def _guard(context: sockets.Context, core: Core, settings: Settings, holding: Holding) -> tuple[ZapSocket, Culprits]:
    """What admits connections; to be there before anything is listened on."""
    culprits = Culprits(steady_ms)
    gatekeeper = Gatekeeper(settings, core.has_session, lambda: holding.is_short, culprits, steady_ms)
    return ZapSocket(context, gatekeeper), culprits


def _bind(context: sockets.Context, keys: KeyPair, listen: Listen) -> _Bound:
    door_port, commands_port, push_port = listen.ports
    commands = sockets.open_commands(context, keys, listen.host, commands_port)
    push = sockets.open_push(context, keys, listen.host, push_port)
    return _Bound(sockets.open_door(context, listen.host, door_port), commands, push)


def _card(realm: Name, keys: KeyPair, bound: _Bound) -> Card:
    return Card(
        realm=realm,
        version=PROTOCOL_VERSION,
        features=[],
        key=keys.public.decode(),
        commands=sockets.port_of(bound.commands),
        push=sockets.port_of(bound.push),
    )


def _start_pools(
    ending: ExitStack,
    context: sockets.Context,
    settings: Settings,
    keys: KeyPair,
    blobs: Blobs,
    home: Home,
    read_settings: Callable[[], Settings],
    wake: Wake,
    holding: Holding,
) -> Pools:
    """The pools, and that they end: what still waits is dropped, what is slow is cut short, the rest is awaited."""
    stop = Stop()
    lookups = Lookups(settings.peers.networks, DIAL_LOOKUPS)
    pools = Pools(settings, blobs, Dialler(Calls(context, keys, stop, holding), lookups, home), read_settings, wake)
    for end in (stop.close, pools.stop, lookups.stop, stop, blobs.close, pools.end):  # the last comes first
        ending.callback(end)
    return pools


def _open_links(
    ending: ExitStack, context: sockets.Context, settings: Settings, keys: KeyPair, wake: Wake, holding: Holding
) -> Links:
    lookups = Lookups(settings.peers.networks)
    links = Links(context, keys, lookups, wake, holding)
    ending.callback(links.close)
    ending.callback(lookups.stop)
    return links


def _adopting(zap: ZapSocket, door: Door, pools: Pools, links: Links, holding: Holding) -> Callable[[Settings], None]:
    """What has all that goes by settings go by others."""

    def adopt(changed: Settings) -> None:
        zap.adopt(changed)
        door.adopt(changed)
        pools.adopt(changed)
        links.allow(changed.peers.networks)
        holding.adopt(changed.hashing)
        logs.adopt(changed.log)

    return adopt


def _give_figures(ending: ExitStack, folder: Path, rules: FigureRules) -> None:
    """Give figures to Prometheus, where that is wanted. Raises BindError."""
    if rules.port:
        from broker.exporter import Exporter  # what it needs takes a while to load

        ending.callback(Exporter(folder, rules.host, rules.port).close)


def _say_ready(core: Core, store: Store, card: Card, keys: KeyPair, door: int) -> None:
    out = Forgiving(sys.stdout)
    host, advertised = core.rules.settings.listen.host, core.rules.settings.listen.advertise
    reached = f", advertised as {advertised}" if advertised else ""
    out.write(
        f"realm {card.realm} is ready: front door {host}:{door}, commands {card.commands}, push {card.push}, "
        f"key fingerprint {fingerprint(keys.public.decode())}{reached}\n"
    )
    with store.transaction() as tx:
        if not tx.accounts("", 1, "", 1)[0]:
            how = f"register with `python -m client --realm {host}:{door} register USER PASSWORD COUNTRY NAME…`"
            if core.rules.settings.registration == "invite":
                how = f"`python -m realm invite-user --host {host}:{door} …` writes a link to register with"
            out.write(f"no accounts yet: {how}, or see `make demo`\n")
    out.flush()
    log.info("realm runs", realm=core.rules.realm, home=core.rules.home, libzmq=zmq.zmq_version())


def _stop_on_signals(ending: ExitStack, loop: Loop, wake: Wake) -> None:
    ending.callback(signal.set_wakeup_fd, -1)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: loop.stop())
    at_terminal = os.isatty(0)

    def hang_up(_number: int, _frame: object) -> None:
        # Where its terminal was closed, nobody can end it any more.
        (loop.stop if at_terminal and not os.isatty(0) else loop.hang_up)()

    signal.signal(signal.SIGHUP, hang_up)
    signal.set_wakeup_fd(wake.writer, warn_on_full_buffer=False)


def collect_rarely() -> None:
    """Let the collector not come several times in a turn, nor again and again while a realm reads what it has."""
    gc.set_threshold(GARBAGE)


def _collect_no_more() -> None:
    """What lives by now lives on: let the collector not look at it again."""
    gc.collect()
    gc.freeze()
