"""`export`: all data of one user, readable."""

from pathlib import Path
from typing import Annotated

import typer

from broker.reaching import OperatorError
from realm.cli.options import FolderOption, OverwriteOption, keys_in
from realm.cli.user_archive import Archive
from realm.cli.users import NameArgument, user_of
from realm.keeping.whole import new_file
from realm.store.folder import blob_name
from realm.store.rows import UserRow
from realm.store.snapshot import Snapshot, snapshot
from schemas.names import Name


def export(
    user: NameArgument,
    to: Annotated[Path, typer.Argument(metavar="TO.zip", help="The file to write, for its owner alone.")],
    overwrite: OverwriteOption = False,
    data: FolderOption = Path("data"),
) -> None:
    """Write all that the realm has of one user into a zip file: profile, conversations, and the user's own files.

    It is as of one moment; the realm may run meanwhile.
    """
    name = user_of(user)
    keys_in(data)
    if to.is_dir():
        raise OperatorError(f"{to} is a folder: name a file in it, as {to / f'{name}.zip'}")
    with new_file(to, overwrite=overwrite) as (_, file), Archive(file) as archive:
        with snapshot(data) as found:
            archive.write_rows(found, _user_in(found, name))
        archive.write_files(lambda digest: data / blob_name(digest))
    told = f"{archive.entries:,} entries in {archive.conversations:,} conversations, {len(archive.files):,} files"
    typer.echo(f"{to}: {told}")
    if archive.missing:
        typer.echo(f"not there any more: the bytes of {', '.join(archive.missing)}", err=True)


def _user_in(found: Snapshot, name: Name) -> UserRow:
    row = found.user(name)
    if row is None:
        raise OperatorError(f"there is no user {name}: `python -m realm user list` shows all")
    if row.erased_at is not None:
        raise OperatorError(f"{name} was erased: nothing is left to export")
    return row
