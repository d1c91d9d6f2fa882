"""The settings file: what `init` writes, and what is said of every mistake in one."""

import os
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realm.settings import (
    GROUPS,
    RESTARTS,
    Files,
    Hashing,
    Limits,
    Listen,
    Settings,
    SettingsError,
    adopted,
    changed,
    flat,
    needs_restart,
)
from realm.settings_file import LARGEST, chosen, load, parse, template
from realm.toml_lines import line_of, lines_of


def faults(text: str) -> list[str]:
    """What is said of a text, without the first line."""
    with pytest.raises(SettingsError) as raised:
        parse(text, "x.toml")
    first, *others = str(raised.value).split("\n")
    assert first == "the settings file x.toml cannot be used:"
    assert all(other.startswith("  ") for other in others)
    return [other[2:] for other in others]


def test_the_template_is_exactly_the_defaults() -> None:
    assert parse(template(), "x.toml") == Settings()


def test_the_template_names_every_setting_with_its_default() -> None:
    """What has no default is there in a comment; all else is said."""
    told = tomllib.loads(template())
    for full, default in flat(Settings()).items():
        group, dot, key = full.rpartition(".")
        table: dict[str, Any] = told[group] if dot else told
        if default is None:
            assert re.search(rf"^# {key} = \S", template(), re.MULTILINE), full
        else:
            assert key in table, full
    assert set(told) - set(Settings.__struct_fields__) == set()


def test_the_template_is_not_wider_than_a_screen_and_every_comment_of_its_is_true_if_it_is_used() -> None:
    """Each line that is a setting in a comment can be used as it is, together."""
    assert max(map(len, template().splitlines())) <= 120
    used = re.sub(r"^# (?=\w+ = )", "", template(), flags=re.MULTILINE)
    assert set(changed(Settings(), parse(used, "x.toml"))) == {
        "name",
        "listen.commands_port",
        "listen.push_port",
        "listen.advertise",
    }


ALL_AT_ONCE = '''registratoin = "open"
trusted_clients = [
  "10.0.0.0/33", # a comment, with "quotes"
  "127.0.0.1",
  'x',
]
limits.login_burst = 0
peers = {denied = 3, nwtworks = []}
name = "a b"
port = 3
[files]
"max_byts" = 1
chunk_bytes = 1
unsent_hours = nan
realm_bytes = 1_000_000_000_000_000_000_000_000
max_bytes = true
[listen]
advertise = "x"
commands_port = "q"
port = 65535
[hashing]
lanes = 64
memory_kib = 100
[log]
level = "INFO"
[loging]
x = """
a = 1
"""
'''


