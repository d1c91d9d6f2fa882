"""`run` a realm, and `demo-data` for one."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import structlog
import typer
from msgspec.structs import replace

from broker import keyfiles, logs, serve
from broker.clock import now_ms
from broker.passwords import Hasher
from broker.random_ids import RandomIds
from realm import invites, settings_file
from realm.cli.options import (
    ConfigOption,
    DataOption,
    NameOption,
    must_have_database,
    name_of,
    open_store,
    place_of,
    settings_of,
    soon_locked,
)
from realm.core import Core
from realm.demo import GROUP, PASSWORD, add_demo_data
from realm.settings import FaultsError, Settings, SettingsError
from realm.store.database import exists
from realm.store.folder import locked
from schemas.names import Name

log: Final = structlog.get_logger()


def run(
    data: DataOption = Path("data"),
    name: NameOption = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="The front door; 0 takes any free port; else 8889.")
    ] = None,
    commands_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Of commands; else the one after the front door's.")
    ] = None,
    push_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Of what is pushed; else the one after that.")
    ] = None,
    advertise: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where others reach the front door, if elsewhere.")
    ] = None,
    config: ConfigOption = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="Make a new key where the realm's own is lost.")] = False,
    log_format: Annotated[Literal["readable", "json"] | None, typer.Option(help="Else readable.")] = None,
) -> None:
    """Run a realm until SIGTERM or Ctrl-C. What is said here outranks the settings file."""
    said = {
        "host": host,
        "port": port,
        "commands_port": commands_port,
        "push_port": push_port,
        "advertise": place_of(advertise),
    }
    overrides = Overrides(name_of(name), {key: value for key, value in said.items() if value is not None}, log_format)
    chosen = overrides.over(settings_of(data, config))
    logs.configure(chosen.log)
    logs.catch_unforeseen()
    serve.collect_rarely()
    with soon_locked(data) as folder:
        must_have_database(folder)
        keys = keyfiles.load(folder, create=new_key or not exists(folder))
        store = open_store(folder, name_of(chosen.name))
        try:
            core = Core(store, chosen, RandomIds(), now_ms(), invites.derive_key(keys.secret), keys.public.decode())
            began_with = settings_file.chosen(data, config)
            source = serve.Source(
                lambda: _read_again(data, began_with, overrides), lambda: settings_file.chosen(data, began_with)
            )
            serve.run(folder, core, store, keys, source)
        finally:
            store.close()


def _read_again(data: Path, began_with: Path | None, overrides: "Overrides") -> Settings:
    """The settings as they are now; that the file is gone is no reason to go by the defaults. Raises SettingsError."""
    try:
        return overrides.over(settings_of(data, began_with))
    except typer.BadParameter as error:
        raise SettingsError(error.message) from None


class Overrides(NamedTuple):
    """What the options of `run` say, which outranks the file however often that is read."""

    name: Name | None
    listen: dict[str, Any]
    log_format: Literal["readable", "json"] | None

    def over(self, settings: Settings) -> Settings:
        """The settings as they are then. Raises typer.BadParameter where they do not fit together."""
        try:
            return replace(
                settings,
                name=self.name or settings.name,
                listen=replace(settings.listen, **self.listen),
                log=replace(settings.log, format=self.log_format or settings.log.format),
            )
        except FaultsError as error:
            raise typer.BadParameter(error.faults[0].why.replace("a lower one", "a lower --port")) from None


def demo_data(data: DataOption = Path("data"), name: NameOption = None, config: ConfigOption = None) -> None:
    """Add the demo accounts to a folder on which no realm runs."""
    chosen = settings_of(data, config)
    hasher = Hasher(chosen.hashing)
    with locked(data) as folder:
        must_have_database(folder)
        keyfiles.load(folder, create=not exists(folder))
        store = open_store(folder, name_of(name or chosen.name))
        try:
            added = add_demo_data(store, hasher.hash, now_ms())
        finally:
            store.close()
    if added:
        typer.echo(f"added {', '.join(added)}, each with the password {PASSWORD}, and their group {GROUP}")
    else:
        typer.echo("the demo accounts are there already")
