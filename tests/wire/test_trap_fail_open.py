"""Who may connect, and who may hear: nothing passes by having no key, a wrong one, or somebody else's.

Without a ZAP handler CURVE admits everyone and `User-Id` is what the client wrote.
"""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import pytest
import zmq

from tests.wire.attacker import PASSWORD, Outside, Person, Witness, at_the_door, refusal, served
from tests.wire.curve import CurvePeer
from tests.wire.dialling import REFUSED, Keys, Map, new_keys, packed, unpacked
from tests.wire.zmtp import COMMAND, ConnectionEndedError, RawPeer, frame, header, ready

MOST_BYTES = 512
"""Of a frame at the front door and on push."""

USERS = itertools.count(1)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with served(tmp_path_factory.mktemp("fail-open")) as sockets:
        yield sockets


@pytest.fixture(scope="module")
def witness(here: Outside) -> Witness:
    return Witness(here)


@pytest.fixture(autouse=True)
def nobody_else_notices(witness: Witness) -> Iterator[None]:
    yield
    witness.notices_nothing()


def new_person(here: Outside) -> Person:
    """Somebody logged in, of whom no other test knows."""
    return here.person(f"user-{next(USERS)}")


def plain() -> dict[str, Any]:
    return {"plain_username": b"messi", "plain_password": b"surabaya"}


def wrong_server() -> dict[str, Any]:
    public, secret = zmq.curve_keypair()
    return {"curve_publickey": public, "curve_secretkey": secret, "curve_serverkey": new_keys().public}


@pytest.mark.parametrize("security", [dict[str, Any], plain, wrong_server], ids=["NULL", "PLAIN", "wrong key"])
@pytest.mark.parametrize("port", ["commands", "push"])
def test_without_curve_and_the_right_server_key_nothing_gets_through(here: Outside, port: str, security: Any) -> None:
    kind = zmq.DEALER if port == "commands" else zmq.XSUB
    dialled = here.dial(kind, getattr(here.realm, port), **security())
    dialled.socket.send(packed(cmd="info", id=1) if port == "commands" else b"\x01")
    assert dialled.wait(REFUSED | zmq.EVENT_HANDSHAKE_SUCCEEDED) != zmq.EVENT_HANDSHAKE_SUCCEEDED
    assert not dialled.socket.poll(0)
    dialled.close()


PROPERTIES = {
    "no Identity": {b"Socket-Type": b"DEALER"},
    "an empty Identity": {b"Socket-Type": b"DEALER", b"Identity": b""},
    "nothing at all": {},
}


@pytest.mark.parametrize("told", PROPERTIES.values(), ids=PROPERTIES.keys())
def test_a_peer_is_served_whatever_it_leaves_out_of_initiate(here: Outside, told: dict[bytes, bytes]) -> None:
    """libzmq's own peers always tell their `Identity`; others need not."""
    with CurvePeer(here.realm.commands, here.server_key, new_keys(), told) as peer:
        for call in range(3):
            peer.say(packed(cmd="info", id=call))
            (answer,) = peer.hear()
            assert unpacked(answer)["id"] == call
            assert unpacked(answer)["status"] == "OK"


def claiming(socket_type: bytes, victim: Person) -> dict[bytes, bytes]:
    """Properties in which a peer says that it is `victim`, in the words in which ZAP would say it."""
    user_id = victim.keys.public + b" 127.0.0.1"
    return {b"User-Id": user_id, b"Socket-Type": socket_type, b"Identity": b""}


def asked(peer: CurvePeer, cmd: str, **arguments: object) -> Map:
    peer.say(packed(cmd=cmd, id=1, **arguments))
    (answer,) = peer.hear()
    return unpacked(answer)


def test_a_user_id_of_ones_own_writing_is_not_believed_with_commands(here: Outside) -> None:
    victim, keys = new_person(here), new_keys()
    assert victim.ask("inbox")["status"] == "OK"
    with CurvePeer(here.realm.commands, here.server_key, keys, claiming(b"DEALER", victim)) as peer:
        assert refusal(asked(peer, "inbox", tokenId=victim.token)) == "session_not_found"
        account = {"username": f"{victim.username}-not", "password": PASSWORD, "name": "Not", "country": "Indonesia"}
        token = asked(peer, "register", **account)["tokenId"]
        assert asked(peer, "inbox", tokenId=token)["status"] == "OK"
    # The session belongs to the key with which the hands were shaken.
    assert here.caller(keys).ask("inbox", tokenId=token)["status"] == "OK"
    assert here.caller(victim.keys).refused("inbox", tokenId=token) == "session_not_found"


def test_a_user_id_of_ones_own_writing_is_not_believed_on_push(here: Outside) -> None:
    victim, attacker = new_person(here), new_person(here)
    with CurvePeer(here.realm.push, here.server_key, attacker.keys, claiming(b"SUB", victim)) as peer:
        peer.say(b"\x01" + victim.topic)
        peer.say(b"\x01" + attacker.topic)
        topic, event = peer.hear()
        assert topic == attacker.topic
        assert unpacked(event)["event"] == "welcome"
        victim.send(victim.username, "for the victim alone")
        victim.send(attacker.username, "for the attacker")
        topic, event = peer.hear()
        assert topic == attacker.topic
        assert unpacked(event)["entry"]["message"] == "for the attacker"


def test_push_is_refused_to_a_key_without_a_session_that_claims_one(here: Outside) -> None:
    victim = new_person(here)
    with pytest.raises(ConnectionEndedError):
        CurvePeer(here.realm.push, here.server_key, new_keys(), claiming(b"SUB", victim)).close()


@pytest.mark.parametrize("login", [False, True], ids=["never logged in", "logged out"])
def test_push_is_refused_to_a_key_without_a_session(here: Outside, login: bool) -> None:
    keys: Keys = new_keys()
    if login:
        person = new_person(here)
        person.done("logout")
        keys = person.keys
    listener = here.listener(keys)
    assert listener.dialled.wait(REFUSED | zmq.EVENT_HANDSHAKE_SUCCEEDED) == zmq.EVENT_HANDSHAKE_FAILED_AUTH
    listener.close()


def test_after_logout_nothing_more_is_heard(here: Outside) -> None:
    leaver, friend = new_person(here), new_person(here)
    ears = leaver.listening()
    leaver.done("logout")
    friend.send(leaver.username, "not for old ears")
    leaver.log_in()
    ears.topic = leaver.topic
    ears.subscribe()
    assert leaver.hears_up_to_now(ears.welcomed()) == []
    assert {event["event"] for topic, event in ears.heard if topic != leaver.topic} == {"welcome"}


def foreign_topics(victim: Person, attacker: Person) -> list[bytes]:
    """Everything that is not the attacker's own topic and might match somebody's."""
    prefixes = [victim.topic[:size] for size in (0, 1, 8, 15)] + [attacker.topic[:size] for size in (1, 15)]
    return [victim.topic, *prefixes, victim.topic + b"\0", attacker.topic + b"\0", os.urandom(16)]


def test_only_ones_own_topic_is_heard(here: Outside) -> None:
    """Another's, every shorter prefix, and the empty one get nothing: not even a welcome."""
    victim, attacker = new_person(here), new_person(here)
    ears, listener = victim.listening(), attacker.listener()
    for topic in foreign_topics(victim, attacker):
        listener.subscribe(topic)
    attacker.send(victim.username, "for the victim alone")
    assert victim.hears_up_to_now(ears) == ["for the victim alone"]
    listener.subscribe()
    assert listener.hear()["event"] == "welcome"
    assert attacker.hears_up_to_now(listener) == []
    assert victim.hears_up_to_now(ears) == []
    assert attacker.hears_up_to_now(listener) == []
    assert listener.topics == {attacker.topic}


def test_a_token_is_worth_nothing_with_another_key(here: Outside) -> None:
    victim, thief = new_person(here), new_person(here)
    for cmd, arguments in (
        ("inbox", {}),
        ("resume", {}),
        ("logout", {}),
        ("send", {"to": thief.username, "message": "x"}),
    ):
        assert thief.caller.refused(cmd, tokenId=victim.token, **arguments) == "session_not_found"
    assert victim.ask("inbox")["status"] == "OK"


@pytest.mark.parametrize("name", [b"honest", b"\0", b"x" * 5, b"x" * 255], ids=["word", "zero", "five", "long"])
def test_a_routing_id_of_ones_own_is_a_bad_request(here: Outside, name: bytes) -> None:
    person = new_person(here)
    named = here.caller(person.keys, routing_id=name)
    named.socket.send(packed(cmd="inbox", id=7, tokenId=person.token))
    answer = named.answer()
    assert refusal(answer) == "bad_request"
    assert answer["id"] in {7, None}


def test_the_front_door_drops_what_is_over_its_limit(here: Outside) -> None:
    for harmless in (b"", b"?", bytes(MOST_BYTES)):
        with at_the_door(here) as peer:
            assert b"kampus" in peer.ask(harmless)
    for dropped in (frame(bytes(MOST_BYTES + 1)), header(2**32), header(2**63 - 1), header(2**32, COMMAND)):
        with at_the_door(here) as peer:
            peer.write(dropped)
            peer.wait_for_end()


def test_push_drops_what_is_over_its_limit(here: Outside) -> None:
    attacker = new_person(here)
    listener = attacker.listener()
    listener.subscribe(bytes(MOST_BYTES))
    assert listener.dialled.wait(zmq.EVENT_DISCONNECTED)
    listener.close()


def test_greetings_without_a_mechanism_are_cut_off(here: Outside) -> None:
    """ZMTP 1 and 2 know no security at all."""
    older = {"ZMTP 1": b"\x01\x00", "ZMTP 2": b"\xff" + bytes(8) + b"\x7f\x01\x05\x00\x00"}
    for port in (here.realm.door, here.realm.commands, here.realm.push):
        for said in older.values():
            with RawPeer(port) as peer:
                peer.write(said + ready())
                peer.wait_for_end()
