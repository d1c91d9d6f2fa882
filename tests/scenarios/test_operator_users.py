"""`user list`, `add`, `reset`, `disable`, `enable` and `admin`, beside a realm that runs and where none does."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.scenarios.cli_kit import Terminal
from tests.scenarios.operator_kit import operate, works
from tests.wire.player import Stage, play

DISABLED = "this account is disabled: ask the realm's operator"


def listed(realm: RealmProcess) -> dict[str, dict[str, object]]:
    users = [json.loads(line) for line in works(realm.data, "user", "list", "--json")]
    return {user["username"]: user for user in users}


def test_an_account_is_made_whoever_may_register(start_realm: StartRealm) -> None:
    realm = start_realm(config='registration = "closed"\n')
    assert works(realm.data, "user", "list")[0].startswith("no accounts yet")
    words = ("user", "add", "Messi", "--display", "Lionel Messi", "--country", "Argentina")
    assert works(realm.data, *words, stdin="surabaya\n") == ["User added"]
    code, lines, errors = operate(realm.data, "user", "add", "henderson", "--generate")
    assert (code, errors) == (0, "User added\n")
    (password,) = lines
    dialogue = """
        lineker: register lineker surabaya Inggris Gary Lineker
        lineker gets: ERROR forbidden registration is closed: ask the realm's operator for an account
        messi: auth messi surabaya
        messi gets: name="Lionel Messi" country=Argentina admin=false
        henderson: auth henderson $password
        henderson gets: tokenId
    """
    play(realm, dialogue, password=password)
    assert listed(realm).keys() == {"henderson", "messi"}
    for name in ("messi", "HENDERSON"):
        code, lines, errors = operate(realm.data, "user", "add", name, "--generate")
        assert (code, lines) == (1, [])
        assert errors == f"the name {name.lower()} is taken: choose another (one is never given a second time)\n"
    assert password not in realm.log()
    assert "surabaya" not in realm.log()


def test_a_password_is_reset_and_all_sessions_end(realm: RealmProcess) -> None:
    with Stage(realm) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Lionel Messi
            messi#phone: auth messi surabaya
            henderson: register henderson surabaya Inggris Jordan Henderson
        """)
        assert listed(realm)["messi"]["sessions"] == 2
        said = ["Password reset, and all sessions ended"]
        assert works(realm.data, "user", "reset", "messi", stdin="malang1234") == said
        stage.play("""
            henderson: send messi halo
            henderson gets: Message sent
            messi: inbox
            messi gets: ERROR session_not_found Session tidak ditemukan
            messi#phone: auth messi surabaya
            messi#phone gets: ERROR wrong_password Password salah
            messi#phone: auth messi malang1234
            messi#phone: inbox
            messi#phone gets messages:
                1 henderson: halo
        """)


def test_who_is_disabled_cannot_log_in_and_loses_nothing(realm: RealmProcess) -> None:
    with Stage(realm) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Lionel Messi
            henderson: register henderson surabaya Inggris Jordan Henderson
        """)
        assert works(realm.data, "user", "disable", "messi") == ["User disabled"]
        assert works(realm.data, "user", "disable", "messi") == ["messi is disabled already"]
        assert isinstance(listed(realm)["messi"]["disabled_at"], int)
        assert "disabled" in next(line for line in works(realm.data, "user", "list") if line.startswith("messi"))
        stage.play(f"""
            messi: inbox
            messi gets: ERROR session_not_found Session tidak ditemukan
            henderson: send messi halo
            henderson gets: Message sent
            restart realm
            messi: auth messi surabaya
            messi gets: ERROR forbidden {DISABLED}
            messi: auth messi surabayo
            messi gets: ERROR wrong_password Password salah
        """)
        assert works(realm.data, "user", "enable", "messi") == ["User enabled"]
        stage.play("""
            messi: auth messi surabaya
            messi: inbox
            messi gets messages:
                1 henderson: halo
        """)


def test_an_admin_may_do_what_admins_may(start_realm: StartRealm) -> None:
    realm = start_realm(config='[peers]\nadd = "admins"\n')
    with Stage(realm) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Lionel Messi
            messi: addrealm pusat 127.0.0.1 1
            messi gets: ERROR forbidden…
        """)
        assert works(realm.data, "user", "admin", "messi", "on") == ["messi is an admin now"]
        stage.play("""
            messi: addrealm pusat 127.0.0.1 1
            messi gets: ERROR realm_unreachable Realm Unreachable
            messi#phone: auth messi surabaya
            messi#phone gets: admin=true
        """)
        assert works(realm.data, "user", "admin", "messi", "off") == ["messi is no admin now"]
        assert not listed(realm)["messi"]["admin"]


