"""A peer that floods costs others nothing: others are answered meanwhile, and memory is bounded."""

import hashlib
import os
from typing import Any, Final

import msgpack
import pytest

from tests.faults.realm_kit import World, three
from tests.hostile.false_peer import SLACK, Attack, FalseRealm, Frames, others_notice_nothing, stolen
from tests.hostile.victim import MIB
from tests.wire.dialling import Map, packed
from tests.wire.stranger import new_ulid

__all__ = ["three"]

CONNECTIONS: Final = 100
HELD: Final = 256 * MIB
"""What memory may grow by: beyond it those are cut of whom more than a little is held."""
NOTICED: Final = 64 * MIB
"""What comes until that is noticed."""
SLOW: Final = packed(cmd="link.envelope", more=[{}] * 950_000)
"""A frame that takes far longer to read than to send."""
SLOW_FRAMES: Final = 3_000
FRAMES: Final = 20_000
LARGE: Final = 60_000
"""Bytes; with it 20,000 frames are more than a GB."""


def hello(number: int) -> list[bytes]:
    return [packed(cmd="link.hello", id=number, realm="pusat", version=1, features=[], epoch=1, next=1)]


def envelope(**changed: Any) -> Map:
    told = {"epoch": 1, "n": 1, "id": new_ulid(), "hash": bytes(32), "kind": "text", "from": "x@pusat", "name": "x"}
    return {"cmd": "link.envelope", **told, "to": "ear", "sent_at": 1, "message": "halo", **changed}


def garbage(number: int) -> list[bytes]:
    """What is no frame of the protocol, in all ways at once."""
    kinds = (
        [os.urandom(200)],
        [b""],
        [msgpack.packb([number])],
        [packed(cmd="link.nothing", id=number)],
        [packed(cmd="link.envelope", n=-1)],
        [packed(cmd="link.hello", id="x" * 1_000)],
        [msgpack.packb(envelope(**{"from": "x@timur"}))],
        [msgpack.packb(envelope(epoch=1 << 62, n=(1 << 63) - 1))],
        [msgpack.packb(envelope()), b"bytes that it should not have"],
        [packed(cmd="link.chunk", id=number, upload=new_ulid(), offset=1 << 40), os.urandom(100)],
        [packed(cmd="link.upload", id=number, **{"from": "x@pusat"}, to="ear", digest=bytes(32), size=-1, name="x")],
        [packed(cmd="operator.peers", id=number)],
    )
    return kinds[number % len(kinds)]


def beyond(number: int) -> list[bytes]:
    """Envelopes that do not follow, and large ones."""
    return [msgpack.packb(envelope(n=number + 2, message="x" * (LARGE if number % 8 == 0 else 10)))]


def hellos_and_envelopes(number: int) -> list[bytes]:
    return hello(number) if number % 2 else beyond(number)


MORE = pytest.mark.thorough


@pytest.mark.parametrize(
    ("frames", "reads"),
    [
        pytest.param(garbage, False, id="garbage, never reads"),
        pytest.param(garbage, True, id="garbage, reads", marks=MORE),
        pytest.param(hello, True, id="hello, reads"),
        pytest.param(hello, False, id="hello, never reads", marks=MORE),
        pytest.param(beyond, True, id="beyond, reads"),
        pytest.param(beyond, False, id="beyond, never reads", marks=MORE),
        pytest.param(hellos_and_envelopes, False, id="hellos and envelopes, never reads"),
        pytest.param(hellos_and_envelopes, True, id="hellos and envelopes, reads", marks=MORE),
    ],
)
def test_a_peer_that_floods(three: World, frames: Frames, reads: bool) -> None:
    with stolen(three) as sockets:
        attack = Attack(sockets, three, frames, reads=reads)
        others_notice_nothing(three, attack, lambda: attack.sent >= FRAMES)


@pytest.mark.thorough
def test_a_peer_with_many_connections(three: World) -> None:
    with stolen(three) as sockets:
        attack = Attack(sockets, three, lambda _: [SLOW], reads=True, connections=CONNECTIONS, at_once=4)
        others_notice_nothing(three, attack, lambda: attack.sent >= SLOW_FRAMES, SLACK + HELD + NOTICED)


@pytest.mark.thorough
def test_a_peer_that_refuses_to_end(three: World) -> None:
    """Messages that kampus refuses, each of them well-formed: for users that are not there, in the names of others."""
    hashes = [bytes(32)]

    def refused(number: int) -> list[bytes]:
        if not number:
            return [packed(cmd="link.hello", id=1, realm="pusat", version=1, features=[], epoch=7, next=1)]
        whose, to = (("x@pusat", "nobody"), ("y@timur", "ear"))[number % 2]
        told = envelope(epoch=7, n=number, to=to, **{"from": whose})
        array = [7, number, told["id"], "text", whose, "x", to, None, 1, "halo"]
        told["hash"] = hashlib.blake2b(hashes[number - 1] + msgpack.packb(array), digest_size=32).digest()
        hashes[number:] = [told["hash"]]  # a frame that found no room is made anew
        return [msgpack.packb(told)]

    with stolen(three) as sockets:
        attack = Attack(sockets, three, refused, reads=True)
        others_notice_nothing(three, attack, lambda: attack.sent >= FRAMES)
        assert attack.last["cmd"] == "link.ack"
        assert set(attack.last["results"].values()) <= {"user_not_found", "forbidden"}


def words(number: int) -> bytes:
    """Answers to nothing."""
    said = (
        packed(cmd="link.again"),
        packed(cmd="link.ack", epoch=1, after=0, upto=1 << 40, results={}),
        packed(cmd="link.ack", epoch=1, after=number, upto=number + 1, results={number: "x" * 64}),
        packed(id=number, status="OK", received={"epoch": 1 << 61, "n": 1, "hash": bytes(32)}),
        packed(id=None, status="ERROR", code="internal_error", message="x" * 10_000),
        os.urandom(100),
    )
    return said[number % len(said)]


@pytest.mark.thorough
def test_a_peer_that_answers_without_end(three: World) -> None:
    """It takes nothing, and says all that can be said."""
    flow = three.flow("kampus", "pusat", 30)
    with stolen(three) as sockets:
        false = FalseRealm(sockets, three.pusat, words)
        flow.more(100)
        others_notice_nothing(three, false, lambda: false.said >= FRAMES)
