"""What every backend of the store must do for the realm's operator, as examples."""

from realm.store.interface import Store
from realm.store.rows import Draft, Post, StoredFile
from schemas.entries import CHAIN_START, follows
from schemas.names import Name
from tests.rules.store_kit import TALK, OpenStore, account, begin_talk, draft


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


def test_of_an_erased_account_nothing_is_left_but_its_name(open_store: OpenStore) -> None:
    store = open_store()
    with store.transaction() as tx:
        one = account(tx, "a", "Lionel Messi")
        tx.remember_key(one.id, "key", 1, 9)
        tx.set_active(one.id, 99_000_000)
        tx.begin_erasing(one.id, "outbox", 7)
        assert tx.account(Name("a")) is None
        assert tx.is_name_taken(Name("a"))
        assert not tx.knows_key(one.id, "key")
        assert tx.accounts("", 9, "", 9) == ([], None)
    with open_store().transaction() as tx:
        left = tx.account_by_id(one.id)
        assert left is not None
        assert (left.name, left.display, left.country, left.password_hash) == ("a", "", "", "")
        row = tx.user_row(Name("a"))
        assert row is not None
        assert (row.erased_at, row.active_at) == (7, 1)
        (now,) = tx.erasing(9)
        assert now == tx.erasing_of(one.id)
        assert (now.account, now.name, now.asked_at, now.step, now.entries) == (one.id, "a", 7, "outbox", 0)
        tx.erase_next(one.id, "done")
        assert tx.erasing(9) == []
        assert tx.erasing_of(one.id) is not None


def test_entries_are_erased_a_few_at_a_time(store: Store) -> None:
    with store.transaction() as tx:
        one, _ = begin_talk(tx)
        for number in range(10):
            tx.append(TALK, draft(f"{number}", sender="a@kampus" if number % 2 else "b@kampus"))
        tx.begin_erasing(one.id, "entries", 7)
        calls = 1
        while tx.erase_said_by(one.id, "a@kampus", 4, 1):
            calls += 1
        assert 4 < calls <= 9
        run = tx.history(TALK, limit=99, max_bytes=1 << 20).entries
        assert [entry.erased for entry in run] == [False, True] * 5
        before = CHAIN_START
        for entry in run:
            assert follows(before, entry)
            before = entry.chain
        now = tx.erasing_of(one.id)
        assert now is not None
        assert now.entries == 5
        assert tx.sent("a@kampus", "1") == run[1], "a repeated send still finds it"
        assert tx.append(TALK, draft("1", sender="a@kampus")) == run[1]


def test_a_conversation_is_erased_whole(store: Store) -> None:
    with store.transaction() as tx:
        one, other = begin_talk(tx)
        for number in range(5):
            tx.append(TALK, draft(f"{number}", sender="b@kampus"))
        tx.begin_erasing(one.id, "memberships", 7)
        assert tx.part_of(one.id) == (TALK, True)
        tx.end_part(other.id, TALK)
        assert tx.part_of(one.id) == (TALK, False)
        assert tx.erase_conversation(one.id, TALK, 2)
        assert tx.erase_conversation(one.id, TALK, 2)
        assert not tx.erase_conversation(one.id, TALK, 2)
        assert all(entry.erased for entry in tx.history(TALK, limit=9, max_bytes=1 << 20).entries)
        tx.end_part(one.id, TALK)
        assert tx.part_of(one.id) is None
        assert tx.standing(one.id, TALK) is None


def test_files_of_an_account_are_dropped(store: Store) -> None:
    with store.transaction() as tx:
        one, other = begin_talk(tx)
        for number, owner in enumerate((one, one, other)):
            tx.add_file(StoredFile(f"{number}", owner.id, "x", 5, "text/plain", b"same" * 8), now=99)
        tx.begin_erasing(one.id, "files", 7)
        assert tx.drop_files_of(one.id, 1) == 1
        assert tx.drop_files_of(one.id, 9) == 1
        assert tx.drop_files_of(one.id, 9) == 0
        assert tx.file("2") is not None
        assert tx.removals(9) == []
        assert tx.file_usage(one.id) == 0
        assert tx.file_usage(other.id) == tx.blob_bytes() == 4_096


