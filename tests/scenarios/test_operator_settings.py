"""`init`, and the settings file in a realm's folder."""

import os
import pty
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.conftest import StartRealm
from tests.realm_process import READY, RealmProcess
from tests.wire.attacker import outside, refusal

TEMPLATE = Path(__file__).parents[2] / "realm" / "settings.toml"
Said = subprocess.CompletedProcess[str]
ACCOUNT = {"username": "messi", "password": "surabaya-1", "country": "Argentina", "name": "Messi"}


def wait_until(true: Callable[[], bool]) -> None:
    """Return when it is."""
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def says(*words: str, file_limit: int | None = None) -> Said:
    """One command of the operator's; with `file_limit`, where no file can have more bytes."""

    def limit() -> None:
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    command = [sys.executable, "-m", "realm", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, preexec_fn=limit)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_init_writes_the_settings_and_says_what_comes_next(tmp_path: Path) -> None:
    data, path = tmp_path / "new" / "data", tmp_path / "new" / "data" / "settings.toml"
    done = says("init", "--data", str(data))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"wrote {path}: change what you need, then say python -m realm run --data {data} --name NAME\n"
    )
    assert path.read_text() == TEMPLATE.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert names_in(data) == ["settings.toml"]

    path.write_text("# mine")
    again = says("init", "--data", str(data))
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == f"{path} is there already: change it, or remove it to begin anew\n"
    assert path.read_text() == "# mine"


def test_init_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder, why in (
        ("file", "is no folder: choose another --data"),
        ("file/x", "cannot be written (Not a directory): make room, or choose another --data"),
    ):
        done = says("init", "--data", str(tmp_path / folder))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith(f"{why}\n")
    full = says("init", "--data", str(tmp_path / "data"), file_limit=1_000)
    assert full.returncode == 1
    assert "cannot be written (File too large): make room" in full.stderr
    assert names_in(tmp_path / "data") == [], "no half of a file"
    assert says("init", "--data", str(tmp_path / "data"), "--name", "a b").returncode == 2


def test_a_realm_that_is_all_in_its_file(tmp_path: Path) -> None:
    """Name, ports and the form of the log too; an option outranks it."""
    data = tmp_path / "data"
    assert says("init", "--data", str(data), "--name", "Kampus").returncode == 0
    path = data / "settings.toml"
    told = path.read_text().replace("port = 8889", "port = 0").replace('"readable" ', '"json" ')
    path.write_text(told.replace('registration = "open"', 'registration = "invite"'))
    command = [sys.executable, "-m", "realm", "run", "--data", str(data), "--host", "localhost"]
    realm = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert realm.stdout is not None
        ready = READY.search(realm.stdout.readline())
        assert ready
        assert ready["host"] == "localhost"
        assert "invite-user" in realm.stdout.readline()
        invited = says("invite-user", "--data", str(data))
        assert "it lets one person register" in invited.stdout
        path.unlink()
        gone = says("reload", "--data", str(data))
        assert gone.stderr == f"the settings file {path} cannot be read (No such file or directory): see --config\n"
        again = says("invite-user", "--data", str(data)).stdout
        assert f"realm=localhost:{ready['door']}&" in again, "it is where the realm that runs says"
        assert "it lets one person register" in again
    finally:
        realm.terminate()
        _, log = realm.communicate(timeout=30)
    assert '"realm": "kampus"' in log


