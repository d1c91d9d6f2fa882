"""The operator's commands for peers: `invite` here, `accept` there, and `peers` to see how they fare."""

import json
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.scenarios.operator_kit import operate
from tests.wire.player import Stage

OTHER_KEY = "0" * 40
OFF = 'federation = "off"\n'


def spoken(data: Path, command: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "realm", command, "--data", str(data), *words]


def invited(realm: RealmProcess) -> str:
    code, lines, errors = operate(realm.data, "invite")
    assert (code, errors) == (0, "")
    (word,) = lines
    return word


def refused(data: Path, *words: str) -> str:
    """Why `accept` has failed."""
    code, _, errors = operate(data, "accept", *words)
    assert code == 1, errors
    return errors


def seen(realm: RealmProcess) -> dict[str, Any]:
    code, lines, errors = operate(realm.data, "peers", "--json")
    assert (code, errors) == (0, "")
    (line,) = lines
    told: dict[str, Any] = json.loads(line)
    return told


def peer_seen(realm: RealmProcess, name: str) -> dict[str, Any]:
    (found,) = [peer for peer in seen(realm)["peers"] if peer["realm"] == name]
    return dict(found)


def test_one_invites_and_the_other_accepts(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    word = invited(kampus)
    assert re.fullmatch(rf"bagan-realm://kampus@127\.0\.0\.1:{kampus.door}/[A-Za-z0-9%._~-]+", word)
    code, lines, errors = operate(pusat.data, "accept", word)
    assert (code, errors) == (0, "")
    assert lines[0].startswith(f"pusat asks kampus at 127.0.0.1:{kampus.door}, key SHA256:")
    assert lines[1] == "added: it has this key, and has found pusat at the address it was told"
    assert lines[-1].startswith("pusat and kampus speak with each other: ")

    for realm, other in ((kampus, pusat), (pusat, kampus)):
        assert seen(realm)["running"]
        told = peer_seen(realm, other.name)
        assert (told["address"], told["port"]) == ("127.0.0.1", other.door)
        assert (told["answers"], told["speaks"], told["error"]) == (True, True, "")
        code, lines, _ = operate(realm.data, "peers")
        assert code == 0
        assert lines[0] == f"{realm.name}, which others reach at 127.0.0.1:{realm.door}"
        assert re.fullmatch(rf"{other.name} +127\.0\.0\.1:{other.door} +0 +- +\d+ s ago +answers", lines[2])

    with Stage(kampus, pusat) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Messi
            henderson@pusat: register henderson surabaya Inggris Henderson
            messi: sendprivaterealm pusat henderson halo
            messi gets: Message sent
            henderson@pusat hears: halo
            henderson@pusat: send messi@kampus halo juga
            messi hears: halo juga
        """)

    code, lines, _ = operate(pusat.data, "accept", word)
    assert code == 0
    assert lines[0] == "kampus is a peer already: seeing how the two get on"
    assert len(lines) == 2


def test_in_one_line_of_a_shell(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    python, data, other = (shlex.quote(str(word)) for word in (sys.executable, kampus.data, pusat.data))
    line = f'{python} -m realm accept "$({python} -m realm invite --data {data})" --data {other}'
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    assert "speak with each other" in done.stdout
    unquoted = line.replace('"', "")
    assert subprocess.run(["/bin/sh", "-c", unquoted], capture_output=True, timeout=60, check=False).returncode == 0


def test_at_a_terminal_it_is_said_how_to_use_it(realm: RealmProcess) -> None:
    ours, theirs = pty.openpty()
    with closing(os.fdopen(ours, "rb", buffering=0)) as screen:
        subprocess.run(spoken(realm.data, "invite"), stdout=theirs, timeout=60, check=True)
        os.close(theirs)
        shown = b""
        try:
            while part := screen.read(4_096):
                shown += part
        except OSError:  # as Linux says that nobody writes any more
            pass
    word, how, near = shown.decode().splitlines()
    assert word == invited(realm)
    assert "python -m realm accept STRING" in how
    assert near.startswith("only this machine reaches 127.0.0.1: ")


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("", "this is no realm's invitation"),
        ("pusat", "this is no realm's invitation"),
        ("http://localhost:8550/?realm=127.0.0.1:8889", "this link invites a person"),
        ("bagan-realm://pusat@127.0.0.1:9889/abc", "ends in its key"),
        ("bagan-realm://pusat@127.0.0.1/abc", "has HOST:PORT after the @"),
    ],
)
def test_what_is_no_invitation(realm: RealmProcess, word: str, sentence: str) -> None:
    told = refused(realm.data, word)
    assert sentence in told
    assert len(told.splitlines()) == 1


def test_an_invitation_that_leads_elsewhere(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    word = invited(pusat)
    wrong_key, wrong_name = f"{word.rpartition('/')[0]}/{OTHER_KEY}", word.replace("pusat@", "pusaka@")
    told = refused(kampus.data, wrong_key)
    assert "the realm pusat cannot be added: the realm there has another key" in told
    assert "ask the operator of pusat for a new one" in told
    assert "the realm there is pusat" in refused(kampus.data, wrong_name)
    assert "this is kampus's own invitation" in refused(kampus.data, invited(kampus))
    assert "is called kampus too" in refused(kampus.data, word.replace("pusat@", "kampus@"))
    assert seen(kampus)["peers"] == []

    assert operate(kampus.data, "accept", word)[0] == 0
    told = refused(kampus.data, wrong_key)
    assert "pusat is a peer already, and its key is SHA256:" in told
    told = refused(kampus.data, wrong_name)
    assert "pusaka cannot be added" in told


def test_an_invitation_to_where_no_realm_is(realm: RealmProcess) -> None:
    with socket.socket() as nobody, socket.create_server(("127.0.0.1", 0)) as mute:
        nobody.bind(("127.0.0.1", 0))
        dead, silent = (f"127.0.0.1:{one.getsockname()[1]}" for one in (nobody, mute))
        for place, why in ((dead, f"nothing answers at {dead}"), (silent, f"{silent} did not answer within")):
            told = refused(realm.data, f"bagan-realm://pusat@{place}/{OTHER_KEY}")
            assert f"the realm pusat cannot be added: {why}" in told
            assert "see that it runs" in told
    told = refused(realm.data, f"bagan-realm://pusat@no.such.host.invalid:1/{OTHER_KEY}")
    assert "the name no.such.host.invalid" in told
    assert seen(realm)["peers"] == []


def test_a_realm_that_is_not_where_it_says(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(options=("--advertise", "127.0.0.1:1")), start_realm("pusat")
    told = refused(kampus.data, invited(pusat))
    assert "the realm pusat cannot be added: pusat says: " in told
    assert "pusat was told that this realm is at 127.0.0.1:1: " in told
    assert "--advertise" in told
    assert seen(kampus)["peers"] == seen(pusat)["peers"] == []


def test_realms_that_do_not_federate(start_realm: StartRealm) -> None:
    alone, kampus = start_realm("sendiri", config=OFF), start_realm()
    told = refused(alone.data, invited(kampus))
    assert "this realm does not speak with others" in told
    assert "`federation`" in told
    told = refused(kampus.data, invited(alone))
    assert "sendiri says: " in told
    assert "the rest is for the operator of sendiri" in told


def test_two_operators_at_once(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    words = {kampus: invited(pusat), pusat: invited(kampus)}
    both = [
        subprocess.Popen(spoken(realm.data, "accept", word), stdout=subprocess.PIPE, text=True)
        for realm, word in words.items()
        for _ in range(2)
    ]
    for one in both:
        out, _ = one.communicate(timeout=60)
        assert "speak with each other" in out, out
        assert one.returncode == 0
    assert len(seen(kampus)["peers"]) == len(seen(pusat)["peers"]) == 1


@pytest.mark.thorough
def test_a_peer_that_went_away(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    word = invited(pusat)
    assert operate(kampus.data, "accept", word)[0] == 0
    pusat.kill()
    with Stage(kampus) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Messi
            messi: sendprivaterealm pusat henderson halo
            messi gets: queued=true
        """)
    shown = operate(kampus.data, "peers")[1][2]
    assert re.fullmatch(
        rf"pusat +127\.0\.0\.1:{pusat.door} +1 +\d+ s +\d+ s ago +"
        r"unreachable since \d\d:\d\d, next try in \d+ s: \S.*",
        shown,
    ), shown
    code, lines, errors = operate(kampus.data, "accept", word)
    assert code == 1
    assert lines == ["pusat is a peer already: seeing how the two get on", "waiting until pusat answers kampus"]
    assert errors.startswith("pusat does not answer (")
    assert "messages wait meanwhile" in errors

    kampus.stop()
    told = seen(kampus)
    assert not told["running"]
    (peer,) = told["peers"]
    assert (peer["realm"], peer["queued"], peer["answers"]) == ("pusat", 1, False)
    assert abs(time.time() * 1000 - peer["oldest"]) < 120_000
    lines = operate(kampus.data, "peers")[1]
    assert lines[0] == "kampus is not running: this is what its folder knows"
    assert re.fullmatch(rf"pusat +127\.0\.0\.1:{pusat.door} +1 +\d+ s +- +-", lines[2])
    kampus.start()
    pusat.start()
    assert operate(kampus.data, "accept", word)[0] == 0


