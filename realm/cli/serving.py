"""`run` a realm, and `demo-data` for one."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from broker import keyfiles, serve
from broker.clock import now_ms
from broker.logs import configure
from broker.passwords import Hasher
from broker.random_ids import RandomIds
from realm import invites, settings
from realm.cli.options import ConfigOption, DataOption, NameOption, PortOption, name_of, place_of, soon_locked
from realm.core import Core
from realm.demo import GROUP, PASSWORD, add_demo_data
from realm.store.database import exists
from realm.store.folder import locked
from realm.store.sqlite import SqliteStore


def run(
    data: DataOption = Path("data"),
    name: NameOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The front door; 0 takes any free port.")] = 8889,
    commands_port: PortOption = None,
    push_port: PortOption = None,
    advertise: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where others reach the front door, if elsewhere.")
    ] = None,
    config: ConfigOption = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make a new key where the realm's own is lost.")] = False,
    log_format: Annotated[Literal["readable", "json"], typer.Option()] = "readable",
) -> None:
    """Run a realm until SIGTERM or Ctrl-C. The other two ports default to the ones after the front door's."""
    configure(log_format)
    ports = serve.Ports(
        host,
        port,
        commands_port if commands_port is not None else port and port + 1,
        push_port if push_port is not None else port and port + 2,
    )
    if max(ports.commands, ports.push) > 65_535:
        raise typer.BadParameter("the ports after it do not exist: choose a lower --port")
    reached = place_of(advertise)
    chosen = settings.load(config)
    with soon_locked(data) as folder:
        keys = keyfiles.load(folder, create=new_key or not exists(folder))
        store = SqliteStore(folder, name_of(name), RandomIds().epoch)
        try:
            core = Core(store, chosen, RandomIds(), now_ms(), invites.derive_key(keys.secret), keys.public.decode())
            serve.run(folder, core, store, chosen, keys, ports, reached)
        finally:
            store.close()


def demo_data(data: DataOption = Path("data"), name: NameOption = None, config: ConfigOption = None) -> None:
    """Add the demo accounts to a folder on which no realm runs."""
    hasher = Hasher(settings.load(config).hashing)
    with locked(data) as folder:
        keyfiles.load(folder, create=not exists(folder))
        store = SqliteStore(folder, name_of(name), RandomIds().epoch)
        try:
            added = add_demo_data(store, hasher.hash, now_ms())
        finally:
            store.close()
    if added:
        typer.echo(f"added {', '.join(added)}, each with the password {PASSWORD}, and their group {GROUP}")
    else:
        typer.echo("the demo accounts are there already")
