"""Puts a realm on the network: sockets, pools and loop around a core, from start to the last answer."""

import gc
import signal
import sys
from pathlib import Path
from typing import Final, NamedTuple

import structlog
import zmq

from broker import sockets
from broker.blobs import Blobs
from broker.clock import now_ms
from broker.commands import Commands
from broker.culprits import Culprits
from broker.door import Door
from broker.jobs import Pools
from broker.keyfiles import KeyPair
from broker.logs import Forgiving
from broker.loop import Loop, Wake
from broker.push import Push
from broker.zap import Gatekeeper, ZapSocket
from realm.core import Core
from realm.settings import Settings
from realm.store.interface import Store
from schemas.answers import Card
from schemas.keys import fingerprint
from schemas.limits import PROTOCOL_VERSION

GARBAGE: Final = 50_000
"""After so many new objects is garbage looked for. A full turn makes a tenth of it, and no cycles."""
log: Final = structlog.get_logger()


class Ports(NamedTuple):
    """Where to listen; 0 is any free port."""

    host: str
    door: int
    commands: int
    push: int


def run(
    folder: Path, core: Core, store: Store, settings: Settings, keys: KeyPair, ports: Ports, advertised: str | None
) -> None:
    """Serve a realm that lives in `folder` until SIGTERM or SIGINT.

    Raises BindError and StoreError before anybody was served, and StoreError where the store fails later.
    """
    blobs = Blobs(folder)
    blobs.keep_only(core.memory.uploads)
    wake = Wake()
    pools = Pools(settings, blobs, wake)
    context = sockets.make_context()
    try:
        loop, card, door = _open(context, core, store, settings, keys, ports, pools, wake)
        _stop_on_signals(loop, wake)
        _say_ready(core, store, card, keys, ports.host, door, advertised)
        _collect_less()
        loop.run()
        log.info("realm stops", realm=core.rules.realm)
    finally:
        signal.set_wakeup_fd(-1)
        pools.end()
        blobs.close()
        pools.stop()
        context.destroy()
        wake.close()


def _open(
    context: sockets.Context,
    core: Core,
    store: Store,
    settings: Settings,
    keys: KeyPair,
    ports: Ports,
    pools: Pools,
    wake: Wake,
) -> tuple[Loop, Card, int]:
    culprits = Culprits(now_ms)
    zap = ZapSocket(context, Gatekeeper(settings, core.has_session, culprits, now_ms))
    router = sockets.open_commands(context, keys, ports.host, ports.commands)
    xpub = sockets.open_push(context, keys, ports.host, ports.push)
    card = Card(
        realm=core.rules.realm,
        version=PROTOCOL_VERSION,
        features=[],
        key=keys.public.decode(),
        commands=sockets.port_of(router),
        push=sockets.port_of(xpub),
    )
    front = sockets.open_door(context, ports.host, ports.door)
    door = Door(front, card, settings, culprits, now_ms)
    loop = Loop(
        core,
        store,
        zap,
        door,
        Commands(router, core, culprits, now_ms),
        Push(xpub, core, culprits, now_ms),
        pools,
        wake,
        now_ms,
    )
    return loop, card, sockets.port_of(front)


def _say_ready(
    core: Core, store: Store, card: Card, keys: KeyPair, host: str, door: int, advertised: str | None
) -> None:
    out = Forgiving(sys.stdout)
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
    log.info("realm runs", realm=core.rules.realm, libzmq=zmq.zmq_version())


def _stop_on_signals(loop: Loop, wake: Wake) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: loop.stop())
    signal.set_wakeup_fd(wake.writer, warn_on_full_buffer=False)


def _collect_less() -> None:
    """What lives by now lives on: let the collector not look at it again, nor come several times in a turn."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)
