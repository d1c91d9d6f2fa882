"""Other realms: `invite`, `accept` and `peers`."""

import ipaddress
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from broker import accepting, peer_table
from broker.clock import now_ms
from broker.reaching import OperatorError, reach, wait_for
from realm.cli.asking import realm_on
from realm.cli.options import FolderOption, keys_in, place_of
from schemas.invites import RealmInvitation, parse_realm
from schemas.operator import Peers, PeersSeen


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
    told = place_of(host)
    if told is None:
        wait_for(data, partial(typer.echo, err=True))  # it may have been started just before
    keys = keys_in(data)
    with realm_on(data, None) as (realm, running):
        seen = realm.ask(Peers(id=0), PeersSeen)
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
    own_key = keys_in(data).public.decode()
    with reach(data) as reached:
        if reached is None or not runs:
            raise OperatorError(f"no realm runs on {data}: start it with `python -m realm run --data {data}`")
        typer.echo(accepting.accept(reached, own_key, invitation, typer.echo))


def peers(
    data: FolderOption = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON, for programs.")] = False,
) -> None:
    """Show the other realms that this one speaks with, how that goes, and what waits for them."""
    keys_in(data)
    with realm_on(data, None) as (realm, running):
        seen = realm.ask(Peers(id=0), PeersSeen)
    if as_json:
        typer.echo(peer_table.to_json(seen, running=running))
    else:
        typer.echo(peer_table.to_text(seen, now_ms(), running=running))


def _near(host: str) -> str:
    """Who alone reaches a host, as far as that shows."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return "this machine" if host == "localhost" else ""
    if found.is_loopback:
        return "this machine"
    return "this network" if found.is_private else ""
