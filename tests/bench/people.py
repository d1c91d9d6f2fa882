"""Accounts, sessions, groups and entries, written into a folder before its realm starts."""

import os
import secrets
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from broker.random_ids import RandomIds
from realm.gates import hash_token
from realm.store.interface import Tx
from realm.store.rows import Account, Draft, Post
from realm.store.sqlite import SqliteStore
from schemas import names
from schemas.names import Address, Name
from tests.bench.wire import TEXT, Keys

T = TypeVar("T")

REALM: Final = Name("bench")
GROUP: Final = Name("everybody")
SOMEBODY: Final = Name("somebody")
_FLUSH_EVERY: Final = 20_000


class User(NamedTuple):
    """Somebody with an account and a session."""

    name: Name
    keys: Keys
    token: str
    topic: bytes


def users(count: int, keys: Keys | None = None) -> list[User]:
    """People with key pairs of their own, or all with the same."""
    ids = RandomIds()
    return [User(Name(f"user{number:05}"), keys or Keys.fresh(), ids.token(), ids.topic()) for number in range(count)]


def write(folder: Path, everybody: list[User], *, group: bool = False) -> None:
    """Give them accounts and sessions, and with `group` make them members of one group."""
    now = time.time_ns() // 1_000_000
    store = open_store(folder)
    try:
        with store.transaction() as tx:
            accounts = [_add(tx, user, now) for user in everybody]
            if group:
                address = names.full(GROUP, REALM)
                tx.create_group(GROUP, GROUP, names.group(address), now)
                for account in accounts:
                    tx.join_group(GROUP, account.id)
                tx.set_admin(GROUP, accounts[0].id)
    finally:
        store.close()


def write_entries(folder: Path, everybody: list[User], pairs: list[tuple[int, int]], each: int) -> None:
    """Let the first of each pair of users have said `each` things to the second.

    In two sweeps, the last fifth in the second, so that pages are as full as those of a grown database.
    """
    now = time.time_ns() // 1_000_000
    early = each - each // 5
    store = open_store(folder)
    try:
        with store.transaction() as tx:
            ids = {user.name: found.id for user in everybody if (found := tx.account(user.name))}
        said = ((pair, number) for some in (range(early), range(early, each)) for pair in pairs for number in some)
        for batch in _batches(said, _FLUSH_EVERY):
            with store.transaction() as tx:
                for (one, other), number in batch:
                    _say(tx, everybody[one].name, everybody[other].name, ids, now, number)
    finally:
        store.close()


def write_groups(folder: Path, everybody: list[User], count: int, each: int) -> None:
    """Make so many groups, of so many members each."""
    now = time.time_ns() // 1_000_000
    store = open_store(folder)
    try:
        with store.transaction() as tx:
            for number in range(count):
                group = Name(f"group{number:05}")
                tx.create_group(group, group, names.group(names.full(group, REALM)), now)
                members = [everybody[(number * each + at) % len(everybody)] for at in range(each)]
                ids = [found.id for user in members if (found := tx.account(user.name))]
                for account in ids:
                    tx.join_group(group, account)
                tx.set_admin(group, ids[0])
    finally:
        store.close()


def write_outbox(folder: Path, sender: User, peer: Name, port: int, count: int) -> None:
    """Let a user have said so much to somebody of a realm that was at that port, and is no more."""
    now = time.time_ns() // 1_000_000
    store = open_store(folder)
    try:
        with store.transaction() as tx:
            account = tx.account(sender.name)
            assert account is not None
            row = tx.add_peer(peer, Keys.fresh().public.decode(), "127.0.0.1", port, now)
        for batch in _batches(range(count), _FLUSH_EVERY):
            with store.transaction() as tx:
                for number in batch:
                    entry = f"01J7{number:06}{secrets.randbits(53):016}"
                    post = Post(
                        row.id,
                        entry,
                        account.id,
                        account.display,
                        now,
                        to_group=False,
                        recipient=SOMEBODY,
                        message=TEXT,
                    )
                    tx.set_copied(tx.enqueue(post))
                    _keep(tx, account, names.full(SOMEBODY, peer), entry, now)
    finally:
        store.close()


def _keep(tx: Tx, sender: Account, recipient: Address, entry: str, now: int) -> None:
    """The sender's own copy of what goes elsewhere."""
    own = names.full(sender.name, REALM)
    conversation = names.private(own, recipient)
    tx.open_conversation(conversation, [sender.id], now)
    draft = Draft(entry, own, sender.display, now, os.urandom(16), TEXT, drawn=True, stored_at=now)
    tx.append(conversation, draft)


def open_store(folder: Path) -> SqliteStore:
    """The database of a folder whose realm does not run; to be closed."""
    folder.mkdir(mode=0o700, exist_ok=True)
    return SqliteStore(folder, REALM, lambda: secrets.randbits(63))


def _add(tx: Tx, user: User, now: int) -> Account:
    account = tx.create_account(user.name, user.name.title(), "Indonesia", "no password", now)
    tx.open_session(account, user.keys.public.decode(), hash_token(user.token), user.topic, now)
    return account


def _say(tx: Tx, one: Name, other: Name, ids: dict[Name, int], now: int, number: int) -> None:
    sender, recipient = names.full(one, REALM), names.full(other, REALM)
    conversation = names.private(sender, recipient)
    tx.open_conversation(conversation, sorted({ids[one], ids[other]}), now)
    # A ULID of the past: later ones come after it in the index, as they would.
    entry = f"01J7{number:06}{secrets.randbits(53):016}"
    tx.append(conversation, Draft(entry, sender, one.title(), now, os.urandom(16), TEXT))


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch
