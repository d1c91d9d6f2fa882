"""How much waits for whom, by what the system says of each connection."""

from typing import Any, cast

import zmq

from broker.backlog import MOST, MOST_OF_ALL, Backlog
from broker.sockets import UNREAD_MS

FRAME = cast("zmq.Frame", None)


class Connections:
    """What peers have acknowledged, and the time."""

    def __init__(self) -> None:
        self.now = 0
        self.acked: int | None = 1_000
        self.backlog = Backlog(lambda: self.now, lambda _frame: self.acked)

    def is_long(self, peer: bytes, who: str = "messi") -> bool:
        return self.backlog.is_long(peer, who, FRAME)


def test_what_is_read_does_not_wait() -> None:
    all_of_them = Connections()
    for _ in range(10):
        assert not all_of_them.is_long(b"1")
        all_of_them.backlog.handed(b"1", MOST)
        assert all_of_them.acked is not None
        all_of_them.acked += MOST


def test_what_is_not_read_waits_until_it_is() -> None:
    all_of_them = Connections()
    assert not all_of_them.is_long(b"1")
    all_of_them.backlog.handed(b"1", MOST)
    assert not all_of_them.is_long(b"1")
    all_of_them.backlog.handed(b"1", 1)
    assert all_of_them.is_long(b"1")
    all_of_them.acked = 1_001
    assert not all_of_them.is_long(b"1")


def test_all_connections_of_a_user_count_together_and_others_apart() -> None:
    all_of_them = Connections()
    for peer in (b"1", b"2"):
        assert not all_of_them.is_long(peer)
        all_of_them.backlog.handed(peer, MOST * 2 // 3)
    assert all_of_them.is_long(b"2")
    assert all_of_them.is_long(b"3"), "nor does a new one get more"
    assert not all_of_them.is_long(b"4", "henderson")


def test_all_users_together_have_a_bound() -> None:
    all_of_them = Connections()
    for number in range(MOST_OF_ALL // MOST + 1):
        peer = str(number).encode()
        all_of_them.is_long(peer, f"user{number}")
        all_of_them.backlog.handed(peer, MOST)
    assert all_of_them.is_long(b"another", "nobody")


def test_who_is_not_heard_of_any_more_is_forgotten_with_what_waited() -> None:
    all_of_them = Connections()
    all_of_them.is_long(b"1")
    all_of_them.backlog.handed(b"1", MOST + 1)
    all_of_them.now = UNREAD_MS
    assert all_of_them.is_long(b"2")
    all_of_them.now = UNREAD_MS + 1
    assert not all_of_them.is_long(b"2")
    inside: Any = all_of_them.backlog
    assert list(inside._peers) == [b"2"]
    assert (inside._all, inside._of.total()) == (0, 0)


def test_where_nobody_knows_nothing_waits() -> None:
    all_of_them = Connections()
    all_of_them.acked = None
    assert not all_of_them.is_long(b"1")
    all_of_them.backlog.handed(b"1", MOST * 2)
    assert not all_of_them.is_long(b"1")
