"""What the shell around the core does at its edges: where it can be told without a socket."""

import errno
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from broker import keyfiles
from broker.culprits import Culprits
from broker.keyfiles import KeyFileError
from broker.logs import Forgiving
from broker.zap import Gatekeeper, network_of
from client.pins import Pins
from realm.settings import Limits, Settings, SettingsError
from realm.settings_file import load
from tests.rules.test_client_keyring import card


class BrokenStream(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise OSError(errno.EPIPE, "Broken pipe")


def test_a_log_that_cannot_be_written_ends_nothing() -> None:
    stream = Forgiving(BrokenStream())
    assert stream.write("disk full\n") == 0
    assert stream.lost == 1
    closed = io.StringIO()
    closed.close()
    Forgiving(closed).flush()


def test_all_of_an_ipv6_network_counts_as_one() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2") == "2001:db8::"
    assert network_of("2001:db8:0:1::1") != network_of("2001:db8::1")
    assert network_of("::ffff:10.0.0.1") == network_of("10.0.0.1") == "10.0.0.1"
    assert network_of("nonsense") == "nonsense"


def test_handshakes_are_counted_by_network_and_trusted_ones_are_not() -> None:
    settings = Settings(trusted_clients=("::1/128",), limits=Limits(handshake_burst=2))
    gatekeeper = Gatekeeper(settings, lambda _key: False, lambda: False, Culprits(lambda: 0), lambda: 0)
    statuses = [gatekeeper.judge(b"door", f"2001:db8::{n}", b"NULL", []).status for n in range(3)]
    assert statuses == [b"200", b"200", b"300"]
    assert {gatekeeper.judge(b"door", "::1", b"NULL", []).status for _ in range(9)} == {b"200"}


def test_a_lost_key_is_not_replaced_in_silence(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="put it back from a backup"):
        keyfiles.load(tmp_path, create=False)
    made = keyfiles.load(tmp_path, create=True)
    assert keyfiles.load(tmp_path, create=False) == made
    assert (tmp_path / "realm.key").stat().st_mode & 0o777 == 0o600


def test_settings_that_cannot_be_meant(tmp_path: Path) -> None:
    path = tmp_path / "bagan.toml"
    for wrong in ("[hashing]\npasses = 9999999999", "[hashing]\nmemory_kib = 8", "[limits]\nnonsense = 1", "= 1"):
        path.write_text(wrong)
        with pytest.raises(SettingsError, match="cannot be used"):
            load(path)


def test_pins_written_at_once_are_all_kept(tmp_path: Path) -> None:
    pins = Pins(tmp_path / "pins.json")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: pins.check(f"host{n}:8889", card(realm=f"realm{n}")), range(24)))
    text = (tmp_path / "pins.json").read_text()
    assert [n for n in range(24) if f"host{n}:8889" not in text] == []
