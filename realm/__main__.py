"""The commands of a realm's operator: `python -m realm --help`."""

import ipaddress
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from broker import accepting, forgetting, keyfiles, peer_table, serve
from broker.clock import now_ms
from broker.keyfiles import KeyFileError
from broker.logs import configure
from broker.passwords import Hasher
from broker.patience import tries
from broker.random_ids import RandomIds
from broker.reaching import OperatorError, reach, wait_for
from broker.sockets import BindError
from realm import invites, settings
from realm.core import Core
from realm.demo import GROUP, PASSWORD, add_demo_data
from realm.gates import DAY_MS
from realm.settings import SettingsError
from realm.store.database import exists
from realm.store.folder import LockedError, locked
from realm.store.interface import StoreError, StoreFullError
from realm.store.sqlite import SqliteStore
from schemas.invites import Invitation, RealmInvitation, parse_realm, split_place
from schemas.names import NAME_PATTERN, Name
from schemas.operator import Peers, PeersSeen

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

DataOption = Annotated[Path, typer.Option(help="The realm's folder; made where there is none.")]
ConfigOption = Annotated[Path | None, typer.Option(help="A settings file (TOML).")]
FolderOption = Annotated[Path, typer.Option(help="The realm's folder.")]
NameOption = Annotated[str | None, typer.Option(help="What the realm is called; needed for a new folder.")]
PortOption = Annotated[int | None, typer.Option(min=0, max=65_535)]

LOOKED_AT_S: Final = 1.0
"""So long a command may have the folder of a realm that does not run."""
_NO_REALM: Final = "no realm has run on the folder {} yet: run one there, or say another --data"


@app.callback()
def bagan_realm() -> None:
    """Federated chat that you run yourself."""


@app.command()
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
    reached = _address(advertise)
    chosen = settings.load(config)
    with _soon_locked(data) as folder:
        keys = keyfiles.load(folder, create=new_key or not exists(folder))
        store = SqliteStore(folder, _name(name), RandomIds().epoch)
        try:
            core = Core(store, chosen, RandomIds(), now_ms(), invites.derive_key(keys.secret), keys.public.decode())
            serve.run(folder, core, store, chosen, keys, ports, reached)
        finally:
            store.close()


@app.command()
def demo_data(data: DataOption = Path("data"), name: NameOption = None, config: ConfigOption = None) -> None:
    """Add the demo accounts to a folder on which no realm runs."""
    hasher = Hasher(settings.load(config).hashing)
    with locked(data) as folder:
        keyfiles.load(folder, create=not exists(folder))
        store = SqliteStore(folder, _name(name), RandomIds().epoch)
        try:
            added = add_demo_data(store, hasher.hash, now_ms())
        finally:
            store.close()
    if added:
        typer.echo(f"added {', '.join(added)}, each with the password {PASSWORD}, and their group {GROUP}")
    else:
        typer.echo("the demo accounts are there already")


@app.command()
def invite_user(
    data: FolderOption = Path("data"),
    config: ConfigOption = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long the invite holds.")] = 7,
    web: Annotated[str, typer.Option(help="Where the web client is.")] = "http://localhost:8550",
    host: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="Where the one invited reaches the front door.")
    ] = "127.0.0.1:8889",
) -> None:
    """Write a link for somebody to join by. The realm may run meanwhile."""
    keys = _keys_in(data)
    token, registration = None, settings.load(config).registration
    if registration == "invite":
        expires = now_ms() + days * DAY_MS
        nonce = secrets.token_bytes(invites.NONCE)
        token = invites.write(invites.derive_key(keys.secret), invites.Invite(nonce, expires))
        until = datetime.fromtimestamp(expires // 1000, UTC)
        told = f"it lets one person register, once, until {until:%Y-%m-%d %H:%M} UTC"
    elif registration == "open":
        told = "there is no invite in it, as by these settings everybody may register (say --config FILE for others)"
    else:
        told = "there is no invite in it, as by these settings nobody may register (say --config FILE for others)"
    try:
        link = Invitation(host, keys.public.decode(), token).link(web)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"{link}\n{told}")


@app.command()
def invite(
    data: FolderOption = Path("data"),
    host: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Where the other realm reaches the front door; else what this one says."
        ),
    ] = None,
) -> None:
    """Print one string by which the operator of another realm makes this one its peer. There is no secret in it."""
    told = _address(host)
    if told is None:
        wait_for(data, partial(typer.echo, err=True))  # it may have been started just before
    keys = _keys_in(data)
    seen, running = _seen(data)
    if told is None and not running:
        raise OperatorError(
            f"no realm runs on {data}, so that nobody knows where it is reached: start it, or say --host HOST:PORT"
        )
    try:
        invitation = RealmInvitation(seen.realm, told or seen.home, keys.public.decode())
    except ValueError as error:
        raise OperatorError(f"{error} (say --host HOST:PORT)") from error
    typer.echo(invitation.text())
    if not sys.stdout.isatty():  # it is for a command, which wants no more
        return
    typer.echo("give it to the operator of the other realm, who says beside that: python -m realm accept STRING")
    if told is None and (near := _near(invitation.host)):
        typer.echo(f"only {near} reaches {invitation.host}: for others, run this realm with --host and --advertise")


