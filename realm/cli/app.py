"""All of them as one program: `python -m realm --help`."""

import sys
from typing import Final

import typer

from broker import logs
from broker.keyfiles import KeyFileError
from broker.reaching import OperatorError
from broker.sockets import BindError
from realm.cli import configuring, peering, serving, users, watching
from realm.settings import Log, SettingsError
from realm.store.interface import StoreError, StoreFullError

_app: Final = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for _command in (
    configuring.init,
    serving.run,
    watching.status,
    configuring.reload,
    serving.demo_data,
    users.invite_user,
    peering.invite,
    peering.accept,
    peering.peers,
):
    _app.command()(_command)


@_app.callback()
def bagan_realm() -> None:
    """Federated chat that you run yourself."""


def main() -> None:
    """Run the program; what the operator can mend is one sentence and exit code 1."""
    logs.configure(Log())
    try:
        _app()
    except (StoreError, StoreFullError, SettingsError, KeyFileError, BindError, OperatorError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
