"""What is held of connections: known to the byte, bounded, and of one that has ended until it is taken."""

import os
import resource
import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zmq

from broker import holding, monitoring, sockets
from broker.connections import CLEAR, LISTENING, SEALED, TRUSTED, Connection, Connections, Kind
from broker.excess import STRANGERS
from broker.holding import DROPPED_AT_ONCE, GIVEN, HEARTBEATS, LITTLE, PARTS, Holding, _Listening
from broker.keyfiles import KeyPair
from broker.resident import BACK, GROWN, Resident
from broker.tcp import Counted
from realm.settings import Hashing
from tests.wire.dialling import PATIENCE_MS

SIZES = [0, 1, 200, 220, 222, 223, 253, 254, 255, 256, 257, 5_000, 100_000]
"""On both sides of where headers become longer, with and without a seal."""


class Bench:
    """A socket that takes in, and what is held of its connections: looked at when it is said."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.context = sockets.make_context()
        self.keys = KeyPair(*zmq.curve_keypair())
        self.taker = self.context.socket(zmq.ROUTER)
        self.taker.rcvhwm = sockets.NO_BOUND
        if kind is SEALED:
            self.taker.curve_server, self.taker.curve_secretkey = True, self.keys.secret
        self.port = self.taker.bind_to_random_port("tcp://127.0.0.1")
        self.accepted = monitoring.watch(self.taker, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        self.holding = Holding()
        self.holding._listening[self.taker] = _Listening(self.accepted, kind, self.port)  # as if it were watched

    def close(self) -> None:
        self.holding._listening.clear()
        self.holding.close()
        monitoring.unwatch(self.taker, self.accepted)
        self.taker.close()
        self.context.destroy(linger=0)

    def sayer(self) -> sockets.Socket:
        """One more connection, which is known."""
        sayer = self.context.socket(zmq.DEALER)
        sayer.sndhwm = 0
        if self.kind is SEALED:
            sayer.curve_publickey, sayer.curve_secretkey = zmq.curve_keypair()
            sayer.curve_serverkey = self.keys.public
        sayer.connect(f"tcp://127.0.0.1:{self.port}")
        self.holding.connections.began(self.next_report(), self.kind)
        return sayer

    def latest(self) -> Connection:
        """That of the latest message."""
        assert self.holding.latest is not None
        return self.holding.latest

    def next_report(self) -> monitoring.Report:
        """Of the connection that was accepted next, or lost."""
        assert self.accepted.poll(PATIENCE_MS)
        return monitoring.next_report(self.accepted)

    def take(self) -> list[zmq.Frame]:
        assert self.taker.poll(PATIENCE_MS)
        return self.holding.receive(self.taker, routed=True)

    def wait_for(self, size: int) -> None:
        """Wait until every connection has got so much more than its handshake."""
        while min(one.received for one in self.holding.connections.there()) < size + self.kind.handshake:
            self.accepted.poll(1)

    def acked(self) -> int:
        """Bytes that the other side of the one connection has."""
        ((descriptor, connection),) = self.holding.connections._all.items()
        counted = self.holding.connections.counted(descriptor, connection.inode)
        assert counted is not None
        return counted.acked

    def uncounted(self) -> int:
        """Bytes that came and were not taken, of the one connection: its handshake, where all was taken."""
        ((descriptor, connection),) = self.holding.connections._all.items()
        counted = self.holding.connections.counted(descriptor, connection.inode)
        assert counted is not None
        return counted.received - connection.took


@contextmanager
def bench(kind: Kind) -> Iterator[Bench]:
    made = Bench(kind)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("kind", [CLEAR, SEALED], ids=["clear", "sealed"])
def test_what_was_taken_is_what_came(kind: Kind) -> None:
    with bench(kind) as it, it.sayer() as sayer:
        sayer.send(b"")
        it.take()
        handshake = it.uncounted()
        assert handshake <= kind.handshake
        for size in SIZES:
            sayer.send_multipart([bytes(size), b"x", bytes(size)])
            assert [len(frame) for frame in it.take()[1:]] == [size, 1, size]
        assert it.uncounted() == handshake


@pytest.mark.parametrize("kind", [CLEAR, SEALED], ids=["clear", "sealed"])
def test_what_was_given_is_what_is_acknowledged(kind: Kind) -> None:
    with bench(kind) as it, it.sayer() as sayer:
        sayer.send(b"")
        route = it.take()[0].bytes
        connection = it.latest()
        handshake = it.acked()
        for size in SIZES:
            frames = [b"", bytes(size), b"x"]
            it.holding.give(connection, kind.on_wire(frames))
            it.taker.send_multipart([route, *frames])
            assert sayer.poll(PATIENCE_MS)
            sayer.recv_multipart()
        while it.acked() < handshake + connection.account.given:
            it.accepted.poll(1)
        assert it.acked() == handshake + connection.account.given


def test_much_that_is_given_is_looked_at_soon() -> None:
    with bench(SEALED) as it, it.sayer() as sayer:
        sayer.send(b"")
        it.take()
        told = select.poll()
        told.register(it.holding._told, select.POLLIN)
        it.holding.give(it.latest(), GIVEN // 2 + 1)
        assert not told.poll(0)
        it.holding.give(it.latest(), GIVEN // 2 + 1)
        assert told.poll(0)
        assert os.read(it.holding._told, 9) == b"l"


def test_an_error_is_no_end_of_the_bounds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    looks = iter((RuntimeError("a secret"), None))
    looked = threading.Event()

    def look(_: Holding) -> None:
        error = next(looks, None)
        if error is not None:
            raise error
        looked.set()

    monkeypatch.setattr(Holding, "_look", look)
    monkeypatch.setattr(holding, "LONGEST_S", 0.01)
    watching = Holding()
    watching.start({})
    try:
        assert looked.wait(PATIENCE_MS / 1000)
    finally:
        watching.close()
    said = capsys.readouterr().out
    assert "internal error" in said
    assert "RuntimeError" in said
    assert "a secret" not in said


def test_who_has_a_descriptor_of_another_is_known_by_its_first_message() -> None:
    """Its report may not be read yet: what was found out of it would be lost with the other."""
    with bench(SEALED) as it, it.sayer() as first, it.sayer() as second:
        first.send(b"")
        it.take()
        one = it.latest()
        del it.holding.connections._all[one.descriptor]
        second.send(b"")
        second_frame = it.take()[-1]
        it.latest().inode += 1
        stale = it.latest()
        it.holding.meet(it.taker, second_frame)
        assert it.latest() is not stale
        assert it.holding.connections.has(it.latest())
        first.send(b"")
        frame = it.take()[-1]
        assert it.holding.latest is None
        it.holding.meet(it.taker, frame)
        assert it.latest().inode == one.inode
        again = it.latest()
        it.holding.meet(it.taker, frame)
        assert it.latest() is again


def test_a_message_of_too_many_parts_is_dropped_and_its_connection_cut() -> None:
    with bench(SEALED) as it, it.sayer() as many, it.sayer() as other:
        many.send_multipart([b""] * (DROPPED_AT_ONCE + 2 * PARTS))
        assert [it.take(), it.take()] == [[], []]
        assert it.next_report().event == zmq.EVENT_DISCONNECTED, "it was cut"
        other.send(b"halo")
        assert it.take()[-1].bytes == b"halo"
    with bench(SEALED) as it, it.sayer() as some:
        some.send_multipart([b""] * (PARTS - 1))
        assert len(it.take()) == PARTS


def test_where_memory_is_short_nobody_is_let_in_and_what_has_ended_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    resident = 1 << 30
    monkeypatch.setattr(Resident, "now", lambda _: resident)
    with bench(SEALED) as it, it.sayer() as other:
        with pytest.raises(zmq.Again):
            it.holding.receive(it.taker, routed=True)
        it.holding._look()
        with it.sayer() as gone:
            gone.send(b"what nobody waits for")
            gone.send(b"and more")
            assert it.take()[-1].bytes == b"what nobody waits for"
        it.next_report()
        other.send(b"halo")
        resident += GROWN + 1
        while len(it.holding.connections._all) > 1:  # libzmq closes a little after it has told
            it.holding._look()
            it.accepted.poll(1)
        assert it.holding.is_short
        assert it.take()[-1].bytes == b"halo"
        with pytest.raises(zmq.Again):
            it.holding.receive(it.taker, routed=True)
        it.holding._look()
        assert (it.holding.is_short, it.holding.dropped) == (False, 1)


def test_where_memory_is_short_who_holds_more_than_a_little_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    with bench(SEALED) as it, it.sayer() as much, it.sayer() as little:
        little.send(bytes(LITTLE // 2))
        much.send(bytes(2 * LITTLE))
        it.take(), it.take()
        little.send(bytes(LITTLE // 2))
        much.send(bytes(2 * LITTLE))
        it.wait_for(LITTLE - 2 * SEALED.handshake)
        monkeypatch.setattr(Resident, "now", lambda one: one.mark + GROWN + 1)
        while not it.holding.cut:
            it.holding._look()
            it.accepted.poll(1)
        it.next_report()
        it.holding._look()
        assert it.holding.cut == 1


def test_what_is_not_whole_yet_is_held_though_nothing_can_be_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """libzmq says nothing of it: a few bytes on the wire from each of many took all memory, and nobody was cut."""
    resident = 1 << 30
    monkeypatch.setattr(Resident, "now", lambda _: resident)
    monkeypatch.setattr(holding, "UNDER_WAY", 4 * LITTLE)
    with bench(SEALED) as it, it.sayer(), it.sayer(), it.sayer():
        shares = [LITTLE, LITTLE // 2, 2 * LITTLE]
        of = dict(zip(it.holding.connections._all, shares, strict=True))
        monkeypatch.setattr(Connections, "counted", lambda _, at, __: Counted(0, SEALED.handshake + of[at], 0))
        with pytest.raises(zmq.Again):
            it.holding.receive(it.taker, routed=True)
        for _ in range(3):
            it.holding._look()
            resident += GROWN // 2 + 1
        was_short = it.holding.is_short
        is_cut = [connection.is_cut for connection in it.holding.connections._all.values()]
        assert (was_short, is_cut) == (True, [False, False, True]), "who holds most, until it is little of all"
        it.holding._look()
        assert not it.holding.is_short, "what is held of those who are there is little again"


def test_memory_is_short_no_longer_once_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody may see to it that there is always something to take in: he would keep all others out."""
    resident = 1 << 30
    monkeypatch.setattr(Resident, "now", lambda _: resident)
    with bench(SEALED) as it:
        for grown, is_short in ((GROWN, False), (GROWN + 1, True), (GROWN, True), (BACK, False), (GROWN, False)):
            resident = it.holding._memory.mark + grown
            it.holding._look()
            assert it.holding.is_short is is_short