def test_a_realm_that_stops_meanwhile(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    word = invited(pusat)
    assert operate(kampus.data, "accept", word)[0] == 0
    pusat.kill()
    command = spoken(kampus.data, "accept", word)
    accepting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert accepting.stdout is not None
    for line in accepting.stdout:
        if line.startswith("waiting until"):
            break
    kampus.kill()
    _, errors = accepting.communicate(timeout=60)
    assert errors == f"the realm on {kampus.data} has stopped meanwhile\n"
    assert accepting.returncode == 1


def test_ctrl_c_ends_the_waiting(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    word = invited(pusat)
    assert operate(kampus.data, "accept", word)[0] == 0
    pusat.kill()
    command = spoken(kampus.data, "accept", word)
    accepting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert accepting.stdout is not None
    accepting.stdout.readline()
    accepting.send_signal(signal.SIGINT)
    _, errors = accepting.communicate(timeout=60)
    assert "Traceback" not in errors
    assert accepting.returncode not in (0, None)


@pytest.mark.thorough
@pytest.mark.timeout(180)  # each waits for one that might be starting
def test_no_realm_runs(realm: RealmProcess, tmp_path: Path) -> None:
    word = invited(realm)
    realm.kill()
    code, lines, told = operate(realm.data, "accept", f"bagan-realm://pusat@127.0.0.1:1/{OTHER_KEY}")
    assert (code, lines) == (1, [f"waiting until a realm runs on {realm.data}"])
    assert told == f"no realm runs on {realm.data}: start it with `python -m realm run --data {realm.data}`\n"
    code, lines, errors = operate(realm.data, "invite")
    assert (code, lines) == (1, [])
    assert "start it, or say --host HOST:PORT" in errors
    code, lines, _ = operate(realm.data, "invite", "--host", "chat.example.org:443")
    assert code == 0
    assert lines == [word.replace(f"127.0.0.1:{realm.door}", "chat.example.org:443")]
    code, lines, _ = operate(realm.data, "peers")
    assert code == 0
    assert lines[0] == "kampus is not running: this is what its folder knows"
    assert lines[1].startswith("no peers yet: ")
    assert realm.start().stop() == 0, "none of them has kept the folder"

    nowhere = tmp_path / "nowhere"
    waited = f"waiting until a realm runs on {nowhere}"
    for command, words, said in (("invite", ["--host", "a:1"], []), ("accept", [word], [waited]), ("peers", [], [])):
        code, lines, errors = operate(nowhere, command, *words)
        assert (code, lines) == (1, said)
        assert errors.startswith(f"no realm has run on the folder {nowhere} yet")
    assert not nowhere.exists()


@pytest.mark.thorough
def test_realms_that_are_just_being_started(tmp_path: Path) -> None:
    """A second realm and the link to it, in two lines that are pasted at once."""
    kampus, pusat = RealmProcess(tmp_path), RealmProcess(tmp_path, "pusat")
    accept = spoken(pusat.data, "accept", "$WORD")
    python = shlex.quote(sys.executable)
    line = f'WORD="$({python} -m realm invite --data {kampus.data})"; exec {shlex.join(accept)}'.replace(
        "'$WORD'", "$WORD"
    )
    both = subprocess.Popen(["/bin/sh", "-c", line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        kampus.start()
        time.sleep(1)
        pusat.start()
        out, errors = both.communicate(timeout=60)
        assert "speak with each other" in out, errors
    finally:
        for realm in (kampus, pusat):
            if realm.running:
                realm.kill()


def test_who_only_looks_keeps_no_realm_from_starting(realm: RealmProcess) -> None:
    realm.kill()
    for _ in range(3):
        looking = [
            subprocess.Popen(spoken(realm.data, "peers"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        realm.start().kill()
        for one in looking:
            _, errors = one.communicate(timeout=60)
            assert one.returncode == 0 or "has stopped meanwhile" in errors, errors


def test_another_address_to_be_reached_at(start_realm: StartRealm) -> None:
    realm = start_realm(options=("--advertise", "chat.example.org:443"))
    assert invited(realm).startswith("bagan-realm://kampus@chat.example.org:443/")
    code, lines, _ = operate(realm.data, "invite", "--host", "[2001:db8::7]:8889")
    assert code == 0
    assert lines[0].startswith("bagan-realm://kampus@%5B2001:db8::7%5D:8889/")


@pytest.mark.parametrize("place", ["chat.id:٨٨٨٩", "chat.id:²", "chat.id", ":1", "chat.id:0", "chat.id:65536", "a b:1"])
def test_what_is_no_address(realm: RealmProcess, place: str, tmp_path: Path) -> None:
    """Digits are those that every other realm reads as digits."""
    code, lines, errors = operate(realm.data, "invite", "--host", place)
    assert (code, lines) == (2, [])
    assert "is no HOST:PORT" in errors
    code, lines, errors = operate(tmp_path / "new", "run", "--name", "x", "--port", "0", "--advertise", place)
    assert (code, lines) == (2, [])
    assert "is no HOST:PORT" in errors
    assert not (tmp_path / "new").exists()


def test_a_peer_is_forgotten_and_may_be_added_again(start_realm: StartRealm) -> None:
    """Beside the realm that runs; what waits comes back to its sender at once."""
    kampus, pusat = start_realm(), start_realm("pusat")
    assert operate(kampus.data, "accept", invited(pusat))[0] == 0
    code, _, errors = operate(kampus.data, "forget", "desa")
    assert (code, errors) == (1, "kampus has no peer that is called desa: its peers are pusat\n")
    with Stage(kampus, pusat) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Messi
            henderson@pusat: register henderson surabaya Inggris Henderson
            messi: sendprivaterealm pusat henderson halo
            messi gets: Message sent
            henderson@pusat hears: halo
        """)
    pusat.stop()
    with Stage(kampus) as stage:
        stage.play("""
            messi: auth messi surabaya
            messi: sendprivaterealm pusat henderson apa kabar
            messi gets: Message sent
        """)
        code, lines, errors = operate(kampus.data, "forget", "Pusat")
        assert (code, errors) == (0, "")
        back = "1 message that waited for it goes back to the senders now"
        assert lines[0] == f"pusat is no peer of kampus any more; {back}"
        stage.play("""
            messi hears: Realm tidak ditemukan
            messi: sendprivaterealm pusat henderson halo
            messi gets: ERROR realm_not_found Realm tidak ditemukan
        """)
    assert seen(kampus)["peers"] == []
    pusat.start()
    assert operate(kampus.data, "accept", invited(pusat))[0] == 0


def test_a_peer_is_forgotten_in_the_folder_of_a_realm_that_does_not_run(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    assert operate(kampus.data, "accept", invited(pusat))[0] == 0
    kampus.stop()
    code, lines, errors = operate(kampus.data, "forget", "pusat")
    assert (code, errors) == (0, "")
    assert lines[0] == "pusat is no peer of kampus any more; nothing waited for it"
    code, _, errors = operate(kampus.data, "forget", "pusat")
    assert (code, errors) == (1, "kampus has no peer that is called pusat: it has none\n")
    code, lines, _ = operate(kampus.data, "peers")
    assert "no peers yet" in lines[1]
    kampus.start()
    assert seen(kampus)["peers"] == []
