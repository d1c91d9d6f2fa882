"""Realms that are put back from an older backup, or move: what the others hold arrives again, and nothing twice.

With the operator's own `backup`, of a realm that runs or not, and `restore`.
"""

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.faults.realm_kit import NAMES, TO_KAMPUS, World, three
from tests.realm_process import RealmProcess, free_ports
from tests.scenarios.operator_kit import works

__all__ = ["three"]

COUNT = 180


def copy(realm: RealmProcess) -> Path:
    """A backup of a realm, whether it runs or not."""
    backup = realm.data.with_suffix(".backup")
    works(realm.data, "backup", backup)
    return backup


def put_back(realm: RealmProcess, backup: Path) -> None:
    """As an operator does it: the old folder is moved away, and another made of the backup."""
    shutil.rmtree(realm.data)
    works(realm.data, "restore", backup)


def execute(realm: RealmProcess, *statements: str) -> None:
    [database] = realm.data.glob("*.db")
    connection = sqlite3.connect(database)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def loaded(three: World) -> None:
    for flow in three.flows:
        flow.more(COUNT)


def put_back_from(three: World, name: str, backup: Path) -> None:
    """Put a realm back while the others go on."""
    three.stop(name)
    put_back(three.realms[name], backup)
    three.start(name)


@pytest.mark.parametrize("name", ["pusat", "kampus"])
def test_put_back_from_an_older_backup(three: World, name: str) -> None:
    """Under load from the others. What it had said itself since then is with those to whom it was said."""
    others = [other for other in NAMES if other != name]
    own = [three.flow(name, other, COUNT) for other in others]
    to_it = [three.flow(other, name, COUNT) for other in others]
    beside = three.flow(others[0], others[1], COUNT)
    three.settle()
    backup = copy(three.realms[name])
    loaded(three)
    three.settle()
    epoch = three.ask(name, "sync", cursors={})["epoch"]
    for flow in own:
        flow.forgotten = range(COUNT, 2 * COUNT)
    for flow in (*to_it, beside):
        flow.more(3 * COUNT)
    three.run_for(COUNT, *to_it)
    put_back_from(three, name, backup)
    for flow in own:
        flow.more(COUNT)
    three.settle()
    assert three.ask(name, "sync", cursors={})["epoch"] != epoch
    for one in others:
        assert [line for line in three.logged(one, "restore noticed") if line["peer"] == name and line["sending"]]
        assert [line for line in three.logged(name, "restore noticed") if line["peer"] == one and line["sending"]]
        assert not [line for line in three.logged(one, "restore noticed") if line["peer"] != name]
    three.check()


@pytest.mark.thorough
def test_what_was_queued_in_the_backup_and_has_arrived_since(three: World) -> None:
    """It is sent again, and known by its ids; own copies are no longer shown as queued."""
    flow, back = three.flow("kampus", "pusat", COUNT), three.flow("pusat", "kampus", COUNT)
    three.settle()
    for proxy in three.proxies:
        proxy.cut()
    loaded(three)
    three.run_until_answered()
    three.stop("kampus")
    backup = copy(three.kampus)
    for proxy in three.proxies:
        proxy.heal()
    three.start("kampus")
    flow.more(COUNT)
    three.settle()
    flow.forgotten = range(2 * COUNT, 3 * COUNT)
    put_back_from(three, "kampus", backup)
    loaded(three)
    three.settle()
    three.check()
    assert back.done


@pytest.mark.thorough
def test_both_put_back(three: World) -> None:
    """From backups of different days: what either still holds is with the other in the end."""
    there, back = three.flow("kampus", "pusat", COUNT), three.flow("pusat", "kampus", COUNT)
    three.settle()
    older = copy(three.kampus)
    loaded(three)
    three.settle()
    younger = copy(three.pusat)
    loaded(three)
    three.settle()
    there.forgotten, back.forgotten = range(COUNT, 3 * COUNT), range(2 * COUNT, 3 * COUNT)
    three.stop("kampus", "pusat")
    put_back(three.kampus, older)
    put_back(three.pusat, younger)
    three.start("kampus", "pusat")
    there.lost, back.lost = range(2 * COUNT, 3 * COUNT), range(2 * COUNT, 3 * COUNT)
    loaded(three)
    three.settle()
    three.check()


@pytest.mark.thorough
def test_its_commands_port_has_moved(three: World) -> None:
    """The card at its front door says where it is now: nobody has to do anything."""
    flow = three.flow("timur", "pusat", COUNT)
    three.settle()
    three.stop("pusat")
    flow.more(COUNT)
    [three.pusat.commands] = free_ports(1)
    three.ears["pusat"].card["commands"] = three.pusat.commands
    three.start("pusat")
    three.ears["pusat"].close()
    three.ears["pusat"].open()
    three.run_until_answered()
    three.run(lambda: three.row("timur", "pusat")["queued"] == 0, "timur finds pusat")
    three.check_flow(flow)


@pytest.mark.thorough
def test_a_realm_that_has_moved_and_knows_nobody(three: World) -> None:
    """It says `addrealm` to another, which knows its name and key: that renews where it is."""
    there, back = three.flow("kampus", "pusat", COUNT), three.flow("pusat", "kampus", COUNT)
    three.settle()
    three.stop("pusat")
    execute(three.pusat, "DELETE FROM outbox", "DELETE FROM taken", "DELETE FROM peers")
    three.pusat.door, three.pusat.commands, three.pusat.push = free_ports(3)
    card = {"commands": three.pusat.commands, "push": three.pusat.push}
    for actor in (three.ears["pusat"], back.actor):
        actor.card.update(card)
    there.more(COUNT)
    three.run_until_answered(there)
    assert there.queued() > 0
    three.start("pusat")
    three.ears["pusat"].close()
    three.ears["pusat"].open()
    three.ask("pusat", "addrealm", realm="kampus", address=TO_KAMPUS, port=three.kampus.door)
    row = three.row("kampus", "pusat")
    assert (row["address"], row["port"]) == ("127.0.0.1", three.pusat.door)
    back.more(COUNT)
    three.run_until_answered()
    three.run(lambda: three.row("kampus", "pusat")["queued"] == 0, "kampus finds pusat")
    three.run(lambda: three.row("pusat", "kampus")["queued"] == 0, "pusat has sent all")
    for flow in (there, back):
        three.check_flow(flow)
