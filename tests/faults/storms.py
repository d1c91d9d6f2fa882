"""The storms: what many do at once to a realm. Each returns when all is done, and is checked by who began it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle
from typing import Final, NamedTuple

import psutil

from broker.connections import CLEAR
from broker.patience import tries
from schemas.limits import HEARTBEAT_MS
from tests.bench.wire import Keys
from tests.faults.storm_crowd import Crowd
from tests.faults.storm_kit import Site
from tests.wire.curve import CurvePeer
from tests.wire.dialling import Keys as OwnKeys
from tests.wire.zmtp import RawPeer, command, greeting, stranger

HEARTBEAT_S: Final = HEARTBEAT_MS / 1000
"""How often a client that does nothing else says `sync`."""
PINGS: Final = 30
"""One after another that a flooding peer says at once,"""
PINGS_S: Final = 0.02
"""and until it does so again."""
_PING: Final = command(b"PING", b"\x01\x18")
"""The next comes within 28 s, it says: in tenths of a second (ZMTP 3.1)."""
LOOK_S: Final = 0.01
CUT_S: Final = 30.0
"""A connection that has ended is given up within so long; one that does not shake hands is cut within 10 s."""


class Return(NamedTuple):
    """How a realm came back, and everybody with it."""

    unanswered: int
    """Commands that were under way when it was killed."""
    start: float
    """Seconds from its start, with everybody dialling, until the realm said that it was ready."""
    caught_up: float
    """Seconds from then until the last client was resumed, welcomed, and held the newest."""


def arrive(crowd: Crowd, messages: int) -> float:
    """All connect, resume, subscribe and say so much at once; seconds until the last is served."""
    began = time.perf_counter()
    crowd.arrive(messages)
    crowd.served()
    return time.perf_counter() - began


def leave(crowd: Crowd) -> float:
    """All end their connections at once; seconds until the realm has none of them."""
    site = crowd.site
    gone = _descriptors(site.realm.pid) - 2 * len(crowd.clients)
    began = time.perf_counter()
    for client in crowd.clients:
        client.close()
    _until(lambda: _descriptors(site.realm.pid) <= gone, "the realm keeps connections that have ended")
    return time.perf_counter() - began


def be_idle(crowd: Crowd, seconds: float) -> None:
    """Nobody does more than be there, each with a `sync` at every heartbeat."""
    until = time.perf_counter() + seconds
    pace = HEARTBEAT_S / len(crowd.clients)
    for number, client in enumerate(cycle(crowd.clients), 1):
        due = until - seconds + number * pace
        if due > until:
            break
        time.sleep(max(0.0, due - time.perf_counter()))
        client.ask("sync", cursors={})
        client.answers()
    time.sleep(max(0.0, until - time.perf_counter()))


def come_back(site: Site, crowd: Crowd, messages: int, answered: int) -> Return:
    """The realm is killed while all say so much, after so many answers; it starts again and all come back."""
    for client in crowd.clients:
        client.say(messages)
    taken, everybody = 0, cycle(crowd.clients)
    while taken < answered:
        taken += next(everybody).read()
    site.realm.kill()
    for client in crowd.clients:
        client.close()
    unanswered = sum(client.unanswered for client in crowd.clients)
    for client in crowd.clients:
        client.open()
    began = time.perf_counter()
    site.realm.start()
    ready = time.perf_counter()
    crowd.served()
    crowd.catch_up()
    return Return(unanswered, ready - began, time.perf_counter() - ready)


def ask_for_pages(site: Site, crowd: Crowd, pages: int) -> float:
    """All ask for the largest pages at once, so many each; seconds until the last has the last."""
    began = time.perf_counter()
    for client in crowd.clients:
        for _ in range(pages):
            client.ask("history", conversation=site.group)
    for client in crowd.clients:
        assert all(len(page["entries"]) > 1 for page in client.answers())
    return time.perf_counter() - began


@contextmanager
def half_open(site: Site, count: int) -> Iterator[list[RawPeer]]:
    """So many connections that each stop somewhere in their handshake: on all ports, at every stage."""
    with ExitStack() as stack:
        stages = cycle(_stages(site))
        yield [stack.enter_context(next(stages)()) for _ in range(count)]


@contextmanager
def timed(site: Site, count: int) -> Iterator[None]:
    """So many at the front door who each said a PING that has libzmq keep a timer for them, and then nothing."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(stranger(site.realm.door)).write(_PING)
        yield


def ping(site: Site, count: int, seconds: float) -> int:
    """So many more at the door say PINGs for so long, each as many as may be held before it dials again; how many."""
    said, until = 0, time.perf_counter() + seconds
    with ExitStack() as stack:
        while time.perf_counter() < until:
            peers = [stack.enter_context(stranger(site.realm.door)) for _ in range(count)]
            for _ in range(CLEAR.most // len(_PING) // PINGS):
                for peer in peers:
                    peer.write(_PING * PINGS)
                said += count * PINGS
                time.sleep(PINGS_S)
            stack.close()
    return said


def cut(peers: list[RawPeer]) -> float:
    """Seconds until the realm has cut all of them."""
    began = time.perf_counter()
    for peer in peers:
        peer.wait_for_end()
    return time.perf_counter() - began


def _stages(site: Site) -> list[Callable[[], RawPeer]]:
    """Everything that a peer may have done of a handshake when it falls silent, on each port."""
    realm = site.realm
    said: list[tuple[int, bytes]] = []
    for port, mechanism in ((realm.door, b"NULL"), (realm.commands, b"CURVE"), (realm.push, b"CURVE")):
        whole = greeting(mechanism)
        said += [(port, words) for words in (b"", whole[:5], whole[:32], whole, whole + command(b"HELLO")[:3])]
    silent = [partial(_silent, port, words) for port, words in said]
    return [*silent, *(partial(_welcomed, port, site.server) for port in (realm.commands, realm.push))]


def _silent(port: int, words: bytes) -> RawPeer:
    peer = RawPeer(port)
    peer.write(words)
    return peer


def _welcomed(port: int, server: bytes) -> RawPeer:
    return CurvePeer(port, server, OwnKeys(*Keys.fresh()), None)


def _descriptors(pid: int) -> int:
    return int(psutil.Process(pid).num_fds())


def _until(done: Callable[[], bool], otherwise: str) -> None:
    for _ in tries(CUT_S, LOOK_S):
        if done():
            return
    raise AssertionError(otherwise)
