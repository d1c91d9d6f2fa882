"""Dial jobs against what may be at the other end: cards, introductions and proofs, and all that is none of these."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import zmq

from broker.blobs import Blobs
from broker.calls import Calls, Stop
from broker.dialling import CARD_BYTES, Dialler, Home
from broker.holding import Holding
from broker.jobs import Pools
from broker.lookups import Lookups
from realm.inputs import JobDone
from realm.jobs import Agreed, CardRead, DialFailed, DialJob, DialResult, Introduce, ProveIntroduction, ReadCard
from realm.settings import Hashing, Settings
from schemas.names import Name
from tests.rules.files_kit import ask
from tests.rules.peer_kit import FakeRealm, Map, card_of, fake_realm, new_keys, packed

NONCE = bytes(range(16))
OWN = Name("kampus")
TIMES = 20


class Bench:
    """A dialler on a context of its own."""

    def __init__(self, networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128"), hosts: tuple[str, ...] = ()) -> None:
        self.keys = new_keys()
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.stop = Stop()
        self.lookups = Lookups(networks, resolve=lambda _: list(hosts))
        home = Home.at(OWN, "127.0.0.1", 8889, None)
        self.holding = Holding()
        self.holding.start({})
        self.calls = Calls(self.context, self.keys, self.stop, self.holding)
        self.dialler = Dialler(self.calls, self.lookups, home)

    def run(self, job: DialJob) -> DialResult:
        return self.dialler.run(job)

    def why(self, job: DialJob) -> str:
        """Why a job has failed."""
        result = self.run(job)
        assert isinstance(result, DialFailed), result
        return result.why

    def close(self) -> None:
        self.holding.close()
        self.context.term()  # waits for sockets that were forgotten, until the test's time is over
        self.stop.close()


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
def realm() -> Iterator[FakeRealm]:
    with fake_realm() as made:
        yield made


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little patience, where the test is about its end."""
    for name in ("READ_S", "PROVE_S", "INTRODUCE_S"):
        monkeypatch.setattr(f"broker.dialling.{name}", 0.2)


def read_card(realm: FakeRealm, host: str = "127.0.0.1") -> ReadCard:
    return ReadCard(ask(), None, host, realm.port)


def introduce(realm: FakeRealm, key: str = "", host: str = "127.0.0.1") -> Introduce:
    return Introduce(ask(), CardRead("pusat", 1, key or realm.key, realm.commands), host, realm.port)


def prove(realm: FakeRealm, name: str = "pusat", key: str = "") -> ProveIntroduction:
    return ProveIntroduction(ask(), Name(name), key or realm.key, "127.0.0.1", realm.port, NONCE)


def done(asked: Map) -> list[bytes]:
    return [packed(id=asked["id"], status="OK", nonce=asked.get("nonce", b""))]


def refused(asked: Map) -> list[bytes]:
    return [packed(id=asked["id"], status="ERROR", code="forbidden", message="not\x1b today")]


def test_a_card_is_read(it: Bench, realm: FakeRealm) -> None:
    assert it.run(read_card(realm)) == CardRead("pusat", 1, realm.key, realm.commands)
    realm.show(realm="Pusat", version=7, features=["later"])
    assert it.run(read_card(realm)) == CardRead("pusat", 7, realm.key, realm.commands)


def test_a_card_is_read_over_ipv6(it: Bench) -> None:
    with fake_realm("::1") as realm:
        assert it.run(read_card(realm, "::1")) == CardRead("pusat", 1, realm.key, realm.commands)


@pytest.mark.parametrize(
    "change",
    [
        {"realm": "../x"},
        {"realm": "pu\nsat"},
        {"realm": "x" * 33},
        {"key": "short"},
        {"key": "\x01" * 40},
        {"key": "#" * 40},
        {"key": "\u00e9" * 40},
        {"commands": 0},
        {"commands": 65_536},
    ],
)
def test_a_card_that_cannot_be_is_refused(it: Bench, realm: FakeRealm, change: Map) -> None:
    realm.show(**change)
    assert it.why(read_card(realm)) == f"the card at 127.0.0.1:{realm.port} is not a valid one"


