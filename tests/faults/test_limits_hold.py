"""Limits that hold: whoever asks for too much costs others nothing, and memory stays within stated bounds.

Each attack is made on a real realm while two witnesses talk: all that they say is answered and heard. A bound is
what the realm may grow by, resident, until the attack is over.
"""

import json
import os
import resource
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import zmq

from tests.conftest import StartRealm
from tests.realm_process import NO_LIMITS, RealmProcess
from tests.wire.attacker import HARD_LIMITS, PASSWORD, Caller, Outside, Person, Witness, outside
from tests.wire.dialling import Keys, Map, Sockets, new_keys, packed, unpacked
from tests.wire.zmtp import RawPeer, greeting, ready, stranger

MIB = 1024 * 1024
SLACK = 24 * MIB
"""What a realm may grow by under any load: the frames of two turns, and memory that Python keeps for the next."""
PAGE = 256 * 1024
MESSAGE = 60_000
"""Four of these and what goes with them fill a page."""
ELSEWHERE = "127.0.0.2"

FLOOD = 10_000
AT_ONCE = 400
"""So many answers always have room: 1,024 may wait for one connection, and libzmq notes in steps of half of that
what was read."""
FLOOD_BOUND = SLACK
"""Nothing is kept of a command that is refused."""

PAGE_UNITS = 40
"""What a page costs a session: 10 for the command, and one for each 8 KiB."""
SECONDS = 30
"""No attack takes longer."""
UNREAD = 3_000
UNREAD_BOUND = (2_000 + 200 * SECONDS) // PAGE_UNITS * PAGE + SLACK
"""A session has 2,000 units at once and earns 200 a second. Kept, the answers to all that is asked take 700 MiB."""

DEAF = 10
PUSHES = 2_400
PUSHED = 8_000
ENTRY = PUSHED + 1_000
QUEUED_PUSHES = 256
PUSHES_BOUND = DEAF * QUEUED_PUSHES * ENTRY + 2 * PUSHES * ENTRY + SLACK
"""So many wait for each deaf device, and what is stored may be in caches. Kept, all would take 206 MiB."""

CROWD = 1_000
CONNECTION = 64 * 1024
"""What libzmq has for a connection, about twice: two pipes, two buffers of 8 KiB, the state of CURVE."""
FEW, MANY = 512, 4_096
"""Descriptors: a realm raises its own limit from fewer than the crowd needs; each of the crowd's sockets has two."""
CROWD_BOUND = CROWD * CONNECTION + SLACK

KNOCKS = 2_000

LOGINS = 2_000
LOGINS_BOUND = SLACK
"""Nothing is kept of a login that is refused."""

PAGES = 1_000
PAGES_AT_ONCE = 50
PAGES_BOUND = PAGES_AT_ONCE * PAGE + SLACK
"""So many are asked for, and then read, before more are asked for."""

TOPICS = 4_000
TOPIC_BYTES = 440
"""With what CURVE adds, this is just within the 512 bytes of a frame."""
TOPICS_BOUND = SLACK
"""The connection is cut after 64 that were refused. Kept, at about 20 KiB each, they would take 80 MiB."""


class Attacked:
    """A realm under attack, and the witnesses."""

    def __init__(self, realm: RealmProcess, here: Outside) -> None:
        self.realm, self.here = realm, here
        self.witness = Witness(here)
        self.attacker = here.person("attacker")
        self.before = realm.resident_bytes()

    def holds(self, bound: int) -> None:
        """The witnesses notice nothing, and the realm has grown by less than `bound`."""
        self.witness.notices_nothing()
        grown = self.realm.resident_bytes() - self.before
        assert grown < bound, f"{grown / MIB:.1f} MiB more"

    def named(self, event: str) -> list[Map]:
        """What the log says under this name."""
        lines = [json.loads(line) for line in self.realm.log().splitlines()]
        return [line for line in lines if line["event"] == event]


@contextmanager
def attack(start_realm: StartRealm, config: str = "") -> Iterator[Attacked]:
    """Attack a realm, which is well at the end."""
    realm = start_realm(config=config, options=("--log-format", "json"))
    with outside(realm) as here:
        attacked = Attacked(realm, here)
        yield attacked
        attacked.witness.notices_nothing()
        assert not attacked.named("internal error")
    assert realm.stop() == 0


