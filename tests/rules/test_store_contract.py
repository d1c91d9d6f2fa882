"""What every backend of the store must do: `realm.store.interface`, as examples."""

import pytest

from realm.store.interface import Store, StoreError, StoreFullError, Tx
from realm.store.rows import Draft
from schemas.entries import CHAIN_START, follows
from schemas.names import ConversationId, Name
from tests.rules.store_kit import OTHER_TALK, TALK, OpenStore, account, begin_talk, draft


def numbers(tx: Tx, of: ConversationId = TALK) -> list[int]:
    return [entry.seq for entry in tx.history(of, limit=100, max_bytes=1 << 20).entries]


def test_what_was_committed_is_there_after_opening_again(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        begin_talk(tx)
        said = tx.append(TALK, draft("1"))
    with open_store().transaction() as tx:
        assert tx.account(Name("a")) is not None
        assert tx.history(TALK, limit=1, max_bytes=1000).entries == [said]
        assert tx.append(TALK, draft("2")).seq == 2


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    with store.transaction() as tx:
        begin_talk(tx)
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        tx.append(TALK, draft("1"))
        raise ZeroDivisionError
    with store.transaction() as tx:
        assert numbers(tx) == []
        assert tx.append(TALK, draft("1")).seq == 1


def test_an_attempt_that_fails_undoes_only_itself(store: Store) -> None:
    with store.transaction() as tx:
        begin_talk(tx)
        with tx.attempt():
            first = tx.append(TALK, draft("1"))
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.append(TALK, draft("2"))
            account(tx, "lost")
            raise ZeroDivisionError
        with tx.attempt():
            third = tx.append(TALK, draft("3"))
    assert (first.seq, third.seq) == (1, 2)
    assert follows(first.chain, third)
    with store.transaction() as tx:
        assert tx.account(Name("lost")) is None
        assert numbers(tx) == [1, 2]


def test_writing_is_refused_where_it_was_not_asked_for(store: Store) -> None:
    with store.transaction(writable=False) as tx:
        assert tx.account(Name("a")) is None
        with pytest.raises(StoreFullError), tx.attempt():
            account(tx, "a")


def test_numbers_have_no_gap_and_the_chain_follows(store: Store) -> None:
    with store.transaction() as tx:
        begin_talk(tx)
        before = CHAIN_START
        for number in range(1, 6):
            entry = tx.append(TALK, draft(str(number)))
            assert entry.seq == number
            assert follows(before, entry)
            before = entry.chain


def test_a_repeated_send_returns_the_first_wherever_it_is(store: Store) -> None:
    with store.transaction() as tx:
        one, _ = begin_talk(tx)
        third = account(tx, "c")
        tx.open_conversation(OTHER_TALK, [one.id, third.id], now=1)
        first = tx.append(TALK, draft("1"))
        assert tx.append(TALK, draft("1", "other words")) == first
        assert tx.append(OTHER_TALK, draft("1")) == first
        assert numbers(tx) == [1]
        assert numbers(tx, OTHER_TALK) == []
        assert tx.append(TALK, draft("1", sender="b@kampus")).seq == 2


def test_append_needs_a_conversation(store: Store) -> None:
    with store.transaction() as tx, pytest.raises(KeyError):
        tx.append(TALK, draft("1"))


def test_opening_a_conversation_again_changes_nothing(store: Store) -> None:
    with store.transaction() as tx:
        one, other = begin_talk(tx)
        tx.append(TALK, draft("1"))
        tx.move_read(one.id, TALK, 1)
        tx.open_conversation(TALK, [one.id, other.id], now=9)
        standing = tx.standing(one.id, TALK)
        assert standing is not None
        assert (standing.head, standing.read) == (1, 1)


@pytest.mark.parametrize(
    ("after", "before", "limit", "expected", "more"),
    [
        (None, None, 3, [8, 9, 10], True),
        (None, None, 10, list(range(1, 11)), False),
        (None, None, 99, list(range(1, 11)), False),
        (4, None, 3, [5, 6, 7], True),
        (7, None, 3, [8, 9, 10], False),
        (10, None, 3, [], False),
        (2**63 - 1, None, 3, [], False),
        (None, 4, 2, [2, 3], True),
        (None, 3, 2, [1, 2], False),
        (None, 1, 2, [], False),
        (None, 2**63 - 1, 1, [10], True),
    ],
)
def test_history_pages(
    store: Store, after: int | None, before: int | None, limit: int, expected: list[int], more: bool
) -> None:
    with store.transaction() as tx:
        one, _ = begin_talk(tx)
        third = account(tx, "c")
        tx.open_conversation(OTHER_TALK, [one.id, third.id], now=1)
        for number in range(10):
            tx.append(TALK, draft(f"1-{number}"))
            tx.append(OTHER_TALK, draft(f"2-{number}"))
        page = tx.history(TALK, after=after, before=before, limit=limit, max_bytes=1 << 20)
        assert [entry.seq for entry in page.entries] == expected
        assert page.more == more


def test_a_history_page_is_bounded_in_bytes_and_has_at_least_one(store: Store) -> None:
    with store.transaction() as tx:
        begin_talk(tx)
        for number in range(4):
            tx.append(TALK, draft(str(number), "x" * 1_000))
        newest = tx.history(TALK, limit=9, max_bytes=3_000)
        assert ([entry.seq for entry in newest.entries], newest.more) == ([3, 4], True)
        oldest = tx.history(TALK, after=0, limit=9, max_bytes=10)
        assert ([entry.seq for entry in oldest.entries], oldest.more) == ([1], True)


def test_standings(store: Store) -> None:
    with store.transaction() as tx:
        one, other = begin_talk(tx)
        third = account(tx, "c")
        tx.open_conversation(OTHER_TALK, [one.id, third.id], now=3)
        for number in range(3):
            tx.append(TALK, draft(str(number)))
        assert tx.standing(third.id, TALK) is None
        latest = tx.standings_latest(one.id, None, 9)
        assert [standing.conversation for standing in latest] == [TALK, OTHER_TALK]
        again = tx.standings_latest(one.id, (latest[0].latest, latest[0].conversation), 9)
        assert [standing.conversation for standing in again] == [OTHER_TALK]
        assert [s.conversation for s in tx.standings_named(one.id, "", 1)] == [TALK]
        assert [s.conversation for s in tx.standings_named(one.id, TALK, 9)] == [OTHER_TALK]
        assert [s.conversation for s in tx.standings_unfetched(other.id, 9)] == [TALK]
        tx.move_inbox(other.id, TALK, 3)
        assert tx.standings_unfetched(other.id, 9) == []
        assert (tx.total(one.id), tx.total(other.id), tx.total(third.id)) == (3, 3, 0)


def test_the_latest_is_first_within_one_ms_too(store: Store) -> None:
    with store.transaction() as tx:
        one, _other = begin_talk(tx)
        tx.open_conversation(OTHER_TALK, [one.id], now=5)
        for said, talk in enumerate((TALK, OTHER_TALK, TALK, OTHER_TALK)):
            tx.append(talk, draft(str(said)))
            assert tx.standings_latest(one.id, None, 1)[0].conversation == talk


def test_what_is_undone_leaves_what_was_said_before_it(store: Store) -> None:
    with store.transaction() as tx:
        begin_talk(tx)
        with tx.attempt():
            tx.append(TALK, draft("1"))
        for failing in range(2):
            with pytest.raises(ZeroDivisionError), tx.attempt():
                tx.append(TALK, draft("2"))
                if failing:
                    account(tx, "c")
                raise ZeroDivisionError
            assert tx.append(TALK, draft("1")).seq == 1
        with tx.attempt():
            assert tx.append(TALK, draft("3")).seq == 2
        assert tx.account(Name("c")) is None
    with store.transaction() as tx:
        assert [entry.id for entry in tx.history(TALK, limit=9, max_bytes=1 << 20).entries] == ["1", "3"]


def test_an_entry_that_cannot_be_stored_is_not_the_next_commands_fault(store: Store) -> None:
    """Its own answer is decided by then, so that the realm must stop."""
    drawn = Draft("e1", "a@kampus", "A", 5, bytes(16), "halo", drawn=True)
    with store.transaction() as tx:
        one, _ = begin_talk(tx)
        tx.append(TALK, drawn)
    with pytest.raises(StoreError), store.transaction() as tx:
        with tx.attempt():
            tx.append(TALK, drawn)
        with tx.attempt():
            tx.total(one.id)
    with store.transaction() as tx:
        assert numbers(tx) == [1]


def test_unread_counts_what_others_said(store: Store) -> None:
    with store.transaction() as tx:
        one, other = begin_talk(tx)
        for number in range(6):
            tx.append(TALK, draft(str(number), sender="a@kampus" if number % 2 else "b@kampus"))
        assert tx.unread(one.id, TALK, "a@kampus", up_to=9, scan=99)[0] == 3
        assert tx.unread(one.id, TALK, "a@kampus", up_to=2, scan=99)[0] == 2
        assert tx.unread(one.id, TALK, "a@kampus", up_to=9, scan=1)[0] == 1
        tx.move_read(one.id, TALK, 4)
        assert tx.unread(one.id, TALK, "a@kampus", up_to=9, scan=99)[0] == 1
        assert tx.unread(other.id, TALK, "b@kampus", up_to=9, scan=99)[0] == 3


def test_received_passes_over_own_entries_and_says_how_far(store: Store) -> None:
    with store.transaction() as tx:
        begin_talk(tx)
        for number in range(9):
            tx.append(TALK, draft(str(number), "x" * 100, sender="b@kampus" if number in (2, 5) else "a@kampus"))

        def received(after: int, limit: int = 9, max_bytes: int = 9_999, scan: int = 99) -> tuple[list[int], int]:
            found = tx.received(TALK, "a@kampus", after=after, limit=limit, max_bytes=max_bytes, scan=scan)
            return [entry.seq for entry in found.entries], found.reached

        assert received(0) == ([3, 6], 9)
        assert received(0, limit=1) == ([3], 5)
        assert received(0, limit=0) == ([], 2)
        assert received(0, max_bytes=1) == ([3], 5)
        assert received(3) == ([6], 9)
        assert received(6) == ([], 9)
        assert received(0, scan=2) == ([], 2)
        assert received(0, scan=4) == ([3], 4)
        assert received(9) == ([], 9)


def test_accounts_are_found_by_parts_of_their_names(store: Store) -> None:
    with store.transaction() as tx:
        for name, display in (
            ("messi", "Lionel Messi"),
            ("lionel", "L"),
            ("straße", "STRASSE"),
            ("z", "Ümit"),
        ):
            tx.create_account(Name(name), display, "X", "hash", 1)

        def found(find: str, after: str = "", limit: int = 9, scan: int = 99) -> tuple[list[str], str | None]:
            accounts, on = tx.accounts(after, limit, find.casefold(), scan)
            return [one.name for one in accounts], on

        assert found("LION") == (["lionel", "messi"], None)
        assert found("lion", limit=1) == (["lionel"], "lionel")
        assert found("lion", after="lionel") == (["messi"], None)
        assert found("ü") == (["z"], None)
        assert found("", scan=2) == (["lionel", "messi"], "messi")
        assert found("nobody", scan=3) == ([], "straße")
        assert found("nobody", after="straße", scan=3) == ([], None)
        assert found("%") == ([], None)


def test_used_invites_are_remembered_until_they_are_forgotten(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        one = account(tx, "a")
        for number in range(4):
            tx.use_invite(bytes([number]) * 16, one.id, 1, expires=10 + number)

    def remembered(tx: Tx) -> list[int]:
        return [number for number in range(5) if tx.is_invite_used(bytes([number]) * 16)]

    with open_store().transaction() as tx:
        assert remembered(tx) == [0, 1, 2, 3]
        tx.forget_invites(9, 100)
        assert remembered(tx) == [0, 1, 2, 3]
        tx.forget_invites(12, 1)
        assert remembered(tx) == [1, 2, 3]
        tx.forget_invites(12, 100)
        assert remembered(tx) == [3]


def test_an_invite_is_used_once_whatever_the_caller_believes(store: Store) -> None:
    with store.transaction() as tx:
        one, other = account(tx, "a"), account(tx, "b")
        tx.use_invite(bytes(16), one.id, 1, expires=10)
        with pytest.raises(Exception, match="UNIQUE"), tx.attempt():
            tx.use_invite(bytes(16), other.id, 1, expires=10)


def test_sessions_live_until_they_end(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        one = account(tx, "a", "Aa")
        first = tx.open_session(one, "key-1", b"hash-1", b"topic-1", 5)
        second = tx.open_session(one, "key-2", b"hash-2", b"topic-2", 6)
        tx.use_session(second.id, 9)
    with open_store().transaction() as tx:
        rows = tx.sessions(0, 9)
        assert [(row.name, row.display, row.key, row.used_at) for row in rows] == [
            ("a", "Aa", "key-1", 5),
            ("a", "Aa", "key-2", 9),
        ]
        assert tx.sessions(first.id, 9) == rows[1:]
        tx.end_session(first.id)
        assert tx.sessions(0, 9) == rows[1:]


def test_only_the_latest_keys_are_remembered(store: Store) -> None:
    with store.transaction() as tx:
        one, other = begin_talk(tx)
        for number in range(4):
            tx.remember_key(one.id, f"key-{number}", now=number, keep=2)
        tx.remember_key(one.id, "key-2", now=9, keep=2)
        assert [tx.knows_key(one.id, f"key-{number}") for number in range(4)] == [False, False, True, True]
        assert not tx.knows_key(other.id, "key-3")


def test_who_was_active(store: Store) -> None:
    with store.transaction() as tx:
        one, other = begin_talk(tx)
        tx.set_active(one.id, 100)
        tx.set_active(other.id, 200)
        assert [row.name for row in tx.active_accounts(99, 0, 9)] == ["a", "b"]
        assert [row.name for row in tx.active_accounts(100, 0, 9)] == ["b"]
        assert tx.active_accounts(99, one.id, 9)[0].until == 200


def test_passwords_change(store: Store) -> None:
    with store.transaction() as tx:
        one = account(tx, "a")
        tx.set_password(one.id, "new")
        changed = tx.account_by_id(one.id)
        assert changed is not None
        assert changed.password_hash == "new"
        assert tx.account_by_id(999) is None
