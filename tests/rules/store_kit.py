"""What tests of the store's contract have in common."""

from collections.abc import Callable

from realm.store.interface import Store, Tx
from realm.store.rows import Account, Draft
from schemas import names
from schemas.names import Address, Name

OpenStore = Callable[[], Store]
TALK = names.private(Address("a@kampus"), Address("b@kampus"))
OTHER_TALK = names.private(Address("a@kampus"), Address("c@kampus"))


def account(tx: Tx, name: str, display: str = "Somebody") -> Account:
    return tx.create_account(Name(name), display, "Inggris", "hash", now=1)


def draft(entry: str, message: str = "halo", sender: str = "a@kampus") -> Draft:
    return Draft(entry, sender, "A", 5, bytes(16), message)


def begin_talk(tx: Tx) -> tuple[Account, Account]:
    one, other = account(tx, "a"), account(tx, "b")
    tx.open_conversation(TALK, [one.id, other.id], now=1)
    return one, other
