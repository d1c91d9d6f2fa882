"""How people come to a realm: `invite-user`."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from broker.clock import now_ms
from broker.lookups import place
from realm import invites
from realm.cli.asking import realm_on
from realm.cli.options import ConfigOption, FolderOption, keys_in, settings_of
from realm.gates import DAY_MS
from realm.settings import Listen
from schemas.invites import Invitation
from schemas.operator import Peers, PeersSeen, Registration, RegistrationSeen


def invite_user(
    data: FolderOption = Path("data"),
    config: ConfigOption = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long the invite holds.")] = 7,
    web: Annotated[str, typer.Option(help="Where the web client is.")] = "http://localhost:8550",
    host: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Where the one invited reaches the front door; else as the settings say."
        ),
    ] = None,
) -> None:
    """Write a link for somebody to join by. The realm may run meanwhile."""
    keys = keys_in(data)
    token, (registration, by, home) = None, _registration(data, config)
    if registration == "invite":
        expires = now_ms() + days * DAY_MS
        nonce = secrets.token_bytes(invites.NONCE)
        token = invites.write(invites.derive_key(keys.secret), invites.Invite(nonce, expires))
        until = datetime.fromtimestamp(expires // 1000, UTC)
        told = f"it lets one person register, once, until {until:%Y-%m-%d %H:%M} UTC"
    elif registration == "open":
        told = f"there is no invite in it, as {by} everybody may register"
    else:
        told = f"there is no invite in it, as {by} nobody may register: add people by `python -m realm user add NAME`"
    try:
        at = host or home or reached_at(settings_of(data, config).listen)
        link = Invitation(at, keys.public.decode(), token).link(web)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"{link}\n{told}")


def reached_at(listen: Listen) -> str:
    """Where a realm's front door is reached, HOST:PORT, by its settings."""
    return listen.advertise or place(listen.host, listen.port)


def _registration(data: Path, config: Path | None) -> tuple[str, str, str]:
    """Who may register by the realm that runs, or else by the settings file; and which of the two that was.

    And where a realm that runs says that it is reached: its options outrank the file, which may name port 0.
    """
    by_file = settings_of(data, config).registration
    with realm_on(data, config) as (realm, running):
        found = realm.ask(Registration(id=0), RegistrationSeen).registration
        home = realm.ask(Peers(id=0), PeersSeen).home if running else ""
    if not running:
        return found, "by these settings (say --config FILE for others)", ""
    if config is not None and found != by_file:
        note = f"{config} says registration = {by_file!r}, but the realm that runs goes by {found!r}"
        typer.echo(f"{note}: it takes the file when it is started again", err=True)
    return found, "by the realm that runs", home
