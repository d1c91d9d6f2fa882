"""The demo accounts of the contract, and their group. They exist in a demo, and never in a real realm."""

from collections.abc import Callable
from typing import Final, NamedTuple

from realm.store.interface import Store, Tx
from schemas import names
from schemas.names import Name

PASSWORD: Final = "surabaya"  # noqa: S105 - public, and only for demos


class DemoAccount(NamedTuple):
    """Somebody to play with."""

    name: Name
    display: str
    country: str


ACCOUNTS: Final = (
    DemoAccount(Name("messi"), "Lionel Messi", "Argentina"),
    DemoAccount(Name("henderson"), "Jordan Henderson", "Inggris"),
    DemoAccount(Name("lineker"), "Gary Lineker", "Inggris"),
)
GROUP: Final = Name("new")


def add_demo_data(store: Store, hash_password: Callable[[str], str], now: int) -> list[Name]:
    """Add the accounts, and the group, that are not there yet; return the names of the accounts."""
    added: list[Name] = []
    with store.transaction() as tx:
        for account in ACCOUNTS:
            if not tx.is_name_taken(account.name):
                tx.create_account(account.name, account.display, account.country, hash_password(PASSWORD), now)
                added.append(account.name)
        if tx.group(GROUP) is None:
            _add_group(tx, store.realm, now)
    return added


def _add_group(tx: Tx, realm: Name, now: int) -> None:
    """A group of all three, made by the first."""
    tx.create_group(GROUP, GROUP, names.group(names.full(GROUP, realm)), now)
    for demo in ACCOUNTS:
        account = tx.account(demo.name)
        if account is None:  # erased
            continue
        tx.join_group(GROUP, account.id)
        if demo is ACCOUNTS[0]:
            tx.set_admin(GROUP, account.id)
