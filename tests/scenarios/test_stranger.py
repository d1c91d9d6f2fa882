"""A client written only from the protocol can do all of this: `tests/wire/stranger.py`, which the page shows."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import zmq

from tests.realm_process import RealmProcess
from tests.wire import stranger
from tests.wire.player import Stage

WAIT = 20.0
"""Seconds after which the script is taken to hang."""

Meet = Callable[..., stranger.Client]


@pytest.fixture
def meet(realm: RealmProcess) -> Iterator[Meet]:
    """A client of its own key that has registered, or has what is given: `meet("messi", keys=…, pins=…)`."""
    with ExitStack() as open_sockets:

        def meet_one(user: str, keys: list[str] | None = None, pins: dict[str, str] | None = None) -> stranger.Client:
            keys = keys or [half.decode() for half in zmq.curve_keypair()]
            client = stranger.Client(f"127.0.0.1:{realm.door}", keys, {} if pins is None else pins)
            open_sockets.callback(lambda: client.push.close())
            open_sockets.callback(lambda: client.commands.close())
            if user:
                client.open("register", username=user, password="surabaya", country="Inggris", name=user)
                client.hear()
            return client

        yield meet_one


def test_live(meet: Meet, capsys: pytest.CaptureFixture[str]) -> None:
    """Register, send, be told at once."""
    messi, henderson = meet("messi"), meet("henderson")
    messi.ask("send", to="henderson", message="halo, selamat malam", entry=stranger.new_ulid())
    henderson.hear()
    assert capsys.readouterr().out == "messi@kampus: halo, selamat malam\n"
    with pytest.raises(RuntimeError, match="User tidak ada"):
        messi.ask("send", to="nobody", message="x")


def test_a_gap_is_filled(meet: Meet, capsys: pytest.CaptureFixture[str]) -> None:
    """Push may drop: the numbers show a gap at once, `sync` a lost last entry, and `history` fills it."""
    messi, henderson = meet("messi"), meet("henderson")
    for message in "abc":
        messi.ask("send", to="henderson", message=message)
    for _ in "ab":
        henderson.push.recv_multipart()
    henderson.hear()
    assert capsys.readouterr().out == "messi@kampus: a\nmessi@kampus: b\nmessi@kampus: c\n"
    messi.ask("send", to="henderson", message="d")
    henderson.push.recv_multipart()
    henderson.heartbeat()
    assert capsys.readouterr().out == "messi@kampus: d\n"


def test_long_lists(meet: Meet, capsys: pytest.CaptureFixture[str]) -> None:
    """Who comes back after 250 messages in 3 conversations has them all, in order, once."""
    messi, henderson = meet("messi"), meet("henderson")
    for number in range(150):
        messi.ask("send", to="henderson", message=str(number))
    for number in range(150, 250):
        henderson.ask("send", to=("henderson", "messi")[number % 2], message=str(number))
    henderson.heartbeat()
    lines = capsys.readouterr().out.splitlines()
    assert sorted(int(line.partition(" ")[2]) for line in lines) == list(range(250))
    henderson.heartbeat()
    assert capsys.readouterr().out == ""


def test_resume(meet: Meet, realm: RealmProcess, capsys: pytest.CaptureFixture[str]) -> None:
    """With its keys and its token kept, a client comes back without the password, also after a restart."""
    messi, henderson = meet("messi"), meet("henderson")
    henderson.push.close()
    henderson.commands.close()
    realm.stop()
    realm.start()
    messi.ask("send", to="henderson", message="halo")
    again = meet("", keys=henderson.keys)
    again.open("resume", **henderson.session)
    again.hear()
    assert capsys.readouterr().out == "messi@kampus: halo\n"


def test_a_broken_chain_is_refused(meet: Meet) -> None:
    """Loss, reordering and rollback show."""
    messi, henderson = meet("messi"), meet("henderson")
    messi.ask("send", to="henderson", message="halo")
    henderson.hear()
    [conversation] = henderson.last
    messi.ask("send", to="henderson", message="lagi")
    henderson.last[conversation] = 1, bytes(32)
    with pytest.raises(ValueError, match="breaks at 2"):
        henderson.hear()


def test_another_key_is_refused(meet: Meet, realm: RealmProcess) -> None:
    """(host:port → realm, key) and (realm → key) are pinned; a change in either is refused."""
    pins: dict[str, str] = {}
    card = meet("", pins=pins).card
    address = f"127.0.0.1:{realm.door}"
    assert pins == {address: f"kampus {card['key']}", "kampus": card["key"]}
    meet("", pins=pins)
    for place in pins:
        with pytest.raises(ValueError, match=f"{place} is not what it was"):
            meet("", pins={**pins, place: "x" * 40})


@pytest.fixture
def script(realm: RealmProcess, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The script, started for messi, with a home of its own; it is ended if it does not end by itself."""
    with Stage(realm) as stage:
        stage.play("    messi: register messi surabaya Argentina Lionel Messi")
    command = [sys.executable, stranger.__file__, f"127.0.0.1:{realm.door}", "messi", "surabaya"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1, env={"HOME": str(tmp_path)}
    ) as process:
        watch = threading.Timer(WAIT, process.kill)
        watch.start()
        yield process
        watch.cancel()
        process.kill()


def test_as_a_script(realm: RealmProcess, script: "subprocess.Popen[str]", tmp_path: Path) -> None:
    """`python stranger.py HOST:PORT USER PASSWORD` shows what is said to USER; a line `TO message…` is sent."""
    assert script.stdin is not None
    assert script.stdout is not None
    with Stage(realm) as stage:
        stage.play("""
            messi: auth messi surabaya
            henderson: register henderson surabaya Inggris Jordan Henderson
            henderson: send messi sebelum
            messi hears: sebelum
        """)
        assert script.stdout.readline() == "henderson@kampus: sebelum\n"
        script.stdin.write("nobody x\nhenderson halo, selamat malam\n")
        assert script.stdout.readline() == "user_not_found User tidak ada\n"
        stage.play("""
            messi hears: halo, selamat malam
            henderson hears: halo, selamat malam
            henderson: send messi malam
            messi hears: malam
        """)
        assert script.stdout.readline() == "messi@kampus: halo, selamat malam\n"
        assert script.stdout.readline() == "henderson@kampus: malam\n"
        assert script.communicate() == ("", "")
    assert script.returncode == 0
    assert (tmp_path / ".stranger.json").stat().st_mode & 0o777 == 0o600
