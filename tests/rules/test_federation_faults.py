"""Faults that were found in the core of federation, each by a test that failed; the docstrings say what went wrong."""

from typing import Any

import msgspec
import pytest

from realm.context import Ctx
from realm.effects import ToPeer
from realm.federation import settling
from realm.federation.state import Phase
from realm.inputs import LinkDown, LinkUp, Stopping, Tick
from realm.jobs import DialJob
from realm.settings import Files, PeerRules, Settings
from realm.store.interface import StoreFullError
from realm.store.peers import PeerRows
from realm.store.rows import Post
from schemas import commands
from schemas.codec import encode_command
from schemas.errors import Code, Refusal
from schemas.federation import Mark
from schemas.names import Address, ConversationId, Name
from tests.rules.federation_kit import (
    DAY,
    HOUR,
    Map,
    Network,
    Pair,
    envelope,
    make_pair,
    peer_rules,
    ulid,
)
from tests.rules.files_kit import sha
from tests.rules.kit import ok, refused
from tests.rules.test_federation_link import Lied


@pytest.fixture
def pair(network: Network) -> Pair:
    return make_pair(network)


@pytest.fixture
def lied(network: Network) -> Lied:
    return Lied(network)


# a peer can end the realm


LATEST = 253_402_300_799_999
"""The end of the year 9999."""


def test_the_latest_time_is_taken_and_listed(lied: Lied) -> None:
    """What conversations are ordered by was made of it, shifted by 12 bits: too large for SQLite, and never undone."""
    ok(lied.henderson.send("messi", "1").answer)
    lied.pusat.hello(lied.kampus)
    assert lied.pusat.say(lied.kampus, envelope(1, 1, sent_at=LATEST))["cmd"] == "link.ack"
    ok(lied.henderson.send("messi", "2").answer)
    assert latest_first(lied) == ["henderson", "bob"]


@pytest.mark.parametrize("sent_at", [LATEST + 1, 2**51, 2**62, 2**63 - 1])
def test_a_later_time_is_none(sent_at: int) -> None:
    with pytest.raises(msgspec.ValidationError, match="sent_at"):
        envelope(1, 1, sent_at=sent_at)


def latest_first(lied: Lied) -> list[str]:
    rows = ok(lied.messi.get(commands.Conversations)).conversations
    return [str(row.conversation).partition("/")[2].partition("@")[0] for row in rows]


def test_the_clock_of_a_peer_does_not_put_a_conversation_on_top_for_ever(lied: Lied) -> None:
    """An honest peer whose clock is a year ahead is enough, as a restart shows: the order is that of arrival."""
    lied.pusat.hello(lied.kampus)
    lied.pusat.say(lied.kampus, envelope(1, 1, sent_at=lied.kampus.now + 365 * DAY))
    lied.kampus.crash()
    ok(lied.henderson.send("messi", "halo").answer)
    assert latest_first(lied) == ["henderson", "bob"]


def test_what_was_queued_for_days_is_the_latest_when_it_arrives(lied: Lied) -> None:
    """The same the other way round, with honest clocks."""
    lied.pusat.hello(lied.kampus)
    first = envelope(1, 1)
    lied.pusat.say(lied.kampus, first)
    lied.network.now += 1_000
    ok(lied.henderson.send("messi", "halo").answer)
    lied.kampus.crash()
    lied.network.now += 1_000
    lied.pusat.hello(lied.kampus)
    lied.pusat.say(lied.kampus, envelope(2, 2, first["hash"], sent_at=lied.kampus.now - 3 * DAY))
    assert latest_first(lied) == ["bob", "henderson"]


def test_a_file_for_somebody_elses_user_is_refused_with_a_sentence(lied: Lied) -> None:
    """`Refusal(Code.FORBIDDEN)` has no text: `encode_refusal` raises KeyError, in the broker."""
    told = {"cmd": "link.upload", "id": 1, "digest": bytes(32), "size": 1, "name": "x", "to": "messi"}
    answer = lied.pusat.say(lied.kampus, {**told, "from": "ani@desa"})
    assert answer["code"] == "forbidden"


# time


