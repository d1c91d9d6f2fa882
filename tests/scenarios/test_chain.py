"""`chain`: who holds entry n can check that n+1 follows it."""

import hashlib
from typing import Any

from tests.wire.player import Stage
from tests.wire.stranger import follows

FIRST: dict[str, Any] = {
    "conversation": "private/henderson@kampus,messi@kampus",
    "seq": 1,
    "id": "01J0000000000000000000000A",
    "from": "messi@kampus",
    "sent_at": 1790000000000,
    "kind": "text",
    "salt": bytes(range(16)),
    "message": "halo",
    "chain": bytes.fromhex("80183bbd47f1f2aaefee4daf1802e331c750eab7e11d5460f43a25b762172f76"),
}
SECOND: dict[str, Any] = {
    "conversation": "private/henderson@kampus,messi@kampus",
    "seq": 70000,
    "id": "01J0000000000000000000000B",
    "from": "henderson@kampus",
    "sent_at": 1790000000001,
    "kind": "file",
    "salt": bytes(range(16)),
    "file": {
        "id": "not in the chain",
        "name": "foto.png",
        "size": 70000,
        "media_type": "image/png",
        "digest": hashlib.sha256(b"x").digest(),
    },
    "chain": bytes.fromhex("d12522f2c3cdcfecdf1ad588d5b996cbffaba8372af4c0aec5e13a209eb16643"),
}


def test_vectors() -> None:
    """The vectors of the protocol, by the client that a stranger can copy."""
    assert follows(bytes(32), FIRST)
    assert follows(FIRST["chain"], SECOND)
    assert not follows(bytes(32), {**FIRST, "message": "hallo"})
    assert not follows(FIRST["chain"], {**SECOND, "seq": 2})
    assert not follows(bytes(32), SECOND)


def test_an_erased_entry_keeps_the_chain() -> None:
    """An erased one has `erased: true` and `body` in place of salt and content."""
    body = hashlib.blake2b(FIRST["salt"] + b"halo", digest_size=32).digest()
    erased = {key: value for key, value in FIRST.items() if key not in ("salt", "message")}
    assert follows(bytes(32), {**erased, "erased": True, "body": body})
    assert not follows(bytes(32), {**erased, "erased": True, "body": bytes(32)})


def test_many_entries(team: Stage) -> None:
    """Of 300 entries by two users, across a restart, every one follows the one before; salts are never reused."""
    team.play("""
        messi: send henderson m{1..100}
        henderson hears: m{1..100}
        henderson: send messi h{101..200}
        messi hears: h{101..200}
        restart realm
        messi hears welcome: total=200
        henderson hears welcome: total=200
        lineker hears welcome: total=0
        messi: send henderson m{201..300}
        henderson hears: m{201..300}
    """)
    chain, salts = bytes(32), set()
    for after in (0, 100, 200):
        ask = {"cmd": "history", "conversation": "private/henderson@kampus,messi@kampus", "after": after}
        [page] = team.actor("henderson").ask([ask])
        assert [entry["seq"] for entry in page["entries"]] == list(range(after + 1, after + 101))
        for entry in page["entries"]:
            assert follows(chain, entry), entry
            chain = entry["chain"]
            salts.add(entry["salt"])
    assert len(salts) == 300
