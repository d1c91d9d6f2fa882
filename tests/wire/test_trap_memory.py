"""What a client can make a realm keep: subscriptions that it refused, and what nobody reads.

The bounds are what a realm may grow by, resident, while it is attacked with everything that a session allows.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import zmq

from tests.conftest import StartRealm
from tests.faults.little_unread import little_unread
from tests.realm_process import NO_LIMITS, RealmProcess
from tests.wire.attacker import PASSWORD, Listener, Outside, Person, Witness, at_the_door, on_commands, on_push, outside
from tests.wire.dialling import PATIENCE_MS, Keys, SilenceError, new_keys, packed, unpacked
from tests.wire.zmtp import MORE, ConnectionEndedError, RawPeer, frame

MIB = 1024 * 1024
SLACK = 24 * MIB
"""What a busy realm may take beside what waits: buffers, caches of the database, holes in the heap."""

REFUSED_AT_MOST = 64
"""Topics that are refused to a key before it loses its session and its connection."""
REFUSED_TOPICS = 6_000
BURST = 500
"""libzmq stores all that come together before the realm sees the first of them."""
TOPIC_BYTES = 440
"""With what CURVE and the SUBSCRIBE command add, this is just within a frame of 512 bytes. Kept by libzmq, byte by
byte, it takes about 21 KB, so that all of them would take about 130 MB."""

WAITING_ANSWERS = 1_024
"""Answers that wait for one connection, at most."""
ANSWER_BYTES = 16 * 1024
UNREAD_OF_ONE = 8 * MIB
"""Beyond that one is given no more pages, but answers that say so."""
DEAF_CALLERS = 3
UNREAD = 3 * WAITING_ANSWERS
"""How many answers each of them leaves; were all of them pages and kept, they would take 144 MiB."""

WAITING_PUSHES = 256
"""Events that wait for one listener, at most."""
PUSH_BYTES = 16 * 1024
ABSORBED = 500
"""More events than what the systems of both sides take in beside those that wait."""
PUSHES = 1_500
AT_ONCE = 100

DEAF_STRANGERS = 40
DEAF_CHOOSERS = 8
QUESTIONS = 2
"""At once: a stranger who says more than is taken in is cut."""
SESSIONS = 18
LARGE_ENTRY = 60_000
LARGE_ENTRIES = 4
"""Of one page."""
UNREAD_OF_ALL = 96 * MIB
"""Of all connections together 32 MiB may wait here; and what comes until that is noticed."""

SAID_IN_PARTS = 256 * MIB
"""Of one message that does not end; a realm may hold 8 MiB of a stranger, and notices a little later."""
PART = 400
"""Bytes: just within a frame of 512, as the front door and push take them."""
LARGE = 900_000
PARTS_OF_ONE = 8
MANY = 100
"""Connections on which so many such parts are said, and not the last: 690 MiB, if all were held."""
ALL_HELD = 288 * MIB
"""Of all connections together, with what comes until it is noticed."""
LARGE_FRAMES = 64
"""More than a realm may hold of a connection, and more than it reads of strangers at once."""


def cut_off_or_welcomed(listener: Listener, times: int) -> None:
    """Wait until the realm has ended this connection, or has welcomed it so often, and so seen all that was sent."""
    poller = zmq.Poller()
    poller.register(listener.socket, zmq.POLLIN)
    poller.register(listener.dialled.monitor, zmq.POLLIN)
    while ready := dict(poller.poll(PATIENCE_MS)):
        if listener.dialled.monitor in ready and listener.dialled.reported() == zmq.EVENT_DISCONNECTED:
            return
        if listener.socket in ready:
            listener.hear()
            if len(listener.heard) == times:
                return
    raise SilenceError("neither welcomed nor cut off")


@pytest.mark.parametrize("in_a_row", [REFUSED_TOPICS, REFUSED_AT_MOST - 1], ids=["without a break", "in between"])
def test_refused_topics_do_not_pile_up(realm: RealmProcess, in_a_row: int) -> None:
    """Nor where one's own topic, which is granted, comes before the one that would be too many."""
    with outside(realm) as here:
        witness, attacker = Witness(here), here.person("attacker")
        listener = attacker.listener()
        before = realm.resident_bytes()
        for number in range(1, REFUSED_TOPICS + 1):
            listener.subscribe(os.urandom(TOPIC_BYTES))
            if number % in_a_row == 0:
                listener.subscribe()
            if number % BURST == 0:
                witness.notices_nothing()
        cut_off_or_welcomed(listener, REFUSED_TOPICS // in_a_row)
        witness.notices_nothing()
        assert realm.resident_bytes() - before < SLACK
        listener.close()
        assert attacker.caller.refused("inbox", tokenId=attacker.token) == "session_not_found"
        witness.notices_nothing()
    assert realm.stop() == 0


def deaf_caller(here: Outside, person: Person, conversation: str) -> zmq.Socket[bytes]:
    """A connection that has asked for page after page, and reads none."""
    deaf = here.caller(person.keys, rcvhwm=1, rcvbuf=4096).socket
    page = {"cmd": "history", "tokenId": person.token, "conversation": conversation, "limit": 1}
    for number in range(UNREAD):
        deaf.send(packed(id=number, **page))
    return deaf


def test_answers_that_nobody_reads_do_not_pile_up(start_realm: StartRealm) -> None:
    realm = start_realm(config=NO_LIMITS)
    with outside(realm) as here:
        witness, attacker = Witness(here), here.person("attacker")
        conversation = attacker.send("attacker", "x" * ANSWER_BYTES)["conversation"]
        before = realm.resident_bytes()
        for number in range(DEAF_CALLERS):
            deaf = deaf_caller(here, attacker, conversation)
            witness.notices_nothing()

            # Commands of one connection are taken in order: who hears this knows that all before it are done.
            done = f"all asked by {number}"
            deaf.send(packed(cmd="send", id=UNREAD, tokenId=attacker.token, to="witness-b", message=done))
            witness.ears.hear_until(done)
        assert realm.resident_bytes() - before < DEAF_CALLERS * UNREAD_OF_ONE + SLACK
        assert "answers not read" in realm.log(), "nor small ones without end"
        witness.notices_nothing()
        assert len(attacker.done("history", conversation=conversation)["entries"]) == 1
    assert realm.stop() == 0


def log_in_often(here: Outside, username: str) -> list[tuple[Keys, str, bytes]]:
    """Many sessions of one user: keys, token and topic of each."""
    sessions = []
    for _ in range(SESSIONS):
        keys = new_keys()
        caller = here.caller(keys)
        opened = caller.done("auth", username=username, password=PASSWORD)
        sessions.append((keys, str(opened["tokenId"]), bytes(opened["topic"])))
        caller.close()
    return sessions


@pytest.fixture(params=[True, False], ids=["reported", "unreported"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealmProcess]:
    """A realm in which 32 MiB may wait, and which may know connections only by what they say."""
    with little_unread(tmp_path, 32 * 1024, hears=request.param) as realm:
        yield realm


def test_answers_that_many_do_not_read_have_a_bound_together(either: RealmProcess) -> None:
    realm = either
    with outside(realm) as here:
        witness, attacker, slow = Witness(here), here.person("attacker"), here.person("slow")
        for _ in range(LARGE_ENTRIES):
            conversation = attacker.send("slow", "x" * LARGE_ENTRY)["conversation"]
        asked = {"cmd": "history", "conversation": conversation}
        before = realm.resident_bytes()
        deaf = [
            (here.caller(keys, rcvhwm=1, rcvbuf=4096).socket, token)
            for keys, token, _ in log_in_often(here, "attacker")
        ]
        number = 0
        while "too much unread" not in realm.log():
            number += 1
            for dealer, token in deaf:
                dealer.send(packed(id=number, tokenId=token, **asked))
            witness.notices_nothing()
            assert realm.resident_bytes() - before < UNREAD_OF_ALL + SLACK
        assert len(slow.done("history", conversation=conversation)["entries"]) == LARGE_ENTRIES
    assert "by=attacker@kampus" in realm.log()


def test_pushes_that_many_do_not_read_have_a_bound_together(either: RealmProcess) -> None:
    realm = either
    with outside(realm) as here:
        witness, accomplice = Witness(here), here.person("accomplice")
        here.person("attacker")
        before = realm.resident_bytes()
        for keys, _, topic in log_in_often(here, "attacker"):
            listener = here.listener(keys, topic, rcvhwm=1, rcvbuf=4096)
            listener.subscribe()
            listener.welcomed()
        while "too much unread" not in realm.log():
            accomplice.send("attacker", "x" * LARGE_ENTRY)
            assert realm.resident_bytes() - before < UNREAD_OF_ALL + SLACK
        witness.notices_nothing()
    assert "by=attacker@kampus" in realm.log()


def heard_by(here: Outside, listener: Listener) -> int:
    """How many events come to one that reads again. What marks the end is sent until it finds room."""
    for _ in range(PUSHES // AT_ONCE + 1):
        here.marker.send("attacker", "the end")
        for _ in range(AT_ONCE):
            event = listener.hear()
            if event["event"] == "entry" and event["entry"]["message"] == "the end":
                return len(listener.heard)
    raise AssertionError("more is heard than was said")


def test_pushes_that_nobody_reads_do_not_pile_up(start_realm: StartRealm) -> None:
    """Counted, not weighed: the cache of the database weighs more than they."""
    realm = start_realm(config=NO_LIMITS)
    with outside(realm) as here:
        witness, attacker, accomplice = Witness(here), here.person("attacker"), here.person("accomplice")
        deaf = attacker.listener(rcvhwm=1, rcvbuf=4096)
        deaf.subscribe()
        deaf.welcomed()
        for _ in range(PUSHES // AT_ONCE):
            for _ in range(AT_ONCE):
                accomplice.post("send", to="attacker", message="x" * PUSH_BYTES)
            for _ in range(AT_ONCE):
                assert accomplice.caller.answer()["status"] == "OK"
        witness.notices_nothing()
        assert WAITING_PUSHES <= heard_by(here, deaf) < WAITING_PUSHES + ABSORBED
        witness.notices_nothing()
    assert realm.stop() == 0


def test_cards_that_nobody_reads_count_too(tmp_path: Path) -> None:
    with little_unread(tmp_path, 512) as realm, outside(realm) as here:
        witness = Witness(here)
        question = packed(cmd="identity", id=1)
        deaf = [here.dial(zmq.DEALER, realm.door, rcvhwm=1, rcvbuf=4096).socket for _ in range(DEAF_STRANGERS)]
        while "too much unread" not in realm.log():
            for dealer in deaf:
                for _ in range(QUESTIONS):
                    dealer.send(question)
            witness.notices_nothing()


def test_refusals_that_those_do_not_read_who_choose_a_routing_id_count_too(tmp_path: Path) -> None:
    with little_unread(tmp_path, 512) as realm, outside(realm) as here:
        witness = Witness(here)
        deaf = [
            here.caller(routing_id=b"chosen %d" % number, rcvhwm=1, rcvbuf=4096).socket
            for number in range(DEAF_CHOOSERS)
        ]
        while "too much unread" not in realm.log():
            for dealer in deaf:
                for _ in range(AT_ONCE):
                    dealer.send(packed(cmd="inbox", id=1, tokenId="x"))
            witness.notices_nothing()


def test_of_those_that_hear_the_same_one_that_reads_nothing_ends(start_realm: StartRealm) -> None:
    """What it loses would count for the other; and were it counted for nobody, both could leave much unread."""
    realm = start_realm(config=NO_LIMITS)
    with outside(realm) as here:
        attacker, accomplice = here.person("attacker"), here.person("accomplice")
        ears, deaf = attacker.listening(), attacker.listener(rcvhwm=1, rcvbuf=4096, reconnect_ivl=-1)
        deaf.subscribe()
        deaf.welcomed()
        for number in range(WAITING_PUSHES + ABSORBED):
            text = f"{number} {'x' * PUSH_BYTES}"
            accomplice.send("attacker", text)
            assert ears.hear_until(text) == [text]
    assert realm.stop() == 0
    assert "connections that did not read, as too much waited=1" in realm.log()


def endless_at_the_door(here: Outside) -> tuple[RawPeer, Iterator[bytes]]:
    """A stranger there, and a message of parts without end."""
    parts = frame(bytes(PART), MORE) * 1_000
    return at_the_door(here), iter([parts] * (SAID_IN_PARTS // len(parts)))


def endless_on_commands(here: Outside) -> tuple[RawPeer, Iterator[bytes]]:
    """The same, from whoever has a key."""
    peer = on_commands(here)
    return peer, (peer.part(bytes(LARGE)) for _ in range(SAID_IN_PARTS // LARGE))


def endless_on_push(here: Outside) -> tuple[RawPeer, Iterator[bytes]]:
    """The same, from a user."""
    peer = on_push(here, "endless")
    return peer, (b"".join(peer.part(bytes(PART)) for _ in range(100)) for _ in range(SAID_IN_PARTS // PART // 100))


@pytest.mark.parametrize(
    "begin", [endless_at_the_door, endless_on_commands, pytest.param(endless_on_push, marks=pytest.mark.thorough)]
)
def test_a_message_without_end_is_cut_off(
    realm: RealmProcess, begin: Callable[[Outside], tuple[RawPeer, Iterator[bytes]]]
) -> None:
    """libzmq holds its parts until it is whole, and has no bound for them."""
    with outside(realm) as here:
        witness = Witness(here)
        peer, parts = begin(here)
        with peer:
            peer.write_until_end(parts)
        witness.notices_nothing()
    assert realm.stop() == 0
    assert realm.log().count("too much held") == 1


@pytest.mark.thorough
def test_messages_without_end_of_many_are_cut_off_too(realm: RealmProcess) -> None:
    """Of each no more than it may have held, but of all together: nothing of it can be taken in, and it stays."""
    with outside(realm) as here, ExitStack() as peers:
        witness = Witness(here)
        before = realm.resident_bytes()
        part = bytes(LARGE)
        for _ in range(MANY):
            if "memory is short" in realm.log():  # whoever holds most was cut
                break
            with suppress(ConnectionEndedError):  # it is cut, or not let in any more
                peer = peers.enter_context(on_commands(here))
                for _ in range(PARTS_OF_ONE):
                    peer.write(peer.part(part))
        else:
            raise AssertionError("it grows without bound")
        witness.notices_nothing()
        assert realm.resident_bytes() - before < ALL_HELD + SLACK
    assert realm.stop() == 0


def test_who_says_much_is_refused_unread_and_not_cut_off(realm: RealmProcess) -> None:
    with outside(realm) as here:
        witness = Witness(here)
        with on_commands(here) as peer:
            codes = set()
            for number in range(LARGE_FRAMES):
                peer.say(packed(cmd="info", id=number, more=bytes(LARGE)))
                answer = unpacked(peer.hear()[-1])
                codes.add(answer.get("code"))
                assert answer["status"] == "OK" or answer.get("retry_after"), answer
            assert codes == {None, "rate_limited"}
            peer.say(packed(cmd="info", id=1))
            assert unpacked(peer.hear()[-1])["status"] == "OK", "what is short is always read"
        witness.notices_nothing()
    assert realm.stop() == 0
    assert "too much held" not in realm.log()
    assert realm.log().count("too much to read") == 1
