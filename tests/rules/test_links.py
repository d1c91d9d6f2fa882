"""Links on real sockets: what is told of a connection and when, what is dropped, and that none floods others out."""

import select
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest
import zmq

from broker import monitoring
from broker.connections import TRUSTED
from broker.holding import Holding
from broker.keyfiles import KeyPair
from broker.line import Way
from broker.links import BYTES_A_TURN, FRAMES_A_TURN, FromLink, Links
from broker.lookups import Lookups
from broker.loop import Wake
from broker.outgoing import BULK_UNREAD, LINK_FRAME, LINK_UNREAD
from realm.effects import Connect
from realm.inputs import FromPeer, LinkDown, LinkUp
from schemas.federation import LinkAgain, PeerAnswer
from tests.rules.peer_kit import PATIENCE_MS, FakePeer, new_keys, packed

ALL = 512
"""More than any test has to take in at once, but those of the limits."""


class Bench:
    """Links, and a loop that takes in what they tell."""

    def __init__(self, networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128"), hosts: tuple[str, ...] = ()) -> None:
        self.keys = new_keys()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.wake = Wake()
        self.hosts = list(hosts)
        self.lookups = Lookups(networks, resolve=lambda _: self.hosts)
        self.holding = Holding()
        self.holding.start({})
        self.links = Links(self.context, self.keys, self.lookups, self.wake, self.holding)
        self.poller = zmq.Poller()
        self.poller.register(self.wake.reader, zmq.POLLIN)
        self.poller.register(self.links.fileno(), zmq.POLLIN)

    def close(self) -> None:
        self.lookups.stop()
        self.links.close()
        self.holding.close()
        self.context.term()  # waits for sockets that were forgotten, until the test's time is over
        self.wake.close()

    def wait(self) -> None:
        """Wait as the loop does: nothing is lost by waiting."""
        if not self.links.waiting:
            again_ms = self.links.again_ms
            assert self.poller.poll(min(PATIENCE_MS, again_ms)) or again_ms < PATIENCE_MS, "nothing came"
        self.wake.clear()

    def turn(self, at_most: int = ALL) -> list[FromLink]:
        """What the next turn that has anything takes in."""
        while not (came := self.links.gather(at_most)):
            self.wait()
        return came

    def until(self, count: int) -> list[FromLink]:
        """So many inputs, and no more than that in the same turn."""
        came: list[FromLink] = []
        while len(came) < count:
            came += self.turn()
        assert len(came) == count, came
        return came

    def connect(self, peer: FakePeer, number: int = 1, host: str = "", key: str = "") -> None:
        self.links.connect(Connect(number, key or peer.key, host or peer.host, peer.port))

    def joined(self, peer: FakePeer, number: int = 1) -> bytes:
        """Connect, and let the peer hear from us; the routing id that it knows us by."""
        self.connect(peer, number)
        assert self.until(1) == [LinkUp(number)]
        self.links.send(number, b"hello")
        route, frame = peer.hear()
        assert frame == b"hello"
        return route


@contextmanager
def bench(networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128"), hosts: tuple[str, ...] = ()) -> Iterator[Bench]:
    made = Bench(networks, hosts)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def it() -> Iterator[Bench]:
    with bench() as made:
        yield made


@pytest.fixture
def peer() -> Iterator[FakePeer]:
    with fake_peer() as made:
        yield made


@contextmanager
def fake_peer(host: str = "127.0.0.1", keys: KeyPair | None = None) -> Iterator[FakePeer]:
    made = FakePeer(keys, host)
    try:
        yield made
    finally:
        made.close()


AGAIN = packed(cmd="link.again")


def down(came: FromLink) -> str:
    """Why, of a LinkDown."""
    assert isinstance(came, LinkDown), came
    return came.why


def test_what_is_said_goes_there_and_what_is_answered_comes_here(it: Bench, peer: FakePeer) -> None:
    route = it.joined(peer)
    it.links.send(1, b"envelope")
    it.links.send(1, b"chunk", b"bytes")
    assert [peer.hear()[1:] for _ in range(2)] == [[b"envelope"], [b"chunk", b"bytes"]]
    peer.socket.send_multipart([route, packed(id=7, status="OK", offset=5)])
    peer.socket.send_multipart([route, AGAIN])
    assert it.until(2) == [FromPeer(1, PeerAnswer(id=7, status="OK", offset=5)), FromPeer(1, LinkAgain())]
    assert (it.links.unsent, it.links.unread) == (0, 0)


def test_the_peer_knows_this_realm_by_its_key(it: Bench) -> None:
    """ZAP tells it, in the peer's own context."""
    keys: list[bytes] = []
    peer = FakePeer()
    peer.close()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with context.socket(zmq.ROUTER) as zap, context.socket(zmq.ROUTER) as commands:
        zap.bind("inproc://zeromq.zap.01")
        commands.curve_server, commands.curve_secretkey = True, peer.keys.secret
        commands.zap_domain = b"commands"
        commands.bind(f"tcp://127.0.0.1:{peer.port}")
        it.connect(peer)
        assert it.links.gather(ALL) == []
        assert zap.poll(PATIENCE_MS)
        *route, version, request, _domain, _address, _identity, _mechanism, key = zap.recv_multipart()
        zap.send_multipart([*route, version, request, b"200", b"OK", b"", b""])
        keys.append(key)
        assert it.until(1) == [LinkUp(1)]
    context.term()
    assert keys == [zmq.utils.z85.decode(it.keys.public)]


def test_a_peer_that_goes_away_and_comes_back_is_told_once_each(it: Bench, peer: FakePeer) -> None:
    it.joined(peer)
    for _ in range(2):
        peer.go_away()
        assert down(it.until(1)[0]) == f"the connection to 127.0.0.1:{peer.port} was lost"
        it.links.send(1, b"lost")
        peer.come_back()
        assert it.until(1) == [LinkUp(1)]
        it.links.send(1, b"after")
        assert peer.hear()[1:] == [b"after"], "what is sent to nobody is not kept"
    assert it.links.unsent == 2


def test_a_peer_that_is_not_there_is_told_once_until_it_is_wanted_again(it: Bench, peer: FakePeer) -> None:
    peer.go_away()
    it.connect(peer)
    assert down(it.until(1)[0]) == f"nothing answers at 127.0.0.1:{peer.port}"
    it.wait()
    assert it.links.gather(ALL) == [], "it was tried again, in vain, and that is no news"
    it.connect(peer)
    assert down(it.until(1)[0]) == f"nothing answers at 127.0.0.1:{peer.port}"
    peer.come_back()
    assert it.until(1) == [LinkUp(1)]


def test_one_that_was_given_up_for_a_while_is_tried_at_once_when_it_is_wanted(it: Bench, peer: FakePeer) -> None:
    peer.go_away()
    it.connect(peer)
    down(it.until(1)[0])
    peer.come_back()
    it.connect(peer)
    assert it.until(1) == [LinkUp(1)]


def test_another_key_than_the_peers_gets_no_connection(it: Bench, peer: FakePeer) -> None:
    it.connect(peer, key=new_keys().public.decode())
    assert "has another key" in down(it.until(1)[0])
    it.links.send(1, b"secret")
    it.connect(peer)
    assert it.until(1) == [LinkUp(1)]
    assert not peer.socket.poll(0)


@pytest.mark.parametrize("key", ["short", "\x01" * 40, "#" * 40, "\u00e9" * 20])
def test_a_key_that_is_none_is_told(it: Bench, peer: FakePeer, key: str) -> None:
    it.connect(peer, key=key)
    assert "no socket can be had" in down(it.until(1)[0])
    it.links.send(1, b"secret")
    assert it.links.unsent == 1


def test_the_same_endpoint_again_changes_nothing(it: Bench, peer: FakePeer) -> None:
    route = it.joined(peer)
    it.connect(peer)
    it.links.send(1, b"more")
    assert peer.hear() == [route, b"more"], "it is the same connection"
    peer.socket.send_multipart([route, AGAIN])
    assert it.until(1) == [FromPeer(1, LinkAgain())]


def test_twice_wanted_before_it_is_made_is_one_connection(it: Bench, peer: FakePeer) -> None:
    it.connect(peer)
    it.connect(peer)
    assert it.until(1) == [LinkUp(1)]
    it.connect(peer)
    it.links.send(1, b"hello")
    assert peer.hear()[1:] == [b"hello"]


def test_another_endpoint_replaces_the_first(it: Bench, peer: FakePeer) -> None:
    route = it.joined(peer)
    peer.socket.send_multipart([route, AGAIN])
    with fake_peer() as moved:
        it.connect(moved)
        came = it.until(2)
        assert came == [LinkDown(1, "it goes elsewhere now"), LinkUp(1)], "what the old one still said went with it"
        it.links.send(1, b"here")
        assert moved.hear()[1:] == [b"here"]
        with fake_peer(keys=moved.keys, host="127.0.0.2") as again:
            it.connect(again)
            it.connect(peer)
            assert [type(one) for one in it.until(2)] == [LinkDown, LinkUp], "only the last counts"
            it.links.send(1, b"back")
            assert peer.hear()[1:] == [b"back"]
            assert not again.socket.poll(0)


def test_one_that_is_wanted_no_more(it: Bench, peer: FakePeer) -> None:
    """Nothing is told of it or sent to it; and it may be wanted again."""
    it.joined(peer)
    it.links.disconnect(1)
    it.links.send(1, b"x")
    it.links.send(1, b"x", bulk=True)
    assert it.links.unsent == 2
    peer.close()
    with fake_peer() as another:
        it.connect(another)
        it.links.disconnect(1)  # before its host is looked up
        it.links.disconnect(1)
        it.joined(another, 2)
        it.joined(another, 1)


def test_nothing_is_left_behind() -> None:
    process = psutil.Process()

    def replace_often() -> None:
        with bench() as it, fake_peer() as one, fake_peer() as other:
            for _ in range(20):
                it.connect(one)
                it.connect(other)
            while it.until(1) != [LinkUp(1)]:
                pass
            it.links.close()
            it.context.term()

    def held() -> tuple[int, int]:
        return process.num_fds(), threading.active_count()

    replace_often()
    before = held()
    replace_often()
    assert held() == before


def test_one_of_ipv6(it: Bench) -> None:
    with fake_peer("::1") as peer:
        route = it.joined(peer)
        peer.socket.send_multipart([route, AGAIN])
        assert it.until(1) == [FromPeer(1, LinkAgain())]
        peer.go_away()
        assert f"[::1]:{peer.port}" in down(it.until(1)[0])


def test_a_name_is_looked_up_and_its_next_address_tried_when_one_has_failed(peer: FakePeer) -> None:
    with bench(hosts=("127.0.0.9", "127.0.0.1")) as it:
        it.connect(peer, host="pusat.example")
        assert down(it.until(1)[0]) == f"nothing answers at pusat.example:{peer.port}"
        it.connect(peer, host="pusat.example")
        assert it.until(1) == [LinkUp(1)]
        it.hosts.clear()
        it.connect(peer, host="pusat.example")
        it.links.send(1, b"hello")
        assert peer.hear()[1:] == [b"hello"], "what is connected stays, whatever its name server says"


def test_the_address_that_has_worked_is_tried_first_again(peer: FakePeer) -> None:
    with bench(hosts=("127.0.0.1", "127.0.0.9")) as it:
        it.connect(peer, host="pusat.example")
        assert it.until(1) == [LinkUp(1)]
        peer.go_away()
        down(it.until(1)[0])
        it.connect(peer, host="pusat.example")
        down(it.until(1)[0])
        it.connect(peer, host="pusat.example")
        down(it.until(1)[0])
        peer.come_back()
        it.connect(peer, host="pusat.example")
        assert it.until(1) == [LinkUp(1)]


def test_a_name_whose_address_has_changed_is_followed(peer: FakePeer) -> None:
    with bench(hosts=("127.0.0.9",)) as it:
        it.connect(peer, host="pusat.example")
        down(it.until(1)[0])
        it.hosts[:] = ["127.0.0.1"]
        it.connect(peer, host="pusat.example")
        assert it.until(1) == [LinkUp(1)]


@pytest.mark.parametrize(
    ("hosts", "why"),
    [((), "no peer may be at"), (("192.0.2.1",), r"pusat.example is 192.0.2.1: no peer may be at 192.0.2.1")],
)
def test_a_host_that_may_not_be_dialled_is_told(peer: FakePeer, hosts: tuple[str, ...], why: str) -> None:
    with bench(hosts=hosts or ("10.1.1.1",), networks=("127.0.0.0/8",)) as it:
        it.connect(peer, host="pusat.example")
        (came,) = it.until(1)
        assert why.replace("\\", "") in down(came)
        it.connect(peer, host="10.0.0.1")
        assert "no peer may be at 10.0.0.1" in down(it.until(1)[0])


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"\xc1"],
        [b"\xff" * 100],
        [packed(status=1)],
        [packed(id="seven")],
        [AGAIN, b"bytes"],
        [b"", AGAIN],
    ],
)
def test_what_is_no_answer_is_dropped_and_counted(it: Bench, peer: FakePeer, frames: list[bytes]) -> None:
    route = it.joined(peer)
    peer.socket.send_multipart([route, *frames])
    peer.socket.send_multipart([route, AGAIN])
    assert it.until(1) == [FromPeer(1, LinkAgain())]
    assert it.links.unread == 1


