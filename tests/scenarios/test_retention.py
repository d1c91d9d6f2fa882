"""`[retention]`: what is older than the settings say is removed from a realm that runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import StartRealm
from tests.realm_process import RealmProcess
from tests.scenarios.cli_kit import REGISTER, people_of

A_SECOND = "[retention]\nprivate_days = 0.00001\n[files]\nunsent_hours = 0.0003\n"
"""Sweeps come as often as files that are kept for so short a time want them."""


def test_what_is_old_goes_and_what_is_said_later_has_the_next_number(start_realm: StartRealm, tmp_path: Path) -> None:
    realm = start_realm(config=A_SECOND)
    with people_of(tmp_path, realm) as person:
        messi, henderson = person("messi"), person("henderson")
        for name, words in REGISTER.items():
            person(name).says(*words.split())
        messi.says("addgroup", "new")
        messi.says("sendgroup", "new", "this stays")
        messi.says("send", "henderson", "this goes")
        while henderson.says("history", "messi") != ["(nothing said yet)"]:
            assert realm.running
        messi.says("send", "henderson", "once more")
        assert messi.sees("history", "group/new@kampus", pattern="this stays")
    realm.stop()
    content = b"".join(path.read_bytes() for path in realm.data.glob("realm.db*"))
    assert b"this goes" not in content
    assert b"this stays" in content


@pytest.mark.parametrize("days", ["-1", "36_501", "inf", '"ten"'])
def test_settings_that_cannot_be_meant(tmp_path: Path, days: str) -> None:
    realm = RealmProcess(tmp_path, config=f"[retention]\ngroup_days = {days}\n")
    command = [sys.executable, "-m", "realm", "run", "--name", "kampus", "--data", str(realm.data)]
    command += ["--config", str(realm.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert "line 2: retention.group_days" in done.stderr
    assert not realm.data.exists()
