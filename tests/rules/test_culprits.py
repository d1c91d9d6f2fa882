"""Who is named in the log, and how often."""

import pytest
from structlog.testing import capture_logs

from broker.culprits import AT_MOST, Culprits

MINUTE = 60_000


@pytest.fixture
def clock() -> list[int]:
    return [0]


def named(culprits: Culprits, *everybody: str) -> list[str]:
    with capture_logs() as lines:
        for who in everybody:
            culprits.name("too much", who, user=who)
    return [str(line["user"]) for line in lines]


def test_each_is_named_once_a_minute(clock: list[int]) -> None:
    culprits = Culprits(lambda: clock[0])
    assert named(culprits, "ani", "budi", "ani", "ani") == ["ani", "budi"]
    clock[0] += MINUTE
    assert named(culprits, "ani", "ani") == ["ani"]


def test_many_do_not_fill_the_log(clock: list[int]) -> None:
    culprits = Culprits(lambda: clock[0])
    crowd = [f"user{number}" for number in range(1_000)]
    assert named(culprits, *crowd) == crowd[:AT_MOST]
    with capture_logs() as lines:
        culprits.name("something else", "ani", user="ani")
    assert lines
    clock[0] += MINUTE
    assert len(named(culprits, *reversed(crowd))) == AT_MOST
