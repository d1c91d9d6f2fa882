"""`init`, and the settings file in a realm's folder."""

import resource
import stat
import subprocess
import sys
from pathlib import Path

from realm.settings_file import template
from tests.realm_process import READY

Said = subprocess.CompletedProcess[str]


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
    assert path.read_text() == template()
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
