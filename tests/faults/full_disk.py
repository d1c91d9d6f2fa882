"""Three realms under load, of which one has a disk that is full again and again, and what must hold of it."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from tests.faults.disk_people import FULL
from tests.faults.faulty_disk import FaultyRealm
from tests.faults.faulty_realm.orders import Fault
from tests.faults.mixed_load import BESIDE, FILES, Mixed
from tests.faults.realm_flows import GROUP, history
from tests.faults.realm_kit import World, world
from tests.faults.small_disk import mounted
from tests.realm_process import RealmProcess

SMALL: Final = "pusat"
"""The realm whose disk it is."""
SPARE: Final = 1 << 18
"""So many bytes are left at most where it fills up by itself."""
NO_ROOM: Final = [Fault(op, "all", "ENOSPC") for op in ("write", "open", "shm")]
"""For nothing."""
WRITE: Final = 4_096
"""Bytes of one of SQLite's."""
MOST: Final = 2_000
"""So often is more said until somebody is refused: what the write-ahead log has of room is used before."""


class Disk(Protocol):
    """One that can be full."""

    def fill(self, spare: int = 0) -> None:
        """From now on, but for some bytes."""
        ...

    def make_room(self) -> None:
        """It is over."""
        ...


class Refusing:
    """One that a layer between SQLite and the system makes so, where nothing can be mounted."""

    def __init__(self, realm: FaultyRealm) -> None:
        self._realm = realm

    def fill(self, spare: int = 0) -> None:
        """Some writes go well yet."""
        self._realm.fail(*(fault._replace(skip=spare // WRITE) for fault in NO_ROOM))

    def make_room(self) -> None:
        """See `Disk`."""
        self._realm.fail()


class FullDisk:
    """Rounds of a disk that is full and is not."""

    def __init__(self, three: World, disk: Disk, chance: random.Random) -> None:
        self.three, self.disk, self.chance = three, disk, chance
        self.mixed = Mixed(three, chance)
        for one in three.talkers:
            one.bears = frozenset(FULL)
        for files in self.mixed.files:
            files.overtakes = files.target == SMALL
        self.rounds = self.kills = 0
        """How often it was full, and how often realms were killed meanwhile."""

    @property
    def refused(self) -> int:
        """How often somebody was told that it is full."""
        return sum(one.refused.total() for one in self.three.talkers)

    def round(self, *killed: str) -> None:
        """It fills up under load, people are refused and others are not, and some are killed; then there is room."""
        self.mixed.go_on()
        before = self.refused
        self.disk.fill(self.chance.choice((0, 0, self.chance.randrange(SPARE))))
        for _ in range(MOST):
            self._say_more()
            if self.refused > before:
                break
        assert self.refused > before, "nobody is refused"
        self._say_more()
        history(self.three.ears[SMALL], f"group/{GROUP}@{SMALL}")  # who reads is served
        if killed:
            self._kill(killed)
        self.disk.make_room()
        for one in self.three.talkers:
            one.again()
        self.mixed.go_on()
        self.rounds += 1

    def check(self) -> None:
        """Every OK is there once, at both ends; what waited has come; refusals were those that are documented."""
        self.mixed.end()
        refused = {(one.realm, why) for one in self.three.talkers for why, count in one.refused.items() if count}
        assert {realm for realm, _ in refused} == {SMALL}, "others than the users of the full realm were refused"
        assert {why for _, why in refused} <= FULL
        assert self.three.logged(SMALL, "disk full"), "the log does not say it"

    def _say_more(self) -> None:
        """All say something more, and each is answered or refused."""
        talkers = self.three.talkers
        for flow in self.mixed.flows:
            flow.more(BESIDE)
        for files in self.mixed.files:
            files.more(FILES)
        for denied in self.mixed.denied:
            denied.more(BESIDE)
        self.three.run(lambda: all(one.rests for one in talkers), "each is answered, or refused for now")

    def _kill(self, names: tuple[str, ...]) -> None:
        """In the middle of more that is said. The one whose disk is full comes back when there is room."""
        for flow in self.mixed.flows:
            flow.more(BESIDE)
        for _ in range(self.chance.randrange(1, 6)):
            self.three.step()
        self.three.kill(*names)
        self.kills += len(names)
        if SMALL in names:
            self.disk.make_room()
        self.three.start(*names)
        self.three.run(lambda: all(one.rests for one in self.three.talkers), "each is answered, or refused for now")


@contextmanager
def full_disk(folder: Path, chance: random.Random, *, mount: bool) -> Iterator[FullDisk]:
    """Three realms, one of them on a disk that is mounted, else on one that a layer says is full.

    Raises CannotMountError.
    """
    with ExitStack() as stack:
        if mount:
            disk: Disk = stack.enter_context(mounted(folder / SMALL))
            yield FullDisk(stack.enter_context(world(folder)), disk, chance)
        else:
            three = stack.enter_context(world(folder, make=partial(_made, chance)))
            small = three.realms[SMALL]
            assert isinstance(small, FaultyRealm)
            yield FullDisk(three, Refusing(small), chance)


def _made(chance: random.Random, folder: Path, name: str, config: str) -> RealmProcess:
    if name == SMALL:
        return FaultyRealm(folder, name, config, dice=chance)
    return RealmProcess(folder, name, config)
