"""What every backend of the store must do for other realms: peers, the outbox, answers, and the inbox by realm."""

import sqlite3

import msgspec
import pytest
from msgspec import UNSET

from realm.store.interface import Store, StoreFullError, Tx
from realm.store.rows import Draft, Outgoing, Peer, Post, Sending, StoredFile
from schemas import names
from schemas.federation import HASH_START, Envelope, Mark, hash_of
from schemas.names import Address, ConversationId, Name
from tests.rules.store_kit import OpenStore, account, draft

TALK = names.private(Address("a@kampus"), Address("bob@pusat"))
OTHER_TALK = names.private(Address("a@kampus"), Address("lina@pusat"))
GROUP = names.group(Address("new@kampus"))
BOB = Address("bob@pusat")
HOUR = 3_600_000


def peer(tx: Tx, name: str = "pusat") -> Peer:
    return tx.add_peer(Name(name), f"key-of-{name}".ljust(40, "-"), "10.0.0.1", 8889, now=1)


def post(
    to: Peer, entry: str, by: int = 1, message: str = "halo", recipient: str = "bob", *, group: bool = False
) -> Post:
    return Post(to.id, entry, by, "A", 5, group, Name(recipient), message)


def filed(to: Peer, entry: str, file: str, by: int = 1) -> Post:
    return Post(to.id, entry, by, "A", 5, to_group=False, recipient=Name("bob"), file=file)


def file(tx: Tx, name: str = "f", owner: int = 1, content: bytes = b"x" * 32) -> StoredFile:
    return tx.add_file(StoredFile(name, owner, "foto.png", 7, "image/png", content), now=1)


def begin(tx: Tx) -> Peer:
    """One user, one peer."""
    account(tx, "a")
    return peer(tx)


def settle(tx: Tx, row: Outgoing, code: str, now: int) -> None:
    tx.settle([row], [code], now)


def chained(tx: Tx, of: Peer, rows: list[Outgoing]) -> bytes:
    """The running hash after these rows, as the receiver reckons it."""
    digest = HASH_START
    for row in rows:
        told = tx.envelope(row)
        assert told.hash == hash_of(digest, told)
        digest = told.hash
    return digest


def ns(tx: Tx, of: Peer) -> list[tuple[str, int]]:
    """The entries that have a number, and which."""
    return [(row.post.id, row.n or 0) for row in tx.numbered(of.id, 0, 1 << 62)]


# peers


