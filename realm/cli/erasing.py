"""`erase`: what a user said, the user's files, and the account but for its name."""

import sys
import time
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from broker.reaching import OperatorError
from realm.cli.asking import Realm, Resting, realm_on
from realm.cli.options import FolderOption, keys_in
from realm.cli.progress import at_work
from realm.cli.users import NameArgument, user_of
from realm.store.interface import StoreError, StoreFullError
from schemas.names import Name
from schemas.operator import EraseUser, ErasingSeen

LOOK_S: Final = 0.2
"""So often a realm that runs is asked how far it has come."""
STEPS: Final = {
    "outbox": "withdrawing what waits for other realms",
    "memberships": "leaving groups and conversations",
    "entries": "erasing what was said",
    "files": "forgetting files",
    "bytes": "removing files from disk",
}
ELSEWHERE: Final = "What other realms hold, what others have fetched already, and backups are not reached by this."
COPIES: Final = " Pieces may be left in unused places of realm.db: saying this again while no realm runs removes them."


def erase(
    user: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name again.")] = False,
    data: FolderOption = Path("data"),
) -> None:
    """Erase a user for good: the account, all that the user said here, and the user's files.

    In conversations what was said shows as erased; the name is never free again. Interrupted, it goes on.
    Where no realm runs the database is written anew after it, so that no piece of what was said is left in it.
    """
    name = user_of(user)
    keys_in(data)
    if not yes:
        _ask(name)
    with realm_on(data, None) as (realm, running):
        try:
            seen = _erase(realm, name, running=running)
        except KeyboardInterrupt:
            where = "the realm goes on with it" if running else f"`python -m realm erase {name} --yes` goes on with it"
            raise OperatorError(f"\n{name} is not erased whole yet: {where}") from None
        if isinstance(realm, Resting):
            _rewrite(realm, name)
    if not seen.begun:
        typer.echo(f"{name} was erased before")
        return
    typer.echo(
        f"{name} is erased: {seen.entries:,} messages, {seen.files:,} files.\n{ELSEWHERE}{COPIES if running else ''}"
    )


def _rewrite(realm: Resting, name: Name) -> None:
    try:
        realm.rewrite()
    except (StoreError, StoreFullError) as error:
        raise OperatorError(
            f"{name} is erased, but realm.db cannot be written anew ({error}), and pieces may be left in it: see that "
            f"there is room for it twice, and say `python -m realm erase {name} --yes` again"
        ) from None


def _ask(name: Name) -> None:
    typer.echo(
        f"This erases {name} for good: the account, what {name} said here, and all files.\n{ELSEWHERE}", err=True
    )
    typer.echo("Say the name again: ", nl=False, err=True)
    if sys.stdin.readline().strip().lower() != name:
        raise OperatorError("this is another name: nothing is erased")


def _erase(realm: Realm, name: Name, *, running: bool) -> ErasingSeen:
    first = True
    with at_work() as tell:
        while not (seen := realm.ask(EraseUser(id=0, username=name), ErasingSeen)).done:
            first = False
            tell(f"{STEPS.get(seen.step, seen.step)}: {seen.entries:,} messages, {seen.files:,} files so far")
            if running:
                time.sleep(LOOK_S)
    return msgspec.structs.replace(seen, begun=not first)
