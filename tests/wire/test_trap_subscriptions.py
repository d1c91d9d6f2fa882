"""Subscriptions that reach a manual XPUB together, and frames on it that are no subscriptions.

On a manual XPUB, SUBSCRIBE goes to the pipe of the last frame received, and after a frame that is empty or
starts with neither 0 nor 1 that pipe is another's. Listeners are XSUBs: they hide nothing that arrives.
"""

import os
from collections.abc import Sequence
from itertools import zip_longest

import pytest
import zmq

from tests.realm_process import RealmProcess
from tests.wire.attacker import Listener, Witness, outside, refusal, welcome_all
from tests.wire.dialling import Sockets, paused
from tests.wire.unprotected import unprotected

CLIENTS = 8
ROUNDS = 3
ATTEMPTS = 20
ATTEMPT_MS = 1_000
"""How often, and how long, an attack is tried where it must succeed; the first time does, nearly always."""

Frames = list[list[bytes]]
JUNK: dict[str, Frames] = {
    "empty": [[b""], [b""]],
    "neither 0 nor 1": [[b"\x02"], [b"hello"]],
    "in several parts": [[b"\x02", b"\x01" + bytes(16)], [b"", b""]],
}


def subscribe_together(victims: Sequence[Listener], attackers: Sequence[Listener], junk: Frames) -> None:
    """Subscriptions of victims, each behind the junk and before the subscription of an attacker."""
    for victim, attacker in zip_longest(victims, attackers):
        if attacker is not None:
            for frames in junk:
                attacker.socket.send_multipart(frames)
        victim.subscribe()
        if attacker is not None:
            attacker.subscribe()


def some_go_astray(sockets: Sockets, port: int, process: int, junk: Frames) -> bool:
    """Attack an unprotected XPUB once: whether a topic of one connection reaches another."""
    victims = listeners(sockets, port)
    attackers = listeners(sockets, port) if junk else []
    with paused(process):
        subscribe_together(victims, attackers, junk)
    topics = {one.topic for one in victims + attackers}
    poller = zmq.Poller()
    for one in victims + attackers:
        poller.register(one.socket, zmq.POLLIN)
    while arrived := dict(poller.poll(ATTEMPT_MS)):
        for one in victims + attackers:
            if one.socket in arrived and one.socket.recv() in topics - {one.topic}:
                return True
    return False


def listeners(sockets: Sockets, port: int) -> list[Listener]:
    dialled = [sockets.dial(zmq.XSUB, port) for _ in range(CLIENTS)]
    return [Listener(one, os.urandom(16)).connected() for one in dialled]


@pytest.mark.parametrize(
    ("kind", "junk"),
    [("gathering", []), *(("trusting", JUNK[name]) for name in JUNK)],
    ids=["gathered", *JUNK],
)
def test_the_attack_leads_topics_astray_where_nothing_is_protected(kind: str, junk: Frames) -> None:
    sockets = Sockets()
    try:
        with unprotected(kind) as (port, process):
            assert any(some_go_astray(sockets, port, process.pid, junk) for _ in range(ATTEMPTS))
    finally:
        sockets.close()


def test_subscriptions_that_wait_together_each_get_their_own(realm: RealmProcess) -> None:
    with outside(realm) as here:
        people = [here.person(f"user{number}") for number in range(CLIENTS)]
        for _ in range(ROUNDS):
            listeners = [person.listener() for person in people]
            with paused(realm.pid):
                subscribe_together(listeners, [], [])
            welcome_all(listeners)
            for person, listener in zip(people, listeners, strict=True):
                assert person.hears_up_to_now(listener) == []
                assert listener.topics == {person.topic}
                listener.close()


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK.keys())
def test_frames_that_are_no_subscriptions_lead_no_topic_astray(realm: RealmProcess, junk: Frames) -> None:
    with outside(realm) as here:
        witness = Witness(here)
        people = [here.person(f"user{number}") for number in range(CLIENTS)]
        attacker = here.person("attacker")
        for _ in range(ROUNDS):
            victims = [person.listener() for person in people]
            attackers = [attacker.listener() for _ in people]
            with paused(realm.pid):
                subscribe_together(victims, attackers, junk)
            welcome_all(victims)
            for person, victim in zip(people, victims, strict=True):
                assert person.hears_up_to_now(victim) == []
                assert victim.topics == {person.topic}
            assert refusal(attacker.ask("inbox")) == "session_not_found"

            # The connections that did it are cut, and have heard nothing of others till then.
            for listener in attackers:
                listener.dialled.wait(zmq.EVENT_DISCONNECTED)
                while listener.socket.poll(0):
                    listener.hear()
                assert listener.topics <= {attacker.topic}
            attacker.log_in()
            for listener in victims + attackers:
                listener.close()
            witness.notices_nothing()
