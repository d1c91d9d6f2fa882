"""Erasing a user who has sent something to other realms."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from realm.request import OPERATOR
from schemas import operator
from schemas.entries import CHAIN_START, follows
from schemas.names import Name
from tests.rules.federation_kit import DAY, Node, Pair, User, make_pair, network_in
from tests.rules.kit import ok


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with network_in(tmp_path) as network:
        yield make_pair(network)


def erase(pair: Pair, node: Node, name: str = "messi") -> None:
    command = operator.EraseUser(id=1, username=Name(name))
    assert not ok(node.begin(OPERATOR, command).answer).done
    for _ in range(60):
        pair.network.run(1_000)
        if ok(node.begin(OPERATOR, command).answer).done:
            return
    raise AssertionError("it never ends")


def whole(user: User, conversation: str) -> list[str]:
    """The texts of a conversation, after its chain was checked."""
    before = CHAIN_START
    for entry in user.history(conversation):
        assert follows(before, entry)
        before = entry.chain
    return user.texts(conversation)


def entries_of(node: Node, sender: str) -> list[object]:
    return node.store._connection.execute("SELECT message FROM entries WHERE sender = ?", (sender,)).fetchall()


def test_what_a_realm_that_is_down_has_not_taken_is_withdrawn(pair: Pair) -> None:
    pair.messi.send("bob@pusat", "before", entry=1)
    pair.network.cut("kampus", "pusat")
    pair.messi.send("bob@pusat", "secret", entry=2)
    pair.henderson.send("bob@pusat", "from henderson", entry=3)
    pair.messi.send("bob@pusat", "secret too", entry=4)
    file = pair.messi.upload(b"picture")
    pair.messi.send_file("bob@pusat", file, entry=5)
    erase(pair, pair.kampus)
    assert pair.kampus.ends("pusat").queued == 1
    pair.network.join("kampus", "pusat")
    pair.network.run(120_000)
    assert whole(pair.bob, pair.talk) == ["before"], "that is pusat's"
    assert whole(pair.bob, "private/bob@pusat,henderson@kampus") == ["from henderson"]
    assert pair.kampus.ends("pusat").queued == 0
    assert entries_of(pair.kampus, "messi@kampus") == [(None,)] * 4, "those were queued, and shown so"
    assert pair.kampus.disk.blobs == {}
    assert pair.kampus.store._connection.execute("SELECT account FROM outbox").fetchall() == [(2,)]
    pair.henderson.send("bob@pusat", "later", entry=6)
    pair.network.run(5_000)
    assert whole(pair.bob, "private/bob@pusat,henderson@kampus") == ["from henderson", "later"]


def test_what_is_on_its_way_to_a_realm_that_answers_arrives_and_is_erased_here(pair: Pair) -> None:
    pair.network.hold("link.ack")
    asked = pair.messi.send("bob@pusat", "on its way", entry=1)
    command = operator.EraseUser(id=1, username=Name("messi"))
    ok(pair.kampus.begin(OPERATOR, command).answer)
    assert asked.answer.code == "session_not_found"
    pair.network.release()
    pair.network.run(30_000)
    assert ok(pair.kampus.begin(OPERATOR, command).answer).done
    assert whole(pair.bob, pair.talk) == ["on its way"]
    assert entries_of(pair.kampus, "messi@kampus") == [(None,)]
    assert pair.kampus.count("outbox") == 0


def test_what_others_elsewhere_wrote_to_it_alone_is_erased_too(pair: Pair) -> None:
    pair.bob.send("messi@kampus", "only for messi", entry=1)
    file = pair.bob.upload(b"picture")
    pair.bob.send_file("messi@kampus", file, entry=2)
    pair.network.run(20_000)
    erase(pair, pair.kampus)
    assert entries_of(pair.kampus, "bob@pusat") == [(None,), (None,)]
    assert whole(pair.bob, pair.talk)[0] == "only for messi"
    assert pair.bob.send("messi@kampus", "and now?", entry=3).answer.code == "user_not_found"
    pair.network.run(2 * 86_400_000, step=600_000)
    assert pair.kampus.disk.blobs == {}, "a file that nobody sees is forgotten as one that is not sent"


def test_a_peer_that_repeats_what_was_erased_changes_nothing(pair: Pair) -> None:
    old = pair.pusat.backup()
    pair.bob.send("messi@kampus", "only for messi", entry=1)
    erase(pair, pair.kampus)
    pair.pusat.restore(old)
    pair.network.run(120_000)
    assert entries_of(pair.kampus, "bob@pusat") == [(None,)]


@pytest.mark.parametrize("older", [False, True])
def test_what_was_taken_for_who_is_erased_since_does_not_bounce(pair: Pair, older: bool) -> None:
    """After a cut longer than first answers are remembered; also where its numbers are those of a new epoch."""
    pair.network.lose("link.ack")
    pair.messi.send("bob@pusat", "taken", entry=1)
    pair.messi.send_file("bob@pusat", pair.messi.upload(b"picture"), entry=2)
    pair.network.run(2_000)
    assert [entry.kind for entry in pair.bob.history(pair.talk)] == ["text", "file"]
    pair.network.cut("kampus", "pusat")
    pair.network.heal()
    erase(pair, pair.pusat, "bob")
    pair.network.run(32 * DAY, step=DAY // 4)
    if older:
        pair.pusat.store._connection.execute("UPDATE peers SET in_epoch = in_epoch - 1, in_last = 0")
        pair.pusat.restore(pair.pusat.backup())
    pair.network.join("kampus", "pusat")
    pair.network.run(120_000)
    kinds = [entry.kind for entry in pair.messi.elsewhere().history(pair.talk)]
    assert kinds == ["text", "file"]


def test_a_file_that_was_taken_for_who_is_erased_since_does_not_bounce_after_a_restore_here(pair: Pair) -> None:
    """The bytes are offered again, to nobody; that is not the last word on the message."""
    pair.network.cut("kampus", "pusat")
    pair.messi.send_file("bob@pusat", pair.messi.upload(b"picture"), entry=1)
    pair.network.run(5_000)
    backup = pair.kampus.backup()
    pair.network.join("kampus", "pusat")
    pair.network.run(70_000)
    assert [entry.kind for entry in pair.bob.history(pair.talk)] == ["file"]
    erase(pair, pair.pusat, "bob")
    pair.kampus.restore(backup)
    pair.network.run(120_000)
    assert pair.kampus.ends("pusat").queued == 0
    assert [entry.kind for entry in pair.messi.history(pair.talk)] == ["file"]