def test_all_that_is_wrong_is_said_at_once() -> None:
    no_network = "does not appear to be an IPv4 or IPv6 network: write an address, or a network as 10.0.0.0/8"
    assert faults(ALL_AT_ONCE) == [
        "line 1: there is no setting or table registratoin: do you mean registration?",
        f"line 3: trusted_clients: '10.0.0.0/33' {no_network}",
        f"line 5: trusted_clients: 'x' {no_network}",
        "line 7: limits.login_burst = 0: it has to be a whole number, 1 or more",
        'line 8: peers.denied = 3: it has to be a list of texts in quotes, as ["a", "b"]',
        "line 8: there is no setting peers.nwtworks: do you mean networks?",
        "line 9: name: a name is 1 to 32 letters, digits, '.', '_' or '-'",
        "line 10: there is no setting or table port: it is in [listen]",
        "line 12: there is no setting files.max_byts: do you mean max_bytes?",
        "line 13: files.chunk_bytes = 1: it has to be a whole number, 4,096 to 262,144",
        "line 14: files.unsent_hours = NaN: it has to be a number, above 0 and at most 87,600",
        "line 15: files.realm_bytes = 1000000000000000000000000: it has to be a whole number, 0 or more",
        "line 16: files.max_bytes = true: it has to be a whole number, 0 or more",
        "line 18: listen.advertise: 'x' is no HOST:PORT: a host name or an address (IPv6 in brackets), "
        "and a port of 1 to 65535",
        'line 19: listen.commands_port = "q": it has to be a whole number, 0 to 65,535',
        "line 20: listen.port: the ports after it do not exist: choose a lower one",
        "line 23: hashing.memory_kib: argon2 needs at least 8 for each of the 64 lanes: 512",
        'line 25: log.level = "INFO": it has to be "info", "warning" or "error"',
        "line 26: there is no setting or table loging: do you mean log?",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = ", "line 1: this is not TOML: Invalid value"),
        ("\n\nx = [1", "line 3: this is not TOML: Unclosed array"),
        ("name='a'\nname='b'", "line 2: this is not TOML: Cannot overwrite a value"),
        ("x=" + "[" * 5_000, "line 1: there are too many brackets in brackets"),
        ("limits = 3", "line 1: limits is a table: write [limits], and its settings below"),
        ("[[peers]]\nadd = 'users'", "line 1: peers is a table: write [peers], and its settings below"),
        (
            "[peers]\nlisted = [\n'a'\n,\n[5]]",
            'line 5: peers.listed = ["a", [5]]: it has to be a list of texts in quotes, as ["a", "b"]',
        ),
        ("[files]\nlogin_burst = 1", "line 2: there is no setting files.login_burst: it is in [limits]"),
        ("[files]\nregistration = 'open'", "line 2: there is no setting files.registration: registration is above all"),
        ("[files]\nlog_in_burst = 1", "line 2: there is no setting files.log_in_burst: do you mean login_burst in"),
        ("[figures]\nzzz = 1", "line 2: there is no setting figures.zzz: there are host, port"),
        ('"\\u0041\x1b" = 1', "line 1: this is not TOML"),
        ('"\\u001b[31m" = 1', "there is no setting or table ?[31m: there are"),
        (
            "[peers]\nkeep_days = 30.0\nremember_days = 29",
            "line 3: peers.remember_days = 29: it has to be a number, 30 ",
        ),
        ("name = " + "'" + "x" * 500 + "'", "line 1: name: a name is 1 to 32"),
        (
            "hashing.workers = 1979-05-27",
            'line 1: hashing.workers = "1979-05-27": it has to be a whole number, 1 to 64',
        ),
    ],
)
def test_what_is_said(text: str, said: str) -> None:
    assert faults(text)[0].startswith(said)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    there = tmp_path / "x.toml"
    for content, said in (
        (b"name = 'x'\n#\xff", "line 2: this is not UTF-8"),
        (b"#" * (LARGEST + 1), "1,048,576 bytes"),
    ):
        there.write_bytes(content)
        with pytest.raises(SettingsError, match=said):
            load(there)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(SettingsError, match="it is no plain file"):
            load(path)
    for path, said in ((tmp_path, "Is a directory"), (tmp_path / "no", "No such file"), (there / "x", "Not a dir")):
        with pytest.raises(SettingsError, match=rf"cannot be read \({said}"):
            load(path)
    there.write_bytes(b"[listen]\r\nport = 1\r\n\r\n")
    assert load(there) == Settings(listen=Listen(port=1))


def test_which_file_is_used(tmp_path: Path) -> None:
    said, own = tmp_path / "said.toml", tmp_path / "settings.toml"
    assert chosen(tmp_path, None) is None
    assert load(None) == Settings()
    own.touch()
    assert chosen(tmp_path, None) == own
    assert chosen(tmp_path, said) == said


def test_what_a_running_realm_keeps() -> None:
    old = Settings(hashing=Hashing(workers=3), limits=Limits(login_burst=1))
    new = Settings(name="x", listen=Listen(port=1), files=Files(workers=5, uploads=7), limits=Limits(login_burst=2))
    differs = changed(old, new)
    assert [name for name in differs if needs_restart(name)] == [
        "name",
        "listen.port",
        "hashing.workers",
        "files.workers",
    ]
    kept = Settings(hashing=Hashing(workers=3), files=Files(uploads=7), limits=Limits(login_burst=2))
    assert adopted(old, new) == kept
    names = {*flat(Settings()), *GROUPS}
    assert names >= RESTARTS


def test_lines() -> None:
    text = 'a = 1\n[ b . "c d" ]\ne.f = """\nx = 1\n[y]"""\n[[g]]\n\'h\' = [ # ]\n[1, 2],\n{i = 3}, "]"]\n[[g]]\nj = 1'
    lines = lines_of(text)
    assert tomllib.loads(text)
    assert lines == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c d"): 2,
        ("b", "c d", "e"): 3,
        ("b", "c d", "e", "f"): 3,
        ("g",): 6,
        ("g", "h"): 7,
        ("g", "h", 0): 8,
        ("g", "h", 1): 9,
        ("g", "h", 2): 9,
        ("g", "j"): 11,
    }
    assert line_of(lines, ("b", "c d", "z")) == 2
    assert line_of(lines, ("z",)) is None


@given(st.text(alphabet="ab.=[]{}\"'#,\\\n 1", max_size=60))
def test_whatever_is_written_is_settings_or_an_error(text: str) -> None:
    lines_of(text)
    with suppress(SettingsError):
        assert parse(text, "x.toml") == Settings(), "none of them has so short a name"
