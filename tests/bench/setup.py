"""What every item of the bench works with: a folder, servers, connections, and rounds in turn."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import zmq

from tests.bench import people
from tests.bench.bare import BareProcess, Context, Socket
from tests.bench.meter import Load, Reading, measure
from tests.bench.people import User
from tests.bench.realms import UNLIMITED, Realm
from tests.bench.wire import Keys, ask_bare, await_welcome, connect, subscribe


@dataclass
class Bench:
    """One item under way; `keep` holds what is to be closed after it."""

    context: Context
    folder: Path
    rounds: int
    seconds: float
    keep: ExitStack
    others: list[float]
    """Cores that others on this machine had during each measurement."""

    def data(self, name: str) -> Path:
        """The data folder of the realm called so here, before it starts."""
        (self.folder / name).mkdir(exist_ok=True)
        return self.folder / name / people.REALM

    def realm(self, name: str, limits: str = UNLIMITED) -> Realm:
        """A realm on that folder, started now and ended after the item."""
        return self.keep.enter_context(Realm(self.context, self.folder / name, limits))

    def bare(self) -> BareProcess:
        """A bare server, ended after the item."""
        return self.keep.enter_context(BareProcess())

    def talk(self, realm: Realm, users: list[User]) -> list[Socket]:
        """Commands connections, closed after the item."""
        return self.own(realm.talk(users))

    def listen(self, realm: Realm, users: list[User]) -> list[Socket]:
        """Push connections, closed after the item."""
        return self.own(realm.listen(users))

    def echo(self, bare: BareProcess, count: int, *, swift: bool = False) -> list[Socket]:
        """Connections to a bare echo, in use already, closed after the item."""
        port, key = bare.ports.swift if swift else bare.ports.echo, bare.ports.key
        sockets = [connect(self.context, zmq.DEALER, port, key, Keys.fresh()) for _ in range(count)]
        for one in sockets:
            ask_bare(one)
        return self.own(sockets)

    def subscribe(self, bare: BareProcess, topics: list[list[bytes]]) -> list[Socket]:
        """A bare subscriber for each list of topics, closed after the item; the last topic is its own."""
        ports = bare.ports
        sockets = [subscribe(self.context, ports.push, ports.key, Keys.fresh(), wanted) for wanted in topics]
        await_welcome(sockets)
        return self.own(sockets)

    def own(self, sockets: list[Socket]) -> list[Socket]:
        """Have these closed after the item."""
        for one in sockets:
            self.keep.enter_context(one)
        return sockets

    def alternate(self, *sides: tuple[Load, int]) -> list[list[Reading]]:
        """Measure the sides (a load and the server's pid) in turn, A B A B; the readings of each side."""
        readings: list[list[Reading]] = [[] for _ in sides]
        for _ in range(self.rounds):
            for (load, pid), taken in zip(sides, readings, strict=True):
                taken.append(measure(load, pid, self.seconds))
                self.others.append(taken[-1].others)
        return readings
