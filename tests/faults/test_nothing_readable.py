"""What is made on disk is for its owner alone: by realms, operators, clients; and no image of memory is left."""

import stat
from collections.abc import Iterator
from pathlib import Path

from tests.realm_process import RealmProcess
from tests.scenarios.cli_kit import REGISTER, people_of
from tests.scenarios.operator_kit import say, works

OTHERS = 0o077


def made_in(place: Path) -> Iterator[Path]:
    yield place
    if place.is_dir():
        yield from place.rglob("*")


def test_what_is_made_is_for_its_owner_alone(realm: RealmProcess, tmp_path: Path) -> None:
    backup, archive, again, new = (tmp_path / name for name in ("b.tar", "messi.zip", "again", "new"))
    with people_of(tmp_path, realm) as person:
        messi, henderson = person("messi"), person("henderson")
        for name, somebody in (("messi", messi), ("henderson", henderson)):
            somebody.says(*REGISTER[name].split())
        file = tmp_path / "laporan.txt"
        file.write_text("laporan")
        messi.says("sendfile", "henderson", str(file))
        henderson.says("inbox")
        works(realm.data, "backup", str(backup))
        works(realm.data, "export", "messi", str(archive))
        assert say("restore", backup, "--data", again)[0] == 0
        assert say("init", "--name", "baru", "--data", new)[0] == 0
        places = [realm.data, messi.home, henderson.home, backup, archive, again, new]
        made = [path for place in places for path in made_in(place)]
        names = {path.name for path in made}
        assert {"realm.db", "realm.key", "operator", "settings.toml", "blobs", "lock", "key.json", "pins.json"} <= names
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in made}
        assert {str(path): oct(mode) for path, mode in modes.items() if mode & OTHERS} == {}


def test_a_realm_that_crashes_leaves_no_image_of_its_memory(realm: RealmProcess) -> None:
    """It would hold keys, passwords on their way to be hashed, and what people say."""
    (line,) = [line for line in Path(f"/proc/{realm.pid}/limits").read_text().splitlines() if "core file" in line]
    assert line.split()[4:6] == ["0", "0"], line
