"""What the realm's operator does with accounts."""

from realm.request import OPERATOR
from schemas import operator
from schemas.names import Name
from tests.rules.kit import RealmKit, ok


def test_many_accounts_are_listed_page_by_page(kit: RealmKit) -> None:
    with kit.store.transaction() as tx:
        for number in range(250):
            tx.create_account(Name(f"user{number:03}"), "Somebody", "X", "hash", now=number)
    found: list[str] = []
    page = ok(kit.ask(OPERATOR, operator.ListUsers(id=1)))
    while page.next is not None:
        found += [user.username for user in page.users]
        assert len(page.users) == 100
        page = ok(kit.ask(OPERATOR, operator.ListUsers(id=1, after=Name(page.next))))
    assert found + [user.username for user in page.users] == [f"user{number:03}" for number in range(250)]


def test_a_password_never_shows(kit: RealmKit) -> None:
    command = operator.AddUser(id=1, username=Name("a"), password="surabaya", name="A", country="X")
    assert "surabaya" not in repr(command)
    ok(kit.ask(OPERATOR, command))
    assert "surabaya" not in repr(kit.effects)