def test_a_frame_that_is_too_large_costs_the_connection(it: Bench, peer: FakePeer) -> None:
    route = it.joined(peer)
    peer.socket.send_multipart([route, bytes(LINK_FRAME)])
    assert "was lost" in down(it.until(1)[0])
    it.connect(peer)
    assert it.until(1) == [LinkUp(1)], "libzmq would never try again by itself"


def test_what_is_said_to_nobody_is_dropped_and_counted(it: Bench, peer: FakePeer) -> None:
    it.links.send(1, b"to whom")
    it.connect(peer)
    it.links.send(1, b"not yet")
    assert it.links.unsent == 2
    assert it.until(1) == [LinkUp(1)]
    it.links.send(1, b"now")
    assert peer.hear()[1:] == [b"now"]


def test_a_peer_that_does_not_read_fills_nothing_without_bound(peer: FakePeer) -> None:
    """Its socket takes what its system and ours hold; then what is sent is dropped."""
    peer.go_away()
    peer.come_back(rcvhwm=1, rcvbuf=4_096)
    with bench() as it:
        it.connect(peer)
        assert it.until(1) == [LinkUp(1)]
        sent = 0
        while not it.links.unsent:
            it.links.send(1, bytes(65_536))
            sent += 1
        assert sent > LINK_UNREAD
        peer.close()
        assert "was lost" in down(it.until(1)[0])