def test_a_clock_set_back_a_minute_does_not_stall_who_waits(pair: Pair) -> None:
    """`wake_at` compares all that is due with FAR_MS: a wait of 2 s is then one of a minute."""
    pair.network.run(100_000)
    pair.network.hold("*")
    asked = pair.messi.send("bob@pusat")
    pair.kampus.clock = -60_000
    pair.network.run(10_000)
    assert not asked.open


# who is not spoken to


@pytest.mark.parametrize(
    "rules", [Settings(federation="off"), Settings(federation="listed"), peer_rules(denied=("pusat",))]
)
def test_a_peer_that_the_settings_exclude_is_not_spoken_to(pair: Pair, rules: Settings) -> None:
    """`look` goes over all peers; one without a Link has `due=0`, so that it is dialled at the first tick."""
    pair.network.cut("kampus", "pusat")
    ok(pair.messi.send("bob@pusat").answer)
    pair.network.unreachable.clear()
    pair.kampus.end()
    pair.kampus.settings = rules
    pair.network.forget()
    pair.kampus.come_back()
    pair.network.run(700_000)
    assert [one.what for one in pair.network.seen if one.source == "kampus" and one.what == "link.hello"] == []
    assert pair.network.told("link.envelope", "kampus") == []


def test_what_is_sent_to_a_peer_that_is_excluded_is_not_queued_for_ever(pair: Pair) -> None:
    """It cannot arrive: the sender should hear that, and not `queued`."""
    pair.kampus.end()
    pair.kampus.settings = peer_rules(denied=("pusat",))
    pair.kampus.come_back()
    asked = pair.messi.send("bob@pusat")
    pair.network.run(3_000)
    assert isinstance(asked.answer, Refusal)


# a link that never goes on


def test_an_acknowledgement_lost_a_month_ago_does_not_block_the_link(pair: Pair) -> None:
    """The receiver has forgotten its answer to n, which it took: it says `again` for ever."""
    pair.network.lose("link.ack")
    pair.messi.send("bob@pusat", "1")
    pair.network.cut("kampus", "pusat")
    pair.network.heal()
    pair.network.skip(31 * DAY)
    pair.network.join("kampus", "pusat")
    pair.network.run(120_000)
    assert pair.kampus.ends("pusat").queued == 0
    assert pair.pusat.count("entries") == 1


def test_a_refusal_that_was_forgotten_before_it_was_heard_is_told(pair: Pair) -> None:
    """What was not remembered any longer counted as taken: it was shown as delivered, and there it was not."""
    pair.network.lose("link.ack")
    pair.messi.send("nobody@pusat", "1")
    pair.network.cut("kampus", "pusat")
    pair.network.heal()
    pair.network.skip(31 * DAY)
    pair.network.join("kampus", "pusat")
    pair.network.run(120_000)
    assert pair.kampus.ends("pusat").queued == 0
    assert pair.kampus.count("entries WHERE kind = 'bounce'") == 1


def test_a_peer_that_always_lacks_the_file_is_no_busy_loop(lied: Lied) -> None:
    """It says to hold the file, and `file_not_found` to its envelope: no pause between two rounds."""

    def answer(asked: Map) -> list[Map]:
        if asked["cmd"] == "link.hello":
            return lied.pusat.honest(asked)
        if asked["cmd"] == "link.upload":
            return [{"id": asked["id"], "status": "OK", "upload": "u", "offset": 4, "chunk": 9, "file": "u"}]
        n = asked["n"]
        ack = {"cmd": "link.ack", "epoch": asked["epoch"], "after": n - 1, "upto": n}
        return [{**ack, "results": {n: "file_not_found"}}]

    lied.pusat.answer = answer
    file = lied.messi.upload(b"halo")
    lied.messi.send_file("bob@pusat", file)
    lied.network.run(10_000)
    assert len(lied.said("link.upload")) < 100


