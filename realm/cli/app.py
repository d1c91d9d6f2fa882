"""All of them as one program: `python -m realm --help`."""

import sys
from typing import Final

import typer

from broker import logs
from broker.keyfiles import KeyFileError
from broker.reaching import OperatorError
from broker.sockets import BindError
from realm.cli import configuring, doctor, erasing, exporting, inviting, keeping, peering, serving, users, watching
from realm.keeping.whole import KeepingError
from realm.settings import Log, SettingsError
from realm.store.interface import DamagedError, StoreError, StoreFullError

program: Final = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for _command in (
    configuring.init,
    serving.run,
    watching.status,
    configuring.reload,
    serving.demo_data,
    inviting.invite_user,
    exporting.export,
    erasing.erase,
    peering.invite,
    peering.accept,
    peering.peers,
    peering.forget,
    keeping.backup,
    keeping.restore,
    doctor.doctor,
):
    program.command()(_command)
program.add_typer(users.app, name="user")

_MENDED_BY_OPERATORS: Final = (
    StoreError,
    StoreFullError,
    DamagedError,
    SettingsError,
    KeyFileError,
    KeepingError,
    BindError,
    OperatorError,
)


@program.callback()
def bagan_realm() -> None:
    """Federated chat that you run yourself."""


def main() -> None:
    """Run the program; what the operator can mend is one sentence and exit code 1."""
    logs.configure(Log())
    try:
        program()
    except _MENDED_BY_OPERATORS as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
