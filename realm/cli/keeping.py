"""Backups: `backup` makes one of a realm that runs or rests, and `restore` a realm's folder of one."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from broker import keyfiles
from broker.clock import now_ms
from broker.random_ids import RandomIds
from realm.amounts import counted, shown_size
from realm.cli.options import FolderOption, OverwriteOption, keys_in
from realm.cli.progress import progress
from realm.keeping.archive import Manifest
from realm.keeping.backing import back_up
from realm.keeping.restoring import put_back
from schemas.keys import fingerprint


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it: one file, which is not there yet.")],
    data: FolderOption = Path("data"),
    overwrite: OverwriteOption = False,
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Back up what is there of a realm in which something is damaged.")
    ] = False,
) -> None:
    """Write a backup of the whole realm to one file, and read it back. The realm may run meanwhile.

    It holds the database, all files of the users, the realm's key, and settings files (*.toml) that lie in the folder.
    Who has it has the realm: keep it where only you can read it.
    """
    keys = keys_in(data)
    with progress() as tell:
        made = back_up(data, file, now_ms(), overwrite=overwrite, damaged=damaged, tell=tell)
    _complain(made.complaints)
    typer.echo(f"{file}: {_what(made.manifest)}, {shown_size(made.size)}; {_seen(made.complaints)}")
    typer.echo(
        f"the key of the realm ({fingerprint(keys.public.decode())}) and its users' password hashes are in it: "
        "keep it where nobody else can read it"
    )


def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` has written.")],
    data: Annotated[Path, typer.Option(help="The realm's folder to be: not there yet, or empty.")],
    damaged: Annotated[
        bool, typer.Option("--damaged", help="Put back what is there of a backup in which something is damaged.")
    ] = False,
) -> None:
    """Make a realm's folder of a backup. All of it is checked before the folder is there.

    Clients fetch everything anew when they see the realm again, and its peers send again what they sent since then.
    """
    with progress() as tell:
        done = put_back(
            file,
            data,
            RandomIds().epoch,
            check=lambda folder: keyfiles.load(folder, create=False),
            damaged=damaged,
            tell=tell,
        )
    _complain(done.complaints)
    typer.echo(f"{data}: {_what(done.manifest)}, as of {_at(done.manifest.made_at)}; {_seen(done.complaints)}")
    if os.geteuid() == 0:
        typer.echo(f"it belongs to root: if another user runs the realm, say chown -R USER {data}")
    typer.echo(
        f"the realm that {done.manifest.realm} was must not run any more, here or elsewhere: two with one key confuse "
        "their clients and peers"
    )


def _complain(complaints: list[str]) -> None:
    for line in complaints:
        typer.echo(f"damaged: {line}", err=True)


def _seen(complaints: list[str]) -> str:
    return "read back, and this is damaged in it: see above" if complaints else "read back, and all of it is well"


def _what(manifest: Manifest) -> str:
    files, size = counted(manifest.blobs, "file"), shown_size(manifest.blob_bytes)
    return f"the realm {manifest.realm} with {files} of its users ({size})"


def _at(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000):%Y-%m-%d %H:%M}"
