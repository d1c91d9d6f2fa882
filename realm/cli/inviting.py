"""How people come to a realm: `invite-user`."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from broker.clock import now_ms
from broker.lookups import place
from realm import invites
from realm.cli.asking import realm_on
from realm.cli.options import ConfigOption, FolderOption, keys_in, settings_of
from realm.gates import DAY_MS
from schemas.invites import Invitation
from schemas.operator import Registration, RegistrationSeen


def invite_user(
    data: FolderOption = Path("data"),
    config: ConfigOption = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long the invite holds.")] = 7,
    web: Annotated[str, typer.Option(help="Where the web client is.")] = "http://localhost:8550",
    host: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Where the one invited reaches the front door; else what the realm says."
        ),
    ] = None,
) -> None:
    """Write a link for somebody to join by. The realm may run meanwhile."""
    keys = keys_in(data)
    token, (seen, by) = None, _registration(data, config)
    if seen.registration == "invite":
        expires = now_ms() + days * DAY_MS
        nonce = secrets.token_bytes(invites.NONCE)
        token = invites.write(invites.derive_key(keys.secret), invites.Invite(nonce, expires))
        until = datetime.fromtimestamp(expires // 1000, UTC)
        told = f"it lets one person register, once, until {until:%Y-%m-%d %H:%M} UTC"
    elif seen.registration == "open":
        told = f"there is no invite in it, as {by} everybody may register"
    else:
        told = f"there is no invite in it, as {by} nobody may register: add people by `python -m realm user add NAME`"
    try:
        link = Invitation(host or seen.home, keys.public.decode(), token).link(web)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    typer.echo(f"{link}\n{told}")


def _registration(data: Path, config: Path | None) -> tuple[RegistrationSeen, str]:
    """Who may register, and where: by the realm that runs, or else by the settings file; and by which of the two."""
    with realm_on(data, config) as (realm, running):
        seen = realm.ask(Registration(id=0), RegistrationSeen)
    if not running:
        listen = settings_of(data, config).listen
        home = listen.advertise or place(listen.host, listen.port)
        return replace(seen, home=home), "by these settings (say --config FILE for others)"
    if config is not None and (by_file := settings_of(data, config).registration) != seen.registration:
        note = f"{config} says registration = {by_file!r}, but the realm that runs goes by {seen.registration!r}"
        typer.echo(f"{note}: it takes its own file when it is reloaded", err=True)
    return seen, "by the realm that runs"
