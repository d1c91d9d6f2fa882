"""kill -9 under load: what was answered OK is there, once, after the restart; asking again finds the effect.

"An `OK` to a send means: on disk, and flushed." "`entry` is a ULID that the sender chooses to make a send
repeatable: the same sender's second send with it has no second effect and gets the first one's answer."
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
import zmq

from tests.conftest import StartRealm
from tests.faults.ending import Ending
from tests.realm_process import NO_LIMITS
from tests.wire.player import Realm, Stage
from tests.wire.player_actor import WAIT, Actor
from tests.wire.stranger import follows, new_ulid

Map = dict[str, Any]

USERS = ("messi", "henderson", "lineker", "pele")
SENDS = 250
"""How many each user has in flight at once, before the first answer is read."""
KILLED_AFTER = (1, 50, 100, 150, 200)
"""How many answers have come when the realm is killed, in each round."""
IN_FLIGHT = 100
"""At least so many commands must have been without an answer at the kill."""
CHUNK = 50


@pytest.fixture
def stage(start_realm: StartRealm) -> Iterator[Stage]:
    with Stage(start_realm(config=NO_LIMITS)) as stage:
        for user in USERS:
            stage.play(f"{user}: register {user} surabaya Inggris {user}")
        yield stage


class Load:
    """The commands of one user in one round, and the answers that came before the realm died."""

    def __init__(self, actor: Actor, number: int) -> None:
        self.actor = actor
        others = [user for user in USERS if user != actor.name]
        self.commands = [
            {"cmd": "send", "to": others[at % len(others)], "message": f"{number}.{at}", "entry": new_ulid()}
            for at in range(SENDS)
        ]
        self.answers: dict[int, Map] = {}
        self.frames = [
            msgpack.packb({**command, "id": at, "tokenId": actor.token}) for at, command in enumerate(self.commands)
        ]
        self.ending = Ending(actor.dealer)

    def send_all(self) -> None:
        for frame in self.frames:
            self.actor.dealer.send(frame)

    def read(self) -> int:
        """Take the answers that are here; return how many."""
        before = len(self.answers)
        while self.actor.dealer.poll(0):
            answer = dict(msgpack.unpackb(self.actor.dealer.recv()))
            assert answer["status"] == "OK", answer
            assert answer["id"] not in self.answers, f"answered twice: {answer}"
            self.answers[answer["id"]] = answer
        return len(self.answers) - before

    def read_until_the_end(self) -> None:
        """Take all that the realm had sent: nothing comes after the connection's end."""
        self.ending.wait()
        self.read()
        self.ending.close()

    def repeat(self) -> None:
        """Send all again, with the same `entry`: what was answered before is answered alike."""
        self.actor.close()
        self.actor.open()
        for start in range(0, SENDS, CHUNK):
            answers = self.actor.ask(self.commands[start : start + CHUNK])
            assert len(answers) == CHUNK, "a command without an answer"
            for at, answer in enumerate(answers, start):
                assert answer["status"] == "OK", answer
                first = self.answers.setdefault(at, answer)
                assert {**first, "id": answer["id"]} == answer


def kill_under_load(realm: Realm, loads: list[Load], answers: int) -> int:
    """Send everything, kill the realm after so many answers; return how many commands were in flight then."""
    poller = zmq.Poller()
    for load in loads:
        poller.register(load.actor.dealer, zmq.POLLIN)
        load.send_all()
    while answers > 0:
        assert poller.poll(int(WAIT * 1_000)), "no answer in time"
        answers -= sum(load.read() for load in loads)
    realm.kill()
    for load in loads:
        load.read_until_the_end()
    return sum(SENDS - len(load.answers) for load in loads)


def whole_history(actor: Actor, conversation: str) -> list[Map]:
    entries: list[Map] = []
    more = True
    while more:
        [page] = actor.ask([{"cmd": "history", "conversation": conversation, "after": len(entries)}])
        entries += page["entries"]
        more = page["more"]
    return entries


def check(stage: Stage, answered: list[Map], sent: dict[str, Map]) -> None:
    """Every send has one entry, where its answer said; numbers have no gap, and chains verify."""
    told: defaultdict[str, dict[int, Map]] = defaultdict(dict)
    for answer in answered:
        told[answer["conversation"]][answer["seq"]] = answer
    seen: list[str] = []
    for conversation, answers in told.items():
        party = conversation.removeprefix("private/").partition("@")[0]
        entries = whole_history(stage.actor(party), conversation)
        assert [entry["seq"] for entry in entries] == list(range(1, len(answers) + 1))
        chain = bytes(32)
        for entry in entries:
            assert follows(chain, entry), entry
            chain = entry["chain"]
            answer = answers[entry["seq"]]
            assert (entry["id"], entry["chain"]) == (answer["entry"], answer["chain"])
            assert entry["message"] == sent[entry["id"]]["message"]
            seen.append(entry["id"])
    assert sorted(seen) == sorted(sent)


def test_killed_under_load(stage: Stage) -> None:
    """Five times on the same folder."""
    answered: list[Map] = []
    sent: dict[str, Map] = {}
    for number, answers in enumerate(KILLED_AFTER):
        loads = [Load(stage.actor(user), number) for user in USERS]
        in_flight = kill_under_load(stage.realm, loads, answers)
        assert in_flight >= IN_FLIGHT
        stage.realm.start()
        for load in loads:
            load.repeat()
            answered += load.answers.values()
            sent |= {command["entry"]: command for command in load.commands}
        check(stage, answered, sent)


def test_accounts_under_load(stage: Stage) -> None:
    """An account and a session that were answered OK are there; a name that was not can be asked for again."""
    actor = stage.actor("newcomer")
    names = [f"u{number}" for number in range(60)]
    for number, name in enumerate(names):
        account = {"username": name, "password": "surabaya", "country": "Inggris", "name": name}
        actor.dealer.send(msgpack.packb({"cmd": "register", "id": number, **account}))
    sessions: dict[str, Map] = {}
    for _ in range(20):
        assert actor.dealer.poll(int(WAIT * 1_000)), "no answer in time"
        answer = msgpack.unpackb(actor.dealer.recv())
        assert answer["status"] == "OK", answer
        sessions[names[answer["id"]]] = answer
    stage.realm.kill()
    stage.realm.start()
    actor.close()
    actor.open()
    for name in names:
        if first := sessions.get(name):
            [resumed] = actor.ask([{"cmd": "resume", "tokenId": first["tokenId"]}])
            assert {**resumed, "id": first["id"]} == first
        else:
            account = {"username": name, "password": "surabaya", "country": "Inggris", "name": name}
            [answer] = actor.ask([{"cmd": "register", **account}])
            assert answer.get("code", "user_exists") == "user_exists", answer
        [opened] = actor.ask([{"cmd": "auth", "username": name, "password": "surabaya"}])
        assert opened["user"] == f"{name}@kampus"