def test_a_flooding_peer_does_not_keep_others_out(it: Bench, peer: FakePeer) -> None:
    with fake_peer() as loud:
        quiet_route, loud_route = it.joined(peer, 1), it.joined(loud, 2)
        for _ in range(10 * FRAMES_A_TURN):
            loud.socket.send_multipart([loud_route, AGAIN])
        first = it.turn()
        assert len(first) <= FRAMES_A_TURN
        peer.socket.send_multipart([quiet_route, AGAIN])
        heard, turns = len(first), 0
        while FromPeer(1, LinkAgain()) not in (came := it.turn()):
            turns += 1
            heard += len(came)
            assert sum(one == FromPeer(2, LinkAgain()) for one in came) <= FRAMES_A_TURN
        heard += len(came) - 1
        while heard < 10 * FRAMES_A_TURN:
            heard += len(it.turn())
        assert heard == 10 * FRAMES_A_TURN, "and nothing of the flood is lost"


def flooded(it: Bench, peers: list[FakePeer], frame: bytes, count: int) -> None:
    """Each of the peers has sent so much, and it has all come here: a later word of each was seen by libzmq."""
    routes = [it.joined(peer, number) for number, peer in enumerate(peers)]
    for peer, route in zip(peers, routes, strict=True):
        for _ in range(count):
            peer.socket.send_multipart([route, frame])