@pytest.mark.parametrize(
    "shown", [b"", b"\xc1", b"\xff" * 100, b"HTTP/1.1 400", packed(status="OK"), packed(**card_of("k", 1, push="1"))]
)
def test_what_is_no_card_is_told(it: Bench, realm: FakeRealm, shown: bytes) -> None:
    realm.card = shown
    assert it.why(read_card(realm)) == f"what is at 127.0.0.1:{realm.port} is not the front door of a realm"


def test_what_a_front_door_says_instead_is_told(it: Bench, realm: FakeRealm) -> None:
    realm.card = packed(id=None, status="ERROR", code="rate_limited", message="too many requests: try later")
    said = f"the front door at 127.0.0.1:{realm.port} says: too many requests: try later"
    assert it.why(read_card(realm)) == said


def test_a_card_that_is_too_large_is_not_taken(it: Bench, realm: FakeRealm) -> None:
    realm.show(more="x" * CARD_BYTES)
    assert it.why(read_card(realm)) == f"127.0.0.1:{realm.port} hung up without an answer that could be taken"


@pytest.mark.usefixtures("short")
def test_a_door_that_is_silent_is_given_up(it: Bench, realm: FakeRealm) -> None:
    realm.card = None
    assert it.why(read_card(realm)) == f"127.0.0.1:{realm.port} did not answer within 0.2 s"


