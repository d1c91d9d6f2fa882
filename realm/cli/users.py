"""The accounts of a realm: `user list`, `add`, `reset`, `disable`, `enable` and `admin`."""

import getpass
import secrets
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from broker.clock import now_ms
from broker.reaching import OperatorError
from realm.cli import user_table
from realm.cli.asking import Realm, realm_on
from realm.cli.options import ConfigOption, FolderOption, keys_in, name_of
from schemas.answers import Said
from schemas.fields import EXPLAINED, TEXT_PATTERN, Text
from schemas.limits import MAX_PASSWORD, MIN_PASSWORD
from schemas.names import Name
from schemas.operator import (
    AboutUser,
    AddUser,
    AdministerUser,
    DisableUser,
    ListUsers,
    ResetPassword,
    UserSeen,
    UsersSeen,
)

LONGEST_LINE: Final = 4_096
"""Bytes that are read of a line with a password."""
GENERATED_BYTES: Final = 15
"""Of randomness in a password that is made here: 20 letters and digits."""

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The user's name, without @realm.")]
GenerateOption = Annotated[bool, typer.Option("--generate", help="Make a password, and print it once.")]

app: Final = typer.Typer(no_args_is_help=True, help="The accounts of a realm, whether it runs or not.")


class Switch(Enum):
    """Whether somebody may, or not."""

    ON = "on"
    OFF = "off"


@app.command("list")
def list_users(
    data: FolderOption = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="A line of JSON for each, for programs.")] = False,
) -> None:
    """Show all accounts: who they are, since when, when they were active last, and what their files take."""
    keys_in(data)
    with realm_on(data, None) as (realm, _):
        seen = _all(realm)
    if as_json:
        for user in seen:
            typer.echo(user_table.to_json(user))
    else:
        typer.echo(user_table.to_text(seen, now_ms()))


@app.command()
def add(
    name: NameArgument,
    display: Annotated[
        str | None, typer.Option("--display", help="The name that others see; else the user's name.")
    ] = None,
    country: Annotated[str, typer.Option(help="Where the user is from, as others see it.")] = "-",
    generate: GenerateOption = False,
    data: FolderOption = Path("data"),
    config: ConfigOption = None,
) -> None:
    """Make an account, whoever may register. The password is asked for twice, or comes as a line on standard input."""
    user = user_of(name)
    keys_in(data)
    for what, text in (("--display", display or user), ("--country", country)):
        _check_text(what, text)
    password = _password(generate=generate)
    command = AddUser(id=0, username=user, password=password, name=display or user, country=country)
    _say(command, data, config, generated=generate)
    if generate:
        typer.echo(password)


@app.command()
def reset(
    name: NameArgument, generate: GenerateOption = False, data: FolderOption = Path("data"), config: ConfigOption = None
) -> None:
    """Give a user another password, and end all sessions."""
    user = user_of(name)
    keys_in(data)
    password = _password(generate=generate)
    _say(ResetPassword(id=0, username=user, password=password), data, config, generated=generate)
    if generate:
        typer.echo(password)


@app.command()
def disable(name: NameArgument, data: FolderOption = Path("data")) -> None:
    """End a user's sessions and let nobody log in as that user. What others send there is kept meanwhile."""
    _say(DisableUser(id=0, username=user_of(name), disabled=True), data, None)


@app.command()
def enable(name: NameArgument, data: FolderOption = Path("data")) -> None:
    """Let a user who was disabled log in again."""
    _say(DisableUser(id=0, username=user_of(name), disabled=False), data, None)


@app.command()
def admin(
    name: NameArgument,
    switch: Annotated[Switch, typer.Argument(help="Whether the user is an admin of the realm.")],
    data: FolderOption = Path("data"),
) -> None:
    """Let a user say what only admins may (`addrealm`, where `peers.add` is "admins"), or not any more."""
    _say(AdministerUser(id=0, username=user_of(name), admin=switch is Switch.ON), data, None)


def _all(realm: Realm) -> list[UserSeen]:
    seen: list[UserSeen] = []
    page = realm.ask(ListUsers(id=0), UsersSeen)
    seen += page.users
    while page.next is not None:
        page = realm.ask(ListUsers(id=0, after=Name(page.next)), UsersSeen)
        seen += page.users
    return seen


def _say(command: AboutUser, data: Path, config: Path | None, *, generated: bool = False) -> None:
    """Have the realm do it, and show what it says; beside a generated password, which is for a program, apart."""
    keys_in(data)
    with realm_on(data, config) as (realm, _):
        typer.echo(realm.ask(command, Said).message, err=generated)


def user_of(typed: str) -> Name:
    """The name of a user of this realm. Raises typer.BadParameter where it is none."""
    name, _, realm = typed.partition("@")
    if realm:
        raise typer.BadParameter(f"say {name!r}: only users of this very realm are its operator's")
    found = name_of(name)
    assert found is not None
    return found


def _check_text(option: str, text: str) -> None:
    try:
        msgspec.convert(text, Text)
    except msgspec.ValidationError:
        raise typer.BadParameter(f"{option}: {EXPLAINED[TEXT_PATTERN]}") from None


def _password(*, generate: bool) -> str:
    """One that is made, typed twice without being shown, or the first line of standard input; never an argument."""
    if generate:
        return secrets.token_urlsafe(GENERATED_BYTES)
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("The same again: ") != password:
            raise OperatorError("these are two passwords: say it again")
    else:
        password = sys.stdin.buffer.readline(LONGEST_LINE).decode(errors="replace").rstrip("\r\n")
        if "\ufffd" in password:
            raise OperatorError("the password on standard input is no UTF-8")
    if not MIN_PASSWORD <= len(password.encode(errors="replace")) <= MAX_PASSWORD:
        why = f"a password is {MIN_PASSWORD} to {MAX_PASSWORD:,} bytes"
        raise OperatorError(f"{why}: type one, pipe one in as a line, or say --generate")
    return password
