"""How much one address, one user and one session may ask, in realms whose limits are small.

Whoever is told `rate_limited` is also told when to come back, and is then served.
"""

from contextlib import ExitStack

from tests.conftest import StartRealm
from tests.wire.attacker import HARD_LIMITS, PASSWORD, Caller, at_the_door, outside, refusal
from tests.wire.dialling import Map, unpacked
from tests.wire.zmtp import RawPeer, greeting, ready

FREE_FAILURES = 2
DELAY_MS = 2_000
FAILURES = f"""{HARD_LIMITS}
[limits]
free_failures = {FREE_FAILURES}
failure_delay_ms = {DELAY_MS}
failure_delay_max_ms = {16 * DELAY_MS}
logins_per_minute = 10000
login_burst = 10000
"""
ELSEWHERE = "127.0.0.2"


def wait_for(answer: Map) -> int:
    """What a `rate_limited` answer says of when to come back, ms."""
    assert refusal(answer) == "rate_limited"
    assert isinstance(answer["retry_after"], int)
    assert answer["retry_after"] > 0
    return int(answer["retry_after"])


def come_back(caller: Caller, answer: Map) -> None:
    """Wait as long as the realm said, during which it has nothing more to say."""
    assert not caller.socket.poll(wait_for(answer) + 1)


def log_in(caller: Caller, username: str, password: str = "wrong password") -> Map:
    return caller.ask("auth", username=username, password=password)


def fail_freely(guesser: Caller, username: str) -> None:
    """Guess as often as it costs nothing, and once more, which brings the first delay."""
    for _ in range(FREE_FAILURES + 1):
        assert refusal(log_in(guesser, username)) == "wrong_password"


def test_failed_logins_are_delayed_and_the_delay_grows(start_realm: StartRealm) -> None:
    with outside(start_realm(config=FAILURES)) as here:
        here.person("victim")
        guesser = here.caller()
        fail_freely(guesser, "victim")
        first = log_in(guesser, "victim")
        assert wait_for(first) <= DELAY_MS
        come_back(guesser, first)
        assert refusal(log_in(guesser, "victim")) == "wrong_password"
        assert DELAY_MS < wait_for(log_in(guesser, "victim")) <= 2 * DELAY_MS


def test_the_delay_is_the_users_whoever_guesses(start_realm: StartRealm) -> None:
    """Also the right password waits, so that a guess cannot be told from it; other users do not."""
    with outside(start_realm(config=FAILURES)) as here:
        here.person("victim")
        here.person("other")
        fail_freely(here.caller(source=ELSEWHERE), "victim")
        stranger = here.caller()
        wait_for(log_in(stranger, "victim", PASSWORD))
        assert log_in(stranger, "other", PASSWORD)["status"] == "OK"


def test_a_key_that_has_logged_that_user_in_skips_the_delay(start_realm: StartRealm) -> None:
    with outside(start_realm(config=FAILURES)) as here:
        victim = here.person("victim")
        guesser = here.person("guesser").caller
        fail_freely(guesser, "victim")
        wait_for(log_in(guesser, "victim"))
        victim.done("logout")
        victim.log_in()

        # A login that was right forgives what was wrong before it.
        assert refusal(log_in(guesser, "victim")) == "wrong_password"


def test_guesses_that_come_together_are_counted_one_by_one(start_realm: StartRealm) -> None:
    with outside(start_realm(config=FAILURES)) as here:
        here.person("victim")
        guesser = here.caller()
        for _ in range(20):
            guesser.post("auth", username="victim", password="wrong password")
        codes = [refusal(guesser.answer()) for _ in range(20)]
        assert codes.count("wrong_password") == FREE_FAILURES + 1
        assert codes.count("rate_limited") == 20 - FREE_FAILURES - 1


def test_logins_are_counted_by_address(start_realm: StartRealm) -> None:
    config = HARD_LIMITS + "[limits]\nlogins_per_minute = 1\nlogin_burst = 3\n"
    with outside(start_realm(config=config)) as here:
        for username in ("one", "two", "three"):
            assert refusal(log_in(here.caller(), username)) == "user_not_found"
        guesser = here.caller()
        assert wait_for(log_in(guesser, "four")) <= 60_000
        arguments = {"username": "five", "password": PASSWORD, "name": "Five", "country": "Indonesia"}
        wait_for(guesser.ask("register", **arguments))
        assert here.caller(source=ELSEWHERE).ask("register", **arguments)["status"] == "OK"


