"""What `peers` shows of peers, to people and to programs."""

import json
from typing import Any

import pytest

from broker.dialling import Home
from realm.cli import peer_table
from schemas.names import Name
from schemas.operator import PeerSeen, PeersSeen

NOW = 1_790_000_000_000
DAY = 86_400_000


def peer(**told: Any) -> PeerSeen:
    known: dict[str, Any] = {"realm": "pusat", "address": "127.0.0.1", "port": 9889, "key": "0" * 40, "answers": True}
    known |= {"speaks": True, "queued": 0, "oldest": None, "heard_at": NOW - 3_000, "down_since": None}
    known |= {"next_try": None, "error": "", "restored_at": None, "allowed": True}
    return PeerSeen(**known | told)


def row(*, running: bool = True, **told: Any) -> str:
    """What is shown of one peer, with single spaces."""
    seen = PeersSeen(id=1, realm="kampus", home="127.0.0.1:8889", peers=[peer(**told)])
    _, _, *lines = peer_table.to_text(seen, NOW, running=running).splitlines()
    (line,) = lines
    return " ".join(line.split())


def test_a_peer_that_answers() -> None:
    assert row() == "pusat 127.0.0.1:9889 0 - 3 s ago answers"
    assert row(queued=12_345, oldest=NOW - 3_700_000) == "pusat 127.0.0.1:9889 12,345 1 h 3 s ago answers"
    assert row(speaks=False) == "pusat 127.0.0.1:9889 0 - 3 s ago answers, has not greeted us yet"
    assert row(address="::1") == "pusat [::1]:9889 0 - 3 s ago answers"


def test_a_peer_that_does_not() -> None:
    told: dict[str, Any] = {"answers": False, "down_since": NOW - 60_000, "next_try": NOW + 20_000, "error": "gone"}
    shown = row(**told)
    assert shown.startswith("pusat 127.0.0.1:9889 0 - 3 s ago unreachable since ")
    assert shown.endswith(", next try in 20 s: gone")
    assert row(**told | {"next_try": NOW - 5}).endswith("next try in 0 s: gone")
    assert "since 20" in row(**told | {"down_since": NOW - 3 * DAY}), "with the date, where that is another"
    assert row(answers=False, heard_at=None) == "pusat 127.0.0.1:9889 0 - never not tried yet"


def test_a_restore_has_a_column_where_one_was_noticed() -> None:
    seen = PeersSeen(id=1, realm="kampus", home="", peers=[peer(), peer(realm="lain", restored_at=NOW - 3 * DAY)])
    _, heads, first, second = peer_table.to_text(seen, NOW, running=True).splitlines()
    assert "restore noticed" in heads
    assert first.split()[-2:] == ["-", "answers"]
    assert second.split()[-3].startswith("20")


def test_what_is_not_known_while_no_realm_runs() -> None:
    shown = row(running=False, answers=False, heard_at=None, queued=2, oldest=NOW - 120_000)
    assert shown == "pusat 127.0.0.1:9889 2 2 min - -"


@pytest.mark.parametrize("harm", ["\x1b[31m", "[red]", "\n", "\u202e"])
def test_what_others_say_does_nothing_to_the_terminal(harm: str) -> None:
    told = row(answers=False, down_since=NOW, error=f"a{harm}b", address=f"c{harm}d")
    assert harm.isprintable() == (harm in told)


def test_no_peers() -> None:
    seen = PeersSeen(id=1, realm="kampus", home="127.0.0.1:8889", peers=[])
    told = peer_table.to_text(seen, NOW, running=True)
    assert "python -m realm accept" in told
    assert json.loads(peer_table.to_json(seen, running=True)) == {
        "running": True,
        "realm": "kampus",
        "home": "127.0.0.1:8889",
        "peers": [],
    }


@pytest.mark.parametrize(
    ("listening", "advertised", "told"),
    [
        ("127.0.0.1", None, "127.0.0.1:8889"),
        ("::1", None, "[::1]:8889"),
        ("kampus.id", None, "kampus.id:8889"),
        ("0.0.0.0", "kampus.id:443", "kampus.id:443"),
        ("127.0.0.1", "[2001:db8::1]:443", "[2001:db8::1]:443"),
    ],
)
def test_where_others_reach_a_realm(listening: str, advertised: str | None, told: str) -> None:
    assert Home.at(Name("kampus"), listening, 8889, advertised).told() == told


@pytest.mark.parametrize("listening", ["0.0.0.0", "::"])
def test_any_address_is_told_as_one(listening: str) -> None:
    told = Home.at(Name("kampus"), listening, 8889, None).told()
    assert told.endswith(":8889")
    assert not told.startswith(("0.0.0.0", "[::]"))


def test_a_peer_that_the_settings_bar() -> None:
    assert "not spoken to: the settings say so" in row(allowed=False, answers=False)