def test_bytes_that_went_bad_here_do_not_block_the_files_behind_them(pair: Pair) -> None:
    """The peer says `bad_request` at the end (wrong digest): all is sent again every second, for ever."""
    bad, good = pair.messi.upload(b"isi foto", "bad.png"), pair.messi.upload(b"isi lain", "good.png")
    pair.kampus.disk.blobs[sha(b"isi foto")] = b"isi f0t0"
    pair.messi.send_file("bob@pusat", bad)
    pair.messi.send_file("bob@pusat", good)
    pair.network.run(HOUR, step=250)
    assert [entry.file.name for entry in pair.bob.entries() if entry.kind == "file"] == ["good.png"]
    assert "bounce" in [entry.kind for entry in pair.messi.entries()]


def test_files_that_are_too_many_just_now_are_brought_later(network: Network) -> None:
    """ "256 uploads are under way here" passes in a minute: no reason to refuse a message for good."""
    pair = make_pair(network, pusat=Settings(files=Files(uploads=1)))
    ok(pair.bob.get(commands.Upload, digest=sha(b"lain"), size=4, name="x"))
    pair.messi.send_file("bob@pusat", pair.messi.upload(b"isi foto"))
    network.run(120_000)
    assert [entry.kind for entry in pair.bob.entries()] == ["file"]


# a full disk


def full_disk(pair: Pair) -> Any:
    """The disk becomes full while somebody waits for a peer."""
    pair.network.hold("link.envelope")
    asked = pair.messi.send("bob@pusat", "x" * 60_000)
    pair.kampus.fill_disk()
    return asked


def test_with_a_full_disk_who_waits_is_answered(pair: Pair) -> None:
    """`expire` cannot store the copy, and so gives no answer at all."""
    asked = full_disk(pair)
    pair.network.now += 2_000
    pair.kampus.turn(Tick())
    assert not asked.open


def test_with_a_full_disk_the_realm_does_not_spin(pair: Pair) -> None:
    """The wait stays due: `wake_at` is `now`, tick after tick, each of two transactions."""
    full_disk(pair)
    pair.network.now += 2_000
    pair.kampus.turn(Tick())
    assert pair.kampus.wakes() > pair.network.now


def test_with_a_full_disk_the_links_live_on(pair: Pair) -> None:
    """What is due of links is undone with the copies of that tick: no hello is ever said again."""
    full_disk(pair)
    pair.network.forget()
    for _ in range(60):
        pair.network.now += 1_000
        pair.kampus.turn(Tick())
        pair.network.flow()
    assert pair.network.told("link.hello", "kampus") != []


def test_with_a_full_disk_who_waits_is_answered_when_the_realm_stops(pair: Pair) -> None:
    asked = full_disk(pair)
    pair.kampus.turn(Stopping())
    assert not asked.open


def test_with_a_full_disk_a_realm_can_start(pair: Pair) -> None:
    """`recover` has copies to store, and raises StoreFullError out of `Core`: before, such a realm served readers."""
    full_disk(pair)
    pair.kampus.store.close()
    pair.kampus.start()


def test_with_a_full_disk_own_entries_keep_their_order(pair: Pair) -> None:
    """Who waited was answered, and nobody stored the entry: what was said when there was room again came before it."""
    pair.network.cut("kampus", "pusat", told=False)
    pair.messi.send("bob@pusat", "x" * 60_000)
    pair.kampus.fill_disk()
    pair.network.run(10_000)
    pair.kampus.make_room()
    pair.messi.send("bob@pusat", "y")
    pair.network.join("kampus", "pusat")
    pair.network.run(120_000)
    assert [text[0] for text in pair.messi.texts(pair.talk)] == ["x", "y"]
    assert [text[0] for text in pair.bob.texts(pair.talk)] == ["x", "y"]


def test_a_realm_that_starts_on_a_full_disk_keeps_the_order_of_own_entries(pair: Pair) -> None:
    """The same where recovering found no room."""
    full_disk(pair)
    pair.kampus.store.close()
    pair.kampus.start()
    pair.kampus.make_room()
    pair.messi.send("bob@pusat", "y")
    pair.network.run(120_000)
    assert [text[0] for text in pair.messi.texts(pair.talk)] == ["x", "y"]


# what a sender is told


