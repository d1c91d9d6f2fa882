"""A peer that the operator has forgotten: what waited for it, what stays, and who may have its name next."""

import pytest

from realm.effects import Connect, Disconnect
from realm.federation import forgetting
from realm.inputs import FromPeer, LinkDown, LinkUp, Tick
from realm.request import OPERATOR, Request, Route
from schemas import commands
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.federation import LinkAgain
from schemas.names import Name
from schemas.operator import ForgetPeer, PeerForgotten, Peers, PeersSeen
from tests.rules.federation_kit import Network, Node, Pair, make_pair
from tests.rules.files_kit import sha
from tests.rules.kit import ok, refused
from tests.rules.test_federation_files import upload

UNKNOWN = "Realm tidak ditemukan"


@pytest.fixture
def pair(network: Network) -> Pair:
    return make_pair(network)


def as_operator(node: Node, command: Peers | ForgetPeer) -> Answer | Refusal:
    (reply,) = node.turn(Request(Route(b"operator", operator=True), OPERATOR, OPERATOR, command))
    node.network.flow()
    assert isinstance(reply.answer, Answer | Refusal)
    return reply.answer


def forget(node: Node, realm: str = "pusat") -> int:
    """How many messages waited."""
    answer = as_operator(node, ForgetPeer(id=1, realm=Name(realm)))
    assert isinstance(answer, PeerForgotten), answer
    return answer.queued


def known_to(node: Node) -> list[str]:
    answer = as_operator(node, Peers(id=1))
    assert isinstance(answer, PeersSeen)
    return [peer.realm for peer in answer.peers]


def test_a_forgotten_peer_is_none_any_more(pair: Pair) -> None:
    ok(pair.messi.send("bob@pusat", "1").answer)
    ok(pair.bob.send("messi@kampus", "2").answer)
    assert forget(pair.kampus) == 0
    assert known_to(pair.kampus) == []
    assert ok(pair.messi.get(commands.Realms)).realms == []
    assert refused(pair.messi.send("bob@pusat", "3").answer, Code.REALM_NOT_FOUND)
    assert refused(pair.messi.get(commands.GetRealmInbox, realm=Name("pusat")), Code.REALM_NOT_FOUND)
    assert pair.messi.texts(pair.talk) == ["1", "2"], "what was said stays"
    assert pair.kampus.notes("peer forgotten")[0].fields == {"peer": "pusat", "queued": 0}
    pair.network.forget()
    pair.network.run(120_000)
    assert pair.network.told("link.hello", "kampus") == [], "nothing is said to it"
    assert {one["code"] for one in pair.network.told("answer", "kampus")} == {"forbidden"}, "or taken from it"
    assert ok(pair.bob.send("messi@kampus", "4").answer).queued
    pair.kampus.crash()
    pair.network.run(60_000)
    assert known_to(pair.kampus) == []
    assert pair.messi.texts(pair.talk) == ["1", "2"]


def test_what_waits_goes_back_to_its_senders(pair: Pair) -> None:
    file = upload(pair.henderson)
    pair.network.cut("kampus", "pusat")
    pair.network.run(5_000)
    ok(pair.messi.send("bob@pusat", "1", entry=1).answer)
    ok(pair.messi.send("bob@pusat", "2", entry=2).answer)
    ok(pair.henderson.send_file("lina@pusat", file, entry=3).answer)
    assert forget(pair.kampus) == 3
    pair.network.run(1_000)
    kept = pair.messi.history(pair.talk)
    assert [(entry.kind, entry.re, entry.code) for entry in kept[2:]] == [
        ("bounce", kept[0].id, "realm_not_found"),
        ("bounce", kept[1].id, "realm_not_found"),
    ]
    assert {entry.message for entry in kept[2:]} == {UNKNOWN}
    assert [entry.queued for entry in kept[:2]] == [False, False]
    sent, bounce = pair.henderson.history("private/henderson@kampus,lina@pusat")
    assert bounce.re == sent.id
    assert len([entry for entry in pair.messi.entries() if entry.kind == "bounce"]) == 2
    pair.network.join("kampus", "pusat")
    pair.network.run(120_000)
    assert pair.bob.history(pair.talk) == []