def test_what_waits_for_a_peer_is_withdrawn(store: Store) -> None:
    with store.transaction() as tx:
        one, other = begin_talk(tx)
        to = tx.add_peer(Name("pusat"), "x" * 40, "10.0.0.1", 1, now=1)
        for number, by in enumerate((one, other, one)):
            tx.enqueue(Post(to.id, f"{number}", by.id, "A", 5, to_group=False, recipient=Name("bob"), message="halo"))
        tx.begin_erasing(one.id, "outbox", 7)
        rows, more = tx.outgoing_by(one.id, 2)
        assert ([row.post.id for row in rows], more) == (["0"], True)
        rows, more = tx.outgoing_by(one.id, 2)
        assert ([row.post.id for row in rows], more) == (["2"], False)
        assert tx.withdraw_numbered(one.id, to.id) == 2
        tx.renumber(to.id, 2, None)
        tx.renumber_on(to.id, 9)
        assert tx.sending(to.id).queued == 1
        assert tx.sending(to.id).restored_at is None
        assert [row.post.id for row in tx.numbered(to.id, 0, 9)] == ["1"]
        assert tx.forget_realm_inboxes(one.id, 9) == 0


def test_the_oldest_entries_expire(open_store: OpenStore) -> None:
    store = open_store()
    with store.transaction() as tx:
        one, _ = begin_talk(tx)
        for number in range(6):
            at = 1_000 if number == 1 else number  # a clock that was wrong
            tx.append(TALK, Draft(f"{number}", "a@kampus", "A", at, bytes(16), "halo"))
        (row,) = tx.kept(0, 9)
        assert (row.conversation, row.first, row.head) == (TALK, 1, 6)
        assert tx.kept(row.number, 9) == []
        assert tx.expire(row, 0, 9, 99) == (0, False)
        assert not tx.has_expired(TALK)
        assert tx.expire(row, 3, 9, 99) == (3, False)
        assert tx.has_expired(TALK)
        total = tx.total(one.id)
    with open_store().transaction() as tx:
        (row,) = tx.kept(0, 9)
        assert (row.first, row.head) == (4, 6)
        assert [entry.seq for entry in tx.history(TALK, limit=9, max_bytes=1 << 20).entries] == [4, 5, 6]
        assert tx.expire(row, 99, 99, 2) == (2, True)
        (row,) = tx.kept(0, 9)
        assert tx.expire(row, 99, 99, 2) == (1, False)
        (row,) = tx.kept(0, 9)
        assert (row.first, row.head) == (7, 6)
        assert tx.expire(row, 99, 99, 2) == (0, False)
        assert tx.total(one.id) == total
        assert tx.append(TALK, draft("9")).seq == 7


def test_of_large_entries_fewer_go_in_one_call(store: Store) -> None:
    with store.transaction() as tx:
        one, _ = begin_talk(tx)
        for number in range(40):
            tx.append(TALK, Draft(f"{number:02}", "a@kampus", "A", 1, bytes(16), "x" * 60_000))
        (row,) = tx.kept(0, 9)
        removed, more = tx.expire(row, 9, 9, 99)
        assert 1 < removed < 30
        assert more
        tx.begin_erasing(one.id, "entries", 7)
        assert tx.erase_said_by(one.id, "a@kampus", 99, 99)
        now = tx.erasing_of(one.id)
        assert now is not None
        assert 0 < now.entries < 40 - removed
        while tx.erase_said_by(one.id, "a@kampus", 99, 99):
            pass
        assert all(entry.erased for entry in tx.history(TALK, limit=99, max_bytes=1 << 20).entries)
