"""What every backend of the store must do about files: `realm.store.interface`, as examples."""

import pytest

from realm.store.interface import Store, Tx
from realm.store.rows import BLOCK, Account, Draft, Removal, StoredFile, UploadRow
from schemas.entries import CHAIN_START, follows
from schemas.names import ConversationId
from tests.rules.store_kit import OTHER_TALK, TALK, OpenStore, account, begin_talk

ONE, OTHER = bytes(32), bytes([1] * 32)


def add(tx: Tx, owner: Account, file: str, digest: bytes = ONE, size: int = 10, now: int = 5) -> StoredFile:
    return tx.add_file(StoredFile(file, owner.id, f"{file}.txt", size, "text/plain", digest), now)


def say(tx: Tx, file: StoredFile, entry: str, to: ConversationId = TALK) -> None:
    tx.append(to, Draft(entry, "a@kampus", "A", 5, bytes(16), file=file.shown))


def test_an_entry_names_a_file(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        one, _ = begin_talk(tx)
        file = add(tx, one, "f1")
        say(tx, file, "e1")
        tx.append(TALK, Draft("e2", "a@kampus", "A", 5, bytes(16), "halo"))
        said = tx.history(TALK, limit=9, max_bytes=1 << 20).entries
    with open_store().transaction() as tx:
        assert tx.history(TALK, limit=9, max_bytes=1 << 20).entries == said
        assert tx.sent("a@kampus", "e1") == said[0]
    assert (said[0].kind, said[0].file) == ("file", file.shown)
    assert follows(CHAIN_START, said[0])
    assert follows(said[0].chain, said[1])


def test_who_sees_a_file(store: Store) -> None:
    with store.transaction() as tx:
        one, two = begin_talk(tx)
        three = account(tx, "c")
        tx.open_conversation(OTHER_TALK, [one.id, three.id], now=1)
        file = add(tx, one, "f1")
        assert not tx.may_see(two.id, "f1")
        say(tx, file, "e1")
        assert [tx.may_see(user.id, "f1") for user in (one, two, three)] == [True, True, False]
        assert not tx.may_see(one.id, "f2")
        assert tx.held_by(one.id, ONE, 9) == tx.held_by(two.id, ONE, 9) == tx.file("f1")
        assert tx.held_by(three.id, ONE, 9) is None
        assert tx.held_by(one.id, OTHER, 9) is None


def test_only_the_latest_files_of_others_are_looked_at(store: Store) -> None:
    with store.transaction() as tx:
        one, two = begin_talk(tx)
        say(tx, add(tx, one, "f1"), "e1")
        for number in range(2, 5):
            add(tx, one, f"f{number}")
        assert tx.held_by(two.id, ONE, 3) is None
        found = tx.held_by(two.id, ONE, 4)
        assert found is not None
        assert found.id == "f1"


def test_bytes_count_once_for_each_user_and_once_in_all(store: Store) -> None:
    with store.transaction() as tx:
        one, two = begin_talk(tx)
        for user, file, digest in ((one, "f1", ONE), (one, "f2", ONE), (two, "f3", ONE), (one, "f4", OTHER)):
            add(tx, user, file, digest)
        tx.open_upload(UploadRow("u1", one.id, bytes([2] * 32), 7, "u", 5))
        tx.open_upload(UploadRow("u2", one.id, bytes([3] * 32), BLOCK + 1, "v", 5))
        assert [tx.file_usage(user.id) for user in (one, two)] == [5 * BLOCK, BLOCK]
        assert tx.blob_bytes() == 5 * BLOCK, "in whole blocks, and at least one"


def test_the_media_type_is_what_the_bytes_were_found_to_be_first(store: Store) -> None:
    with store.transaction() as tx:
        one, _ = begin_talk(tx)
        add(tx, one, "f1")
        kept = tx.add_file(StoredFile("f2", one.id, "b", 10, "image/png", ONE), 5)
        assert kept == tx.file("f2")
        assert kept.media_type == "text/plain"


def test_what_was_not_sent_is_dropped_and_its_bytes_are_to_be_removed(store: Store) -> None:
    with store.transaction() as tx:
        one, two = begin_talk(tx)
        say(tx, add(tx, one, "sent"), "e1")
        for user, file, digest, now in ((one, "same", ONE, 1), (two, "old", OTHER, 1), (two, "new", OTHER, 9)):
            add(tx, user, file, digest, now=now)
        assert tx.unsent_files(two.id, 9) == 2
        assert tx.unsent_files(two.id, 1) == 1
        assert tx.drop_unsent(5, 9) == 2
        assert [tx.file(file) is None for file in ("sent", "same", "old", "new")] == [False, True, True, False]
        assert tx.removals(9) == []
        assert tx.drop_unsent(10, 9) == 1
        assert tx.removals(9) == [Removal(OTHER, 1)]
        assert [tx.file_usage(user.id) for user in (one, two)] == [BLOCK, 0]
        assert tx.blob_bytes() == BLOCK
        add(tx, two, "again", OTHER)
        assert tx.removals(9) == [], "held again"
        assert tx.drop_unsent(10, 0) == 0


def test_removals_are_remembered_until_they_are_done(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        one, _ = begin_talk(tx)
        add(tx, one, "f1")
        tx.add_removal(ONE)
        tx.add_removal(OTHER)
        tx.add_removal(OTHER)
    with open_store().transaction() as tx:
        assert tx.removals(9) == [Removal(OTHER, 2)], "what is a blob stays"
        tx.forget_removal(Removal(OTHER, 1))
        assert tx.removals(9) == [Removal(OTHER, 2)], "asked for again since"
        tx.forget_removal(Removal(OTHER, 2))
        assert tx.removals(9) == []


def test_an_unsent_file_serves_again_under_its_name(store: Store) -> None:
    with store.transaction() as tx:
        one, two = begin_talk(tx)
        file = add(tx, one, "f1")
        assert tx.unsent_file(one.id, ONE, "f1.txt") == file
        assert tx.unsent_file(one.id, ONE, "other.txt") is None
        assert tx.unsent_file(two.id, ONE, "f1.txt") is None
        say(tx, file, "e1")
        assert tx.unsent_file(one.id, ONE, "f1.txt") is None


def test_uploads(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        one, two = begin_talk(tx)
        rows = [UploadRow("u1", one.id, ONE, 10, "a", 5), UploadRow("u2", two.id, ONE, 10, "b", 6)]
        for row in rows:
            tx.open_upload(row)
        tx.use_upload("u1", "c", 8)
    with open_store().transaction() as tx:
        changed = UploadRow("u1", one.id, ONE, 10, "c", 8)
        assert tx.uploads("", 9) == [changed, rows[1]]
        assert tx.uploads("u1", 9) == [rows[1]]
        assert tx.upload_of(one.id, ONE) == changed
        assert tx.upload_of(one.id, OTHER) is None
        tx.end_upload("u1")
        assert tx.uploads("", 9) == [rows[1]]


def test_an_attempt_that_is_undone_names_no_file(store: Store) -> None:
    with store.transaction() as tx:
        one, two = begin_talk(tx)
        file = add(tx, one, "f1")

        def attempt() -> None:
            with tx.attempt():
                say(tx, file, "e1")
                raise ValueError

        with pytest.raises(ValueError):  # noqa: PT011 - our own
            attempt()
        assert not tx.may_see(two.id, "f1")
        assert tx.unsent_files(one.id, 9) == 1
