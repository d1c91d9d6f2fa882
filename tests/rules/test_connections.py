"""The connections of a realm, and their end where no descriptor is left."""

import os
import resource
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from broker.connections import SEALED, Connection
from broker.monitoring import Report
from broker.tcp import network
from tests.rules.connections_kit import ONE, Bench

TRIES = 500


@pytest.fixture
def it() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def test_a_connection_that_two_threads_hear_of_is_one(it: Bench) -> None:
    ours, _ = it.come()
    report = Report(zmq.EVENT_ACCEPTED, ours.fileno(), it.port)

    def met(_: int) -> Connection | None:
        together.wait()
        it.here.began(report, SEALED)
        return it.here.of(ours.fileno())

    together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(TRIES):
            it.here._all.clear()
            one, other = pool.map(met, range(2))
            assert one is other is not None


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
    ours, connection = it.come()
    with no_descriptor_left():
        assert it.here.cut(connection) == ONE
    assert ours.recv(1) == b"", "it has ended"
    assert list(it.here.there()) == []


def test_who_has_gone_is_not_cut_and_nobody_else(it: Bench) -> None:
    (ours, connection), (another, _) = it.come(), it.come()
    ours.close()
    assert it.here.cut(connection) == ""
    os.dup2(another.fileno(), connection.descriptor)
    with socket.socket(fileno=connection.descriptor) as later:
        assert it.here.cut(connection) == ""
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
