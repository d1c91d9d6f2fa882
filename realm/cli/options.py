"""What the operator's commands have in common: their options, and the realm's folder."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer

from broker import keyfiles
from broker.patience import tries
from broker.random_ids import RandomIds
from realm import settings_file
from realm.settings import Settings
from realm.store.database import FILE as DATABASE
from realm.store.database import exists
from realm.store.folder import KEY, LockedError, locked
from realm.store.interface import StoreError
from realm.store.sqlite import SqliteStore
from schemas.invites import split_place
from schemas.names import NAME_PATTERN, Name

DataOption = Annotated[Path, typer.Option(help="The realm's folder; made where there is none.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option(help="A settings file (TOML); else settings.toml in the realm's folder, where there is one."),
]
FolderOption = Annotated[Path, typer.Option(help="The realm's folder.")]
NameOption = Annotated[str | None, typer.Option(help="What the realm is called; needed for a new folder.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file where it is there.")]

log: Final = structlog.get_logger()
LOOKED_AT_S: Final = 1.0
"""So long a command may have the folder of a realm that does not run."""
MADE: Final = "blobs"
"""What is in a folder on which a realm has run, besides its database."""
NO_REALM: Final = "no realm has run on the folder {} yet: run one there, or say another --data"


def settings_of(data: Path, config: Path | None) -> Settings:
    """The settings of the realm on a folder. Raises SettingsError, with all that is wrong in the file."""
    return settings_file.load(settings_file.chosen(data, config))


@contextmanager
def soon_locked(data: Path) -> Iterator[Path]:
    """As `locked`, after waiting a little for another command, which only looks at the folder."""
    with ExitStack() as ending:
        for _ in tries(LOOKED_AT_S, 0.05):
            with suppress(LockedError):
                folder = ending.enter_context(locked(data))
                break
        else:
            folder = ending.enter_context(locked(data))
        yield folder


def open_store(folder: Path, realm: Name | None) -> SqliteStore:
    """See `SqliteStore`; the log has what is lost, for whoever opens it next does not see that any more."""
    store = SqliteStore(folder, realm, RandomIds().epoch)
    if store.lost:
        advice = (
            "what was answered last is not there, and clients and peers are told so: stop the realm, and restore the"
            " last good backup if that has more"
        )
        log.error("write-ahead log damaged", transactions=store.lost, advice=advice)
    return store


def must_have_database(folder: Path) -> None:
    """Raise StoreError where a realm has lived whose database is gone: an empty one would take its place unseen."""
    there = exists(folder) and (folder / DATABASE).stat().st_size  # an empty one is as none to SQLite
    if not there and (folder / MADE).exists():
        raise StoreError(
            f"a realm has run on {folder}, and its database is missing or empty: put it back, or restore a backup to "
            f"another folder. To begin anew, with nobody's account or message, remove {folder / MADE}"
        )


def check_folder(data: Path) -> None:
    """Raise StoreError where no realm has run on a folder, or it cannot be read; nothing is made."""
    try:
        if not exists(data) and not (data / KEY).exists():
            raise StoreError(NO_REALM.format(data))
    except OSError as error:
        raise StoreError(f"the folder {data} cannot be read ({error.strerror}): choose another --data") from error


def keys_in(data: Path) -> keyfiles.KeyPair:
    """The realm's keys, read beside one that runs: without the lock, and nothing is made.

    Raises StoreError as `check_folder`, and KeyFileError.
    """
    check_folder(data)
    return keyfiles.load(data, create=False)


def name_of(typed: str | None) -> Name | None:
    """A realm's name as it is kept. Raises typer.BadParameter where it is none."""
    if typed is None:
        return None
    if not re.match(NAME_PATTERN, typed):
        raise typer.BadParameter(f"{typed!r} is no name: 1 to 32 letters, digits, '.', '_' or '-'")
    return Name(typed.lower())


def place_of(advertised: str | None) -> str | None:
    """HOST:PORT. Raises typer.BadParameter where it is none."""
    if advertised is None:
        return None
    try:
        split_place(advertised)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return advertised