def test_a_forgotten_peer_leaves_its_name_and_key_but_not_its_number(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        first = tx.add_peer(Name("pusat"), "k" * 40, "10.0.0.1", 1, now=1)
        tx.forget_peer(first.id, 7)
    with open_store().transaction() as tx:
        (kept,) = tx.peers(0, 9)
        assert (kept.name, kept.forgotten_at) == ("pusat", 7)
        second = tx.add_peer(Name("pusat"), "k" * 40, "10.0.0.2", 1, now=9)
        assert second.id != first.id
        assert [one.forgotten_at for one in tx.peers(0, 9)] == [7, None]
        assert tx.sending(second.id) == Sending(1, 0, HASH_START, 0, HASH_START, 0, None)


def test_peers_are_kept_and_move(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        one, other = peer(tx, "pusat"), peer(tx, "desa")
        assert one == Peer(one.id, Name("pusat"), "key-of-pusat".ljust(40, "-"), "10.0.0.1", 8889)
        tx.move_peer(other.id, "10.0.0.2", 9)
    with open_store().transaction() as tx:
        assert tx.peers(0, 9) == [one, Peer(other.id, other.name, other.key, "10.0.0.2", 9)]
        assert tx.peers(one.id, 9) == tx.peers(0, 9)[1:]
        assert tx.peers(0, 1) == [one]
        assert one.id > 0


def test_a_name_and_a_key_are_one_peers_whatever_the_caller_believes(store: Store) -> None:
    with store.transaction() as tx:
        peer(tx)
        for name, key in (("pusat", "x" * 40), ("desa", "key-of-pusat".ljust(40, "-"))):
            with pytest.raises(Exception, match="UNIQUE"), tx.attempt():
                tx.add_peer(Name(name), key, "10.0.0.1", 1, now=1)
        assert len(tx.peers(0, 9)) == 1


def test_a_new_peer_has_sent_and_taken_nothing(store: Store) -> None:
    with store.transaction() as tx:
        one = peer(tx)
        assert tx.sending(one.id) == Sending(1, 0, HASH_START, 0, HASH_START, 0, None)
        assert tx.received_mark(one.id) == Mark(0, 0, HASH_START)
        assert tx.hash_at(one.id, 0) == HASH_START
        assert tx.hash_at(one.id, 1) is None
        assert tx.oldest_queued(one.id) is None


def test_what_was_taken_is_remembered(open_store: OpenStore) -> None:
    mark = Mark(7, 3, b"h" * 32)
    with open_store().transaction() as tx:
        one = peer(tx)
        tx.set_received(one.id, mark)
        assert tx.received_mark(one.id) == mark
    with open_store().transaction() as tx:
        assert tx.received_mark(one.id) == mark


def test_a_mark_of_a_failed_attempt_is_not_remembered(store: Store) -> None:
    with store.transaction() as tx:
        one = peer(tx)
        tx.set_received(one.id, Mark(1, 1, b"a" * 32))
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.set_received(one.id, Mark(9, 9, b"b" * 32))
            raise ZeroDivisionError
        assert tx.received_mark(one.id) == Mark(1, 1, b"a" * 32)
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        tx.set_received(one.id, Mark(9, 9, b"b" * 32))
        raise ZeroDivisionError
    with store.transaction() as tx:
        assert tx.received_mark(one.id) == Mark(1, 1, b"a" * 32)


def test_a_peer_of_a_failed_attempt_is_none(store: Store) -> None:
    with store.transaction() as tx:
        with pytest.raises(ZeroDivisionError), tx.attempt():
            lost = peer(tx)
            tx.sending(lost.id)
            tx.received_mark(lost.id)
            raise ZeroDivisionError
        assert tx.peers(0, 9) == []
        fresh = peer(tx, "desa")
        assert tx.sending(fresh.id).last == 0


# answers


def test_first_answers_by_peer_sender_and_entry(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        one, other = peer(tx, "pusat"), peer(tx, "desa")
        tx.keep_answer(one.id, BOB, "1", "", 10)
        tx.keep_answer(one.id, BOB, "2", "user_not_found", 20)
        tx.keep_answer(one.id, Address("lina@pusat"), "1", "forbidden", 30)
        tx.keep_answer(other.id, BOB, "1", "group_not_found", 40)
    with open_store().transaction() as tx:
        assert tx.first_answer(one.id, BOB, "1") == ""
        assert tx.first_answer(one.id, BOB, "2") == "user_not_found"
        assert tx.first_answer(one.id, Address("lina@pusat"), "1") == "forbidden"
        assert tx.first_answer(other.id, BOB, "1") == "group_not_found"
        assert tx.first_answer(one.id, BOB, "3") is None
        assert tx.first_answer(other.id, BOB, "2") is None


def test_answers_are_forgotten_the_oldest_first(store: Store) -> None:
    with store.transaction() as tx:
        one = peer(tx)
        for number in range(6):
            tx.keep_answer(one.id, BOB, str(number), "", 60 - number * 10)
    with store.transaction() as tx:

        def kept() -> list[int]:
            return [number for number in range(6) if tx.first_answer(one.id, BOB, str(number)) is not None]

        tx.forget_answers(10, 99)
        assert kept() == [0, 1, 2, 3, 4, 5]
        tx.forget_answers(40, 2)
        assert kept() == [0, 1, 2, 3]
        tx.forget_answers(40, 99)
        assert kept() == [0, 1, 2]


def test_answers_of_a_failed_attempt_are_not_kept(store: Store) -> None:
    with store.transaction() as tx:
        one = peer(tx)
        with tx.attempt():
            tx.keep_answer(one.id, BOB, "1", "", 1)
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.keep_answer(one.id, BOB, "2", "forbidden", 2)
            assert tx.first_answer(one.id, BOB, "2") == "forbidden"
            raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.keep_answer(one.id, BOB, "3", "", 2)
            tx.move_peer(one.id, "elsewhere", 1)
            raise ZeroDivisionError
        assert [tx.first_answer(one.id, BOB, entry) for entry in "123"] == ["", None, None]
    with store.transaction() as tx:
        assert [tx.first_answer(one.id, BOB, entry) for entry in "123"] == ["", None, None]
        tx.keep_answer(one.id, BOB, "2", "", 3)
        assert tx.first_answer(one.id, BOB, "2") == ""


def test_answers_of_a_failed_transaction_are_not_kept(store: Store) -> None:
    with store.transaction() as tx:
        one = peer(tx)
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        tx.keep_answer(one.id, BOB, "1", "forbidden", 1)
        raise ZeroDivisionError
    with store.transaction() as tx:
        assert tx.first_answer(one.id, BOB, "1") is None


# the outbox


def test_texts_have_their_numbers_at_once(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        to = begin(tx)
        rows = [tx.enqueue(post(to, str(number))) for number in range(1, 4)]
        assert [row.n for row in rows] == [1, 2, 3]
        digest = chained(tx, to, rows)
        sending = tx.sending(to.id)
        assert (sending.epoch, sending.last, sending.hash, sending.acked, sending.queued) == (1, 3, digest, 0, 3)
    with open_store().transaction() as tx:
        assert tx.sending(to.id) == sending
        assert tx.numbered(to.id, 0, 9) == rows
        assert tx.numbered(to.id, 1, 2) == rows[1:2]
        assert tx.numbered(to.id, 3, 9) == []
        assert tx.outgoing(1, "2") == rows[1]
        assert tx.outgoing(2, "2") is None
        assert tx.outgoing(1, "9") is None


def test_an_envelope_says_what_was_posted(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        told = tx.envelope(tx.enqueue(post(to, "01J0000000000000000000000A")))
        assert told == Envelope(
            epoch=1,
            n=1,
            id="01J0000000000000000000000A",
            hash=told.hash,
            kind="text",
            sender=Address("a@kampus"),
            name="A",
            to=Name("bob"),
            sent_at=5,
            message="halo",
        )
        to_group = tx.envelope(tx.enqueue(post(to, "2", recipient="new", group=True)))
        assert (to_group.to, to_group.group) == (UNSET, "new")
        sent = file(tx)
        with_file = tx.envelope(tx.number(tx.enqueue(filed(to, "3", sent.id))))
        assert (with_file.kind, with_file.message) == ("file", UNSET)
        assert with_file.file is not UNSET
        assert (with_file.file.name, with_file.file.size, with_file.file.digest) == ("foto.png", 7, sent.digest)


def test_peers_have_numbers_of_their_own(store: Store) -> None:
    with store.transaction() as tx:
        one = begin(tx)
        other = peer(tx, "desa")
        assert [tx.enqueue(post(to, entry)).n for entry, to in enumerate_posts(one, other)] == [1, 1, 2, 2]
        assert (tx.sending(one.id).queued, tx.sending(other.id).queued) == (2, 2)


def enumerate_posts(one: Peer, other: Peer) -> list[tuple[str, Peer]]:
    return [(str(number), to) for number, to in enumerate((one, other, one, other))]


def test_two_users_may_use_one_id_and_who_uses_it_twice_has_not_looked_first(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        second = account(tx, "b")
        tx.enqueue(post(to, "1"))
        tx.enqueue(post(to, "1", by=second.id))
        before = tx.sending(to.id)
        with pytest.raises(AssertionError), tx.attempt():
            tx.enqueue(post(to, "1", message="lain"))
        assert tx.sending(to.id) == before


def test_a_failed_attempt_gives_no_number(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        tx.enqueue(post(to, "1"))
        before = tx.sending(to.id)
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.enqueue(post(to, "lost"))
            raise ZeroDivisionError
        assert tx.sending(to.id) == before
        assert tx.outgoing(1, "lost") is None
        with tx.attempt():
            row = tx.enqueue(post(to, "2"))
        assert row.n == 2
        chained(tx, to, tx.numbered(to.id, 0, 9))
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        tx.enqueue(post(to, "lost"))
        raise ZeroDivisionError
    with store.transaction() as tx:
        assert tx.enqueue(post(to, "3")).n == 3
        chained(tx, to, tx.numbered(to.id, 0, 9))


def test_a_file_has_its_number_when_it_is_given(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        row = tx.enqueue(filed(to, "1", file(tx).id))
        assert row.n is None
        assert (tx.sending(to.id).last, tx.sending(to.id).queued) == (0, 1)
        second = tx.enqueue(filed(to, "2", "f"))
        assert tx.unnumbered(to.id, 9) == [row, second]
        assert tx.unnumbered(to.id, 1) == [row]
        text = tx.enqueue(post(to, "3"))
        given = tx.number(row)
        assert (text.n, given.n) == (1, 2)
        assert tx.unnumbered(to.id, 9) == [second]
        chained(tx, to, tx.numbered(to.id, 0, 9))
        assert tx.numbered(to.id, 1, 2) == [given]


def test_a_number_is_taken_back(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        row = tx.number(tx.enqueue(filed(to, "1", file(tx).id)))
        second = tx.enqueue(post(to, "2"))
        digest = tx.sending(to.id).hash
        tx.acknowledge(to.id, 1)
        tx.take_back_number(row)
        assert [one.post.id for one in tx.unnumbered(to.id, 9)] == ["1"]
        assert tx.numbered(to.id, 0, 9) == [second]
        assert (tx.sending(to.id).hash, tx.sending(to.id).queued) == (digest, 2)
        again = tx.number(tx.unnumbered(to.id, 9)[0])
        assert again.n == 3
        assert tx.envelope(again).hash == hash_of(digest, tx.envelope(again))


def test_acknowledging(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        to = begin(tx)
        rows = [tx.enqueue(post(to, str(number))) for number in range(1, 6)]
        tx.acknowledge(to.id, 3)
        sending = tx.sending(to.id)
        assert (sending.acked, sending.acked_hash, sending.last, sending.queued) == (3, rows[2].hash, 5, 5)
    with open_store().transaction() as tx:
        assert tx.sending(to.id) == sending
        assert [tx.hash_at(to.id, n) for n in range(1, 6)] == [row.hash for row in rows]
        assert tx.hash_at(to.id, 6) is None
        assert tx.hash_at(to.id, 2**63 - 1) is None


def test_settling(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        taken, refused, waiting = (tx.enqueue(post(to, str(number))) for number in range(1, 4))
        tx.acknowledge(to.id, 2)
        settle(tx, taken, "", 10)
        settle(tx, refused, "user_not_found", 10)
        assert tx.sending(to.id).queued == 1
        first, second = tx.outgoing(1, "1"), tx.outgoing(1, "2")
        assert first is not None
        assert second is not None
        assert (first.settled, first.result, first.n) == (True, "", 1)
        assert (second.settled, second.result, second.n) == (True, "user_not_found", None)
        assert tx.numbered(to.id, 0, 9) == [first, waiting]
        assert tx.hash_at(to.id, 2) == refused.hash, "of what is acknowledged it is known"
        assert tx.oldest_queued(to.id) == 5


def test_settling_many_at_once(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        rows = [tx.enqueue(post(to, str(number))) for number in range(1, 5)]
        tx.acknowledge(to.id, 3)
        tx.settle(rows[:3], ["", "forbidden", ""], 10)
        assert tx.sending(to.id).queued == 1
        tx.settle(tx.numbered(to.id, 0, 3), ["", ""], 20)
        assert tx.sending(to.id).queued == 1, "a second result settles nothing"
        tx.settle([], [], 30)
        assert ns(tx, to) == [("1", 1), ("3", 3), ("4", 4)]
        tx.forget_settled(11, 99)
        assert ns(tx, to) == [("4", 4)], "it counts from the first"


def test_settling_is_undone_with_its_attempt(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        row = tx.enqueue(post(to, "1"))
        before = tx.sending(to.id)
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.acknowledge(to.id, 1)
            settle(tx, row, "forbidden", 10)
            tx.set_copied(row)
            raise ZeroDivisionError
        assert tx.sending(to.id) == before
        assert tx.outgoing(1, "1") == row


def test_what_has_no_copy_yet(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        other = peer(tx, "desa")
        rows = [tx.enqueue(post(to if number % 2 else other, str(number))) for number in range(5)]
        assert tx.uncopied() == rows
        tx.set_copied(rows[1])
        settle(tx, rows[2], "forbidden", 10)
        settle(tx, rows[3], "", 10)
        assert tx.uncopied() == [rows[0], rows[4]]
        copied = tx.outgoing(1, "1")
        assert copied is not None
        assert copied.copied


def test_the_oldest_that_waits(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        rows = [
            tx.enqueue(Post(to.id, str(at), 1, "A", at, to_group=False, recipient=Name("bob"), message="x"))
            for at in (7, 3, 9)
        ]
        assert tx.oldest_queued(to.id) == 7
        settle(tx, rows[0], "", 10)
        assert tx.oldest_queued(to.id) == 3


# restores


def test_numbering_anew(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        to = begin(tx)
        rows = [tx.enqueue(post(to, str(number))) for number in range(1, 6)]
        tx.acknowledge(to.id, 3)
        settle(tx, rows[0], "", 10)
        settle(tx, rows[1], "user_not_found", 10)
        settle(tx, rows[2], "", 10)
        tx.renumber(to.id, 4, 99)
        tx.renumber_on(to.id, 9)
    with open_store().transaction() as tx:
        assert ns(tx, to) == [("1", 1), ("3", 2), ("4", 3), ("5", 4)]
        sending = tx.sending(to.id)
        digest = chained(tx, to, tx.numbered(to.id, 0, 9))
        assert sending == Sending(4, 4, digest, 0, HASH_START, 2, 99)
        assert tx.envelope(tx.numbered(to.id, 0, 1)[0]).epoch == 4
        assert tx.enqueue(post(to, "6")).n == 5
        chained(tx, to, tx.numbered(to.id, 0, 9))


def test_files_wait_to_be_brought_again(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        taken = tx.number(tx.enqueue(filed(to, "1", file(tx).id)))
        tx.enqueue(post(to, "2"))
        never = tx.enqueue(filed(to, "3", "f"))
        refused = tx.enqueue(filed(to, "4", "f"))
        settle(tx, taken, "", 10)
        settle(tx, refused, "too_large", 10)
        tx.renumber(to.id, 2, 99)
        assert [row.post.id for row in tx.unnumbered(to.id, 9)] == ["3"]
        tx.renumber_on(to.id, 9)
        assert ns(tx, to) == [("2", 1)]
        waiting = tx.unnumbered(to.id, 9)
        assert [(row.post.id, row.settled) for row in waiting] == [("1", True), ("3", False)]
        assert waiting[1].place == never.place


def test_numbering_anew_goes_on_where_it_was(open_store: OpenStore) -> None:
    """A few rows at a time; what is said meanwhile comes behind them; files take their place when complete."""
    with open_store().transaction() as tx:
        to = begin(tx)
        for number in range(1, 6):
            tx.enqueue(post(to, str(number)))
        late = tx.enqueue(filed(to, "late", file(tx).id))
        tx.renumber(to.id, 4, 99)
        assert (tx.sending(to.id).last, ns(tx, to)) == (0, [])
        tx.renumber_on(to.id, 2)
    with open_store().transaction() as tx:
        assert ns(tx, to) == [("1", 1), ("2", 2)]
        assert tx.enqueue(post(to, "6")).n is None
        assert tx.number(late).n == 3
        tx.renumber_on(to.id, 2)
        assert ns(tx, to) == [("1", 1), ("2", 2), ("late", 3), ("3", 4), ("4", 5)]
    with open_store().transaction() as tx:
        tx.renumber_on(to.id, 3)
        assert not tx.sending(to.id).renumbering
        assert tx.enqueue(post(to, "7")).n == 8
        chained(tx, to, tx.numbered(to.id, 0, 9))
        assert [entry for entry, _ in ns(tx, to)] == ["1", "2", "late", "3", "4", "5", "6", "7"]


def test_what_would_still_be_sent(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        rows = [tx.enqueue(post(to, str(number))) for number in range(1, 5)]
        waiting = tx.enqueue(filed(to, "file", file(tx).id))
        tx.acknowledge(to.id, 2)
        settle(tx, rows[0], "", 10)
        settle(tx, rows[1], "forbidden", 10)
        assert tx.untaken(to.id, 9) == [*rows[2:], waiting]
        assert tx.untaken(to.id, 2) == rows[2:]
        tx.renumber(to.id, 2, 99)
        tx.enqueue(post(to, "5"))
        assert [row.post.id for row in tx.untaken(to.id, 9)] == ["1", "3", "4", "5", "file"]
        tx.renumber_on(to.id, 2)
        assert [row.post.id for row in tx.untaken(to.id, 9)] == ["1", "3", "4", "5", "file"]
        while found := tx.untaken(to.id, 2):
            tx.settle(found, ["dropped"] * len(found), 20)
        assert tx.sending(to.id).queued == 0
        tx.forget_settled(99, 99)
        assert tx.outgoing(1, "1") is tx.outgoing(1, "file") is None


def test_numbering_anew_again_before_it_is_done(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        to = begin(tx)
        for number in range(1, 8):
            tx.enqueue(post(to, str(number)))
        brought = tx.number(tx.enqueue(filed(to, "brought", file(tx).id)))
        for epoch in (4, 5, 9):
            tx.renumber(to.id, epoch, 99)
            tx.renumber_on(to.id, 2 + epoch % 2)
            tx.enqueue(post(to, f"after {epoch}"))
    with open_store().transaction() as tx:
        tx.renumber(to.id, 12, 99)
        for _ in range(20):
            tx.renumber_on(to.id, 1)
        said = [*map(str, range(1, 8)), "after 4", "after 5", "after 9"]
        assert ns(tx, to) == list(zip(said, range(1, 11), strict=True))
        chained(tx, to, tx.numbered(to.id, 0, 99))
        assert [row.place for row in tx.unnumbered(to.id, 9)] == [brought.place]


def test_what_waits_is_known_while_it_is_numbered_anew(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        rows = [
            tx.enqueue(Post(to.id, str(at), 1, "A", at, to_group=False, recipient=Name("bob"), message="x"))
            for at in (4, 7, 3, 9)
        ]
        tx.acknowledge(to.id, 1)
        settle(tx, rows[0], "", 10)
        tx.renumber(to.id, 2, 99)
        last = tx.enqueue(post(to, "last"))
        assert tx.oldest_queued(to.id) == 5
        assert [row.place for row in tx.uncopied()] == [row.place for row in (*rows[1:], last)]
        assert tx.sending(to.id).queued == 4
        tx.renumber_on(to.id, 2)
        assert [row.place for row in tx.uncopied()] == [row.place for row in (*rows[1:], last)]
        assert tx.hash_at(to.id, 4) is None, "that was in another epoch"


def test_numbering_anew_leaves_other_peers_alone(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        other = peer(tx, "desa")
        tx.enqueue(post(to, "1"))
        tx.enqueue(post(other, "2"))
        before = tx.sending(other.id)
        tx.renumber(to.id, 9, 99)
        tx.renumber_on(to.id, 9)
        tx.renumber_on(other.id, 9)
        assert tx.sending(other.id) == before
        assert ns(tx, other) == [("2", 1)]


def test_numbering_anew_is_undone_with_its_attempt(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        rows = [tx.enqueue(post(to, str(number))) for number in range(1, 4)]
        tx.acknowledge(to.id, 2)
        before = tx.sending(to.id)
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.renumber(to.id, 5, 99)
            tx.renumber_on(to.id, 2)
            raise ZeroDivisionError
        assert tx.sending(to.id) == before
        assert tx.numbered(to.id, 0, 9) == rows
        chained(tx, to, rows)
    with pytest.raises(ZeroDivisionError), store.transaction() as tx:
        tx.renumber(to.id, 5, 99)
        tx.renumber_on(to.id, 2)
        raise ZeroDivisionError
    with store.transaction() as tx:
        assert tx.sending(to.id) == before
        assert tx.numbered(to.id, 0, 9) == rows


# what is forgotten


def test_what_is_settled_is_forgotten_when_it_is_acknowledged(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        rows = [tx.enqueue(post(to, str(number))) for number in range(1, 6)]
        tx.acknowledge(to.id, 3)
        for number, row in enumerate(rows[:3]):
            settle(tx, row, "user_not_found" if number == 1 else "", 10 + number)
        tx.forget_settled(10, 99)
        assert tx.outgoing(1, "1") is not None
        tx.forget_settled(99, 2)
        assert [tx.outgoing(1, str(number)) is None for number in range(1, 6)] == [True, True, False, False, False]
        tx.forget_settled(99, 99)
        assert ns(tx, to) == [("4", 4), ("5", 5)]
        assert tx.sending(to.id).queued == 2
        assert tx.hash_at(to.id, 3) == rows[2].hash
        assert tx.envelope(rows[3]).hash == hash_of(rows[2].hash, tx.envelope(rows[3]))


def test_what_is_to_be_sent_again_is_not_forgotten(store: Store) -> None:
    """After a restore: settled long ago, and not acknowledged in the new epoch yet."""
    with store.transaction() as tx:
        to = begin(tx)
        row = tx.enqueue(post(to, "1"))
        tx.acknowledge(to.id, 1)
        settle(tx, row, "", 10)
        second = tx.enqueue(post(to, "2"))
        tx.renumber(to.id, 2, 20)
        tx.forget_settled(99, 99)
        tx.renumber_on(to.id, 1)
        tx.forget_settled(99, 99)
        assert ns(tx, to) == [("1", 1)]
        tx.renumber_on(to.id, 1)
        assert ns(tx, to) == [("1", 1), ("2", 2)]
        settle(tx, second, "forbidden", 10)
        tx.acknowledge(to.id, 1)
        tx.forget_settled(99, 99)
        assert ns(tx, to) == []


def test_a_file_that_the_outbox_names_is_kept(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        sent = file(tx)
        row = tx.enqueue(filed(to, "1", sent.id))
        assert tx.drop_unsent(10**9, 99) == 0
        settle(tx, row, "too_large", 10)
        assert tx.drop_unsent(10**9, 99) == 0
        tx.forget_settled(99, 99)
        assert tx.drop_unsent(10**9, 99) == 1
        assert tx.file(sent.id) is None


def test_a_peer_owns_files_as_a_user_does(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        own = file(tx, "own", owner=1)
        theirs = file(tx, "theirs", owner=-to.id)
        assert tx.held_by(-to.id, own.digest, 0) == theirs
        assert tx.held_by(-to.id - 1, own.digest, 1_000) is None
        assert tx.held_by(1, own.digest, 0) == own
        assert tx.file_usage(-to.id) == 4_096
        assert tx.unsent_file(-to.id, own.digest, "foto.png") == theirs
        assert not tx.may_see(1, theirs.id)


# marks that are written late


def test_marks_of_one_attempt_survive_the_failure_of_the_next(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        other = peer(tx, "desa")
    with store.transaction() as tx:
        with tx.attempt():
            tx.enqueue(post(to, "1"))
            tx.set_received(to.id, Mark(1, 1, b"a" * 32))
        for entry in ("2", "1"):
            with pytest.raises((ZeroDivisionError, sqlite3.IntegrityError)), tx.attempt():
                tx.set_received(to.id, Mark(1, 2, b"b" * 32))
                tx.set_received(other.id, Mark(9, 9, b"b" * 32))
                tx.enqueue(post(other, "3"))
                tx.enqueue(post(to, entry))
                raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.set_received(to.id, Mark(1, 2, b"b" * 32))
            raise ZeroDivisionError
        assert tx.received_mark(to.id) == Mark(1, 1, b"a" * 32)
        assert tx.received_mark(other.id) == Mark(0, 0, HASH_START)
    with store.transaction() as tx:
        assert tx.received_mark(to.id) == Mark(1, 1, b"a" * 32)
        assert (tx.sending(to.id).last, tx.sending(other.id).last) == (1, 0)
        assert tx.enqueue(post(to, "2")).n == 2
        chained(tx, to, tx.numbered(to.id, 0, 9))


def test_marks_are_there_after_opening_again(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        to = begin(tx)
        with tx.attempt():
            tx.enqueue(post(to, "1"))
        with tx.attempt():
            tx.acknowledge(to.id, 1)
            settle(tx, tx.numbered(to.id, 0, 1)[0], "", 10)
        with tx.attempt():
            tx.set_received(to.id, Mark(3, 2, b"a" * 32))
        sending = tx.sending(to.id)
    with open_store().transaction() as tx:
        assert tx.sending(to.id) == sending
        assert tx.received_mark(to.id) == Mark(3, 2, b"a" * 32)


def test_what_looks_for_marks_in_the_rows_finds_those_of_now(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        rows = [tx.enqueue(post(to, entry)) for entry in "12"]
        assert tx.uncopied() == rows
        tx.acknowledge(to.id, 1)
        settle(tx, rows[0], "", 10)
        assert tx.uncopied() == rows[1:]
        tx.forget_settled(99, 99)
        assert ns(tx, to) == [("2", 2)]


# where writing is refused


def test_nothing_of_it_is_written_where_it_was_not_asked_for(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        row = tx.enqueue(post(to, "1"))
    calls = (
        lambda tx: peer(tx, "desa"),
        lambda tx: tx.move_peer(to.id, "x", 1),
        lambda tx: tx.forget_peer(to.id, 1),
        lambda tx: tx.set_received(to.id, Mark(1, 1, bytes(32))),
        lambda tx: tx.keep_answer(to.id, BOB, "1", "", 1),
        lambda tx: tx.forget_answers(1, 1),
        lambda tx: tx.enqueue(post(to, "2")),
        lambda tx: tx.number(row),
        lambda tx: tx.take_back_number(row),
        lambda tx: tx.set_copied(row),
        lambda tx: settle(tx, row, "", 1),
        lambda tx: tx.acknowledge(to.id, 1),
        lambda tx: tx.renumber(to.id, 2, 1),
        lambda tx: tx.forget_settled(1, 1),
    )
    with store.transaction(writable=False) as tx:
        before = tx.sending(to.id), tx.received_mark(to.id)
        for call in calls:
            with pytest.raises(StoreFullError), tx.attempt():
                call(tx)
            assert (tx.sending(to.id), tx.received_mark(to.id)) == before
        assert tx.numbered(to.id, 0, 9) == [row]
        assert tx.envelope(row).message == "halo"


# what came from a realm


def came(entry: str, sender: str = "bob@pusat", origin: str | None = "pusat", message: str = "halo") -> Draft:
    return Draft(entry, sender, "B", 5, bytes(16), message, origin=None if origin is None else Name(origin))


def fetched(tx: Tx, realm: str = "pusat", by: int = 1) -> list[tuple[str, list[str]]]:
    """What `getrealminbox` would give, with its cursors moved."""
    found = []
    for standing in tx.standings_from(by, Name(realm), 99):
        page = tx.received_from(standing, Name(realm), limit=99, max_bytes=1 << 20)
        tx.move_realm_inbox(by, Name(realm), standing, page.reached)
        found.append((str(standing.conversation), [entry.id for entry in page.entries]))
    return found


def talk(tx: Tx, conversation: ConversationId = TALK, by: int = 1) -> None:
    tx.open_conversation(conversation, [by], now=1)


def test_what_came_from_a_realm_comes_once(open_store: OpenStore) -> None:
    with open_store().transaction() as tx:
        begin(tx)
        talk(tx)
        talk(tx, OTHER_TALK)
        for number, one in enumerate((came("1"), draft("2"), came("3"), came("4", origin=None))):
            assert tx.append(TALK, one).seq == number + 1
        tx.append(OTHER_TALK, came("5", "lina@pusat"))
        assert fetched(tx) == [(TALK, ["1", "3"]), (OTHER_TALK, ["5"])]
        assert fetched(tx) == []
    with open_store().transaction() as tx:
        assert fetched(tx) == []
        tx.append(TALK, came("6"))
        assert fetched(tx) == [(TALK, ["6"])]


def test_realms_have_cursors_of_their_own(store: Store) -> None:
    with store.transaction() as tx:
        begin(tx)
        peer(tx, "desa")
        tx.create_group(Name("new"), "New", GROUP, 1)
        tx.join_group(Name("new"), 1)
        tx.append(GROUP, came("1"))
        tx.append(GROUP, came("2", "ani@desa", "desa"))
        assert fetched(tx, "desa") == [(GROUP, ["2"])]
        assert fetched(tx, "pusat") == [(GROUP, ["1"])]
        assert fetched(tx, "desa") == fetched(tx, "pusat") == fetched(tx, "nowhere") == []


def test_pages_of_what_came(store: Store) -> None:
    with store.transaction() as tx:
        begin(tx)
        talk(tx)
        for number in range(6):
            tx.append(TALK, came(str(number), message="x" * 1_000))
            tx.append(TALK, draft(f"own-{number}"))
        (standing,) = tx.standings_from(1, Name("pusat"), 9)
        page = tx.received_from(standing, Name("pusat"), limit=2, max_bytes=1 << 20)
        assert ([entry.id for entry in page.entries], page.reached) == (["0", "1"], 3)
        page = tx.received_from(standing, Name("pusat"), limit=9, max_bytes=4_000)
        assert [entry.id for entry in page.entries] == ["0", "1", "2"]
        assert page.bytes <= 4_000
        page = tx.received_from(standing, Name("pusat"), limit=9, max_bytes=10)
        assert [entry.id for entry in page.entries] == ["0"]
        tx.move_realm_inbox(1, Name("pusat"), standing, 3)
        (standing,) = tx.standings_from(1, Name("pusat"), 9)
        assert standing.fetched == 3
        page = tx.received_from(standing, Name("pusat"), limit=99, max_bytes=1 << 20)
        assert [entry.id for entry in page.entries] == ["2", "3", "4", "5"]


def test_it_begins_where_the_user_joined(store: Store) -> None:
    with store.transaction() as tx:
        begin(tx)
        second = account(tx, "b")
        tx.create_group(Name("new"), "New", GROUP, 1)
        tx.join_group(Name("new"), 1)
        tx.append(GROUP, came("1"))
        tx.join_group(Name("new"), second.id)
        tx.append(GROUP, came("2"))
        assert fetched(tx, by=second.id) == [(GROUP, ["2"])]
        tx.leave_group(Name("new"), second.id)
        assert fetched(tx, by=second.id) == []
        tx.append(GROUP, came("3"))
        tx.join_group(Name("new"), second.id)
        assert fetched(tx, by=second.id) == []
        tx.append(GROUP, came("4"))
        assert fetched(tx, by=second.id) == [(GROUP, ["4"])]
        assert fetched(tx) == [(GROUP, ["1", "2", "3", "4"])]


def test_a_bounce_comes_from_its_realm(store: Store) -> None:
    with store.transaction() as tx:
        begin(tx)
        talk(tx)
        bounce = msgspec.structs.replace(came("9"), drawn=True, re="1", code="user_not_found")
        told = tx.append(TALK, bounce)
        assert (told.kind, told.re, told.code) == ("bounce", "1", "user_not_found")
        (standing,) = tx.standings_from(1, Name("pusat"), 9)
        assert tx.received_from(standing, Name("pusat"), limit=9, max_bytes=9).entries == [told]
        assert tx.history(TALK, limit=9, max_bytes=1 << 20).entries == [told]


def test_own_entries_are_queued_while_the_outbox_says_so(store: Store) -> None:
    with store.transaction() as tx:
        to = begin(tx)
        talk(tx)
        row = tx.enqueue(post(to, "1"))
        tx.append(TALK, draft("1"))
        tx.append(TALK, came("1"))
        tx.append(TALK, draft("2"))

        def queued() -> list[bool]:
            return [entry.queued for entry in tx.history(TALK, limit=9, max_bytes=1 << 20).entries]

        assert queued() == [True, False, False]
        settle(tx, row, "", 10)
        assert queued() == [False, False, False]


def test_what_came_in_a_failed_attempt_is_in_no_inbox(store: Store) -> None:
    with store.transaction() as tx:
        begin(tx)
        talk(tx)
        tx.append(TALK, came("1"))
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.append(TALK, came("2"))
            tx.move_realm_inbox(1, Name("pusat"), tx.standings_from(1, Name("pusat"), 9)[0], 2)
            raise ZeroDivisionError
        assert fetched(tx) == [(TALK, ["1"])]
