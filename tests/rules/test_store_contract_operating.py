"""What every backend of the store must do for the realm's operator, as examples."""

from realm.store.interface import Store
from schemas.names import Name
from tests.rules.store_kit import OpenStore, account


def test_users_are_listed_by_name(store: Store) -> None:
    with store.transaction() as tx:
        for name in ("c", "a", "b"):
            account(tx, name)
        assert [row.name for row in tx.user_rows("", 9)] == ["a", "b", "c"]
        assert [row.name for row in tx.user_rows("a", 1)] == ["b"]
        row = tx.user_row(Name("a"))
        assert row == tx.user_rows("", 1)[0]
        assert row is not None
        assert (row.created_at, row.active_at, row.disabled_at, row.erased_at) == (1, 1, None, None)
        assert tx.user_row(Name("d")) is None


def test_when_an_account_was_active_outlives_its_sessions(store: Store) -> None:
    with store.transaction() as tx:
        one = account(tx, "a")
        tx.set_active(one.id, 1_060_000)
        tx.set_active(one.id, 0)
        row = tx.user_row(Name("a"))
        assert row is not None
        assert row.active_at == 1_000_000


def test_an_account_is_disabled_and_enabled(open_store: OpenStore) -> None:
    store = open_store()
    with store.transaction() as tx:
        one = account(tx, "a")
        assert not one.disabled
        tx.set_disabled(one.id, 7)
        found = tx.account(Name("a"))
        assert found is not None
        assert found.disabled
    with open_store().transaction() as tx:
        found = tx.account_by_id(one.id)
        assert found is not None
        assert found.disabled
        tx.set_disabled(one.id, None)
        found = tx.account(Name("a"))
        assert found is not None
        assert not found.disabled


def test_an_account_may_administrate(store: Store) -> None:
    with store.transaction() as tx:
        one = account(tx, "a")
        tx.set_may_administrate(one.id, may=True)
        found = tx.account(Name("a"))
        assert found is not None
        assert found.admin
        tx.set_may_administrate(one.id, may=False)
        found = tx.account(Name("a"))
        assert found is not None
        assert not found.admin


def test_keys_are_forgotten(store: Store) -> None:
    with store.transaction() as tx:
        one, other = account(tx, "a"), account(tx, "b")
        tx.remember_key(one.id, "x", 1, 9)
        tx.remember_key(other.id, "x", 1, 9)
        tx.forget_keys(one.id)
        assert not tx.knows_key(one.id, "x")
        assert tx.knows_key(other.id, "x")


def test_a_name_is_taken_once_it_was_given(store: Store) -> None:
    with store.transaction() as tx:
        assert not tx.is_name_taken(Name("a"))
        account(tx, "a")
        assert tx.is_name_taken(Name("a"))