def test_trusted_addresses_are_exempt(start_realm: StartRealm) -> None:
    config = "[limits]\nlogins_per_minute = 1\nlogin_burst = 1\naddress_burst = 1\nhandshake_burst = 1\n"
    with outside(start_realm(config=config)) as here:
        for number in range(20):
            assert refusal(log_in(here.caller(), f"user{number}")) == "user_not_found"


def test_commands_without_a_session_are_counted_by_address(start_realm: StartRealm) -> None:
    config = HARD_LIMITS + "[limits]\naddress_per_second = 1\naddress_burst = 10\n"
    with outside(start_realm(config=config)) as here:
        person, stranger = here.person("honest"), here.caller()
        told: list[Map] = []
        for _ in range(10):
            told += [stranger.ask("info"), stranger.ask("inbox", tokenId="guessed"), stranger.ask("no such")]
            stranger.socket.send(b"\xc1")
            told.append(stranger.answer())
        limited = [answer for answer in told if answer.get("code") == "rate_limited"]
        assert len(limited) > len(told) // 4
        come_back(stranger, limited[-1])
        assert stranger.ask("info").get("code") != "rate_limited"
        assert person.ask("inbox")["status"] == "OK"


def test_connections_are_counted_by_address(start_realm: StartRealm) -> None:
    config = HARD_LIMITS + "[limits]\nhandshakes_per_second = 1\nhandshake_burst = 10\n"
    with outside(start_realm(config=config)) as here, ExitStack() as stack:
        person = here.person("honest")
        peers = [stack.enter_context(RawPeer(here.realm.door)) for _ in range(40)]
        for peer in peers:
            peer.write(greeting() + ready())
            peer.read(64)
        assert here.card(source=ELSEWHERE)["realm"] == "kampus"
        assert person.ask("inbox")["status"] == "OK"

        # Whoever was let in has been told READY, for later ones have been served.
        assert 0 < len([peer for peer in peers if peer.has_data()]) < 20


def test_the_front_door_counts_by_address(start_realm: StartRealm) -> None:
    config = HARD_LIMITS + "[limits]\ndoor_per_second = 1\ndoor_burst = 5\n"
    with outside(start_realm(config=config)) as here, at_the_door(here) as peer:
        answers = [unpacked(peer.ask()) for _ in range(20)]
        assert answers[0]["realm"] == "kampus"
        wait_for(answers[-1])
        assert here.card(source=ELSEWHERE)["realm"] == "kampus"


def test_a_session_has_an_allowance(start_realm: StartRealm) -> None:
    config = "[limits]\nsession_per_second = 10\nsession_burst = 50\n"
    with outside(start_realm(config=config)) as here:
        busy, calm = here.person("busy"), here.person("calm")
        asked = [busy.post("inbox") for _ in range(100)]
        answers = [busy.caller.answer() for _ in asked]
        assert sorted(answer["id"] for answer in answers) == asked
        assert answers[0]["status"] == "OK"
        limited = [answer for answer in answers if answer["status"] == "ERROR"]
        assert len(limited) > 50
        assert calm.ask("inbox")["status"] == "OK"
        come_back(busy.caller, max(limited, key=wait_for))
        assert busy.ask("inbox")["status"] == "OK"


def test_a_user_has_so_many_sessions_and_the_oldest_goes(start_realm: StartRealm) -> None:
    with outside(start_realm(config="[limits]\nsessions_per_user = 3\n")) as here:
        first = here.person("many")
        callers = [here.caller() for _ in range(3)]
        tokens = [log_in(caller, "many", PASSWORD)["tokenId"] for caller in callers]
        assert refusal(first.ask("inbox")) == "session_not_found"
        for caller, token in zip(callers, tokens, strict=True):
            assert caller.ask("inbox", tokenId=token)["status"] == "OK"


def test_a_second_login_with_the_same_key_replaces_the_first(start_realm: StartRealm) -> None:
    """(user, key) has one session, so it does not cost another device its own."""
    with outside(start_realm(config="[limits]\nsessions_per_user = 2\n")) as here:
        here_first, other = here.person("twice"), here.caller()
        token = log_in(other, "twice", PASSWORD)["tokenId"]
        for _ in range(5):
            old, topic = here_first.token, here_first.topic
            here_first.log_in()
            assert here_first.caller.refused("inbox", tokenId=old) == "session_not_found"
            assert here_first.topic != topic
        assert other.ask("inbox", tokenId=token)["status"] == "OK"


def test_registration_can_be_closed(start_realm: StartRealm) -> None:
    with outside(start_realm(config='registration = "closed"\n')) as here:
        arguments = {"username": "new", "password": PASSWORD, "name": "New", "country": "Indonesia"}
        assert here.caller().refused("register", **arguments) == "forbidden"