@pytest.mark.usefixtures("short")
def test_a_port_that_takes_connections_and_says_nothing_is_given_up(it: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        assert "did not answer" in it.why(ReadCard(None, 1, "127.0.0.1", port))
    assert it.why(ReadCard(None, 1, "127.0.0.1", port)) == f"nothing answers at 127.0.0.1:{port}"


def test_what_speaks_another_language_is_told(it: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        def answer() -> None:
            with other.accept()[0] as connection:
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n" * 10)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1_000):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        assert "is not the front door of a realm" in it.why(ReadCard(None, 1, "127.0.0.1", port))
        thread.join()


def test_the_commands_port_is_no_front_door(it: Bench, realm: FakeRealm) -> None:
    assert "is not the front door of a realm" in it.why(ReadCard(None, 1, "127.0.0.1", realm.commands))


@pytest.mark.parametrize("job", [read_card, introduce, prove])
def test_where_peers_may_not_be_nothing_is_dialled(realm: FakeRealm, job: "type[DialJob]") -> None:
    with bench(networks=("10.0.0.0/8",)) as it:
        assert "no peer may be at 127.0.0.1" in it.why(job(realm))  # type: ignore[call-arg,arg-type]
    assert not realm.heard.acquire(blocking=False)


def test_an_address_that_was_not_checked_is_not_dialled(realm: FakeRealm) -> None:
    with bench(networks=("10.0.0.0/8",), hosts=("127.0.0.1", "::ffff:127.0.0.1")) as it:
        assert "pusat.example is 127.0.0.1: no peer may be at" in it.why(read_card(realm, "pusat.example"))
    assert not realm.heard.acquire(blocking=False)


def test_the_next_address_is_tried_where_nobody_is_at_the_first(realm: FakeRealm) -> None:
    realm.answer = done
    with bench(hosts=("127.0.0.9", "::1", "127.0.0.1")) as it:
        assert isinstance(it.run(read_card(realm, "pusat.example")), CardRead)
        assert it.run(introduce(realm, host="pusat.example")) == Agreed(realm.commands)


def test_but_not_where_somebody_has_answered(realm: FakeRealm) -> None:
    realm.answer = refused
    with bench(hosts=("127.0.0.1", "127.0.0.9")) as it:
        assert it.why(introduce(realm, host="pusat.example")) == "pusat says: not? today"
    assert len(realm.asked) == 1


def test_an_introduction_says_who_and_where(it: Bench, realm: FakeRealm) -> None:
    realm.answer = done
    assert it.run(introduce(realm)) == Agreed(realm.commands)
    said = {"cmd": "link.introduce", "id": 1, "realm": "kampus", "address": "127.0.0.1", "port": 8889}
    assert realm.asked == [said]


@pytest.mark.parametrize(
    ("listening", "advertised", "told"),
    [
        ("127.0.0.1", None, ("127.0.0.1", 8889)),
        ("chat.example", None, ("chat.example", 8889)),
        ("0.0.0.0", None, ("127.0.0.1", 8889)),
        ("::", None, ("127.0.0.1", 8889)),
        ("0.0.0.0", "kampus.example:9000", ("kampus.example", 9000)),
        ("::", "[2001:db8::1]:9000", ("2001:db8::1", 9000)),
    ],
)
def test_the_front_door_is_told_as_others_reach_it(
    it: Bench, realm: FakeRealm, listening: str, advertised: str | None, told: tuple[str, int]
) -> None:
    realm.answer = done
    it.dialler = Dialler(it.calls, it.lookups, Home.at(OWN, listening, 8889, advertised))
    it.run(introduce(realm))
    assert (realm.asked[0]["address"], realm.asked[0]["port"]) == told


def test_a_realm_with_another_key_hears_nothing(it: Bench, realm: FakeRealm) -> None:
    assert "has another key" in it.why(introduce(realm, key=new_keys().public.decode()))
    assert realm.asked == []


def test_a_refusal_is_told_in_its_own_words(it: Bench, realm: FakeRealm) -> None:
    realm.answer = refused
    assert it.why(introduce(realm)) == "pusat says: not? today"
    assert it.why(prove(realm)) == "pusat says: not? today"
    realm.answer = lambda asked: [packed(id=asked["id"])]
    assert it.why(introduce(realm)) == "pusat says: no"


def test_only_the_answer_with_the_same_id_counts(it: Bench, realm: FakeRealm) -> None:
    realm.answer = lambda asked: [b"\xc1", packed(id=None, status="OK"), packed(id=9, status="ERROR"), *done(asked)]
    assert it.run(introduce(realm)) == Agreed(realm.commands)


def test_who_answers_only_other_things_is_given_up(it: Bench, realm: FakeRealm) -> None:
    realm.answer = lambda _: [packed(id=9, status="OK")] * 100
    assert it.why(introduce(realm)) == f"127.0.0.1:{realm.commands} answers what it was not asked"


@pytest.mark.usefixtures("short")
def test_who_does_not_answer_an_introduction_is_given_up(it: Bench, realm: FakeRealm) -> None:
    assert it.why(introduce(realm)) == f"127.0.0.1:{realm.commands} did not answer within 0.2 s"


def test_a_proof_is_asked_for_and_given(it: Bench, realm: FakeRealm) -> None:
    realm.answer = done
    assert it.run(prove(realm)) == Agreed(realm.commands)
    assert realm.asked == [{"cmd": "link.prove", "id": 1, "nonce": NONCE}]


def test_another_nonce_proves_nothing(it: Bench, realm: FakeRealm) -> None:
    realm.answer = lambda asked: [packed(id=asked["id"], status="OK", nonce=bytes(16))]
    assert it.why(prove(realm)) == f"pusat at 127.0.0.1:{realm.port} gives back another nonce"
    realm.answer = lambda asked: [packed(id=asked["id"], status="OK")]
    assert "another nonce" in it.why(prove(realm))


def test_who_is_not_who_it_says_is_not_asked_to_prove_it(it: Bench, realm: FakeRealm) -> None:
    assert it.why(prove(realm, name="kota")) == f"the realm at 127.0.0.1:{realm.port} is pusat, and not kota"
    key = new_keys().public.decode()
    assert it.why(prove(realm, key=key)).startswith(f"the key at 127.0.0.1:{realm.port} is another: SHA256:")
    assert realm.asked == []


def test_a_card_with_a_strangers_key_proves_nothing(it: Bench, realm: FakeRealm) -> None:
    """The card is in the clear: whoever is behind it must have the key."""
    key = new_keys().public.decode()
    realm.show(key=key)
    assert "has another key" in it.why(prove(realm, key=key))
    assert realm.asked == []


def test_what_breaks_here_is_told_and_does_not_end_the_thread(
    it: Bench, realm: FakeRealm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.dialling.place", lambda *_: 1 / 0)
    assert it.why(read_card(realm)) == "this failed here (ZeroDivisionError)"


def test_nothing_is_left_behind(realm: FakeRealm) -> None:
    process = psutil.Process()
    realm.answer = refused
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()

    def dial() -> None:
        with bench() as it:
            for job in (read_card(realm), introduce(realm), prove(realm), ReadCard(None, 1, "127.0.0.1", port)):
                it.run(job)

    def held() -> tuple[int, int]:
        return process.num_fds(), threading.active_count()

    dial()
    most, before = held()  # the fake realm may not yet have closed its side of the connections
    for _ in range(TIMES):
        dial()
    while held()[0] >= most + TIMES:
        os.sched_yield()
    assert held()[1] == before


class Told:
    """Counts results, and lets a test wait for them."""

    def __init__(self) -> None:
        self.times = threading.Semaphore(0)

    def __call__(self) -> None:
        self.times.release()


@contextmanager
def pooled(it: Bench, folder: Path) -> Iterator[tuple[Pools, Told]]:
    told = Told()
    blobs = Blobs(folder)
    pools = Pools(Settings(hashing=Hashing(memory_kib=64, passes=1, lanes=1)), blobs, it.dialler, Settings, told)
    try:
        yield pools, told
    finally:
        pools.end()
        it.stop()
        it.lookups.stop()
        blobs.close()
        pools.stop()


def test_the_end_waits_for_nobody_who_is_silent(it: Bench, realm: FakeRealm, tmp_path: Path) -> None:
    """Each kind of job, while it waits for the other side."""
    jobs: list[DialJob] = [introduce(realm), ReadCard(None, 1, "127.0.0.1", realm.port), prove(realm)]
    with pooled(it, tmp_path) as (pools, _):
        pools.submit(jobs[0])
        realm.heard.acquire()
        realm.card = None
        for job in jobs[1:]:
            pools.submit(job)
            realm.heard.acquire()
        began = [pools.done.empty()]
    results = [pools.done.get_nowait().result for _ in jobs]
    assert began == [True]
    assert results == [DialFailed("the realm stops")] * 3


def test_a_slow_door_holds_up_neither_others_nor_proofs(it: Bench, realm: FakeRealm, tmp_path: Path) -> None:
    with fake_realm() as slow, pooled(it, tmp_path) as (pools, told):
        slow.card = None
        realm.answer = done
        for _ in range(3):
            pools.submit(read_card(slow))
        slow.heard.acquire()
        jobs: list[DialJob] = [read_card(realm), introduce(realm), prove(realm)]
        finished: list[JobDone] = []
        for job in jobs:
            pools.submit(job)
            told.times.acquire()
            finished.append(pools.done.get_nowait())
        assert [one.job for one in finished] == jobs
        assert not any(isinstance(one.result, DialFailed) for one in finished)
        assert not slow.heard.acquire(blocking=False), "one at a time"


def test_two_realms_that_introduce_themselves_to_each_other_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """Each answers an introduction only when the other has proved it, while its own is under way."""
    proved = threading.Event()

    def prove_it(asked: Map) -> list[bytes]:
        proved.set()
        return done(asked)

    def wait_for_proof(asked: Map) -> list[bytes]:
        proved.wait()
        return done(asked)

    with bench() as it, fake_realm() as door, fake_realm() as commands, pooled(it, tmp_path) as (pools, told):
        door.answer, commands.answer = prove_it, wait_for_proof
        card = CardRead("pusat", 1, commands.key, commands.commands)
        pools.submit(Introduce(ask(), card, "127.0.0.1", door.port))
        commands.heard.acquire()
        pools.submit(prove(door))
        for _ in range(2):
            told.times.acquire()
        results = [pools.done.get_nowait().result for _ in range(2)]
        assert {str(one) for one in results} == {str(Agreed(one.commands)) for one in (door, commands)}


def test_time_is_bounded_over_all_addresses(monkeypatch: pytest.MonkeyPatch, realm: FakeRealm) -> None:
    """Each address has its share: the last one is not left without."""
    until: list[float] = []

    def asked(_self: Calls, address: str, port: int, question: bytes, largest: int, by: float) -> bytes:
        until.append(by - time.monotonic())
        return realm.card or b""

    with bench(hosts=("127.0.0.1", "127.0.0.2")) as it:
        monkeypatch.setattr(Calls, "ask_door", asked)
        monkeypatch.setattr("broker.dialling.READ_S", 1_000.0)
        assert isinstance(it.run(read_card(realm, "pusat.example")), CardRead)
    assert until[0] <= 500
