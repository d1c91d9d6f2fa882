"""What one peer may have of a turn, so that a realm's own users have theirs whatever others send."""

from collections import Counter

import msgspec
import pytest

from realm.context import MEMBERS_A_UNIT, PUSHES_A_UNIT
from realm.effects import Publish
from realm.federation.state import UNACKNOWLEDGED
from realm.request import Request, Route
from realm.settings import PeerRules, Settings
from schemas import commands
from schemas.answers import Sent
from schemas.codec import decode_command, encode_command
from schemas.federation import LinkAck, LinkAgain
from schemas.names import Address, Name
from tests.rules.federation_kit import Liar, Network, Node, User, envelope, key_of_realm, make_pair
from tests.rules.kit import ok

UNITS = 100
LITTLE = Settings(peers=PeerRules(units_a_turn=UNITS))
MEMBERS = 40


def request(key: str, route: bytes, frame: bytes) -> Request:
    decoded = decode_command([frame])
    assert isinstance(decoded, tuple)
    return Request(Route(route), key, "127.0.0.1", *decoded)


def flood(liar: Liar, node: Node, count: int, **changes: object) -> list[Request]:
    """So many envelopes in order, after a hello."""
    liar.hello(node)
    digest, told = bytes(32), []
    for n in range(1, count + 1):
        one = envelope(n, n, digest, **changes)
        digest = bytes(one["hash"])
        told.append(request(liar.key, liar.route, msgspec.msgpack.encode(one)))
    return told


def crowd(node: Node) -> User:
    """A group `new` of many who are all there."""
    users = [node.user(f"user{number}") for number in range(MEMBERS)]
    ok(users[0].get(commands.AddGroup, group="new"))
    for user in users[1:]:
        ok(user.get(commands.JoinGroup, group=Name("new")))
    return users[0]


@pytest.fixture
def kampus(network: Network) -> Node:
    node = network.realm("kampus", LITTLE)
    messi = node.user("messi")
    for name in ("pusat", "desa"):
        liar = network.liar(name)
        liar.answer = lambda asked, liar=liar: liar.greeting(asked) if asked["cmd"] == "link.hello" else []  # type: ignore[misc]
        ok(messi.add_realm(name).answer)
    network.run(3_000)
    return node


def test_a_peer_that_floods_a_large_group_leaves_the_turn_to_others(kampus: Node, network: Network) -> None:
    """What it may have is reckoned by whom it is pushed to; the rest is not applied, and it is told to begin again."""
    user = crowd(kampus)
    requests = flood(network.liars["pusat"], kampus, 300, to=None, group="new")
    send = commands.Send(id=9, tokenId=user.token, to=Address("user1"), message="halo")
    before = len(kampus.effects)
    replies = kampus.turn(*requests, request(user.key, b"local", encode_command(send)))
    assert isinstance(replies[-1].answer, Sent)
    pushed = sum(len(one.topics) for one in kampus.effects[before:] if isinstance(one, Publish))
    assert pushed <= 8 * UNITS + 2 * MEMBERS
    words = [reply.answer for reply in replies[:-1]]
    assert isinstance(words[0], LinkAck)
    assert UNITS / 8 < words[0].upto <= UNITS
    assert Counter(map(type, words)) == {LinkAck: 1, LinkAgain: 300 - words[0].upto}
    assert kampus.taken("pusat").n == words[0].upto
    replies = kampus.turn(*requests[words[0].upto :])
    assert isinstance(replies[0].answer, LinkAck), "the next turn takes more"


def test_each_peer_has_a_share_of_its_own(kampus: Node, network: Network) -> None:
    first = flood(network.liars["pusat"], kampus, 200)
    second = flood(network.liars["desa"], kampus, 50, sender="ani@desa")
    kampus.turn(*first, *second)
    assert (kampus.taken("pusat").n, kampus.taken("desa").n) == (89, 50)


def test_long_messages_count_for_more(kampus: Node, network: Network) -> None:
    kampus.turn(*flood(network.liars["pusat"], kampus, 100, message="x" * 65_536))
    assert kampus.taken("pusat").n == 11


def test_whatever_one_message_costs_it_is_taken(network: Network) -> None:
    node = network.realm("kampus", Settings(peers=PeerRules(units_a_turn=1)))
    user = crowd(node)
    liar = network.liar("pusat")
    ok(user.add_realm("pusat").answer)
    node.turn(*flood(liar, node, 2, to=None, group="new"))
    assert node.taken("pusat").n == 1


def test_an_honest_peer_loses_nothing_by_it(network: Network) -> None:
    pair = make_pair(network, pusat=Settings(peers=PeerRules(units_a_turn=5)))
    network.hold("link.envelope")
    for number in range(30):
        pair.messi.send("bob@pusat", str(number))
    for _ in range(9):
        held, network.held = network.held, []
        if held:
            pair.pusat._asking[held[-1].route] = lambda reply, frame=held[-1]: network.answered(frame, reply)  # type: ignore[misc]
            pair.pusat.turn(*(request(key_of_realm("kampus"), one.route, one.frames[0]) for one in held))
        network.run(2_000)
    assert pair.bob.texts(pair.talk) == [str(number) for number in range(30)]
    assert pair.kampus.ends("pusat").queued == 0
    assert pair.kampus.link("pusat").down_since is None, "nobody was told that it is out of reach"


def test_what_a_healthy_federation_sends_at_once_is_within_it() -> None:
    """A full window for groups of fifty who are all there."""
    assert PeerRules().units_a_turn > UNACKNOWLEDGED * (1 + 50 / MEMBERS_A_UNIT + 50 / PUSHES_A_UNIT)
