"""The settings file of a realm: `init` writes it, `reload` has it read again."""

import os
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Final

import typer

from broker.reaching import OperatorError, reach
from realm import settings_file
from realm.cli.options import DataOption, FolderOption, NameOption, keys_in, name_of, settings_of
from schemas.operator import Reload, Reloaded

_NAMED: Final = '# name = "kampus"             #'


def init(data: DataOption = Path("data"), name: NameOption = None) -> None:
    """Write the settings file of a realm, with every setting and what it means; makes the folder."""
    text, called = settings_file.template(), name_of(name)
    assert text.count(_NAMED) == 1, "the template has a line for the name"
    if called is not None:
        text = text.replace(_NAMED, f'name = "{called}"'.ljust(len(_NAMED) - 2) + " #")
    path = data / settings_file.FILE
    try:
        data.mkdir(parents=True, mode=0o700, exist_ok=True)
        _write(path, text)
    except FileExistsError:
        if path.exists():
            raise OperatorError(f"{path} is there already: change it, or remove it to begin anew") from None
        raise OperatorError(f"{data} is no folder: choose another --data") from None
    except OSError as error:
        raise OperatorError(
            f"{path} cannot be written ({error.strerror}): make room, or choose another --data"
        ) from None
    said = "" if called is not None else " --name NAME"
    typer.echo(
        f"wrote {path}: change what you need, then say python -m realm run --data {shlex.quote(str(data))}{said}"
    )


def reload(data: FolderOption = Path("data")) -> None:
    """Have the realm that runs take changed settings; say what holds now, and what only after a restart."""
    keys_in(data)
    with reach(data) as reached:
        if reached is None:
            settings_of(data, None)
            raise OperatorError(f"no realm runs on {data}: it reads its settings when it starts")
        told = reached.ask(Reload(id=0), Reloaded)
    for title, found in (("in force now:", told.changed), ("only after a restart:", told.kept)):
        if found:
            typer.echo("\n  ".join([title, *found]))
    if not told.changed and not told.kept:
        typer.echo("nothing has changed")


def _write(path: Path, text: str) -> None:
    """Write a new file that is the owner's alone, whole or not at all. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            path.unlink()
        raise
