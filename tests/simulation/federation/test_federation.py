"""Seeded histories of two to five realms: killed, hung, cut off for long, put back from older backups, on full disks,
forgotten by each other's operators, with settings that change, what is old removed, and users who are erased or
disabled, end their sessions, and leave groups.

`make simulate-realms SEED=… HISTORIES=…` runs more of them; a seed that fails replays exactly.
"""

from collections import Counter

import pytest

from tests.simulation.federation.history import FederatedHistory
from tests.simulation.federation.runner import run_histories, several_realms
from tests.simulation.federation.store import Databases
from tests.simulation.federation.world import Fault, Seldom
from tests.simulation.network import Fault as OfNetwork
from tests.simulation.runner import memory_folder

HISTORIES = 2_000
PARTS = 16
SAID = (
    "addrealm",
    "conversations",
    "getrealminbox",
    "inbox",
    "realms",
    "send",
    "sendfile",
    "sendfilerealm",
    "sendgroup",
    "sendgroupfile",
    "sendgroupfilerealm",
    "sendgrouprealm",
    "sendprivaterealm",
)
ON_THE_WAY = (OfNetwork.DROP, OfNetwork.DOUBLE, OfNetwork.DELAY, OfNetwork.REORDER)


@pytest.mark.timeout(600)  # some 25 s of a processor that may be shared by many
@pytest.mark.parametrize("part", range(PARTS))
def test_what_is_sent_between_realms_is_there_once_whatever_happens(part: int) -> None:
    each = HISTORIES // PARTS
    counts = run_histories(range(part * each, (part + 1) * each))
    missing = [what for what in (*SAID, *ON_THE_WAY, *Fault, *Seldom) if not counts[what]]
    assert missing == [], f"never happened: {missing}"


def test_the_same_seed_gives_the_same_history() -> None:
    def run() -> tuple[Counter[str], int]:
        with memory_folder() as folder:
            history = FederatedHistory(7, Databases(folder))
        history.run()
        history.close()
        return history.world.counts, history.world.now

    assert run() == run()


def test_a_history_is_the_same_behind_another() -> None:
    """The database of a realm whose disk was full then was used before."""
    with several_realms() as play:
        assert play(829_478_616) == play(829_478_616)