def test_peers_take_turns_where_a_turn_has_no_room_for_all(it: Bench) -> None:
    peers = [FakePeer() for _ in range(3)]
    try:
        flooded(it, peers, AGAIN, 40)
        heard = [0, 0, 0]
        while sum(heard) < 120:
            came = it.turn(at_most=10)
            assert len(came) <= 10
            for one in came:
                assert isinstance(one, FromPeer)
                heard[one.peer] += 1
        assert heard == [40, 40, 40]
    finally:
        for peer in peers:
            peer.close()


def test_a_turn_takes_in_so_many_bytes_and_no_more(it: Bench) -> None:
    large = packed(cmd="link.again", more="x" * 100_000)
    peers = [FakePeer() for _ in range(3)]
    try:
        flooded(it, peers, large, FRAMES_A_TURN)
        count = 0
        while count < 3 * FRAMES_A_TURN:
            came = len(it.turn())
            assert came * len(large) <= BYTES_A_TURN + FRAMES_A_TURN * len(large)
            count += came
    finally:
        for peer in peers:
            peer.close()


def test_nothing_that_came_is_overlooked_while_much_is_sent(it: Bench, peer: FakePeer) -> None:
    """Sending may use up what libzmq's descriptor had to tell: each answer is found all the same."""
    route = it.joined(peer)
    for _ in range(200):
        peer.socket.send_multipart([route, AGAIN])
        for _ in range(3):
            it.links.send(1, b"x")
        assert it.until(1) == [FromPeer(1, LinkAgain())]
        for _ in range(3):
            peer.hear()
    assert it.links.unsent == 0


def test_files_have_a_connection_of_their_own(it: Bench, peer: FakePeer) -> None:
    route = it.joined(peer)
    it.links.send(1, b"chunk", b"bytes", bulk=True)
    bulk_route, *frames = peer.hear()
    assert bulk_route != route
    assert frames == [b"chunk", b"bytes"]
    peer.socket.send_multipart([bulk_route, packed(id=7, status="OK", offset=5)])
    assert it.until(1) == [FromPeer(1, PeerAnswer(id=7, status="OK", offset=5), bulk=True)]


