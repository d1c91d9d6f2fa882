"""The connections of a realm: which strangers are too many, and their end where no descriptor is left."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from broker import connections
from broker.connections import CLEAR, LISTENING, SEALED, TRUSTED, Connections, Kind, share
from broker.monitoring import Report
from broker.tcp import network

ONE, OTHER = "127.0.0.1", "127.0.0.2"


@pytest.mark.parametrize(
    ("wanted", "room", "each"),
    [
        ([], 10, 0),
        ([3], 10, 3),
        ([30], 10, 10),
        ([1, 30], 10, 9),
        ([1, 2, 30, 30], 11, 4),
        ([5, 5], 10, 5),
        ([5, 6], 10, 5),
        ([1] * 20, 10, 0),
    ],
)
def test_who_wants_less_than_a_share_has_it(wanted: list[int], room: int, each: int) -> None:
    assert share(wanted, room) == each
    assert sum(min(one, each) for one in wanted) <= room


class Bench:
    """Connections that were accepted, of which no more than 4 may be strangers, and no more than 8 there at all."""

    def __init__(self) -> None:
        self.here = Connections()
        self.here._most = 4
        self.here._most_of_all = 8
        self.listening = socket.create_server(("0.0.0.0", 0), backlog=100)
        self.port = self.listening.getsockname()[1]
        self.open: list[socket.socket] = [self.listening]

    def close(self) -> None:
        for one in self.open:
            one.close()
        self.here.close()

    def come(self, source: str = ONE, kind: Kind = SEALED, who: str = "") -> socket.socket:
        """One more connection, of a user or a peer where `who` is one: our side of it."""
        there = socket.create_connection((ONE, self.port), 10, (source, 0))
        ours, _ = self.listening.accept()
        self.open += [there, ours]
        self.here.began(Report(zmq.EVENT_ACCEPTED, ours.fileno(), self.port), kind)
        connection = self.here.of(ours.fileno())
        assert connection is not None
        connection.who = who
        return ours

    def too_many(self) -> list[int]:
        return sorted(one.connection.descriptor for one in self.here.too_many(self.here.there()))

    def too_many_known(self) -> list[int]:
        return sorted(one.connection.descriptor for one in self.here.too_many_known(self.here.there()))


@pytest.fixture
def it() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def test_the_oldest_strangers_of_those_who_have_most_are_too_many(it: Bench) -> None:
    for kind in (TRUSTED, LISTENING, TRUSTED, LISTENING):
        it.come(kind=kind)
    old = [it.come(kind=kind).fileno() for kind in (CLEAR, SEALED, SEALED)]
    it.come(OTHER)
    assert it.too_many() == []
    it.come()
    assert it.too_many() == sorted(old), "of four that are left to two, each has one"


def test_where_few_descriptors_are_left_who_has_most_has_too_many(it: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SPARED", 2)
    it.come()
    it.come(kind=TRUSTED)  # dialled by the realm itself
    most = [it.come(OTHER, TRUSTED, "messi@kampus").fileno() for _ in range(4)]
    few = [it.come(kind=kind, who="henderson@kampus").fileno() for kind in (TRUSTED, LISTENING)]
    assert it.too_many_known() == []
    it.come()
    assert it.too_many_known() == most[:1]
    for _ in range(5):
        it.come()
    assert it.too_many_known() == most[:2], "two are spared, of everybody"
    assert not set(few) & set(it.too_many_known())


def test_those_for_whom_most_waits_are_too_much(it: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all users, and of strangers at one address, until enough is left for others."""
    monkeypatch.setattr(connections, "UNREAD_OF_ALL", 100)
    monkeypatch.setattr(connections, "UNREAD_LEFT", 75)

    def wait(given: int, source: str = ONE, who: str = "") -> int:
        ours = it.come(source, TRUSTED if who else CLEAR, who)
        connection = it.here.of(ours.fileno())
        assert connection is not None
        connection.given += given
        return ours.fileno()

    def too_much() -> list[int]:
        return [one.connection.descriptor for one in it.here.too_much_unread(it.here.there())]

    few, more = (wait(given, who="messi@kampus") for given in (15, 25))
    wait(30, who="henderson@kampus")
    wait(0, OTHER)
    wait(20, OTHER)
    wait(10)
    assert too_much() == [], "a hundred may"
    wait(1)
    assert too_much() == [more, few], "of all that they have"
    strangest = wait(39)
    assert too_much()[0] == strangest, "one address has as much as a user"


def test_what_is_acknowledged_beyond_what_was_given_is_for_once(it: Bench) -> None:
    """Of handshakes and heartbeats, of which nobody hears."""
    ours = it.come()
    connection = it.here.of(ours.fileno())
    assert connection is not None
    assert connection.unread(500) == 0
    connection.given += 1_000
    assert connection.unread(500) == 1_000
    assert connection.unread(1_400) == 100
    assert connection.unread(1_600) == 0
    connection.given += 10
    assert connection.unread(1_600) == 10
    ours.close()
    assert it.here.unread(connection) == 0


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, before[1]))
    taken: list[int] = []
    try:
        with pytest.raises(OSError, match="Too many open files"):
            while True:
                taken.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for one in taken:
            os.close(one)


def test_a_cut_takes_no_descriptor(it: Bench) -> None:
    ours = it.come()
    (one,) = it.here.there()
    with no_descriptor_left():
        assert it.here.cut(one) == ONE
    assert ours.recv(1) == b"", "it has ended"
    assert list(it.here.there()) == []


def test_who_has_gone_is_not_cut_and_nobody_else(it: Bench) -> None:
    ours, another = it.come(), it.come()
    one = next(it.here.there())
    assert one.connection.descriptor == ours.fileno()
    ours.close()
    assert it.here.cut(one) == ""
    os.dup2(another.fileno(), one.connection.descriptor)
    with socket.socket(fileno=one.connection.descriptor) as later:
        assert it.here.cut(one) == ""
        later.settimeout(0)
        with pytest.raises(BlockingIOError):
            later.recv(1)


@pytest.mark.parametrize(
    ("source", "seen"),
    [("127.0.0.1", bytes([127, 0, 0, 1])), ("::1", bytes(8)), ("::ffff:127.0.0.1", bytes([127, 0, 0, 1]))],
)
def test_whom_an_address_tells_apart(source: str, seen: bytes) -> None:
    if ":" in source and not socket.has_dualstack_ipv6():
        pytest.skip("there is no IPv6 here")
    place = ("::", 0) if ":" in source else (source, 0)
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    with socket.create_server(place, family=family, dualstack_ipv6=family == socket.AF_INET6) as listening:
        to = source.removeprefix("::ffff:")
        with socket.create_connection((to, listening.getsockname()[1]), 10):
            ours, _ = listening.accept()
            with ours:
                assert network(ours.fileno()) == seen
    assert network(-1) == b""
