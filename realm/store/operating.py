"""The part of `Tx` that only the realm's operator, and what is done for one, has a use for."""

from typing import Protocol

from realm.store.rows import UserRow
from schemas.names import Name


class OperatingTx(Protocol):
    """See `realm.store.interface`."""

    # accounts

    def is_name_taken(self, name: Name) -> bool:
        """Whether an account has, or had, that name: it is never given again."""
        ...

    def user_rows(self, after: str, limit: int) -> list[UserRow]:
        """All accounts by name from behind `after`, those that were erased too."""
        ...

    def user_row(self, name: Name) -> UserRow | None:
        """The account with that name, also where it was erased."""
        ...

    def set_disabled(self, account: int, since: int | None) -> None:
        """Say since when nobody can log in to it, None where that is not so."""
        ...

    def set_may_administrate(self, account: int, *, may: bool) -> None:
        """Say whether the user may do what only admins may."""
        ...

    def forget_keys(self, account: int) -> None:
        """Forget the keys that have logged it in."""
        ...
