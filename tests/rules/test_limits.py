"""What one address, user or session may ask."""

from realm.limits import REMEMBERED, Bucket, Buckets, Failures, Trusted
from realm.settings import Limits


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(10, now=0)
    assert [bucket.take(1, rate=2, burst=10, now=0) for _ in range(10)] == [0] * 10
    wait = bucket.take(1, rate=2, burst=10, now=0)
    assert wait == 501
    assert bucket.take(1, rate=2, burst=10, now=wait - 2) > 0
    assert bucket.take(1, rate=2, burst=10, now=wait) == 0


def test_a_cost_above_the_burst_waits_for_a_full_bucket() -> None:
    bucket = Bucket(10, now=0)
    assert bucket.take(50, rate=2, burst=10, now=0) == 0
    assert bucket.take(50, rate=2, burst=10, now=4_000) > 0
    assert bucket.take(50, rate=2, burst=10, now=10_000) == 0


def test_a_clock_that_goes_back_gives_nothing_and_breaks_nothing() -> None:
    bucket = Bucket(1, now=1_000_000)
    assert bucket.take(1, rate=1, burst=1, now=1_000_000) == 0
    assert bucket.take(1, rate=1, burst=1, now=0) > 0
    assert bucket.take(1, rate=1, burst=1, now=1_001) == 0


def test_callers_do_not_share_and_the_longest_unseen_is_forgotten() -> None:
    buckets = Buckets(rate=1, burst=1)
    assert buckets.take("first", now=0) == 0
    assert buckets.take("first", now=0) > 0
    for number in range(REMEMBERED):
        assert buckets.take(str(number), now=0) == 0
    assert buckets.take("first", now=0) == 0


def test_the_delay_grows_with_each_failure_and_ends_with_the_right_password() -> None:
    failures = Failures(Limits(free_failures=2, failure_delay_ms=1_000, failure_delay_max_ms=3_000))
    waits = []
    for _ in range(6):
        failures.attempt("messi", now=0)
        waits.append(failures.wait("messi", now=0))
    assert waits == [0, 0, 1_000, 2_000, 3_000, 3_000]
    assert failures.wait("henderson", now=0) == 0
    assert failures.wait("messi", now=3_000) == 0
    failures.right("messi")
    assert failures.wait("messi", now=0) == 0


def test_trusted_addresses() -> None:
    trusted = Trusted(("127.0.0.0/8", "::1/128", "10.1.0.0/16"))
    inside = ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3"]
    outside = ["10.2.0.1", "fe80::1%eth0", "", "not an address"]
    assert [address in trusted for address in inside] == [True] * 4
    assert [address in trusted for address in outside] == [False] * 4
