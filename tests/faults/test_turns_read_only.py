"""The disk turns read-only below a realm that runs: it ends with a sentence, and so does who starts it meanwhile.

While it runs a layer has all writing fail as such a disk does; once it has ended, the disk is made so.
"""

import random
from pathlib import Path

import pytest

from tests.faults.disk_people import people_of
from tests.faults.faulty_disk import FaultyRealm
from tests.faults.faulty_realm.orders import Fault
from tests.faults.small_disk import CannotMountError, SmallDisk, mounted
from tests.realm_process import FAST_HASHING, NO_LIMITS
from tests.scenarios.operator_kit import operate, works

ALL = [Fault(op, "all", "EROFS") for op in ("write", "truncate", "open", "sync")]


@pytest.mark.thorough
def test_and_can_be_written_again(tmp_path: Path) -> None:
    """Every OK of before is there."""
    try:
        with mounted(tmp_path / "kampus") as disk:
            _play(tmp_path, disk)
    except CannotMountError as error:
        pytest.fail(str(error))


def _play(folder: Path, disk: SmallDisk) -> None:
    realm = FaultyRealm(folder, config=NO_LIMITS + FAST_HASHING, dice=random.Random(8))
    realm.start()
    try:
        with people_of(realm) as people:
            people.say(30)
            people.hear(70)
            realm.fail(*ALL)
            people.talk(40)
            assert realm.ended() == 1
            assert realm.log().splitlines()[-1].startswith("the database failed"), realm.log()
            disk.read_only()
            with pytest.raises(RuntimeError, match="see why nothing may be written to it"):
                realm.start()
            assert realm.ended() == 1
            assert "Traceback" not in realm.log()
            code, lines, errors = operate(realm.data, "doctor")
            assert (code, len(lines + errors.splitlines())) == (1, 1), (lines, errors)
            assert "nothing may be written to" in errors
            disk.writable()
            people.hear_the_end()
            realm.fail()
            realm.start()
            people.say_again()
            people.hear_all()
            people.check()
            assert realm.stop() == 0
            works(realm.data, "doctor")
    finally:
        if realm.running:
            realm.kill()