def test_the_one_for_files_keeps_a_little_until_it_is_made(it: Bench, peer: FakePeer) -> None:
    """Since nobody is told when that is."""
    peer.go_away()
    it.connect(peer)
    it.links.send(1, b"before anything is open", bulk=True)
    assert it.links.unsent == 1
    down(it.until(1)[0])
    for number in range(BULK_UNREAD + 10):
        it.links.send(1, b"%d" % number, bulk=True)
    assert it.links.unsent == 11
    peer.come_back()
    assert [peer.hear()[1] for _ in range(BULK_UNREAD)] == [b"%d" % number for number in range(BULK_UNREAD)]


def test_what_came_on_a_connection_that_was_lost_is_not_taken_for_what_is_said_on_the_next(
    it: Bench, peer: FakePeer
) -> None:
    """An acknowledgement from before the peer was put back from a backup would count for what was lost by that.

    Simulated histories rely on it.
    """
    route = it.joined(peer)
    line = it.links._links[Way(1, bulk=False)].line
    assert line is not None
    for _ in range(3):
        peer.socket.send_multipart([route, AGAIN])
    assert select.select([line.socket.FD], [], [], PATIENCE_MS / 1000)[0]  # a call would use up what it tells
    peer.go_away()
    assert select.select([line.reports.FD], [], [], PATIENCE_MS / 1000)[0]
    peer.come_back()
    assert [type(one) for one in it.until(1)] == [LinkDown]
    assert it.until(1) == [LinkUp(1)]
    it.links.send(1, b"hello")
    route, _ = peer.hear()
    peer.socket.send_multipart([route, packed(id=7, status="OK")])
    assert it.until(1) == [FromPeer(1, PeerAnswer(id=7, status="OK"))]


def test_what_was_to_go_out_for_files_ends_with_the_connection(it: Bench, peer: FakePeer) -> None:
    """Whoever is dialled after that would be sent it, and it would be in no account."""
    it.joined(peer)
    heard_for_files(it, peer)
    before = it.links.unsent
    while it.links.unsent == before:
        it.links.send(1, b"old", bytes(256 << 10), bulk=True)
    peer.go_away()
    while it.links._links[Way(1, bulk=True)].line is not None:
        it.wait()
        it.links.gather(ALL)
    peer.come_back()
    while not peer.socket.poll(10):
        it.links.gather(ALL)
        it.links.send(1, b"new", bulk=True)
    assert peer.hear()[1:] == [b"new"]


def heard_for_files(it: Bench, peer: FakePeer) -> bytes:
    """Send on the connection for files until the peer hears it; its routing id there."""
    while not peer.socket.poll(10):
        assert all(isinstance(came, LinkUp | LinkDown) for came in it.links.gather(ALL))
        it.links.send(1, b"again", bulk=True)
    return peer.hear()[0]


def test_the_one_for_files_comes_back_by_itself(it: Bench, peer: FakePeer) -> None:
    it.joined(peer)
    peer.go_away()
    assert isinstance(it.until(1)[0], LinkDown)
    peer.come_back()
    assert it.until(1) == [LinkUp(1)]
    heard_for_files(it, peer)


def test_the_one_for_files_comes_back_where_libzmq_would_not_try_again(it: Bench, peer: FakePeer) -> None:
    it.joined(peer)
    first = heard_for_files(it, peer)
    while peer.socket.poll(0):
        peer.hear()
    peer.socket.send_multipart([first, bytes(LINK_FRAME)])
    while heard_for_files(it, peer) == first:
        pass


def test_after_the_end_nobody_is_told_anything(peer: FakePeer) -> None:
    it = Bench()
    it.joined(peer)
    it.links.send(1, b"last")
    it.close()
    assert peer.hear()[1:] == [b"last"], "what was said at the end still goes out"


def test_a_peer_that_answers_without_end_is_cut(it: Bench, peer: FakePeer) -> None:
    """libzmq takes in all of it: its own bound, with which it would stop, ends the process where that peer is reset."""
    route = it.joined(peer)
    lost = monitoring.watch(peer.socket, zmq.EVENT_DISCONNECTED)
    frame = bytes(LINK_FRAME - 100)  # CURVE adds to it
    for _ in range(2 * TRUSTED.most // len(frame)):
        peer.socket.send_multipart([route, frame])
    assert lost.poll(PATIENCE_MS)
    while not it.holding.cut:  # that is counted a moment later
        lost.poll(1)
    monitoring.unwatch(peer.socket, lost)
    assert it.holding.cut == 1
