"""A message that waits for another realm is damaged on disk: that link stands still, and nothing else does."""

import sqlite3
from contextlib import closing

import pytest

from tests.conftest import StartRealm
from tests.scenarios.test_operator_settings import wait_until
from tests.wire.attacker import outside

NO_TEXT = "cast(x'ff41' as text)"
ANOTHER = "'henderson'"


@pytest.mark.parametrize("becomes", [NO_TEXT, ANOTHER])
def test_a_damaged_message_for_another_realm(start_realm: StartRealm, becomes: str) -> None:
    kampus, pusat = start_realm("kampus"), start_realm("pusat")
    with outside(pusat) as there, outside(kampus) as here:
        there.person("bob")
        messi = here.person("messi")
        messi.done("addrealm", realm="pusat", address="127.0.0.1", port=pusat.door)
        pusat.stop()
        for number in range(3):
            messi.done("sendprivaterealm", realm="pusat", to="bob", message=f"pesan {number}")
    kampus.stop()
    with closing(sqlite3.connect(kampus.data / "realm.db")) as database, database:
        database.execute(f"UPDATE outbox SET message = {becomes} WHERE n = 2")
    pusat.start()
    kampus.start()
    wait_until(lambda: "database damaged" in kampus.log())
    with outside(kampus) as here:
        here.person("henderson").send("messi", "halo")
    assert kampus.stop() == 0
    assert "input=PumpDue" in kampus.log()
    assert kampus.log().count("database damaged") == 1
    assert "pesan" not in kampus.log()