def test_hashes_of_passwords_are_no_reason_to_let_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four workers take as much as may be held of all: in a storm, uploads were cut for their sake."""
    resident = 1 << 30
    monkeypatch.setattr(Resident, "now", lambda _: resident)
    with bench(SEALED) as it:
        resident += GROWN + (64 << 20)
        for memory_kib, is_short in ((65_536, False), (32, True)):
            it.holding.adopt(Hashing(workers=4, memory_kib=memory_kib))
            it.holding._look()
            assert it.holding.is_short is is_short


def test_no_descriptor_is_needed_to_see_what_is_held() -> None:
    """There may be none left: strangers take them all."""
    with bench(SEALED) as it, it.sayer() as sayer:
        sayer.send(b"")
        it.take()
        it.latest().account.give(1)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        try:
            it.holding._look()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_others_take_in_is_not_taken_for_what_came_on_the_sockets_that_are_listened_on() -> None:
    """Dials take in their answers meanwhile, in threads of their own; and each has a socket, which ends."""
    with bench(SEALED) as it, it.sayer() as sayer:
        sayer.send(b"")
        it.take()
        assert it.latest().kind.strange
        with bench(CLEAR) as other, other.sayer() as dialled:
            dialled.send(b"")
            assert other.taker.poll(PATIENCE_MS)
            it.holding._memory.is_short = True
            assert it.holding.receive(other.taker)[-1].bytes == b"", "nor dropped"
            with pytest.raises(zmq.Again):
                it.holding.receive(other.taker)
            assert other.taker not in it.holding._empty
        assert it.latest().kind.strange


def test_a_stranger_may_have_less_held_until_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with bench(SEALED) as it, it.sayer() as sayer:
        monkeypatch.setattr(Connections, "counted", lambda *_: Counted(0, 2 * SEALED.most, 0))
        sayer.send(b"")
        it.take()
        assert it.latest().kind.strange
        it.latest().trust("messi@kampus", TRUSTED)
        it.holding._look()
        assert it.holding.cut == 0
        monkeypatch.setattr(Connections, "counted", lambda *_: Counted(0, 2 * TRUSTED.most, 0))
        it.holding._look()
        assert it.holding.cut == 1


def test_heartbeats_are_no_reason_to_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener says nothing else for days."""
    with bench(SEALED) as it, it.sayer():
        (connection,) = it.holding.connections._all.values()
        connection.trust("messi@kampus", LISTENING)
        connection.since -= LISTENING.lasts_s - 60
        beats = HEARTBEATS * LISTENING.lasts_s
        monkeypatch.setattr(Connections, "counted", lambda *_: Counted(0, beats, 0))
        it.holding._look()
        assert not connection.is_cut
        monkeypatch.setattr(Connections, "counted", lambda *_: Counted(0, beats + 2 * LISTENING.most, 0))
        it.holding._look()
        it.holding._look()
        assert it.holding.cut == 1, "once"


