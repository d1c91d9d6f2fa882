"""The world of a storm: a realm with accounts, those who talk meanwhile, and how much memory the realm takes."""

import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil
import zmq

from realm.store.rows import Draft
from schemas import names
from tests.bench import people
from tests.bench.people import GROUP, REALM, User
from tests.bench.wire import connect, pack, unpack
from tests.faults.talkers import Talkers, Waits
from tests.realm_process import FAST_HASHING, RealmProcess

MIB: Final = 1024 * 1024
SLACK: Final = 24 * MIB
"""What a realm may grow by under any load: the frames of two turns, and memory that Python keeps for the next."""
CONNECTION: Final = 48 * 1024
"""What a connection takes: two pipes, two buffers of 8 KiB, the state of CURVE, timers, its session's place in memory.
Measured: 41 KiB idle, 45 KiB at the peak of an arrival, with what was said at once on its way."""
PAGE: Final = 256 * 1024
"""What the largest page takes in a frame, about. One for each who asks may wait to be taken, not all that was asked."""
ENTRIES: Final = 100
ENTRY: Final = "x" * 2_400
"""So many of these fill a page."""


class Site:
    """A realm that has accounts: of a crowd, and of those who talk meanwhile; perhaps a group of them all."""

    def __init__(self, folder: Path, crowd: int, talking: int, *, group: bool) -> None:
        everybody = people.users(talking + crowd)
        self.talking, self.crowd = everybody[:talking], everybody[talking:]
        self.realm = RealmProcess(folder, REALM, FAST_HASHING, "--new-key")
        people.write(self.realm.data, everybody, group=group)
        self.group = names.group(names.full(GROUP, REALM))
        self.server = b""

    def start(self) -> None:
        """Start it, and read its key."""
        self.realm.start()
        with zmq.Context() as context, connect(context, zmq.DEALER, self.realm.door, None, None) as door:
            door.send(pack("identity"))
            self.server = str(unpack(door.recv())["key"]).encode()

    def talkers(self, every: float) -> Talkers:
        """Those who talk, each once in so many seconds."""
        return Talkers(self.realm.commands, self.realm.push, self.server, self.talking, every)

    def fill(self) -> None:
        """Let the group have said what fills a page, before the realm starts."""
        now = time.time_ns() // 1_000_000
        speaker = self.talking[0].name
        store = people.open_store(self.realm.data)
        try:
            with store.transaction() as tx:
                for number in range(ENTRIES):
                    draft = Draft(f"01J7{number:022}", names.full(speaker, REALM), speaker, now, os.urandom(16), ENTRY)
                    tx.append(self.group, draft)
        finally:
            store.close()


@contextmanager
def site(folder: Path, crowd: int, talking: int, *, filled: bool = False) -> Iterator[Site]:
    """A realm that runs, and must be well at the end."""
    with room_for(crowd):
        made = Site(folder, crowd, talking, group=filled)
        if filled:
            made.fill()
        try:
            made.start()
            yield made
            assert made.realm.stop() == 0
            log = made.realm.log()
            assert "internal error" not in log
            assert "too much held" not in log, "nobody here is cut"
        finally:
            if made.realm.running:
                made.realm.kill()


@contextmanager
def room_for(crowd: int) -> Iterator[None]:
    """Descriptors of this process for the crowd: each of their sockets has two, each client two sockets, and those
    that are closed have them for a while."""
    before, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 8 * crowd + 1_000
    assert needed <= hard, f"this takes {needed:,} open files, and the system allows {hard:,} (ulimit -n)"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before, needed), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, hard))


class Memory:
    """How much more a realm has in memory than before: at its peak where the system says it (Linux), or now."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = int(psutil.Process(pid).memory_info().rss)
        self._tells = False
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # forget the peak so far
            self._tells = True

    def grown(self) -> int:
        """In bytes."""
        return (self._peak() or int(psutil.Process(self._pid).memory_info().rss)) - self._before

    def within(self, bound: int) -> int:
        """The same, which must not be more than the bound."""
        grown = self.grown()
        assert grown < bound, f"{grown / MIB:.1f} MiB more, and {bound / MIB:.1f} MiB is the bound"
        return grown

    def _peak(self) -> int:
        if self._tells:
            for line in Path(f"/proc/{self._pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        return 0


def nothing_lost(waits: Sequence[Waits]) -> None:
    """All that was said by those who talk was answered OK, and heard once."""
    assert not (refused := [code for one in waits for code in one.refused]), refused
    assert not (doubled := sum(one.doubled for one in waits)), f"{doubled} heard or answered twice"
    assert not (missing := sum(one.missing for one in waits)), f"{missing} neither answered nor heard"


def crowd_of(users: Sequence[User]) -> list[tuple[User, User]]:
    """Each of them with the one to whom they talk: two and two."""
    return [(user, users[number ^ 1]) for number, user in enumerate(users)]