def test_the_same_where_no_realm_runs(realm: RealmProcess) -> None:
    realm.stop()
    where = ("--config", str(realm.config))
    assert works(realm.data, "user", "add", "messi", *where, stdin="surabaya\n") == ["User added"]
    assert works(realm.data, "user", "reset", "messi", *where, stdin="malang1234\n")[0].startswith("Password reset")
    assert works(realm.data, "user", "disable", "messi") == ["User disabled"]
    assert works(realm.data, "user", "enable", "messi") == ["User enabled"]
    realm.start()
    play(realm, "messi: auth messi malang1234\nmessi gets: tokenId")


BAD: list[tuple[tuple[str, ...], bytes, int, str]] = [
    (("add", "a b", "--generate"), b"", 2, "is no name"),
    (("add", "messi@pusat", "--generate"), b"", 2, "only users of this very realm"),
    (("add", "messi", "--generate", "--country", ""), b"", 2, "--country: it is 1 to 64 characters"),
    (("add", "messi", "--generate", "--display", "x" * 65), b"", 2, "--display: it is 1 to 64 characters"),
    (("add", "messi", "surabaya"), b"", 2, "unexpected extra argument"),
    (("add", "messi"), b"", 1, "a password is 8 to 1,024 bytes"),
    (("add", "messi"), b"short\n", 1, "a password is 8 to 1,024 bytes"),
    (("add", "messi"), b"x" * 1_025, 1, "a password is 8 to 1,024 bytes"),
    (("add", "messi"), b"x" * 100_000, 1, "a password is 8 to 1,024 bytes"),
    (("add", "messi"), b"surabaya\xff\n", 1, "is no UTF-8"),
    (("reset", "nobody", "--generate"), b"", 1, "there is no user nobody: `python -m realm user list` shows all"),
    (("disable", "nobody"), b"", 1, "there is no user nobody"),
    (("enable", "nobody"), b"", 1, "there is no user nobody"),
    (("admin", "nobody", "on"), b"", 1, "there is no user nobody"),
    (("admin", "nobody", "perhaps"), b"", 2, "perhaps"),
]


def test_bad_arguments(realm: RealmProcess, tmp_path: Path) -> None:
    for words, stdin, wanted, sentence in BAD:
        code, lines, errors = operate(realm.data, "user", *words, stdin=stdin)
        told = " ".join(errors.replace("│", " ").split()).lower()
        assert (code, lines) == (wanted, []), (words, errors)
        assert sentence.lower() in told, (words, errors)
        assert "traceback" not in told
    for words in (("list",), ("add", "messi", "--generate"), ("disable", "messi")):
        code, lines, errors = operate(tmp_path / "nowhere", "user", *words)
        assert (code, lines) == (1, [])
        assert errors.startswith(f"no realm has run on the folder {tmp_path / 'nowhere'} yet")
    assert not (tmp_path / "nowhere").exists()


def test_a_password_is_typed_twice_and_never_shown(realm: RealmProcess) -> None:
    command = [sys.executable, "-m", "realm", "user", "add", "messi", "--data", str(realm.data)]
    terminal = Terminal(command, dict(os.environ))
    try:
        terminal.shows("Password:")
        terminal.types("surabaya\n")
        terminal.shows("The same again:")
        terminal.types("surabayo\n")
        terminal.shows("these are two passwords")
        assert terminal.ends() == 1
        terminal.close()
        terminal = Terminal(command, dict(os.environ))
        terminal.shows("Password:")
        terminal.types("surabaya\n")
        terminal.shows("The same again:")
        terminal.types("surabaya\n")
        terminal.shows("User added")
        assert terminal.ends() == 0
    finally:
        terminal.close()
    play(realm, "messi: auth messi surabaya\nmessi gets: tokenId")


@pytest.mark.parametrize("registration", ["open", "closed", "invite"])
def test_an_invite_goes_by_what_the_realm_goes_by(start_realm: StartRealm, registration: str) -> None:
    """Whatever the settings file says that somebody gives beside it."""
    realm = start_realm(config=f'registration = "{registration}"\n')
    other = realm.config.with_name("other.toml")
    other.write_text('registration = "closed"\n' if registration == "invite" else 'registration = "invite"\n')
    code, lines, errors = operate(realm.data, "invite-user", "--config", str(other))
    assert code == 0
    assert ("invite=" in lines[0]) == (registration == "invite")
    assert f"the realm that runs goes by '{registration}'" in errors
    assert works(realm.data, "invite-user", "--config", str(realm.config))[1] == lines[1] or registration == "invite"