def test_who_waits_for_an_answer_has_it(pair: Pair) -> None:
    pair.network.hold("link.envelope")
    asked = pair.messi.send("bob@pusat")
    assert asked.open
    forget(pair.kampus)
    pair.network.run(10)
    assert refused(asked.answer, Code.REALM_NOT_FOUND)
    assert pair.messi.history(pair.talk) == []
    pair.network.run(10_000)


def test_a_long_outbox_goes_back_a_few_rows_a_turn(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the realm is killed meanwhile; the oldest first."""
    monkeypatch.setattr(forgetting, "AT_ONCE", 2)
    pair.network.cut("kampus", "pusat")
    pair.network.run(5_000)
    for number in range(7):
        ok(pair.messi.send("bob@pusat", str(number)).answer)
    forget(pair.kampus)
    peer = 1
    for left in (5, 3):
        pair.kampus.crash()
        with pair.kampus.store.transaction() as tx:
            assert tx.sending(peer).queued == left
    pair.network.run(1_000)
    kept = pair.messi.history(pair.talk)
    assert [entry.re for entry in kept[7:]] == [entry.id for entry in kept[:7]]


def test_what_is_to_be_sent_again_after_a_restore_goes_nowhere(pair: Pair) -> None:
    """Taken once is taken: nobody is told anything of it."""
    backup = pair.pusat.backup()
    ok(pair.messi.send_file("bob@pusat", upload(pair.messi)).answer)
    for number in range(3):
        ok(pair.messi.send("bob@pusat", str(number)).answer)
    pair.network.hold("link.envelope")
    pair.network.hold("link.upload")
    pair.pusat.restore(backup)
    pair.network.run(20_000)
    pair.messi.send("bob@pusat", "new")
    pair.network.run(3_000)
    assert forget(pair.kampus) == 1
    pair.network.run(1_000)
    assert [entry.kind for entry in pair.messi.history(pair.talk)] == ["file", *["text"] * 4, "bounce"]
    with pair.kampus.store.transaction() as tx:
        assert tx.untaken(1, 9) == []
        tx.forget_settled(pair.network.now + 1, 99)
    assert pair.kampus.count("outbox") == 0


def test_its_name_may_be_another_realms(pair: Pair) -> None:
    ok(pair.bob.send("messi@kampus", "old").answer)
    forget(pair.kampus)
    pair.pusat.end()
    pair.pusat.name = Name("elsewhere")
    other = pair.network.liar("pusat")
    other.key = "another-key".ljust(40, "-")
    pair.network.nodes.pop("pusat")
    other.answer = lambda asked: other.greeting(asked) if asked["cmd"] == "link.hello" else []
    ok(pair.messi.add_realm("pusat").answer)
    pair.network.run(5_000)
    (row,) = ok(pair.messi.get(commands.Realms)).realms
    assert (row.realm, row.key, row.connected) == ("pusat", other.key, True)
    assert pair.kampus.taken("pusat").n == 0, "nothing of the one before counts for it"
    assert pair.messi.texts(pair.talk) == ["old"]
    pair.kampus.crash()
    pair.network.run(5_000)
    assert known_to(pair.kampus) == ["pusat"]
    assert ok(pair.messi.get(commands.Realms)).realms[0].key == other.key


def test_it_may_be_added_again(pair: Pair) -> None:
    """Both sides notice that the other does not remember what was said, and nothing comes twice."""
    ok(pair.messi.send("bob@pusat", "1").answer)
    ok(pair.bob.send("messi@kampus", "2").answer)
    forget(pair.kampus)
    pair.network.run(1_000)
    pair.bob.send("messi@kampus", "3")
    ok(pair.messi.add_realm("pusat").answer)
    pair.network.run(90_000)
    ok(pair.messi.send("bob@pusat", "4").answer)
    assert sorted(pair.messi.texts(pair.talk)) == sorted(pair.bob.texts(pair.talk)) == list("1234")
    assert pair.kampus.ends("pusat").queued == pair.pusat.ends("kampus").queued == 0


def test_a_file_for_who_has_forgotten_its_realm_waits_as_texts_do(pair: Pair) -> None:
    """Found by history 16 of its time: `forbidden`, said before the link was seen to be down, was its last word."""
    forget(pair.pusat, "kampus")
    file = upload(pair.messi)
    asked = pair.messi.send_file("bob@pusat", file, entry=1)
    pair.network.run(90_000)
    assert ok(asked.answer).queued
    ok(pair.bob.add_realm("kampus").answer)
    pair.network.run(90_000)
    assert [entry.kind for entry in pair.messi.history(pair.talk)] == ["file"]
    assert [entry.kind for entry in pair.bob.history(pair.talk)] == ["file"]
    assert pair.kampus.ends("pusat").queued == 0


def test_what_went_back_is_answered_as_before_when_the_realm_is_a_peer_again(pair: Pair) -> None:
    """Found by history 45 of its time: another peer of the same name was taken for another recipient."""
    pair.network.cut("kampus", "pusat")
    pair.network.run(5_000)
    first = ok(pair.messi.send("bob@pusat", "1", entry=1).answer)
    forget(pair.kampus)
    pair.network.join("kampus", "pusat")
    ok(pair.messi.add_realm("pusat").answer)
    pair.network.run(5_000)
    again = ok(pair.messi.send("bob@pusat", "1", entry=1).answer)
    assert (again.seq, again.chain, again.queued) == (first.seq, first.chain, True)
    refused(pair.messi.send("lina@pusat", "1", entry=1).answer, Code.BAD_REQUEST)
    refused(pair.messi.send("bob@pusat", "2", entry=1).answer, Code.BAD_REQUEST)


def test_files_of_the_one_before_are_not_the_next_ones(pair: Pair) -> None:
    """Its number is never another's, so what it has brought cannot be named by whoever has its name next."""
    ok(pair.bob.send_file("messi@kampus", upload(pair.bob, b"secret")).answer)
    forget(pair.kampus)
    ok(pair.messi.add_realm("pusat").answer)
    pair.network.run(5_000)
    with pair.kampus.store.transaction() as tx:
        assert pair.kampus.peer("pusat") == 2
        assert tx.held_by(-1, sha(b"secret"), 9) is not None
        assert tx.held_by(-2, sha(b"secret"), 9) is None


def test_what_comes_late_of_a_forgotten_peer_changes_nothing(pair: Pair) -> None:
    pair.network.lose("link.ack")
    pair.messi.send("bob@pusat")
    forget(pair.kampus)
    assert [one for one in pair.kampus.effects if isinstance(one, Disconnect)] == [Disconnect(1)]
    before = len(pair.kampus.effects)
    pair.kampus.turn(FromPeer(1, LinkAgain()), LinkUp(1), LinkDown(1, "gone"), FromPeer(1, LinkAgain(), bulk=True))
    pair.network.run(60_000)
    assert [one for one in pair.kampus.effects[before:] if isinstance(one, Connect)] == []
    assert pair.network.told("link.hello", "kampus") == []


def test_a_card_that_was_being_read_connects_nobody(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    pair.network.join("kampus", "pusat")
    pair.kampus.crash()
    pair.kampus.end()
    pair.kampus.start()
    before = len(pair.kampus.effects)
    pair.kampus.turn(Tick())
    pair.kampus.turn(Request(Route(b"o", operator=True), OPERATOR, OPERATOR, ForgetPeer(id=1, realm=Name("pusat"))))
    pair.network.run(60_000)
    assert [one for one in pair.kampus.effects[before:] if isinstance(one, Connect)] == []


def test_a_name_that_is_none(pair: Pair) -> None:
    assert refused(as_operator(pair.kampus, ForgetPeer(id=1, realm=Name("desa"))), Code.REALM_NOT_FOUND)
    forget(pair.kampus)
    assert refused(as_operator(pair.kampus, ForgetPeer(id=1, realm=Name("pusat"))), Code.REALM_NOT_FOUND)


def test_on_a_full_disk_what_waits_is_given_back_later(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    pair.network.run(5_000)
    for _ in range(50):
        ok(pair.messi.send("bob@pusat").answer)
    pair.kampus.fill_disk()
    assert forget(pair.kampus) == 50
    pair.network.run(10_000)
    assert {entry.kind for entry in pair.messi.history(pair.talk)} == {"text"}
    pair.kampus.make_room()
    pair.network.run(90_000)
    assert [entry.kind for entry in pair.messi.history(pair.talk)] == ["text"] * 50 + ["bounce"] * 50
