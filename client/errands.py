"""What a command line does with files of this machine: more than one command of the protocol each."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from client.connection import Connection
from client.courier import Courier
from client.progress import progress_bar
from schemas.answers import Answer
from schemas.commands import SendFile, SendGroupFile, name_of


class Save(msgspec.Struct, frozen=True, kw_only=True, tag="save"):
    """Saves a file that was sent or received; the path may be a folder."""

    file: str
    path: str

    @property
    def name(self) -> str:
        """What is typed for it."""
        return "save"


@dataclass(frozen=True, slots=True)
class Post:
    """A file of this machine to be sent; the command's `file` is put in when the realm has it."""

    command: SendFile | SendGroupFile
    path: str

    @property
    def name(self) -> str:
        """What is typed for it."""
        return name_of(type(self.command))


Errand = Post | Save


class Saved(Answer, frozen=True, kw_only=True):
    """Where a file was saved. `checked` is whether its digest was known, and so is right."""

    file: str
    path: str
    size: int
    checked: bool


async def run(errand: Errand, connection: Connection) -> Answer:
    """Do it, and show how far it is where somebody looks; raises what `Courier` does."""
    async with Courier(connection) as courier:
        if isinstance(errand, Save):
            return await _save(errand, courier)
        path = local_path(errand.path)
        with progress_bar(path.name) as progress:
            return await courier.send(errand.command, path, progress=progress)


async def _save(errand: Save, courier: Courier) -> Saved:
    file = await courier.look_up(errand.file)
    with progress_bar(file.name) as progress:
        path = await courier.download(file, local_path(errand.path), progress)
    return Saved(id=None, file=file.id, path=told(path), size=file.size, checked=bool(file.digest))


def local_path(typed: str) -> Path:
    """The path that somebody has typed; `~` is the home folder, as in a shell."""
    try:
        return Path(typed).expanduser()
    except RuntimeError:  # nobody of that name: then it is the name of a file
        return Path(typed)


def told(path: Path) -> str:
    """A path as text; bytes that are no UTF-8 are written out."""
    return os.fsencode(path).decode(errors="backslashreplace")
