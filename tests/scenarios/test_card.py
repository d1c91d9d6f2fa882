"""The front door answers any request with the identity card, in the clear; all else is learned from it."""

from typing import Any

import msgpack
import zmq
from zmq.utils import z85

from tests.realm_process import RealmProcess

REQUESTS = (msgpack.packb({"cmd": "identity", "id": 1}), msgpack.packb({}), b"\xc1 not MessagePack", b"")


def ask(realm: RealmProcess, request: bytes) -> dict[str, Any]:
    context: zmq.Context[zmq.Socket[bytes]]
    with zmq.Context() as context, context.socket(zmq.REQ) as door:
        door.linger, door.rcvtimeo = 0, 10_000
        door.connect(f"tcp://127.0.0.1:{realm.door}")
        door.send(request)
        return dict(msgpack.unpackb(door.recv()))


def test_the_card(realm: RealmProcess) -> None:
    """`{status: "OK", realm, version: 1, features: [str], key: str (Z85, 40 characters), commands, push}`."""
    cards = [ask(realm, request) for request in REQUESTS]
    [card] = [card for at, card in enumerate(cards) if card not in cards[:at]]
    assert (card["status"], card["realm"], card["version"]) == ("OK", "kampus", 1)
    assert (card["commands"], card["push"]) == (realm.commands, realm.push)
    assert all(isinstance(feature, str) for feature in card["features"])
    assert len(card["key"]) == 40
    assert len(z85.decode(card["key"])) == 32


def test_a_realm_keeps_its_key(realm: RealmProcess) -> None:
    """(host:port → realm, key) and (realm → key) are pinned: a restart changes neither."""
    before = ask(realm, REQUESTS[0])
    realm.stop()
    realm.start()
    assert ask(realm, REQUESTS[0]) == before
