"""Other realms: `invite`, `accept`, `peers` and `forget`."""

import ipaddress
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from broker import accepting
from broker.clock import now_ms
from broker.reaching import OperatorError, RefusedError, reach, wait_for
from realm.amounts import counted
from realm.cli import peer_table
from realm.cli.asking import realm_on
from realm.cli.options import FolderOption, keys_in, name_of, place_of
from schemas.errors import Code
from schemas.invites import RealmInvitation, parse_realm
from schemas.names import Name
from schemas.operator import ForgetPeer, PeerForgotten, Peers, PeersSeen


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


def forget(
    name: Annotated[str, typer.Argument(help="What the other realm is called: `peers` shows it.")],
    data: FolderOption = Path("data"),
) -> None:
    """Let another realm be a peer no more. What waits for it goes back to its senders; what came from it stays."""
    peer = name_of(name)
    assert peer is not None
    keys_in(data)
    with realm_on(data, None) as (realm, running):
        seen = realm.ask(Peers(id=0), PeersSeen)
        try:
            queued = realm.ask(ForgetPeer(id=0, realm=peer), PeerForgotten).queued
        except RefusedError as error:
            if error.code != Code.REALM_NOT_FOUND:
                raise
            raise _no_peer(peer, seen.realm, [one.realm for one in seen.peers]) from None
    typer.echo(_forgotten(peer, seen.realm, queued, running=running))


def _forgotten(realm: Name, own: str, queued: int, *, running: bool) -> str:
    """What is to be known of a peer that is forgotten, for which so many messages waited."""
    when = "now" if running else f"when {own} runs next"
    go = "goes" if queued == 1 else "go"
    waits = f"{counted(queued, 'message')} that waited for it {go} back to the senders {when}"
    return (
        f"{realm} is no peer of {own} any more; {waits if queued else 'nothing waited for it'}\n"
        f"What came from {realm} stays. The name is free: whoever has it next speaks in the same conversations.\n"
        f"{realm} is not told, and may be added again by either side: name it in `peers.denied` of the settings if it "
        "must not be"
    )


def _no_peer(realm: Name, own: str, names: Sequence[str]) -> OperatorError:
    """There is no such peer."""
    known = f"its peers are {', '.join(sorted(names))}" if names else "it has none"
    return OperatorError(f"{own} has no peer that is called {realm}: {known}")


def _near(host: str) -> str:
    """Who alone reaches a host, as far as that shows."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return "this machine" if host == "localhost" else ""
    if found.is_loopback:
        return "this machine"
    return "this network" if found.is_private else ""