@app.command()
def accept(
    string: Annotated[str, typer.Argument(help="What the other realm's `invite` has printed.")],
    data: FolderOption = Path("data"),
) -> None:
    """Make the realm that invites a peer of the one that runs here, and see that each answers the other."""
    try:
        invitation = parse_realm(string)
    except ValueError as error:
        raise OperatorError(str(error)) from error
    runs = wait_for(data, typer.echo)  # it may have been started just before
    own_key = _keys_in(data).public.decode()
    with reach(data) as reached:
        if reached is None or not runs:
            raise OperatorError(f"no realm runs on {data}: start it with `python -m realm run --data {data}`")
        typer.echo(accepting.accept(reached, own_key, invitation, typer.echo))


@app.command()
def peers(
    data: FolderOption = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON, for programs.")] = False,
) -> None:
    """Show the other realms that this one speaks with, how that goes, and what waits for them."""
    _keys_in(data)
    seen, running = _seen(data)
    if as_json:
        typer.echo(peer_table.to_json(seen, running=running))
    else:
        typer.echo(peer_table.to_text(seen, now_ms(), running=running))


@app.command()
def forget(
    name: Annotated[str, typer.Argument(help="What the other realm is called: `peers` shows it.")],
    data: FolderOption = Path("data"),
) -> None:
    """Let another realm be a peer no more. What waits for it goes back to its senders; what came from it stays."""
    realm = _name(name)
    assert realm is not None
    _keys_in(data)
    with reach(data) as reached:
        if reached is not None:
            typer.echo(forgetting.forget_running(reached, reached.ask(Peers(id=0), PeersSeen), realm))
            return
        with _store_in(data) as store:
            typer.echo(forgetting.forget_in_folder(store, realm, now_ms()))


@contextmanager
def _soon_locked(data: Path) -> Iterator[Path]:
    """As `locked`, after waiting a little for another command, which only looks at the folder."""
    with ExitStack() as ending:
        for _ in tries(LOOKED_AT_S, 0.05):
            with suppress(LockedError):
                folder = ending.enter_context(locked(data))
                break
        else:
            folder = ending.enter_context(locked(data))
        yield folder


def _seen(data: Path) -> tuple[PeersSeen, bool]:
    """The peers, and whether the realm runs: where it does not, its folder is read, under its lock."""
    with reach(data) as reached:
        if reached is not None:
            return reached.ask(Peers(id=0), PeersSeen), True
        with _store_in(data) as store, store.transaction(writable=False) as tx:
            return peer_table.read_rows(tx, store.realm), False


@contextmanager
def _store_in(data: Path) -> Iterator[SqliteStore]:
    """The store in the folder of a realm that does not run; the caller has its lock."""
    if not exists(data):
        raise StoreError(_NO_REALM.format(data))
    store = SqliteStore(data, None, RandomIds().epoch)
    try:
        yield store
    finally:
        store.close()


def _near(host: str) -> str:
    """Who alone reaches a host, as far as that shows."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return "this machine" if host == "localhost" else ""
    if found.is_loopback:
        return "this machine"
    return "this network" if found.is_private else ""


def _keys_in(data: Path) -> keyfiles.KeyPair:
    """The realm's keys, read beside one that runs: without the lock, and nothing is made."""
    try:
        if not exists(data) and not (data / keyfiles.FILE).exists():
            raise StoreError(_NO_REALM.format(data))
    except OSError as error:
        raise StoreError(f"the folder {data} cannot be read ({error.strerror}): choose another --data") from error
    return keyfiles.load(data, create=False)


def _name(typed: str | None) -> Name | None:
    if typed is None:
        return None
    if not re.match(NAME_PATTERN, typed):
        raise typer.BadParameter(f"{typed!r} is no name: 1 to 32 letters, digits, '.', '_' or '-'")
    return Name(typed.lower())


def _address(advertised: str | None) -> str | None:
    if advertised is None:
        return None
    try:
        split_place(advertised)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return advertised


def main() -> None:
    """Run the program; what the operator can mend is one sentence and exit code 1."""
    try:
        app()
    except (StoreError, StoreFullError, SettingsError, KeyFileError, BindError, OperatorError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
