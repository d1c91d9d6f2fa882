"""What waits of that which a connection was given."""

import time

import pytest

from broker.account import BUCKET, BUCKETS, WINDOW_S, Account
from broker.tcp import Counted


class Clock:
    """The time that passes between two looks."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def acked(size: int, queued: int = 1) -> Counted:
    return Counted(size, 0, queued)


@pytest.mark.usefixtures("clock")
def test_what_is_acknowledged_beyond_what_was_given_is_for_once() -> None:
    """Of handshakes and heartbeats, of which nobody hears."""
    one = Account()
    one.look(acked(500))
    one.give(1_000)
    assert one.waits(acked(500)) == 1_000
    one.look(acked(1_400))
    assert one.waits(acked(1_400)) == 100
    one.look(acked(1_600))
    one.give(10)
    assert one.waits(acked(1_600)) == 10
    one.take_back(10)
    assert one.waits(acked(1_600)) == 0
    assert one.waits(acked(2_000)) == 0, "and seen to be more at the next look"


def test_where_the_system_has_nothing_to_send_nothing_waits_of_what_was_given_before(clock: Clock) -> None:
    """Should more have been counted than was sent, that is known then."""
    one = Account()
    one.give(1_000)
    for queued, later, waits in ((0, 0, 900), (0, WINDOW_S, 900), (1, WINDOW_S, 900), (0, WINDOW_S, 0)):
        clock.now += later
        one.look(acked(100, queued))
        assert one.waits(acked(100, queued)) == waits, (queued, later)
    one.give(50)
    clock.now += WINDOW_S
    one.look(acked(100, 0))
    assert one.waits(acked(100, 0)) == 50, "that may be on its way to the system"
    one.look(acked(150, 0))
    one.give(7)
    assert one.waits(acked(150, 0)) == 7, "to the byte again"


@pytest.mark.usefixtures("clock")
def test_no_more_waits_than_libzmq_keeps_where_it_may_drop() -> None:
    """It says that it has taken what it drops for who has not read before."""
    lossy, other = Account(), Account()
    lossy.is_lossy = True
    for one in (lossy, other):
        for _ in range(10 * BUCKETS * BUCKET):
            one.give(100)
    kept = lossy.waits(acked(0, 5_000)) - 5_000
    assert BUCKETS * BUCKET * 100 <= kept <= (BUCKETS + 1) * BUCKET * 100
    assert other.waits(acked(0, 5_000)) == 10 * BUCKETS * BUCKET * 100
    lossy.look(acked(0, 5_000))
    read = kept + 5_000
    assert lossy.waits(acked(read, 0)) == 0, "all that was not dropped is read"


def test_the_pace_at_which_somebody_reads(clock: Clock) -> None:
    one = Account()
    for size, pace in ((0, 0), (3_000, 3_000), (3_000, 0), (9_000, 6_000)):
        clock.now += WINDOW_S
        one.look(acked(size))
        assert one.pace == pace
    clock.now += WINDOW_S / 2
    one.look(acked(99_000))
    assert one.pace == 6_000, "too soon to tell"