def test_a_local_send_does_not_take_the_ulid_of_what_waits_for_a_peer(pair: Pair) -> None:
    """Other arguments are a bad_request; now the own copy is lost, and the answer speaks of another conversation."""
    pair.network.hold("link.ack")
    asked = pair.messi.send("bob@pusat", "ke sana", entry=1)
    local = pair.messi.send("henderson", "di sini", entry=1).answer
    pair.network.release()
    assert refused(local, Code.BAD_REQUEST)
    assert ok(asked.answer).conversation == pair.talk


def test_a_local_send_does_not_take_the_ulid_of_what_a_peer_has_refused(pair: Pair) -> None:
    assert refused(pair.messi.send("nobody@pusat", "ke sana", entry=1).answer, Code.USER_NOT_FOUND)
    assert refused(pair.messi.send("henderson", "di sini", entry=1).answer, Code.BAD_REQUEST)


def test_a_repeat_after_the_outbox_has_forgotten_gets_the_first_answer(pair: Pair) -> None:
    """The entry is there: `repeated` knows whether it says the same."""
    first = ok(pair.messi.send("bob@pusat", entry=1).answer)
    pair.network.skip(8 * DAY)
    again = pair.messi.send("bob@pusat", entry=1).answer
    assert not isinstance(again, Refusal)
    assert (again.seq, again.chain) == (first.seq, first.chain)


def test_a_repeat_of_what_bounced_is_not_told_as_taken(pair: Pair) -> None:
    """The first answer was `queued`; `queued: false` says that the peer has it."""
    pair.network.hold("link.envelope")
    asked = pair.messi.send("nobody@pusat", entry=1)
    pair.network.run(2_000)
    assert ok(asked.answer).queued
    pair.network.release()
    again = pair.messi.send("nobody@pusat", entry=1).answer
    assert isinstance(again, Refusal) or again.queued


@pytest.mark.parametrize(
    "code", ["session_not_found", "rate_limited", "internal_error", "unavailable", "wrong_password"]
)
def test_a_peer_cannot_say_what_only_the_own_realm_may(lied: Lied, code: str) -> None:
    """A client that hears `session_not_found` logs out, and one that hears `unavailable` tries again for ever."""
    lied.pusat.answer = lambda asked: (
        lied.pusat.greeting(asked)
        if asked["cmd"] == "link.hello"
        else [{"cmd": "link.ack", "epoch": 1, "after": 0, "upto": 1, "results": {1: code}}]
    )
    answer = lied.messi.send("bob@pusat").answer
    assert isinstance(answer, Refusal)
    assert answer.code == Code.FORBIDDEN


def test_no_control_characters_of_a_peer_are_in_a_bounce(lied: Lied) -> None:
    sent: list[Map] = []

    def answer(asked: Map) -> list[Map]:
        if asked["cmd"] == "link.hello":
            return lied.pusat.greeting(asked)
        sent.append(asked)
        ack = {"cmd": "link.ack", "epoch": 1, "after": 0, "upto": 1, "results": {1: "\x1b[2J\n"}}
        return [ack] if len(sent) > 1 else []

    lied.pusat.answer = answer
    lied.messi.send("bob@pusat")
    lied.network.run(30_000)
    bounce = lied.messi.history("private/bob@pusat,messi@kampus")[-1]
    assert bounce.kind == "bounce"
    assert str(bounce.code).isprintable()
    assert str(bounce.message).isprintable()


# introductions


