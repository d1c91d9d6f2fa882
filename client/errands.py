"""What a command line does with files of this machine: more than one command of the protocol each."""

import os
from pathlib import Path

from client.connection import Connection
from client.courier import Courier
from client.file_lines import Errand, Save
from client.progress import progress_bar
from schemas.answers import Answer


class Saved(Answer, frozen=True, kw_only=True):
    """Where a file was saved."""

    file: str
    path: str
    size: int


async def run(errand: Errand, connection: Connection) -> Answer:
    """Do it, and show how far it is where somebody looks; raises what `Courier` does."""
    async with Courier(connection) as courier:
        if isinstance(errand, Save):
            return await _save(errand, courier)
        path = local_path(errand.path)
        with progress_bar(path.name) as bar:
            return await courier.send(errand.command, path, progress=bar.carried, reading=bar.reading)


async def _save(errand: Save, courier: Courier) -> Saved:
    file = await courier.look_up(errand.file)
    with progress_bar(file.name) as bar:
        path = await courier.download(file, local_path(errand.path), bar.carried, bar.reading)
    return Saved(id=None, file=file.id, path=told(path), size=file.size)


def local_path(typed: str) -> Path:
    """The path that somebody has typed; `~` is the home folder, as in a shell."""
    try:
        return Path(typed).expanduser()
    except RuntimeError:  # nobody of that name: then it is the name of a file
        return Path(typed)


def told(path: Path) -> str:
    """A path as text; bytes that are no UTF-8 are written out."""
    return os.fsencode(path).decode(errors="backslashreplace")