def test_what_may_be_heartbeats_has_an_end() -> None:
    """Who waited for hours could say as much in a moment that never became a message, and memory had no bound."""
    with bench(SEALED) as it, it.sayer():
        (connection,) = it.holding.connections._all.values()
        connection.since -= SEALED.lasts_s
        it.holding._look()
        assert it.next_report().event == zmq.EVENT_DISCONNECTED
        assert it.holding.cut == 0, "nobody is to blame"
    hidden = {kind: (kind.handshake + HEARTBEATS * kind.lasts_s) * kind.swells for kind in (CLEAR, SEALED)}
    assert max(hidden.values()) * STRANGERS <= GROWN, "of all of them"


def test_a_connection_is_known_by_its_own_report_alone() -> None:
    """Who has read a card, hangs up, and is let in may be given the same descriptor before the first report is read."""
    with bench(CLEAR) as door, bench(SEALED) as it, door.sayer(), it.sayer():
        (descriptor,), (connection,) = it.holding.connections._all, it.holding.connections._all.values()
        late = monitoring.Report(zmq.EVENT_ACCEPTED, descriptor, door.port)
        its_own = late._replace(port=it.port)
        it.holding.connections.began(late, CLEAR)
        assert it.holding.connections._all == {descriptor: connection}
        assert connection.kind is SEALED
        it.holding.connections._all.clear()
        it.holding.connections.began(late, CLEAR)
        assert not it.holding.connections._all
        it.holding.connections.began(its_own, SEALED)
        assert it.holding.connections._all[descriptor].kind is SEALED
        it.holding.connections.began(its_own, TRUSTED)
        assert it.holding.connections._all[descriptor].kind is TRUSTED, "a link where a call to the same port was"


def test_of_what_is_taken_while_it_looks_nothing_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    with bench(SEALED) as it, it.sayer():
        (connection,) = it.holding.connections._all.values()

        def counted(*_: object) -> Counted:
            connection.took += 2 * SEALED.most
            return Counted(0, connection.took, 0)

        monkeypatch.setattr(Connections, "counted", counted)
        it.holding._look()
        assert it.holding.cut == 0
