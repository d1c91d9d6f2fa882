"""Lines about files of this machine, which say more than one command of the protocol each; `errands` does them."""

from dataclasses import dataclass
from typing import Final

import msgspec

from schemas.commands import Filing, name_of

NOT_YET: Final = "-"
"""Stands for the file in a command of which the file is still to be sent."""


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

    command: Filing
    path: str

    @property
    def name(self) -> str:
        """What is typed for it."""
        return name_of(type(self.command))


Errand = Post | Save
