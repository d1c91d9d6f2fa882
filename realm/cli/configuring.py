"""The settings file of a realm: `init` writes it, `reload` has it read again."""

import shlex
from pathlib import Path
from typing import Final

import typer

from broker.reaching import OperatorError, reach
from realm import settings_file
from realm.cli.options import DataOption, FolderOption, NameOption, keys_in, name_of, settings_of
from realm.keeping.whole import new_file
from schemas.operator import Reload, Reloaded

_NAMED: Final = '# name = "kampus"             #'


def init(data: DataOption = Path("data"), name: NameOption = None) -> None:
    """Write the settings file of a realm, with every setting and what it means; makes the folder."""
    text, called = settings_file.template(), name_of(name)
    assert text.count(_NAMED) == 1, "the template has a line for the name"
    if called is not None:
        text = text.replace(_NAMED, f'name = "{called}"'.ljust(len(_NAMED) - 2) + " #")
    path = data / settings_file.FILE
    if path.exists():
        raise OperatorError(f"{path} is there already: change it, or remove it to begin anew")
    try:
        data.mkdir(parents=True, mode=0o700, exist_ok=True)
    except FileExistsError:
        raise OperatorError(f"{data} is no folder: choose another --data") from None
    except OSError as error:
        raise OperatorError(f"{data} cannot be made ({error.strerror}): choose another --data") from None
    with new_file(path) as (_, file):
        file.write(text.encode())
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
