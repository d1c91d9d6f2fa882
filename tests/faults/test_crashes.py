"""Realms that are killed, in short; at length in `python -m tests.soak`, where parts are called `crashes-…`."""

import random
from contextlib import ExitStack
from pathlib import Path

import zmq

from tests.faults.clocked import ClockedRealm
from tests.faults.large_realm import Size, large_realm
from tests.faults.mixed_load import Mixed
from tests.faults.proxy import HERE
from tests.faults.realm_kit import World, end, three, world
from tests.faults.wrong_clocks import DAY_MS, Clocks
from tests.realm_process import FAST_HASHING
from tests.wire.player import read_card

__all__ = ["three"]

DOOR = "trusted_clients = []\n[limits]\ndoor_per_second = 1\ndoor_burst = 1\n"


def test_killed_under_mixed_load(three: World) -> None:
    """One realm and two at once: texts, groups, files and refusals, here and between realms."""
    mixed = Mixed(three, random.Random(8))
    mixed.kill("pusat")
    mixed.kill("kampus", "timur")
    mixed.end()


def test_a_realm_with_much_to_keep_is_killed_and_comes_back(tmp_path: Path) -> None:
    """What people were told is there, and so is what waits for a peer that is no more. See `crashes-start`."""
    with large_realm(tmp_path, Size(entries=2_000, users=100, groups=5, queued=1_000)) as large:
        large.kill(answers=200)
        assert large.start().log_bytes > 0, "the kill has left nothing to recover from"
        large.check()


def test_clocks_that_jump_a_day(tmp_path: Path) -> None:
    """One is set forward and one back while they run, and both right while they are down."""
    with world(tmp_path, make=ClockedRealm) as three:
        mixed = Mixed(three, random.Random(8))
        clocks = Clocks(mixed)
        mixed.meanwhile = clocks.set_right
        clocks.set("kampus", 1)
        clocks.set("pusat", -1)
        clocks.go_on()
        clocks.guess("kampus", 0)
        clocks.set("kampus", 1)
        mixed.kill("kampus", "pusat")
        clocks.go_on()
        mixed.check()


def test_what_is_counted_by_the_minute_does_not_go_by_the_clock(tmp_path: Path) -> None:
    """Who harms others is named once a minute, also where a clock that was set forward says that it was long ago."""
    realm = ClockedRealm(tmp_path, "kampus", DOOR + FAST_HASHING)
    with ExitStack() as stack:
        stack.callback(end, realm)
        context = stack.enter_context(zmq.Context())
        realm.start()
        for days in (0, 1):
            realm.set_clock(days * DAY_MS)
            while read_card(context, f"tcp://{HERE}:{realm.door}")["status"] == "OK":
                continue
        assert realm.log().count("front door limited") == 1