@contextmanager
def crowd(attacked: Attacked) -> Iterator[list[Caller]]:
    """A thousand clients that connect at once."""
    sockets = Sockets()
    sockets.context.set(zmq.MAX_SOCKETS, 2 * CROWD)
    sockets.server_key = attacked.here.server_key
    try:
        keys = [new_keys() for _ in range(CROWD)]
        with descriptors(MANY):
            yield [Caller(dial(sockets, attacked.realm.commands, own)) for own in keys]
    finally:
        sockets.close()


@contextmanager
def descriptors(most: int) -> Iterator[None]:
    """So many for this process, and at first for those that it starts."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


def answers(caller: Caller, calls: int) -> Counter[str]:
    """How often each status or code came in the answers to so many calls, each answered once."""
    told = [caller.answer() for _ in range(calls)]
    assert len({answer["id"] for answer in told}) == calls
    return Counter(str(answer.get("code", answer["status"])) for answer in told)


def dial(sockets: Sockets, port: int, keys: Keys) -> zmq.Socket[bytes]:
    """Connect without a monitor, of which each would take two sockets more."""
    dealer = sockets.socket(zmq.DEALER)
    dealer.curve_publickey, dealer.curve_secretkey = keys.public, keys.secret
    dealer.curve_serverkey = sockets.server_key
    dealer.connect(f"tcp://127.0.0.1:{port}")
    return dealer


def listen_and_never_read(here: Outside) -> None:
    """Another device of the attacker."""
    keys = new_keys()
    session = here.caller(keys).done("auth", username="attacker", password=PASSWORD)
    listener = here.listener(keys, bytes(session["topic"]), rcvhwm=1, rcvbuf=4096).connected()
    listener.subscribe()
    listener.welcomed()


def fill_page(person: Person) -> str:
    """A conversation that fills a page."""
    conversation = ""
    for _ in range(4):
        conversation = person.send(person.username, "x" * MESSAGE)["conversation"]
    return conversation


def test_a_client_that_floods(start_realm: StartRealm) -> None:
    with attack(start_realm) as attacked:
        attacker = attacked.attacker
        told: Counter[str] = Counter()
        for step in range(FLOOD // AT_ONCE):
            for _ in range(AT_ONCE):
                attacker.post("send", to="attacker", message=f"flood {step}")
            attacked.holds(FLOOD_BOUND)
            told += answers(attacker.caller, AT_ONCE)
        attacked.holds(FLOOD_BOUND)
        assert told.keys() == {"OK", "rate_limited"}
        assert told["rate_limited"] > FLOOD // 4


def test_a_stranger_that_floods(start_realm: StartRealm) -> None:
    with attack(start_realm, HARD_LIMITS) as attacked:
        stranger = attacked.here.caller(source=ELSEWHERE)
        told: Counter[str] = Counter()
        for _ in range(FLOOD // AT_ONCE):
            for _ in range(AT_ONCE):
                stranger.post("info")
            attacked.holds(FLOOD_BOUND)
            told += answers(stranger, AT_ONCE)
        attacked.holds(FLOOD_BOUND)
        assert told.keys() == {"OK", "rate_limited"}
        assert told["rate_limited"] > FLOOD // 2
        assert [line["address"] for line in attacked.named("address limited")] == [ELSEWHERE]


def test_a_client_that_never_reads_its_answers(start_realm: StartRealm) -> None:
    with attack(start_realm) as attacked:
        attacker = attacked.attacker
        conversation = fill_page(attacker)
        deaf = attacked.here.caller(attacker.keys, rcvhwm=1, rcvbuf=4096).socket
        for number in range(UNREAD):
            deaf.send(packed(cmd="history", id=number, tokenId=attacker.token, conversation=conversation))
            if number % 300 == 0:
                attacked.holds(UNREAD_BOUND)

        # Whoever hears this knows that all before it is done: commands of one connection keep their order.
        accomplice = Person(attacked.here, "accomplice", attacker.keys, attacker.caller)
        deaf.send(packed(cmd="send", id=UNREAD, tokenId=accomplice.token, to="witness-b", message="all asked"))
        attacked.witness.ears.hear_until("all asked")
        attacked.holds(UNREAD_BOUND)
        assert [line["key"] for line in attacked.named("answers not read")] == [attacker.keys.public.decode()]


def test_subscribers_that_never_read(start_realm: StartRealm) -> None:
    with attack(start_realm, NO_LIMITS) as attacked:
        accomplice = attacked.here.person("accomplice")
        for _ in range(DEAF):
            listen_and_never_read(attacked.here)
        for _ in range(10):
            for _ in range(PUSHES // 10):
                accomplice.post("send", to="attacker", message="x" * PUSHED)
            assert answers(accomplice.caller, PUSHES // 10) == {"OK": PUSHES // 10}
            attacked.holds(PUSHES_BOUND)
        assert [line["user"] for line in attacked.named("pushes not read")] == ["attacker"]


def test_a_thousand_that_connect_at_once(start_realm: StartRealm) -> None:
    with descriptors(FEW), attack(start_realm) as attacked, crowd(attacked) as callers:
        for caller in callers:
            caller.post("info")
        attacked.holds(CROWD_BOUND)
        for caller in callers:
            assert "attacker" in caller.answer()["message"]
        attacked.holds(CROWD_BOUND)


def test_a_stranger_that_connects_and_connects(start_realm: StartRealm) -> None:
    with descriptors(MANY), attack(start_realm, HARD_LIMITS) as attacked, ExitStack() as stack:
        for number in range(CROWD):
            peer = stack.enter_context(RawPeer(attacked.realm.door, source=ELSEWHERE))
            peer.write(greeting() + ready())
            if number % 100 == 0:
                attacked.holds(CROWD_BOUND)
        attacked.holds(CROWD_BOUND)
        assert attacked.here.card()["realm"] == "kampus"
        assert [line["address"] for line in attacked.named("connections limited")] == [ELSEWHERE]


def test_a_stranger_that_asks_at_the_front_door_again_and_again(start_realm: StartRealm) -> None:
    with attack(start_realm, HARD_LIMITS) as attacked, stranger(attacked.realm.door, source=ELSEWHERE) as peer:
        told = Counter(unpacked(peer.ask()).get("code", "OK") for _ in range(KNOCKS))
        assert told.keys() == {"OK", "rate_limited"}
        assert told["rate_limited"] > KNOCKS // 4
        attacked.holds(SLACK)
        assert [line["address"] for line in attacked.named("front door limited")] == [ELSEWHERE]


def test_a_storm_of_wrong_logins(start_realm: StartRealm) -> None:
    config = HARD_LIMITS + "[limits]\nlogins_per_minute = 60\nlogin_burst = 20\n"
    with attack(start_realm, config) as attacked:
        stranger = attacked.here.caller(source=ELSEWHERE)
        for step in range(10):
            for number in range(LOGINS // 10):
                username = "attacker" if number % 2 else f"user{step}-{number}"
                stranger.post("auth", username=username, password="wrong password")
            attacked.holds(LOGINS_BOUND)

            # From elsewhere one logs in meanwhile, also as the very user whose password is being guessed.
            attacked.attacker.log_in()
        told = answers(stranger, LOGINS)
        assert told.keys() == {"wrong_password", "user_not_found", "rate_limited"}
        assert told["rate_limited"] > LOGINS * 9 // 10
        attacked.holds(LOGINS_BOUND)
        assert [line["address"] for line in attacked.named("address limited")] == [ELSEWHERE]


def test_full_pages_in_a_loop(start_realm: StartRealm) -> None:
    with attack(start_realm) as attacked:
        attacker = attacked.attacker
        conversation = fill_page(attacker)
        told: Counter[str] = Counter()
        for _ in range(PAGES // PAGES_AT_ONCE):
            for _ in range(PAGES_AT_ONCE):
                attacker.post("history", conversation=conversation)
            attacked.holds(PAGES_BOUND)
            told += answers(attacker.caller, PAGES_AT_ONCE)
        assert told.keys() == {"OK", "rate_limited"}
        assert told["OK"] >= 2_000 // PAGE_UNITS - 1


def test_topics_of_others(start_realm: StartRealm) -> None:
    with attack(start_realm) as attacked:
        attacker = attacked.attacker
        listener = attacker.listener()
        for number in range(TOPICS):
            listener.subscribe(os.urandom(TOPIC_BYTES))
            if number % 200 == 0:
                attacked.holds(TOPICS_BOUND)
        listener.dialled.wait(zmq.EVENT_DISCONNECTED)
        assert attacker.caller.refused("inbox", tokenId=attacker.token) == "session_not_found"
        attacked.holds(TOPICS_BOUND)
        named = attacked.named("too many subscriptions refused")
        assert [line["key"] for line in named] == [attacker.keys.public.decode()]
