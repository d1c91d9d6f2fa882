"""Disks that fail, fill up, lose what was not flushed, or change what they hold."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from tests.faults import changed_bytes
from tests.faults.disk_people import BROKEN, FULL, People, people_of
from tests.faults.faulty_disk import FaultyRealm
from tests.faults.faulty_realm.orders import HANG, Fault
from tests.faults.full_disk import full_disk
from tests.faults.realm_kit import NAMES, world
from tests.faults.small_disk import CannotMountError
from tests.realm_process import FAST_HASHING, NO_LIMITS
from tests.soak.part import Outcome, Part, Soak
from tests.soak.realms import LONG, PACE, Going

ROUNDS: Final = 12
"""How often each says something before a disk that fails now and then is well again."""
CALLS: Final = [(op, on) for op in ("sync", "write") for on in ("wal", "db", "files", "all")] + [("truncate", "wal")]
LOADED: Final = 6
SENT: Final = 60


@contextmanager
def _people(soak: Soak) -> Iterator[People]:
    realm = FaultyRealm(soak.folder, config=NO_LIMITS + FAST_HASHING, dice=soak.chance)
    realm.start()
    try:
        with people_of(realm) as people:
            yield people
    finally:
        if realm.running:
            realm.kill()


def fails(soak: Soak, outcome: Outcome) -> None:
    """Each round has a fault of its own, and ends in a power cut, or where the realm has ended by itself."""
    ends: Counter[str] = Counter()
    with _people(soak) as people:
        for _ in range(soak.rounds):
            people.realm.fail(_any_fault(soak.chance))
            people.say(soak.chance.randrange(1, SENT))
            people.hear(soak.chance.randrange(1, SENT))
            people.talk(ROUNDS)
            ends[_end(people, soak.chance)] += 1
            people.hear_the_end()
            people.realm.fail()
            people.realm.start()
            people.say_again()
            people.hear_all()
            people.check()
        _tell(people, ends, outcome)


def _any_fault(chance: random.Random) -> Fault:
    op, on = chance.choice(CALLS)
    code = chance.choice(("EIO", "ENOSPC", "EROFS", HANG))
    skip, times = chance.randrange(60 if op == "write" else 12), chance.choice((1, 3, 50, -1))
    return Fault(op, on, code, skip, times, part=op == "write" and chance.random() < 0.5)


def _end(people: People, chance: random.Random) -> str:
    """How the round ended: with a power cut where the realm is there yet, and else in half of all cases too."""
    realm = people.realm
    if realm.running:
        how = "hung in a call, and lost power" if realm.hangs else "lost power"
        realm.power_cut()
        return how
    assert realm.ended() == 1, f"the realm ended with {realm.ended()}"
    said = realm.log().splitlines()[-1]
    assert said.startswith("the database failed"), said
    if chance.random() < 0.5:
        realm.platter.power_cut()
        return "ended with a sentence, and lost power"
    return "ended with a sentence"


def _tell(people: People, ends: Counter[str], outcome: Outcome) -> None:
    platter = people.realm.platter
    platter.absorb()
    refused = people.refused()
    assert set(refused) <= FULL | BROKEN, refused
    assert "Traceback" not in people.realm.log()
    outcome.figures |= {f"times the realm {how}": f"{count:,}" for how, count in sorted(ends.items())}
    outcome.figures |= {
        "calls that failed": f"{platter.met.total():,}",
        "flushes that went well": f"{platter.flushes:,}",
        "written and lost": f"{platter.lost / 1e6:.1f} MB",
        "sends answered OK": f"{people.answered():,}, each there once after every round",
        "refused with `unavailable`": f"{refused.total():,}",
    }


def power(soak: Soak, outcome: Outcome) -> None:
    """Three realms that talk to each other, of which some lose power."""
    done: Counter[str] = Counter()
    with world(soak.folder, make=partial(FaultyRealm, dice=soak.chance)) as three:
        going = Going(three, soak.chance)
        for _ in range(soak.rounds):
            going.on(soak.chance.uniform(0.1, 1.5))
            names = soak.chance.sample(NAMES, k=soak.chance.choices((1, 2, 3), (6, 2, 2))[0])
            three.kill(*names)
            for name in names:
                realm = three.realms[name]
                assert isinstance(realm, FaultyRealm)
                realm.power_cut()
                done[name] += 1
            going.on(soak.chance.uniform(0, 0.5))
            three.start(*names)
        three.meanwhile = lambda: None
        three.settle(LONG)
        three.check()
        for name in NAMES:
            assert not three.logged(name, "write-ahead log damaged"), f"{name} takes a power cut for damage"
        outcome.figures["power cuts"] = f"{done.total():,}"
        outcome.figures["messages, each there once at both ends"] = f"{sum(flow.said for flow in three.flows):,}"


def bytes_changed(soak: Soak, outcome: Outcome) -> None:
    """One byte at a time, each in a copy that was well."""
    with _people(soak) as people:
        for _ in range(LOADED):
            people.say(SENT)
            people.hear_all()
        assert people.realm.stop() == 0
        well = changed_bytes.kept(people.realm.data)
    counts: Counter[str] = Counter()
    for _ in range(soak.rounds):
        counts += changed_bytes.look(changed_bytes.any_change(well, soak.chance))
    outcome.figures |= {name: f"{count:,}" for name, count in sorted(counts.items())}
    changed_bytes.check(counts)


def full(soak: Soak, outcome: Outcome) -> None:
    """A disk fills up, is full, and has room again, with kills meanwhile."""
    with ExitStack() as stack:
        try:
            rounds = stack.enter_context(full_disk(soak.folder, soak.chance, mount=True))
            disk = "a real one, in memory"
        except CannotMountError as error:
            rounds = stack.enter_context(full_disk(soak.folder, soak.chance, mount=False))
            disk = f"one that a layer below SQLite and the realm says is full ({error})"
        for _ in range(soak.rounds):
            many = soak.chance.choices((0, 1, 2, 3), (4, 3, 2, 1))[0]
            rounds.round(*soak.chance.sample(NAMES, k=many))
        rounds.check()
    mixed = rounds.mixed
    outcome.figures |= {
        "its disk": disk,
        "times it was full": f"{rounds.rounds:,}",
        "processes killed meanwhile": f"{rounds.kills:,}",
        "commands": f"{mixed.commands:,}",
        "answered OK": f"{mixed.oks:,}, each there once at both ends",
        "refused with `unavailable`, and said again": f"{rounds.refused:,}",
    }


PARTS: Final = {
    "disk-fails": Part(
        "a realm on a disk whose calls fail or hang, once or for ever, under private and group messages and files, and "
        "that then loses power with all that was not flushed",
        fails,
        rounds=30,
    ),
    "disk-power-cuts": Part(
        f"three realms, 9 flows of {PACE} messages a second among them: one, two or all lose power, "
        "and what was not flushed",
        power,
        rounds=20,
    ),
    "disk-full": Part(
        "three realms that exchange texts, group messages and files: the disk of one is full again and again, to the"
        " last byte or nearly, while some are ended by kill -9, and has room again",
        full,
        rounds=60,
    ),
    "disk-bytes": Part(
        "one byte of a realm's database is another: anywhere, and in every other round in an entry",
        bytes_changed,
        rounds=500,
    ),
}