def test_a_file_that_is_wrong(tmp_path: Path) -> None:
    """Nothing begins, and all that is wrong is said; by every command that needs it."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.toml").write_text("[limits]\nlogin_burts = 3\nlogins_per_minute = 0\n")
    for words in (["run", "--name", "kampus"], ["demo-data", "--name", "kampus"]):
        done = says(*words, "--data", str(data))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (
            f"the settings file {data}/settings.toml cannot be used:\n"
            "  line 2: there is no setting limits.login_burts: do you mean login_burst?\n"
            "  line 3: limits.logins_per_minute = 0: it has to be a whole number, 1 or more\n"
        )
    assert names_in(data) == ["settings.toml"]
    high = says("run", "--name", "kampus", "--data", str(tmp_path / "x"), "--port", "65535")
    assert high.returncode == 2
    assert "choose a lower --port" in high.stderr


def reload(realm: RealmProcess) -> Said:
    return says("reload", "--data", str(realm.data))


def test_a_realm_that_runs_takes_what_can_change(realm: RealmProcess, tmp_path: Path) -> None:
    before = realm.config.read_text()
    with outside(realm) as here:
        caller = here.caller()
        assert caller.ask("register", **ACCOUNT)["status"] == "OK"
        realm.config.write_text(
            f'registration = "closed"\n[listen]\nadvertise = "x:1"\n[log]\nformat = "json"\n{before}'
        )
        done = reload(realm)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            "in force now:",
            '  registration: "open" -> "closed"',
            '  log.format: "readable" -> "json"',
            "only after a restart:",
            '  listen.advertise: nothing -> "x:1"',
        ]
        other = {**ACCOUNT, "username": "henderson"}
        assert refusal(caller.ask("register", **other)) == "forbidden"

        realm.config.write_text('registration = "shut"\nx = 1\n')
        done = reload(realm)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines() == [
            f"the settings file {realm.config} cannot be used:",
            '  line 1: registration = "shut": it has to be "open", "invite" or "closed"',
            done.stderr.splitlines()[2],
        ]
        assert refusal(caller.ask("register", **other)) == "forbidden", "it goes by what it had"

        # The same by a signal, of which the log tells.
        realm.send_signal(signal.SIGHUP)
        wait_until(lambda: "settings not reloaded" in realm.log())
        realm.config.write_text(before)
        realm.send_signal(signal.SIGHUP)
        wait_until(lambda: realm.log().count("settings reloaded") == 2)
        assert caller.ask("register", **other)["status"] == "OK"
        assert reload(realm).stdout == "nothing has changed\n"
    assert realm.stop() == 0

    resting = reload(realm)
    assert resting.returncode == 1
    assert resting.stderr == f"no realm runs on {realm.data}: it reads its settings when it starts\n"
    nowhere = says("reload", "--data", str(tmp_path / "no"))
    assert nowhere.returncode == 1
    assert nowhere.stderr.startswith("no realm has run on the folder")


def test_a_terminal_that_is_closed_ends_the_realm(tmp_path: Path) -> None:
    """There SIGHUP says that nobody is there any more."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "realm", "run", "--name", "kampus", "--data", str(tmp_path / "x"), "--port", "0"]
    realm = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(theirs)
    try:
        assert realm.stdout is not None
        assert READY.search(realm.stdout.readline())
        realm.send_signal(signal.SIGHUP)
        assert realm.stderr is not None
        assert any("settings reloaded" in line for line in iter(realm.stderr.readline, ""))
        os.close(ours)
        realm.send_signal(signal.SIGHUP)
        assert realm.wait(timeout=60) == 0
    finally:
        if realm.poll() is None:
            realm.kill()
        realm.communicate(timeout=30)


def test_a_peer_that_is_denied_and_allowed_again(start_realm: StartRealm) -> None:
    kampus, pusat = start_realm(), start_realm("pusat")
    word = says("invite", "--data", str(pusat.data)).stdout.strip()
    assert says("accept", word, "--data", str(kampus.data)).returncode == 0
    before = kampus.config.read_text()
    kampus.config.write_text(f'peers.denied = ["pusat"]\n{before}')
    assert reload(kampus).returncode == 0
    assert "not spoken to: the settings say so" in says("peers", "--data", str(kampus.data)).stdout
    kampus.config.write_text(before)
    assert 'peers.denied: ["pusat"] -> []' in reload(kampus).stdout
    again = says("accept", word, "--data", str(kampus.data))
    assert again.returncode == 0, again.stderr
    kampus.config.write_text(f'peers.networks = ["10.0.0.0/8"]\n{before}')
    assert reload(kampus).returncode == 0
    shown = says("peers", "--data", str(kampus.data)).stdout
    assert "no peer may be at 127.0.0.1 (the setting peers.networks says where)" in shown
