"""The link between two realms: hello, numbers, acknowledgements, restores, and what a liar can do."""

import hashlib
import itertools
from typing import Any

import msgpack
import msgspec
import pytest

from realm.effects import Note, ToPeer
from realm.federation import link
from realm.federation.backoff import MOST_MS
from realm.federation.state import UNACKNOWLEDGED
from realm.inputs import Tick
from realm.request import Request, Route
from schemas import commands
from schemas.codec import Malformed, decode_command
from schemas.errors import Code
from schemas.federation import HASH_START, LinkAck, Mark
from schemas.names import Name
from tests.rules.federation_kit import (
    DAY,
    Liar,
    Map,
    Network,
    Node,
    Pair,
    User,
    envelope,
    make_pair,
    peer_rules,
    ulid,
)
from tests.rules.files_kit import sha
from tests.rules.kit import NOW, ok, refused


@pytest.fixture
def pair(network: Network) -> Pair:
    return make_pair(network)


class Lied:
    """A realm whose peer `pusat` is whatever a test makes of it."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.kampus: Node = network.realm("kampus")
        self.messi: User = self.kampus.user("messi")
        self.henderson: User = self.kampus.user("henderson")
        self.pusat: Liar = network.liar("pusat")
        self.pusat.answer = lambda asked: self.pusat.greeting(asked) if asked["cmd"] == "link.hello" else []
        ok(self.messi.add_realm("pusat").answer)
        network.run(3_000)
        self.pusat.asked.clear()

    def be_honest(self) -> None:
        self.pusat.answer = self.pusat.honest
        self.network.run(3_000)

    def said(self, cmd: str) -> list[Map]:
        return [one for one in self.pusat.asked if one["cmd"] == cmd]


@pytest.fixture
def lied(network: Network) -> Lied:
    return Lied(network)


def send_all(pair: Pair, *texts: str) -> None:
    for text in texts:
        pair.messi.send("bob@pusat", text)


def got(pair: Pair) -> list[str]:
    return [str(entry.message) for entry in pair.bob.history(pair.talk) if entry.sender == "messi@kampus"]


def settled(pair: Pair) -> None:
    """Nothing waits, and both sides agree how far they are."""
    for one, name, other, its in (
        (pair.kampus, "pusat", pair.pusat, "kampus"),
        (pair.pusat, "kampus", pair.kampus, "pusat"),
    ):
        ends = one.ends(name)
        assert ends.queued == 0
        assert ends.acked == ends.last
        assert other.taken(its) == Mark(ends.epoch, ends.last, ends.hash)


# one link


def test_a_hello_comes_first_and_an_envelope_says_it_all(pair: Pair) -> None:
    pair.network.forget()
    pair.kampus.crash()
    pair.network.run(2_000)
    send_all(pair, "halo")
    said = [one for one in pair.network.seen if one.source == "kampus"]
    assert [one.what for one in said][:1] == ["link.hello"]
    hello = said[0].body
    assert (hello["realm"], hello["version"], hello["epoch"], hello["next"]) == ("kampus", 1, 1, 1)
    (told,) = pair.network.told("link.envelope")
    assert told == {
        "cmd": "link.envelope",
        "epoch": 1,
        "n": 1,
        "id": told["id"],
        "hash": told["hash"],
        "kind": "text",
        "from": "messi@kampus",
        "name": "Messi",
        "to": "bob",
        "sent_at": pair.kampus.now,
        "message": "halo",
    }
    assert pair.network.told("link.ack") == [{"cmd": "link.ack", "epoch": 1, "after": 0, "upto": 1, "results": {}}]


def test_every_hello_has_a_fresh_id_also_after_a_restart(pair: Pair) -> None:
    for _ in range(3):
        pair.network.run(21_000)
        pair.kampus.crash()
        pair.network.run(3_000)
    ids = [one["id"] for one in pair.network.told("link.hello", "kampus")]
    assert ids == sorted(set(ids))
    assert len(ids) > 4


def test_only_a_window_is_without_an_acknowledgement(pair: Pair) -> None:
    pair.network.hold("link.ack")
    send_all(pair, *(str(number) for number in range(300)))
    assert len(pair.network.told("link.envelope")) == UNACKNOWLEDGED == 256
    pair.network.release()
    assert [entry.message for entry in pair.bob.entries()] == [str(number) for number in range(300)]
    settled(pair)


def test_acknowledgements_of_one_turn_are_one(pair: Pair) -> None:
    pair.network.hold("link.envelope")
    send_all(pair, "1", "2")
    pair.messi.send("nobody@pusat", "3")
    send_all(pair, "4")
    held, pair.network.held = pair.network.held, []
    requests = [Request(Route(one.route), pair.kampus.key, "127.0.0.1", decoded(one.frames)) for one in held]
    (reply,) = pair.pusat.turn(*requests)
    assert reply.answer == LinkAck(epoch=1, after=0, upto=4, results={3: "user_not_found"})
    replies = pair.pusat.turn(*requests[:2], requests[3], requests[2])
    assert [one.answer for one in replies] == [
        LinkAck(epoch=1, after=0, upto=2, results={}),
        LinkAck(epoch=1, after=3, upto=4, results={}),
        LinkAck(epoch=1, after=2, upto=3, results={3: "user_not_found"}),
    ]


def decoded(frames: list[bytes]) -> Any:
    found = decode_command(frames)
    assert not isinstance(found, Malformed)
    return found[0]


def test_a_lost_acknowledgement_is_asked_for_again(pair: Pair) -> None:
    pair.network.lose("link.ack", times=1)
    send_all(pair, "halo")
    assert got(pair) == ["halo"]
    pair.network.run(10_000)
    settled(pair)
    assert got(pair) == ["halo"]
    assert pair.messi.delivered() == [1]


def test_a_lost_envelope_is_sent_again_in_order(pair: Pair) -> None:
    pair.network.lose("link.envelope", times=1)
    send_all(pair, "1")
    assert got(pair) == []
    send_all(pair, "2")
    pair.network.run(10_000)
    assert got(pair) == list("12")
    settled(pair)


def test_all_doubled_is_all_once(pair: Pair) -> None:
    pair.network.double("*")
    send_all(pair, *"123")
    pair.network.run(5_000)
    assert got(pair) == list("123")
    assert [entry.message for entry in pair.bob.entries()] == list("123")
    settled(pair)


def test_an_acknowledgement_of_long_ago_changes_nothing(pair: Pair) -> None:
    pair.network.hold("link.ack", times=1)
    pair.network.double("link.ack")
    send_all(pair, "1")
    late = list(pair.network.held)
    pair.network.run(10_000)
    settled(pair)
    send_all(pair, "2")
    before = pair.kampus.ends("pusat")
    pair.network.held = late
    pair.network.release()
    assert pair.kampus.ends("pusat") == before
    assert [one.queued for one in pair.messi.history(pair.talk)] == [False, False]


def test_a_silent_reconnect_is_noticed_and_nothing_is_lost(pair: Pair) -> None:
    send_all(pair, "1")
    pair.network.reroute("kampus", "pusat")
    send_all(pair, "2", "3")
    assert len(pair.network.told("link.again")) == 1
    pair.network.reroute("kampus", "pusat")
    pair.network.reroute("pusat", "kampus")
    pair.network.run(1_000)
    assert got(pair) == list("123")
    settled(pair)


def test_an_idle_link_is_looked_after(pair: Pair) -> None:
    pair.network.run(61_000)
    assert len(pair.network.told("link.hello", "kampus")) == 3
    pair.network.cut("kampus", "pusat", told=False)
    pair.network.run(30_000)
    assert pair.kampus.link("pusat").down_since is not None
    assert ok(pair.messi.send("bob@pusat").answer).queued


def test_a_clock_set_back_a_day_does_not_stall_the_link(pair: Pair) -> None:
    send_all(pair, "1")
    pair.kampus.clock = -DAY
    pair.network.run(100)
    asked = pair.messi.send("bob@pusat", "2")
    assert ok(asked.answer).queued is False
    pair.network.cut("kampus", "pusat")
    pair.kampus.clock = -2 * DAY
    pair.network.run(1_000)
    send_all(pair, "3")
    pair.network.join("kampus", "pusat")
    pair.network.run(3_000)
    assert got(pair) == list("123")


def test_a_clock_set_forward_and_back_does_not_either(pair: Pair) -> None:
    pair.kampus.clock = DAY
    pair.network.cut("kampus", "pusat")
    pair.network.run(5_000)
    pair.kampus.clock = 0
    send_all(pair, "1")
    pair.network.join("kampus", "pusat")
    pair.network.run(5_000)
    assert got(pair) == ["1"]


# back-off


def tries(pair: Pair, ms: int) -> list[int]:
    """When, in that time, the card of pusat was asked for."""
    began = pair.network.now
    times: list[int] = []
    while pair.network.now < began + ms:
        pair.network.run(500)
        if pair.kampus.link("pusat").tried_at > (times[-1] if times else began - 1):
            times.append(pair.kampus.link("pusat").tried_at)
    return times


def test_pauses_double_and_end_at_a_minute(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    times = tries(pair, 600_000)
    pauses = [later - before for before, later in itertools.pairwise(times)]
    assert 12 <= len(pauses) <= 26
    assert max(pauses) <= MOST_MS
    assert all(pause >= MOST_MS / 2 for pause in pauses[-4:])
    assert len(set(pauses[-4:])) > 1, "the half of it is left to chance"


def test_a_frame_of_the_peer_ends_the_pause(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    pair.network.run(600_000)
    pair.network.unreachable.clear()
    assert pair.kampus.link("pusat").down_since is not None
    pair.pusat.lines_to("kampus", up=True)
    pair.network.run(1_100)
    assert pair.kampus.link("pusat").down_since is None
    pair.network.run(3_000)
    assert ok(pair.messi.send("bob@pusat").answer).queued is False


def test_a_door_that_shows_another_key_is_not_spoken_to(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    pair.network.liar("pusat").key = "another".ljust(40, "-")
    pair.network.nodes["pusat"].running = False
    pair.network.unreachable.clear()
    del pair.network.nodes["pusat"]
    pair.network.forget()
    pair.network.run(120_000)
    assert pair.network.told("link.hello") == []
    assert "another key" in pair.kampus.link("pusat").error


# restores


def test_a_restored_receiver_gets_what_it_lost(pair: Pair) -> None:
    send_all(pair, "1")
    backup = pair.pusat.backup()
    send_all(pair, "2", "3")
    pair.pusat.restore(backup)
    pair.network.run(5_000)
    assert got(pair) == list("123")
    settled(pair)
    assert pair.kampus.ends("pusat").epoch == 2
    assert pair.messi.delivered() == []


def test_a_restored_sender_sends_nothing_twice(pair: Pair) -> None:
    send_all(pair, "1")
    backup = pair.kampus.backup()
    send_all(pair, "2", "3")
    pair.kampus.restore(backup)
    assert [entry.message for entry in pair.messi.history(pair.talk)] == ["1"]
    ok(pair.messi.send("bob@pusat", "4").answer)
    pair.network.run(70_000)
    assert got(pair) == list("1234")
    settled(pair)


def test_a_restored_sender_that_repeats_what_it_forgot(pair: Pair) -> None:
    backup = pair.kampus.backup()
    ok(pair.messi.send("bob@pusat", "1", entry=1).answer)
    refused(pair.messi.send("nobody@pusat", "2", entry=2).answer, Code.USER_NOT_FOUND)
    pair.kampus.restore(backup)
    pair.network.run(70_000)
    assert ok(pair.messi.send("bob@pusat", "1", entry=1).answer).queued is False
    assert refused(pair.messi.send("nobody@pusat", "2", entry=2).answer, Code.USER_NOT_FOUND)
    assert got(pair) == ["1"]
    settled(pair)


def test_both_restored(pair: Pair) -> None:
    send_all(pair, "1")
    ok(pair.bob.send("messi@kampus", "a").answer)
    backups = pair.kampus.backup(), pair.pusat.backup()
    send_all(pair, "2")
    ok(pair.bob.send("messi@kampus", "b").answer)
    pair.kampus.restore(backups[0])
    pair.pusat.restore(backups[1])
    send_all(pair, "3")
    pair.network.run(70_000)
    assert got(pair) == ["1", "3"]
    settled(pair)


def test_restored_to_different_times(pair: Pair) -> None:
    old = pair.pusat.backup()
    send_all(pair, "1")
    newer = pair.kampus.backup()
    send_all(pair, "2")
    pair.kampus.restore(newer)
    pair.pusat.restore(old)
    send_all(pair, "3")
    pair.network.run(150_000)
    assert got(pair) == ["1", "3"]
    settled(pair)


def test_a_long_outbox_is_numbered_anew_a_few_rows_a_turn(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the realm is killed meanwhile; and what is said meanwhile comes behind."""
    monkeypatch.setattr(link, "RENUMBERED", 3)
    backup = pair.pusat.backup()
    send_all(pair, *map(str, range(10)))
    pair.network.hold("link.ack")
    pair.pusat.restore(backup)
    pair.network.run(3_000)
    assert pair.kampus.ends("pusat").last == 3
    for last in (6, 9):
        pair.kampus.crash()
        pair.network.run(3_000)
        assert pair.kampus.ends("pusat").last == last
    pair.messi.send("bob@pusat", "10")
    pair.network.heal()
    pair.network.run(30_000)
    assert got(pair) == [str(number) for number in range(11)]
    settled(pair)
    assert not pair.kampus.ends("pusat").renumbering
    ok(pair.messi.send("bob@pusat", "11").answer)
    assert got(pair)[-1] == "11"


