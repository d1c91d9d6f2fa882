"""kill -9 while a user is being erased: the realm goes on by itself, and the command, said again, waits for it."""

import subprocess
import sys

from tests.conftest import StartRealm
from tests.realm_process import NO_LIMITS
from tests.scenarios.operator_kit import operate, works
from tests.wire.player import Stage

SENDS = 1_500


def test_an_erasing_goes_on_after_a_kill(start_realm: StartRealm) -> None:
    realm = start_realm(config=NO_LIMITS)
    with Stage(realm) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Lionel Messi
            henderson: register henderson surabaya Inggris Jordan Henderson
            henderson: logout
        """)
        said = [{"cmd": "send", "to": "henderson", "message": f"secret {number}"} for number in range(SENDS)]
        for at in range(0, SENDS, 100):
            assert {answer["status"] for answer in stage.actor("messi").ask(said[at : at + 100])} == {"OK"}
    command = [sys.executable, "-m", "realm", "erase", "messi", "--yes", "--data", str(realm.data)]
    erasing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with realm.output.open() as log:
        while "user is being erased" not in log.readline():
            assert realm.running
    realm.kill()
    told, errors = erasing.communicate(timeout=60)
    assert (erasing.returncode == 1 and "has stopped meanwhile" in errors) or "messi is erased" in told
    realm.start()
    code, lines, errors = operate(realm.data, "erase", "messi", "--yes")
    assert (code, errors) == (0, "")
    assert lines[0].startswith(("messi is erased", "messi was erased"))
    assert "erased" in works(realm.data, "user", "list")[2]
    assert realm.stop() == 0
    assert "user is erased" in realm.log()
    content = b"".join(path.read_bytes() for path in realm.data.glob("realm.db*"))
    assert b"secret" not in content
