"""A realm that has much to keep: killed while people talk, and started again, with what its log on disk has left."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import msgpack
import psutil
import zmq

from schemas.names import Name
from tests.bench import people
from tests.bench.people import User
from tests.bench.wire import Keys
from tests.faults.ending import Ending
from tests.faults.realm_flows import Map, history, private
from tests.realm_process import FAST_HASHING, RealmProcess, free_ports
from tests.scenarios.operator_kit import operate
from tests.wire.player import read_card
from tests.wire.player_actor import WAIT, Actor
from tests.wire.stranger import new_ulid

HOST = "127.0.0.1"
PEER = Name("dead")
CONFIG = """
[limits]
session_per_second = 1_000_000_000
session_burst = 1_000_000_000
[peers]
queue = 1_000_000
networks = ["127.0.0.0/8"]
"""
TALKERS = 8
OWN = 10
"""Users with a key pair of their own; all others share one, which takes its realm as long and us not."""
A_GROUP = 50


@dataclass(frozen=True)
class Size:
    """What is there before anything is said."""

    entries: int
    users: int
    groups: int
    queued: int
    """For a peer that is no more."""


@dataclass(frozen=True)
class Start:
    """How long one took, from exec on, s."""

    ready: float
    """Until it said that it is ready,"""
    answered: float
    """until somebody had an answer,"""
    processor: float
    """what of a processor it took until it was ready,"""
    waited: float
    """and how long it waited for one that others had."""
    log_bytes: int
    """What the kill had left in the database's write-ahead log."""


class LargeRealm:
    """Its folder, its process, those who talk there, and all that they were told."""

    def __init__(self, folder: Path, size: Size) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.realm = RealmProcess(folder, people.REALM, CONFIG + FAST_HASHING, "--new-key")
        self.size = size
        crowd = [*people.users(OWN), *people.users(size.users, Keys.fresh())[OWN:]]
        people.write(self.realm.data, crowd)
        people.write_groups(self.realm.data, crowd, size.groups, A_GROUP)
        pairs = [(number, (number + 1) % size.users) for number in range(max(1, size.entries // 100))]
        people.write_entries(self.realm.data, crowd, pairs, size.entries // len(pairs))
        if size.queued:
            people.write_outbox(self.realm.data, crowd[-1], PEER, free_ports(1)[0], size.queued)
        self.said = 0
        """What was answered OK since then."""
        self.realm.start()
        self._card = read_card(self.context, f"tcp://{HOST}:{self.realm.door}")
        self.talkers = [self._person(user) for user in crowd[:TALKERS]]
        self._told: list[tuple[int, Map, Map]] = []
        """By whom, what, and the answer."""

    def _person(self, user: User) -> Actor:
        actor = Actor(self.context, self._card, HOST, user.name)
        actor.close()
        actor.public, actor.secret = user.keys
        actor.token = user.token
        actor.open()
        return actor

    def kill(self, answers: int) -> None:
        """Let all talk at once, and kill the realm after so many answers; what had none is said again after it."""
        poller, endings = zmq.Poller(), [Ending(actor.dealer) for actor in self.talkers]
        commands = [self._commands(at, 2 * answers // TALKERS) for at in range(TALKERS)]
        for actor, to_say in zip(self.talkers, commands, strict=True):
            poller.register(actor.dealer, zmq.POLLIN)
            for number, command in enumerate(to_say):
                actor.dealer.send(msgpack.packb({**command, "id": number, "tokenId": actor.token}))
        due = self.said + answers
        while self.said < due:
            assert poller.poll(int(WAIT * 1_000)), "no answer in time"
            self._hear(commands)
        self.realm.kill()
        for ending in endings:
            ending.wait()
            ending.close()
        self._hear(commands)

    def _commands(self, at: int, count: int) -> list[Map]:
        to = self.talkers[(at + 1) % TALKERS].name
        return [{"cmd": "send", "to": to, "message": f"{number}", "entry": new_ulid()} for number in range(count)]

    def _hear(self, commands: list[list[Map]]) -> None:
        for at, actor in enumerate(self.talkers):
            while actor.dealer.poll(0):
                answer = dict(msgpack.unpackb(actor.dealer.recv()))
                assert answer["status"] == "OK", answer
                self._told.append((at, commands[at][answer["id"]], answer))
                self.said += 1

    def start(self) -> Start:
        """Start it, and ask it something."""
        left = self.realm.data / "realm.db-wal"
        log_bytes = left.stat().st_size if left.exists() else 0
        began = monotonic()
        self.realm.start()
        ready = monotonic() - began
        times = psutil.Process(self.realm.pid).cpu_times()
        waited = _waited(self.realm.pid)
        for actor in self.talkers:
            actor.close()
            actor.open()
        [answer] = self.talkers[0].ask([{"cmd": "resume"}])
        assert answer["status"] == "OK", answer
        return Start(ready, monotonic() - began, times.user + times.system, waited, log_bytes)

    def check(self) -> None:
        """What was answered since the last time is there, as it was told; what waits for the peer waits still."""
        for at, actor in enumerate(self.talkers):
            other = self.talkers[(at + 1) % TALKERS]
            entries = {entry["id"]: entry for entry in history(actor, private(actor.user, other.user))}
            for command, answer in ((command, answer) for who, command, answer in self._told if who == at):
                entry = entries[command["entry"]]
                assert (entry["seq"], entry["chain"], entry["message"]) == (
                    answer["seq"],
                    answer["chain"],
                    command["message"],
                )
        self._told.clear()
        if self.size.queued:
            [answer] = self.talkers[0].ask([{"cmd": "realms"}])
            assert [(one["realm"], one["queued"]) for one in answer["realms"]] == [(PEER, self.size.queued)]

    def examine(self) -> None:
        """`doctor` follows every chain and finds no problem."""
        code, lines, errors = operate(self.realm.data, "doctor", "--config", self.realm.config)
        assert (code, errors) == (0, ""), (lines, errors)

    def close(self) -> None:
        """End it all."""
        if self.realm.running:
            self.realm.kill()
        self.context.destroy(linger=0)


def _waited(pid: int) -> float:
    """How long the main thread of a process was ready to run, and did not, as others did (Linux), s."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


@contextmanager
def large_realm(folder: Path, size: Size) -> Iterator[LargeRealm]:
    """One that ends with the block."""
    made = LargeRealm(folder, size)
    try:
        yield made
    finally:
        made.close()


def imports() -> tuple[float, float]:
    """What the imports of `python -m realm` take alone: seconds, and seconds of a processor."""
    code = "import realm.__main__, time; print(time.process_time())"
    began = monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return monotonic() - began, float(done.stdout)
