"""Nothing secret on disk or in the log: passwords and tokens are planted, and then looked for in every byte."""

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.wire.attacker import Outside, outside, refusal
from tests.wire.dialling import Keys, new_keys

FIRST, SECOND, WRONG, SHORT = "planted-first-1", "planted-second-2", "planted-wrong-3", "pl-4"


def secrets_used(here: Outside) -> list[str]:
    """Use passwords and tokens in every way that works, and in many that do not; return them all."""
    keys: Keys = new_keys()
    caller, thief = here.caller(keys), here.caller()
    account = {"username": "messi", "name": "Lionel Messi", "country": "Argentina"}
    tokens = [caller.done("register", password=FIRST, **account)["tokenId"]]
    assert refusal(caller.ask("register", password=SECOND, **account)) == "user_exists"
    assert refusal(caller.ask("register", password=SHORT, **account)) == "bad_request"
    assert refusal(caller.ask("register", password=FIRST, **{**account, "name": "\0"})) == "bad_request"
    assert refusal(caller.ask("register", password=WRONG.encode(), **account)) == "bad_request"
    for _ in range(8):
        assert refusal(thief.ask("auth", username="messi", password=WRONG)) in {"wrong_password", "rate_limited"}
    tokens.append(caller.done("auth", username="messi", password=FIRST)["tokenId"])
    caller.done("resume", tokenId=tokens[1])
    assert refusal(caller.ask("inbox", tokenId=tokens[0])) == "session_not_found"
    assert refusal(thief.ask("inbox", tokenId=tokens[1])) == "session_not_found"
    caller.done("send", tokenId=tokens[1], to="messi", message="halo")
    caller.ask("send", tokenId=tokens[1], to=5, message="halo")
    caller.ask("no such", tokenId=tokens[1], password=WRONG)
    caller.done("passwd", tokenId=tokens[1], old=FIRST, new=SECOND)
    assert refusal(caller.ask("passwd", tokenId=tokens[1], old=WRONG, new=SECOND)) == "wrong_password"
    listener = here.listener(keys)
    listener.connected().socket.send(b"not a subscription")
    listener.close()
    tokens.append(caller.done("auth", username="messi", password=SECOND)["tokenId"])
    caller.done("logout", tokenId=tokens[2])
    return [FIRST, SECOND, WRONG, SHORT, *tokens, keys.secret.decode()]


def files(realm: RealmProcess) -> Iterator[Path]:
    """The log, and everything in the data folder."""
    yield realm.output
    yield from (path for path in realm.data.rglob("*") if path.is_file())


@pytest.mark.parametrize("log_format", ["readable", "json"])
def test_passwords_and_tokens_are_in_no_file(start_realm: StartRealm, log_format: str) -> None:
    realm = start_realm(options=("--log-format", log_format))
    with outside(realm) as here:
        secrets = secrets_used(here)
        assert b"messi" in b"".join(path.read_bytes() for path in files(realm)), "this looks in the wrong place"
        for _ in range(2):
            for path in files(realm):
                held = path.read_bytes()
                for secret in secrets:
                    assert secret.encode() not in held, path
            if realm.running:
                assert realm.stop() == 0
    assert stat.S_IMODE((realm.data / "realm.key").stat().st_mode) == 0o600


def test_the_realms_own_secret_key_is_only_in_its_file(realm: RealmProcess) -> None:
    secret = (realm.data / "realm.key").read_bytes().strip()
    with outside(realm) as here:
        here.person("messi")
    assert realm.stop() == 0
    assert [path.name for path in files(realm) if secret in path.read_bytes()] == ["realm.key"]


def test_only_the_owner_can_look_into_the_folder(realm: RealmProcess) -> None:
    assert stat.S_IMODE(realm.data.stat().st_mode) == 0o700
    for path in files(realm):
        if path.name != realm.output.name and path.name != "lock":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
