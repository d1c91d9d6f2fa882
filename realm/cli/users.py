"""The people of a realm: `invite-user`."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from broker.clock import now_ms
from realm import invites
from realm.cli.options import ConfigOption, FolderOption, keys_in, settings_of
from realm.gates import DAY_MS
from schemas.invites import Invitation


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
    keys = keys_in(data)
    token, registration = None, settings_of(data, config).registration
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
