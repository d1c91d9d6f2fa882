"""Password hashes are slow by design: who would wait too long is told at once, and addresses take turns."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.realm_process import RealmProcess
from tests.wire.attacker import HARD_LIMITS, PASSWORD, Caller, Outside, outside, refusal
from tests.wire.dialling import Map

SLOW = """
[limits]
logins_per_minute = 100000
login_burst = 100000
[hashing]
memory_kib = 65536
passes = 3
lanes = 1
workers = 1
"""
TOGETHER = 10
TRIES = 100


@pytest.fixture
def slow(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Outside]:
    """What reaches a realm that hashes slowly, with the `max_wait_ms` that the test names."""
    realm = RealmProcess(tmp_path, config=f"{HARD_LIMITS}{SLOW}max_wait_ms = {request.param}\n")
    try:
        with outside(realm.start()) as here:
            yield here
    finally:
        if realm.running:
            realm.kill()


def post(caller: Caller, username: str) -> None:
    caller.post("register", username=username, password=PASSWORD, name="Somebody", country="Indonesia")


@pytest.mark.parametrize("slow", [1], indirect=True)
def test_who_would_wait_too_long_is_told_at_once(slow: Outside) -> None:
    """The refusals overtake the answer that is being worked for."""
    caller = slow.caller()
    for number in range(TOGETHER):
        post(caller, f"user{number}")
    answers = [caller.answer() for _ in range(TOGETHER)]
    assert refusal(answers[0]) == "rate_limited"
    done = [answer for answer in answers if answer["status"] == "OK"]
    late = [answer for answer in answers if answer["status"] != "OK"]
    assert done
    assert late
    for answer in late:
        assert refusal(answer) == "rate_limited"
        assert answer["retry_after"] > 0


def persist(caller: Caller, username: str) -> Map:
    """Register, coming back as often as told to."""
    for _ in range(TRIES):
        post(caller, username)
        answer = caller.answer()
        if answer["status"] == "OK":
            return answer
        assert refusal(answer) == "rate_limited"
        assert not caller.socket.poll(answer["retry_after"])
    raise AssertionError("never served")


@pytest.mark.parametrize("slow", [1], indirect=True)
def test_who_comes_back_as_told_is_served(slow: Outside) -> None:
    crowd, patient = slow.caller(), slow.caller()
    for number in range(TOGETHER):
        post(crowd, f"user{number}")
    assert persist(patient, "patient")["user"] == "patient@kampus"


@pytest.mark.parametrize("slow", [600_000], indirect=True)
def test_a_crowd_at_one_address_delays_only_itself(slow: Outside) -> None:
    crowd, other = slow.caller(), slow.caller(source="127.0.0.2")
    for number in range(TOGETHER):
        post(crowd, f"user{number}")
    crowd.post("info")
    assert crowd.answer()["id"] == TOGETHER + 1, "the crowd is not yet waiting"
    post(other, "other")
    assert other.answer()["status"] == "OK"
    served = 0
    while crowd.socket.poll(0):
        assert crowd.answer()["status"] == "OK"
        served += 1
    assert served < TOGETHER // 2
    for _ in range(TOGETHER - served):
        assert crowd.answer()["status"] == "OK"


@pytest.mark.parametrize("slow", [600_000], indirect=True)
def test_commands_go_on_while_passwords_are_hashed(slow: Outside) -> None:
    person, crowd = slow.person("messi"), slow.caller()
    for number in range(TOGETHER):
        post(crowd, f"user{number}")
    assert [person.send("messi", f"note {number}")["seq"] for number in range(20)] == list(range(1, 21))
    served = 0
    while crowd.socket.poll(0):
        crowd.answer()
        served += 1
    assert served < TOGETHER
