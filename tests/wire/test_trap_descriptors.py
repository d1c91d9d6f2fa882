"""Each connection takes a descriptor of the realm: of those without a handshake, which no limit by address sees, and
of those of a user, of whom one is enough to take them all.
"""

import hashlib
import os
import socket
from contextlib import ExitStack
from pathlib import Path

import zmq

from tests.faults.few_descriptors import few_descriptors
from tests.realm_process import RealmProcess
from tests.wire.attacker import HARD_LIMITS, Witness, outside

DESCRIPTORS = 400
SILENT = 1_000
"""More than twice as many as there are."""
OF_ONE = 100
HEARING = 16
TOPICS = 128
MANY_HANDSHAKES = "[limits]\nhandshakes_per_second = 10_000\nhandshake_burst = 10_000\n"


def test_connections_of_silent_strangers_keep_nobody_out(tmp_path: Path) -> None:
    """Nor whoever has logged in, and said nothing since."""
    with few_descriptors(tmp_path, DESCRIPTORS, HARD_LIMITS) as realm, outside(realm) as here, ExitStack() as silent:
        witness = Witness(here, reconnect_ivl=-1)
        for number in range(SILENT):
            port = (realm.door, realm.commands, realm.push)[number % 3]
            silent.enter_context(socket.create_connection(("127.0.0.1", port), 10))
        while "too many strangers" not in realm.log():
            os.sched_yield()
        witness.notices_nothing()
        here.person("newcomer").send("newcomer", "halo")


def test_connections_of_one_user_keep_nobody_out(tmp_path: Path) -> None:
    """They did for as long as they stayed, logged out or not; and no file could be opened."""
    config = HARD_LIMITS + MANY_HANDSHAKES
    with few_descriptors(tmp_path, DESCRIPTORS, config) as realm, outside(realm) as here, ExitStack() as many:
        witness, greedy = Witness(here), here.person("greedy")
        for _ in range(DESCRIPTORS // OF_ONE):
            more = many.enter_context(outside(realm))
            for _ in range(OF_ONE):  # each is known before the next comes: else they are cut as strangers
                more.caller(greedy.keys, reconnect_ivl=-1).done("sync", tokenId=greedy.token)
        while "too many connections" not in realm.log():
            witness.notices_nothing()
        newcomer = here.person("newcomer")
        newcomer.send("newcomer", "halo")
        file = {"digest": hashlib.sha256(b"halo").digest(), "size": 4, "name": "halo.txt"}
        while newcomer.ask("upload", **file).get("code") == "unavailable":  # those that are cut are not yet gone
            witness.notices_nothing()
        newcomer.done("upload", **file)
        witness.notices_nothing()
    assert "by=greedy@kampus" in realm.log()


def test_a_connection_that_has_come_to_hear_many_topics_ends(realm: RealmProcess) -> None:
    """libzmq keeps each until then. Who subscribes to the same again and again hears no more than one."""
    with outside(realm) as here:
        greedy, other = here.person("greedy"), here.person("other")
        fickle, constant = (greedy.listener(reconnect_ivl=-1) for _ in range(2))
        constant.subscribe()
        constant.welcomed()
        for _ in range(TOPICS + 1):
            fickle.subscribe()
            fickle.unsubscribe()
            constant.subscribe()
        fickle.dialled.wait(zmq.EVENT_DISCONNECTED)
        other.send("greedy", "halo")
        assert constant.hear_until("halo") == ["halo"]


def test_sixteen_connections_hear_a_session_and_the_oldest_beyond_end(tmp_path: Path) -> None:
    """Each event goes to all of them, and everybody waits for that."""
    with few_descriptors(tmp_path, DESCRIPTORS, HARD_LIMITS + MANY_HANDSHAKES) as realm, outside(realm) as here:
        greedy, other = here.person("greedy"), here.person("other")
        listeners = [greedy.listener(reconnect_ivl=-1) for _ in range(HEARING + 2)]
        for one in listeners:
            one.subscribe()
            one.welcomed()
        for one in listeners[:2]:
            one.dialled.wait(zmq.EVENT_DISCONNECTED)
        other.send("greedy", "halo")
        for one in listeners[2:]:
            assert one.hear_until("halo") == ["halo"]
        assert realm.log().count("too many listeners") == 1, "each minute"
    assert "user=greedy@kampus" in realm.log()
    assert "connections of users and peers who had most, as there were too many=2" in realm.log()