def test_files_among_what_is_numbered_anew_hold_nothing_up(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than one turn sees to, and texts behind them."""
    monkeypatch.setattr(link, "RENUMBERED", 2)
    backup = pair.pusat.backup()
    for number in range(5):
        ok(pair.messi.send_file("bob@pusat", pair.messi.upload(b"%d" % number)).answer)
    send_all(pair, "behind")
    pair.pusat.restore(backup)
    pair.network.run(30_000)
    kept = pair.bob.history(pair.talk)
    assert [entry.file.digest for entry in kept if entry.file] == [sha(b"%d" % number) for number in range(5)]
    assert "behind" in got(pair)
    settled(pair)


def test_a_full_disk_numbers_nothing_anew(pair: Pair) -> None:
    backup = pair.pusat.backup()
    send_all(pair, "1", "2")
    pair.kampus.fill_disk()
    pair.pusat.restore(backup)
    pair.network.run(5_000)
    pair.kampus.make_room()
    pair.network.run(90_000)
    assert got(pair) == ["1", "2"]
    settled(pair)


def test_a_peer_that_a_restore_has_lost_is_added_again(pair: Pair, network: Network) -> None:
    third = network.realm("desa")
    ani = third.user("ani")
    bare = third.backup()
    ok(ani.add_realm("kampus").answer)
    network.run(3_000)
    ok(pair.messi.send("ani@desa", "1").answer)
    ok(ani.send("messi@kampus", "a").answer)
    third.restore(bare)
    network.run(60_000)
    assert ok(pair.messi.send("ani@desa", "2").answer).queued
    ok(ani.add_realm("kampus").answer)
    network.run(70_000)
    talk = "private/ani@desa,messi@kampus"
    assert ani.texts(talk) == ["1", "2"]
    ok(ani.send("messi@kampus", "b").answer)
    assert [text for text in pair.messi.texts(talk) if text in "ab"] == ["a", "b"]
    assert third.ends("kampus").epoch == 2
    assert pair.messi.delivered() == [3], "of what was sent last"


def test_a_bounce_after_a_restore_comes_once(pair: Pair) -> None:
    rina = pair.pusat.backup()
    user = pair.pusat.user("rina")
    ok(pair.messi.send("rina@pusat", "1").answer)
    assert user.texts("private/messi@kampus,rina@pusat") == ["1"]
    pair.pusat.restore(rina)
    pair.network.run(70_000)
    assert len(pair.messi.history("private/messi@kampus,rina@pusat")) == 1, "a second result changes nothing"
    settled(pair)


def test_what_the_peer_has_is_seen_by_its_ids_after_a_restore_of_the_sender(pair: Pair) -> None:
    pair.network.lose("link.ack")
    send_all(pair, "1", "2")
    backup = pair.kampus.backup()
    pair.network.heal()
    pair.network.run(10_000)
    pair.kampus.restore(backup)
    pair.network.run(70_000)
    assert got(pair) == ["1", "2"]
    settled(pair)


# what a peer may not do


def test_a_key_that_is_no_peer_may_not_speak(network: Network) -> None:
    kampus, stranger = network.realm("kampus"), network.liar("pusat")
    kampus.user("messi")
    for told in (
        {"cmd": "link.hello", "realm": "pusat", "version": 1, "features": [], "epoch": 1, "next": 1},
        {"cmd": "link.upload", "digest": bytes(32), "size": 1, "name": "x", "from": "bob@pusat", "to": "messi"},
        {"cmd": "link.chunk", "upload": "x", "offset": 0},
        {"cmd": "link.prove", "nonce": bytes(16)},
        {"cmd": "link.nothing"},
        {"cmd": "link.hello"},
    ):
        answer = stranger.say(kampus, {"id": 7, **told}, b"x" if told["cmd"] == "link.chunk" else None)
        assert (answer["id"], answer["status"], answer["code"]) == (7, "ERROR", "forbidden")
    answer = stranger.say(kampus, envelope(1, 1))
    assert (answer["id"], answer["code"]) == (None, "forbidden")
    assert kampus.count("entries") == 0


def test_a_peer_speaks_for_its_own_users_alone(lied: Lied) -> None:
    lied.pusat.hello(lied.kampus)
    told = envelope(1, 1, sender="henderson@kampus")
    third = envelope(2, 2, told["hash"], sender="ani@desa")
    good = envelope(3, 3, third["hash"])
    codes = [lied.pusat.say(lied.kampus, one)["results"] for one in (told, third, good)]
    assert codes == [{1: "forbidden"}, {2: "forbidden"}, {}]
    assert [entry.sender for entry in lied.messi.inbox()] == ["bob@pusat"]


def test_a_peer_says_hello_under_its_own_name(lied: Lied) -> None:
    told = {"cmd": "link.hello", "id": 1, "realm": "desa", "version": 1, "features": [], "epoch": 9, "next": 1}
    assert lied.pusat.say(lied.kampus, told)["code"] == "forbidden"
    assert lied.kampus.taken("pusat").epoch == 0
    assert lied.pusat.say(lied.kampus, {**told, "realm": "PUSAT"})["status"] == "OK"


def test_envelopes_that_do_not_follow_are_not_applied(lied: Lied) -> None:
    first = envelope(1, 1)
    again = {"cmd": "link.again"}
    assert lied.pusat.say(lied.kampus, first) == again, "no hello"
    assert lied.pusat.hello(lied.kampus)["received"] == {"epoch": 1, "n": 0, "hash": HASH_START}
    assert lied.pusat.say(lied.kampus, first, route=b"elsewhere") == again, "another connection"
    assert lied.pusat.say(lied.kampus, envelope(1, 1, epoch=2)) == again
    assert lied.pusat.say(lied.kampus, envelope(2, 1)) == again
    assert lied.pusat.say(lied.kampus, {**first, "hash": bytes(32)}) == again
    assert lied.pusat.say(lied.kampus, {**first, "message": "lain"}) == again
    assert lied.messi.inbox() == []
    ack = lied.pusat.say(lied.kampus, first)
    assert (ack["after"], ack["upto"], ack["results"]) == (0, 1, {})
    assert lied.pusat.say(lied.kampus, first) == ack, "the first answer again"
    assert lied.pusat.say(lied.kampus, envelope(2, 2)) == again, "it does not follow the first"
    assert len(lied.messi.inbox()) == 1


def test_a_new_hello_on_another_connection_ends_the_old_one(lied: Lied) -> None:
    lied.pusat.hello(lied.kampus)
    old, lied.pusat.route = lied.pusat.route, b"newer"
    lied.pusat.hello(lied.kampus)
    assert lied.pusat.say(lied.kampus, envelope(1, 1), route=old) == {"cmd": "link.again"}
    assert lied.pusat.say(lied.kampus, envelope(1, 1))["cmd"] == "link.ack"


def test_a_higher_epoch_begins_anew_and_a_lower_one_is_not_taken(lied: Lied) -> None:
    lied.pusat.hello(lied.kampus)
    lied.pusat.say(lied.kampus, envelope(1, 1))
    assert lied.pusat.hello(lied.kampus, epoch=5)["received"] == {"epoch": 5, "n": 0, "hash": HASH_START}
    ack = lied.pusat.say(lied.kampus, envelope(1, 1, epoch=5))
    assert ack["results"] == {}
    assert len(lied.messi.inbox()) == 1, "it was taken before"
    assert lied.pusat.hello(lied.kampus, epoch=4)["received"]["epoch"] == 5
    assert lied.pusat.say(lied.kampus, envelope(1, 9, epoch=4)) == {"cmd": "link.again"}


@pytest.mark.parametrize("more", [1, 2**50, 2**63 - 1 - NOW - 3_000])
def test_no_hello_uses_epochs_up(lied: Lied, more: int) -> None:
    """Whoever has had the key of pusat for a while leaves it an epoch with which to go on."""
    now = lied.network.now
    assert lied.pusat.hello(lied.kampus, epoch=now + more)["code"] == "bad_request"
    assert lied.kampus.taken("pusat").epoch == 0
    assert lied.pusat.hello(lied.kampus, epoch=now)["received"]["epoch"] == now
    lied.network.now += 1
    assert lied.pusat.hello(lied.kampus, epoch=now + 1)["received"]["epoch"] == now + 1
    assert lied.pusat.say(lied.kampus, envelope(1, 1, epoch=now + 1))["results"] == {}


def test_a_realm_whose_clock_was_set_back_goes_on_in_its_epoch(lied: Lied) -> None:
    now = lied.network.now
    lied.pusat.hello(lied.kampus, epoch=now)
    lied.kampus.clock = -DAY
    assert lied.pusat.hello(lied.kampus, epoch=now)["received"]["epoch"] == now


def test_one_entry_of_one_sender_is_one_message_whoever_it_is_for(lied: Lied) -> None:
    lied.pusat.hello(lied.kampus)
    first = envelope(1, 1)
    second = envelope(2, 1, first["hash"], to="henderson")
    third = envelope(3, 1, second["hash"], sender="lina@pusat")
    for told in (first, second, third):
        assert lied.pusat.say(lied.kampus, told)["results"] == {}
    assert lied.henderson.inbox() == []
    assert [entry.sender for entry in lied.messi.inbox()] == ["bob@pusat", "lina@pusat"]


@pytest.mark.parametrize(
    "changes",
    [
        {"epoch": 2},
        {"epoch": 0},
        {"after": 2, "upto": 3},
        {"after": 0, "upto": 4},
        {"after": 0, "upto": 2**63 - 1},
        {"after": 0, "upto": 0},
        {"after": 5, "upto": 2},
        {"after": 3, "upto": 3},
    ],
)
def test_an_acknowledgement_of_anything_else_is_ignored(lied: Lied, changes: Map) -> None:
    lied.pusat.answer = lambda asked: lied.pusat.greeting(asked) if asked["cmd"] == "link.hello" else []
    lied.network.run(3_000)
    asked = [lied.messi.send("bob@pusat", str(number)) for number in range(3)]
    before = lied.kampus.ends("pusat")
    right = {"cmd": "link.ack", "epoch": 1, "after": 0, "upto": 3, "results": {}}

    def lie(asked: Map) -> list[Map]:
        if asked["cmd"] == "link.hello":
            return lied.pusat.greeting(asked)
        return [{**right, **changes}] if asked["n"] == 3 else []

    lied.pusat.answer = lie
    lied.network.run(7_000)
    assert lied.kampus.ends("pusat") == before
    assert all(ok(one.answer).queued for one in asked)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"cmd": "link.ack"},
        {"cmd": "link.ack", "epoch": -1, "after": 0, "upto": 1, "results": {}},
        {"cmd": "link.ack", "epoch": 1, "after": 0, "upto": 2**64 - 1, "results": {}},
        {"cmd": "link.ack", "epoch": 1, "after": 0, "upto": 1, "results": {1: 7}},
        {"cmd": "link.ack", "epoch": 1, "after": 0, "upto": 1, "results": {"x": "forbidden"}},
        {"cmd": "link.ack", "epoch": 1, "after": 0, "upto": 1, "results": {1: "x" * 65}},
        {"cmd": "link.hello", "id": 1},
        {"id": 2**64 - 1, "status": "OK"},
        {"id": None, "status": "ERROR", "code": "internal_error"},
        {"id": "x"},
        {"received": {"epoch": 1, "n": 1, "hash": b""}},
    ],
)
def test_garbage_settles_nothing_and_breaks_nothing(lied: Lied, told: Map) -> None:
    lied.pusat.answer = lambda asked: lied.pusat.greeting(asked) if asked["cmd"] == "link.hello" else [told]
    lied.network.run(3_000)
    asked = lied.messi.send("bob@pusat")
    lied.network.run(5_000)
    assert ok(asked.answer).queued
    assert lied.kampus.ends("pusat").acked == 0
    lied.be_honest()
    lied.network.run(20_000)
    assert lied.kampus.ends("pusat").acked == 1


@pytest.mark.parametrize(
    "received",
    [
        {"epoch": NOW + DAY, "n": 0, "hash": bytes(32)},
        {"epoch": 2**62 - 1, "n": 0, "hash": bytes(32)},
        {"epoch": 2**63 - 1, "n": 5, "hash": bytes(32)},
    ],
)
def test_no_claim_makes_the_epoch_run_out(lied: Lied, received: Map) -> None:
    lied.pusat.answer = lambda asked: [
        {"id": asked["id"], "status": "OK", "realm": "pusat", "version": 1, "received": received}
    ]
    lied.network.run(300_000)
    assert lied.kampus.ends("pusat").epoch == 1
    assert ok(lied.messi.send("bob@pusat").answer).queued


def test_after_a_claim_that_is_as_high_as_can_be_an_honest_peer_goes_on(lied: Lied) -> None:
    lied.pusat.answer = lambda asked: lied.pusat.greeting(asked, epoch=lied.network.now)
    lied.network.run(300_000)
    assert lied.kampus.ends("pusat").epoch > NOW
    lied.be_honest()
    lied.network.run(120_000)
    assert ok(lied.messi.send("bob@pusat").answer).queued is False


def test_all_is_numbered_anew_at_most_once_a_minute(lied: Lied) -> None:
    lied.pusat.answer = lambda asked: (
        lied.pusat.greeting(asked, n=77, digest=b"x" * 32) if asked["cmd"] == "link.hello" else []
    )
    lied.messi.send("bob@pusat")
    lied.network.run(600_000)
    assert 2 <= lied.kampus.ends("pusat").epoch <= 12
    assert len(lied.said("link.hello")) < 100
    lied.be_honest()
    lied.network.run(70_000)
    assert lied.kampus.ends("pusat").acked == 1


def test_again_for_ever_is_no_busy_loop(lied: Lied) -> None:
    lied.pusat.answer = lambda asked: (
        lied.pusat.greeting(asked) if asked["cmd"] == "link.hello" else [{"cmd": "link.again"}] * 3
    )
    for number in range(100):
        lied.messi.send("bob@pusat", str(number))
    lied.pusat.asked.clear()
    lied.network.run(60_000)
    assert len(lied.said("link.hello")) <= 61
    assert len(lied.said("link.envelope")) <= 61 * UNACKNOWLEDGED
    lied.be_honest()
    lied.network.run(5_000)
    assert lied.kampus.ends("pusat").queued == 0


def test_a_lower_epoch_for_ever_is_no_busy_loop(lied: Lied) -> None:
    lied.pusat.answer = lambda asked: lied.pusat.greeting(asked, epoch=0) if asked["cmd"] == "link.hello" else []
    lied.network.run(60_000)
    assert len(lied.said("link.hello")) < 60


def test_a_peer_that_floods_costs_bounded_effects(lied: Lied) -> None:
    lied.be_honest()
    before = len(lied.kampus.effects)
    for _ in range(50):
        lied.pusat.say(lied.kampus, {"cmd": "link.hello", "id": 1})
    lied.network.run(1_000)
    assert len(lied.kampus.effects) - before < 150
    asked = [effect for effect in lied.kampus.effects[before:] if isinstance(effect, ToPeer)]
    assert len(asked) <= 2


def test_a_second_result_changes_nothing(lied: Lied) -> None:
    code = "user_not_found"

    def answer(asked: Map) -> list[Map]:
        if asked["cmd"] == "link.hello":
            return lied.pusat.greeting(asked)
        n = asked["n"]
        return [{"cmd": "link.ack", "epoch": asked["epoch"], "after": n - 1, "upto": n, "results": {n: code}}]

    lied.pusat.answer = answer
    lied.network.run(3_000)
    assert refused(lied.messi.send("bob@pusat", entry=1).answer, Code.USER_NOT_FOUND)
    code = ""
    ok(lied.messi.send("bob@pusat", entry=2).answer)
    code = "user_not_found"
    lied.pusat.answer = lambda asked: (  # a restore, as it seems
        lied.pusat.greeting(asked, n=9, epoch=3)
        if asked["cmd"] == "link.hello" and asked["epoch"] < 4
        else answer(asked)
    )
    lied.network.run(100_000)
    assert lied.kampus.ends("pusat").epoch >= 4
    assert [entry.kind for entry in lied.messi.history("private/bob@pusat,messi@kampus")] == ["text"]
    row = lied.kampus.outgoing("messi", ulid(2))
    assert row is not None
    assert (row.settled, row.result) == (True, "")
    assert lied.kampus.ends("pusat").queued == 0


def test_a_code_that_nobody_knows_is_forbidden_to_its_sender(lied: Lied) -> None:
    lied.pusat.answer = lambda asked: (
        lied.pusat.greeting(asked)
        if asked["cmd"] == "link.hello"
        else [{"cmd": "link.ack", "epoch": 1, "after": 0, "upto": 1, "results": {1: "moon_phase"}}]
    )
    lied.network.run(3_000)
    answer = lied.messi.send("bob@pusat").answer
    assert refused(answer, Code.FORBIDDEN)


def test_an_answer_to_an_older_hello_does_not_count(lied: Lied) -> None:
    first: list[Map] = []

    def answer(asked: Map) -> list[Map]:
        if asked["cmd"] == "link.hello":
            first.append(asked)
            return lied.pusat.greeting(first[0])
        return []

    lied.pusat.answer = answer
    lied.network.run(3_000)
    lied.network.run(60_000)
    assert lied.said("link.envelope") == []
    lied.messi.send("bob@pusat")
    lied.network.run(60_000)
    assert lied.said("link.envelope") == [] or first[0]["id"] == first[-1]["id"]


def test_another_realm_at_the_end_of_the_link_is_noticed(lied: Lied) -> None:
    lied.pusat.answer = lambda asked: [{**lied.pusat.greeting(asked)[0], "realm": "desa"}]
    lied.network.run(30_000)
    assert lied.kampus.link("pusat").down_since is not None


def test_a_frame_too_much_is_malformed_and_no_harm(lied: Lied) -> None:
    answer = lied.pusat.say(lied.kampus, envelope(1, 1), data=b"x")
    assert (answer["id"], answer["code"]) == (None, "bad_request")
    answer = lied.pusat.say(lied.kampus, {"cmd": "link.envelope", "epoch": 1})
    assert (answer["id"], answer["code"]) == (None, "bad_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"to": None},
        {"group": "new"},
        {"kind": "file"},
        {"kind": "bounce"},
        {"message": None},
        {"message": ""},
        {"message": "x" * 65_537},
        {"from": "bob"},
        {"from": "bob@pusat@desa"},
        {"name": ""},
        {"name": "a\nb"},
        {"n": 0},
        {"n": 2**63},
        {"id": "x"},
        {"sent_at": -1},
        {"epoch": 2**63},
    ],
)
def test_an_envelope_that_is_none_is_malformed(lied: Lied, changes: Map) -> None:
    lied.pusat.hello(lied.kampus)
    told = {**envelope(1, 1), **changes}
    answer = lied.pusat.say(lied.kampus, {name: value for name, value in told.items() if value is not None})
    assert answer["status"] == "ERROR"
    assert answer["code"] in ("bad_request", "too_large")
    assert lied.messi.inbox() == []


def test_what_a_peer_is_refused_is_remembered_as_its_first_answer(lied: Lied) -> None:
    lied.pusat.hello(lied.kampus)
    told = envelope(1, 1, to="rina")
    assert lied.pusat.say(lied.kampus, told)["results"] == {1: "user_not_found"}
    lied.kampus.user("rina")
    assert lied.pusat.say(lied.kampus, told)["results"] == {1: "user_not_found"}
    second = envelope(2, 1, told["hash"], to="rina")
    assert lied.pusat.say(lied.kampus, second)["results"] == {2: "user_not_found"}


def test_a_lie_about_the_recipient_gives_no_rights(lied: Lied) -> None:
    """A peer's user may write to any group here, and sees nothing of it."""
    ok(lied.henderson.get(commands.AddGroup, group="new"))
    lied.pusat.hello(lied.kampus)
    told = envelope(1, 1, to=None, group="new")
    assert lied.pusat.say(lied.kampus, told)["results"] == {}
    (entry,) = lied.henderson.entries()
    assert (entry.sender, entry.conversation) == ("bob@pusat", "group/new@kampus")
    assert ok(lied.henderson.get(commands.Members, group=Name("new"))).members[0].username == "henderson"


def test_a_restore_is_told_to_the_operator_on_both_sides(pair: Pair) -> None:
    send_all(pair, "1")
    backup = pair.pusat.backup()
    send_all(pair, "2")
    pair.pusat.restore(backup)
    pair.network.run(70_000)
    (sending,) = pair.kampus.notes("restore noticed")
    assert sending.fields == {"peer": "pusat", "sending": True, "epoch": 2}
    (receiving,) = pair.pusat.notes("restore noticed")
    assert receiving.fields == {"peer": "kampus", "sending": False, "epoch": 2}


def test_a_peer_out_of_reach_is_told_once(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    pair.network.run(300_000)
    assert len(pair.kampus.notes("peer out of reach")) == 1


def test_no_secret_and_no_word_is_in_the_log(pair: Pair) -> None:
    send_all(pair, "rahasia besar")
    backup = pair.pusat.backup()
    pair.pusat.restore(backup)
    pair.network.run(70_000)
    notes = [effect for node in (pair.kampus, pair.pusat) for effect in node.effects if isinstance(effect, Note)]
    assert "rahasia" not in repr(notes)


def test_ticks_in_a_row_do_nothing_twice(pair: Pair) -> None:
    pair.network.run(25_000)
    before = len(pair.kampus.effects)
    pair.kampus.turn(Tick(), Tick(), Tick())
    assert len(pair.kampus.effects) == before
    assert pair.kampus.wakes() > pair.network.now


def test_the_settings_may_not_keep_longer_than_others_remember() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"keep_days": 31}, type(peer_rules().peers))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"remember_days": 29}, type(peer_rules().peers))
    assert peer_rules(keep_days=30).peers.remember_days >= 30


