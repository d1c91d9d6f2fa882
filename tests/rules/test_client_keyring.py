"""The client's folder: keys, pins, stored sessions."""

import stat
from pathlib import Path

import pytest
import zmq

from client.errors import IdentityError, KeyringError, ProtocolError, UsageError
from client.files import create_json, write_json
from client.keyring import HOME_VARIABLE, KeyPair, Keyring, default_folder, new_key_pair
from client.pins import is_key
from schemas.answers import Card
from tests.rules.client_kit import LOGIN

KEY, OTHER = new_key_pair().public, new_key_pair().public
HOME = "127.0.0.1:8889"


def card(realm: str = "kampus", key: str = KEY, version: int = 1, port: int = 8890) -> Card:
    return Card(realm=realm, version=version, features=[], key=key, commands=port, push=8891)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "home")


def test_the_key_pair_is_made_once_and_is_private(keyring: Keyring) -> None:
    keys = keyring.keys()
    assert zmq.curve_public(keys.secret.encode()).decode() == keys.public
    assert keyring.keys() == keys
    assert stat.S_IMODE((keyring.folder / "key.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(keyring.folder.stat().st_mode) == 0o700
    assert [path.name for path in keyring.folder.iterdir()] == ["key.json"]
    assert keys.secret not in repr(keys)


def test_of_two_that_make_a_key_one_wins(keyring: Keyring) -> None:
    keys = keyring.keys()
    assert not create_json(keyring.folder / "key.json", new_key_pair())
    assert keyring.keys() == keys


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"{}", b'{"public": "a", "secret": "b"}', b'"key"'])
def test_a_damaged_key_file_is_named_and_kept(keyring: Keyring, content: bytes) -> None:
    keyring.keys()
    path = keyring.folder / "key.json"
    path.write_bytes(content)
    with pytest.raises(KeyringError, match=r"key\.json"):
        keyring.keys()
    assert path.read_bytes() == content


def test_a_pair_of_which_the_halves_do_not_match_is_refused(keyring: Keyring) -> None:
    write_json(keyring.folder / "key.json", KeyPair(OTHER, new_key_pair().secret))
    with pytest.raises(KeyringError, match="does not hold a key pair"):
        keyring.keys()


def test_a_key_that_others_can_read_is_refused(keyring: Keyring) -> None:
    keyring.keys()
    (keyring.folder / "key.json").chmod(0o640)
    with pytest.raises(KeyringError, match="chmod 600"):
        keyring.keys()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyringError, match="cannot be"):
        Keyring(tmp_path / "file" / "home").keys()


def test_the_last_session_of_each_realm_is_kept(keyring: Keyring) -> None:
    assert keyring.login("kampus") is None
    keyring.remember("kampus", LOGIN)
    assert keyring.login("kampus") == LOGIN
    assert keyring.login("pusat") is None
    assert stat.S_IMODE((keyring.folder / "session-kampus.json").stat().st_mode) == 0o600
    keyring.forget("kampus")
    keyring.forget("kampus")
    assert keyring.login("kampus") is None


def test_the_folder_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv(HOME_VARIABLE)
    assert default_folder().name.strip(".").lower() == "bagan"


def test_the_first_card_is_believed_and_stays(keyring: Keyring) -> None:
    keyring.pins.check(HOME, card())
    keyring.pins.check(HOME, card(port=9990))
    keyring.pins.check("kampus.example:8889", card())
    assert stat.S_IMODE((keyring.folder / "pins.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("address", "changed", "explanation"),
    [
        (HOME, card(key=OTHER), "the realm 'kampus' at 127.0.0.1:8889 shows another key than before"),
        (HOME, card("pusat"), "the realm at 127.0.0.1:8889 was 'kampus', and now says that it is 'pusat'"),
        ("10.0.0.7:1", card(key=OTHER), "10.0.0.7:1 says that it is the realm 'kampus', but shows another key"),
    ],
)
def test_a_change_is_refused_and_forgets_nothing(
    keyring: Keyring, address: str, changed: Card, explanation: str
) -> None:
    keyring.pins.check(HOME, card())
    before = (keyring.folder / "pins.json").read_bytes()
    for _ in range(2):
        with pytest.raises(IdentityError, match=explanation) as raised:
            keyring.pins.check(address, changed)
    assert f"--key '{changed.key}'" in str(raised.value)
    assert (keyring.folder / "pins.json").read_bytes() == before


def test_a_key_known_beforehand_outranks_the_first_answer(keyring: Keyring) -> None:
    with pytest.raises(IdentityError, match="not the one that was given"):
        keyring.pins.check(HOME, card(), OTHER)
    assert not (keyring.folder / "pins.json").exists()
    keyring.pins.check(HOME, card(key=OTHER), OTHER)
    with pytest.raises(IdentityError):
        keyring.pins.check(HOME, card())


def test_a_person_who_knows_the_new_key_can_say_so(keyring: Keyring) -> None:
    keyring.pins.check(HOME, card())
    keyring.pins.check(HOME, card(key=OTHER), OTHER)
    keyring.pins.check(HOME, card(key=OTHER))


def test_a_key_that_is_none_is_a_wrong_option(keyring: Keyring) -> None:
    with pytest.raises(UsageError, match="40 characters"):
        keyring.pins.check(HOME, card(), "abc")


@pytest.mark.parametrize(
    "wrong",
    [card("../pusat"), card("Kampus"), card(key="x"), card(key="~" * 40), card(key="#" * 40), card(port=0)],
)
def test_a_card_that_is_none_is_not_pinned(keyring: Keyring, wrong: Card) -> None:
    with pytest.raises(ProtocolError, match="not a valid one"):
        keyring.pins.check(HOME, wrong)
    assert not keyring.folder.exists()


def test_another_version_is_named(keyring: Keyring) -> None:
    with pytest.raises(ProtocolError, match="version 2"):
        keyring.pins.check(HOME, card(version=2))


def test_without_readable_pins_nothing_is_believed(keyring: Keyring) -> None:
    keyring.pins.check(HOME, card())
    (keyring.folder / "pins.json").write_bytes(b"{")
    with pytest.raises(KeyringError, match="a false realm could not be told"):
        keyring.pins.check(HOME, card())


def test_keys_are_told_from_other_text() -> None:
    assert is_key(KEY)
    assert not is_key("ü" * 40)