def test_an_introduction_that_ends_on_a_full_disk_has_ended(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """The turn is undone, and with it `Introducing(-1)`: `link.prove` of that key is answered for ever."""
    kampus, pusat = network.realm("kampus"), network.liar("pusat")
    messi = kampus.user("messi")

    def full(*_: object) -> None:
        raise StoreFullError("the disk is full")

    monkeypatch.setattr(PeerRows, "add_peer", full)
    assert refused(messi.add_realm("pusat").answer, Code.UNAVAILABLE)
    told = {"cmd": "link.prove", "id": 1, "nonce": bytes(16)}
    assert pusat.say(kampus, told)["status"] == "ERROR"


def test_introductions_that_ended_are_forgotten(network: Network) -> None:
    """Keys are chosen by who is dialled: each leaves an entry in memory that stays."""
    kampus, pusat = network.realm("kampus"), network.realm("pusat")
    messi = kampus.user("messi")
    pusat.core.rules.settings = Settings(federation="off")
    assert refused(messi.add_realm("pusat").answer, Code.REALM_UNREACHABLE)
    assert kampus.core.memory.peers._introducing == {}


# how much work


def test_what_one_turn_hands_to_a_link_is_bounded_in_bytes(lied: Lied) -> None:
    """64 envelopes of 64 KiB to each of 500 peers that come back in one turn are 2 GB in memory at once."""
    lied.kampus.turn(LinkDown(lied.kampus.peer("pusat"), "lost"))
    for _ in range(64):
        ok(lied.messi.send("bob@pusat", "x" * 65_000).answer)
        lied.network.now += 1_000
    before = len(lied.kampus.effects)
    lied.kampus.turn(LinkUp(lied.kampus.peer("pusat")))
    lied.network.flow()
    sent = [one for one in lied.kampus.effects[before:] if isinstance(one, ToPeer)]
    assert sum(len(encode_command(one.frame)) for one in sent) < 1 << 20


def test_what_is_to_be_forgotten_keeps_pace(pair: Pair) -> None:
    """1,000 rows in ten minutes are 1.7 a second: a realm that sends, or takes, more never gets rid of them."""
    connection = pair.kampus.store._connection
    connection.execute(
        "INSERT INTO taken (peer, id, sender, code, at) WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL"
        " SELECT i + 1 FROM n WHERE i < 10000) SELECT 1, printf('%026d', i), 'bob@pusat', '', 1 FROM n"
    )
    pair.network.run(HOUR, step=60_000)
    assert pair.kampus.count("taken") == 0


# dials of peers that are out of reach


class Slow:
    """Dial jobs that end only when the test lets them, as behind those of many dead peers (four threads, 3 s each)."""

    def __init__(self, pair: Pair) -> None:
        self.jobs: list[DialJob] = []
        self._node = pair.kampus
        self._dial = pair.kampus._dial
        pair.kampus._dial = self.jobs.append  # type: ignore[method-assign, assignment]

    def let_go(self) -> None:
        self._node._dial = self._dial  # type: ignore[method-assign]
        for job in self.jobs:
            self._dial(job)


def test_one_dial_of_a_peer_at_a_time(pair: Pair) -> None:
    """After CALL_MS another ReadCard is begun though the first has not ended: the queue of the pool grows for ever."""
    slow = Slow(pair)
    pair.network.cut("kampus", "pusat")
    pair.network.run(600_000)
    assert len(slow.jobs) == 1


def test_a_card_that_was_read_late_is_used(pair: Pair) -> None:
    """Where dials take longer than CALL_MS, what they find is thrown away each time: the link never comes up."""
    slow = Slow(pair)
    pair.network.cut("kampus", "pusat")
    while pair.kampus.link("pusat").failures < 6 or pair.kampus.link("pusat").phase is not Phase.RESTING:
        pair.network.run(5_000)
    pair.network.unreachable.clear()
    slow.jobs[:-1] = []
    slow.let_go()
    pair.network.flow()
    assert pair.kampus.link("pusat").down_since is None


# settings


@pytest.mark.parametrize("rules", [PeerRules(denied=("Pusat",)), PeerRules(denied=("PUSAT",))])
def test_names_in_the_settings_are_folded(network: Network, rules: PeerRules) -> None:
    """`denied = ["Pusat"]` denies nobody: names are compared as they are typed there."""
    kampus, _ = network.realm("kampus", Settings(peers=rules)), network.realm("pusat")
    assert isinstance(kampus.user("messi").add_realm("pusat").answer, Refusal)


def test_a_listed_name_in_the_settings_is_folded(network: Network) -> None:
    listed = Settings(federation="listed", peers=PeerRules(listed=("Pusat",)))
    kampus, _ = network.realm("kampus", listed), network.realm("pusat")
    ok(kampus.user("messi").add_realm("pusat").answer)


# what is forgotten


def test_a_file_that_is_to_be_brought_again_is_not_forgotten_before(pair: Pair) -> None:
    """After a restore of the peer a text row is kept until it is acknowledged anew; that of a file is not."""
    backup = pair.pusat.backup()
    ok(pair.messi.send_file("bob@pusat", pair.messi.upload(b"isi foto"), entry=1).answer)
    ok(pair.messi.send("bob@pusat", "halo", entry=2).answer)
    pair.network.skip(6 * DAY)
    pair.network.lose("link.upload")
    pair.network.lose("link.envelope")
    pair.pusat.restore(backup)
    pair.network.run(20_000)
    pair.network.skip(2 * DAY)
    pair.network.heal()
    pair.network.run(120_000)
    assert pair.pusat.count("entries") == 2


# marks that are written late (`PeerRows._write_marks`)


def test_marks_of_an_attempt_are_not_lost_with_a_later_one(lied: Lied) -> None:
    """`forget_settled` and `uncopied` write the marks of all attempts under the savepoint of theirs, or under none: if
    that attempt is undone, those of earlier ones are too, and their rows keep numbers that are given again."""
    pusat = lied.kampus.peer("pusat")
    with lied.kampus.store.transaction() as tx:
        account = tx.account(Name("messi"))
        assert account is not None
        with tx.attempt():
            tx.enqueue(_post(pusat, 1, account.id))
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.move_peer(pusat, "elsewhere", 1)
            tx.forget_settled(1, 1)
            raise ZeroDivisionError
        assert tx.sending(pusat).last == 1
        assert tx.enqueue(_post(pusat, 2, account.id)).n == 2


def test_marks_of_an_attempt_that_fails_are_not_kept(lied: Lied) -> None:
    pusat = lied.kampus.peer("pusat")
    with lied.kampus.store.transaction() as tx:
        before = tx.received_mark(pusat)
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.set_received(pusat, Mark(7, 7, b"x" * 32))
            tx.forget_settled(1, 1)
            raise ZeroDivisionError
        assert tx.received_mark(pusat) == before
    with lied.kampus.store.transaction() as tx:
        assert tx.received_mark(pusat) == before


def _post(peer: int, entry: int, account: int) -> Post:
    return Post(peer, ulid(entry), account, "M", 1, to_group=False, recipient=Name("bob"), message="x")


def test_answers_of_an_attempt_are_not_lost_with_a_later_one(lied: Lied) -> None:
    """The same of first answers, and `forget_answers`: what came would be taken twice."""
    pusat, bob = lied.kampus.peer("pusat"), Address("bob@pusat")
    with lied.kampus.store.transaction() as tx:
        with tx.attempt():
            tx.keep_answer(pusat, bob, ulid(1), "", 5)
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.move_peer(pusat, "elsewhere", 1)
            tx.forget_answers(1, 1)
            raise ZeroDivisionError
        assert tx.first_answer(pusat, bob, ulid(1)) == ""


def test_answers_of_an_attempt_that_fails_are_not_kept(lied: Lied) -> None:
    pusat, bob = lied.kampus.peer("pusat"), Address("bob@pusat")
    with lied.kampus.store.transaction() as tx:
        with pytest.raises(ZeroDivisionError), tx.attempt():
            tx.keep_answer(pusat, bob, ulid(1), "", 5)
            tx.forget_answers(1, 1)
            raise ZeroDivisionError
        assert tx.first_answer(pusat, bob, ulid(1)) is None


# what breaks


def test_a_wait_that_breaks_costs_only_its_caller(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick is one attempt: where one copy cannot be made, nobody is answered, no link is looked after, and the tick
    is due again at once, with a line in the log each time."""
    pair.kampus.strict = False
    pair.network.hold("link.envelope")
    bad, good = pair.messi.send("bob@pusat", entry=1), pair.henderson.send("bob@pusat", entry=2)
    conversation_of = settling.conversation_of

    def breaks(ctx: Ctx, said: Post) -> ConversationId:
        if said.id == ulid(1):
            raise ZeroDivisionError
        return conversation_of(ctx, said)

    monkeypatch.setattr(settling, "conversation_of", breaks)
    pair.network.now += 2_000
    pair.kampus.turn(Tick())
    assert not good.open
    assert not bad.open
    assert pair.kampus.wakes() > pair.network.now