# a full disk


def test_a_receiver_whose_disk_is_full_takes_it_later(pair: Pair) -> None:
    pair.pusat.fill_disk()
    asked = pair.messi.send("bob@pusat", "x" * 60_000)
    pair.network.run(60_000)
    assert ok(asked.answer).queued
    assert len(pair.network.told("link.envelope")) < 100
    pair.pusat.make_room()
    pair.network.run(70_000)
    assert len(got(pair)) == 1
    settled(pair)


def test_a_sender_whose_disk_is_full_refuses_and_loses_nothing(pair: Pair) -> None:
    pair.kampus.fill_disk()
    asked = pair.messi.send("bob@pusat", "x" * 60_000, entry=1)
    assert refused(asked.answer, Code.UNAVAILABLE)
    assert got(pair) == []
    pair.kampus.make_room()
    ok(pair.messi.send("bob@pusat", "x" * 60_000, entry=1).answer)
    assert len(got(pair)) == 1


def test_an_acknowledgement_on_a_full_disk_is_asked_for_again(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    ok(pair.messi.send("bob@pusat", "1").answer)
    pair.kampus.fill_disk()
    with pair.kampus.store.transaction(writable=False):
        pass
    pair.network.join("kampus", "pusat")
    pair.network.run(30_000)
    pair.kampus.make_room()
    pair.network.run(30_000)
    assert got(pair) == ["1"]
    settled(pair)


# the bytes


def test_the_hash_is_what_the_protocol_says() -> None:
    """By another MessagePack, from the text alone; nil for what an envelope lacks."""
    before = bytes(range(32))
    text = [1, 70_000, ulid(1), "text", "bob@pusat", "Bob", "messi", None, NOW, "halo 1"]
    told = envelope(70_000, 1, before)
    assert told["hash"] == hashlib.blake2b(before + msgpack.packb(text), digest_size=32).digest()
    file = {"name": "foto.png", "size": 7, "media_type": "image/png", "digest": bytes(32)}
    told = envelope(1, 1, before, kind="file", message=None, file=file, to=None, group="new")
    named = [1, 1, ulid(1), "file", "bob@pusat", "Bob", None, "new", NOW, ["foto.png", 7, "image/png", bytes(32)]]
    assert told["hash"] == hashlib.blake2b(before + msgpack.packb(named), digest_size=32).digest()
