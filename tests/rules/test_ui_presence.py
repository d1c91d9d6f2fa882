"""Who is active: asked when others are to be watched and with each heartbeat, and not more often."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

from client.errors import NoAnswerError
from client.ui.presence import SETTLE_S, Presence
from schemas import answers, commands
from schemas.limits import HEARTBEAT_MS, MAX_ITEMS
from schemas.names import Address
from tests.rules import virtual_time
from tests.rules.virtual_time import now

HEARTBEAT_S = HEARTBEAT_MS / 1000
MESSI, NEYMAR, LINEKER = (Address(f"{name}@kampus") for name in ("messi", "neymar", "lineker"))


class Realm:
    """Answers who is active, and notes when it was asked for whom."""

    def __init__(self) -> None:
        self.active: set[str] = set()
        self.asked: list[tuple[float, list[str]]] = []
        self.silent = False
        self.old = False
        self.changes = 0
        self.presence = Presence(self._answer, self._changed)

    async def _answer(self, command: commands.Sync) -> answers.Synced:
        assert isinstance(command.watch, list)
        self.asked.append((now(), list(command.watch)))
        if self.silent:
            raise NoAnswerError("no answer")
        if self.old:
            return answers.Synced(id=1, epoch=1, total=0)
        return answers.Synced(id=1, epoch=1, total=0, active={name: name in self.active for name in command.watch})

    def _changed(self) -> None:
        self.changes += 1

    @property
    def watched(self) -> list[list[str]]:
        return [names for _, names in self.asked]


def looking(test: Callable[[Realm], Awaitable[None]]) -> None:
    async def run() -> None:
        realm = Realm()
        task = asyncio.create_task(realm.presence.run())
        try:
            await test(realm)
            assert not task.done(), "it has ended"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    virtual_time.run(run())


def test_nobody_is_asked_for_nobody() -> None:
    async def test(realm: Realm) -> None:
        await asyncio.sleep(5 * HEARTBEAT_S)
        assert not realm.asked

    looking(test)


def test_it_asks_when_others_are_watched_and_with_each_heartbeat() -> None:
    async def test(realm: Realm) -> None:
        realm.presence.watch([NEYMAR, MESSI])
        await asyncio.sleep(1)
        assert realm.watched == [[MESSI, NEYMAR]]
        realm.presence.watch([LINEKER])
        await asyncio.sleep(1)
        assert realm.watched == [[MESSI, NEYMAR], [LINEKER]]
        await asyncio.sleep(3 * HEARTBEAT_S)
        assert realm.watched == [[MESSI, NEYMAR], *[[LINEKER]] * 4]
        times = [at for at, _ in realm.asked[1:]]
        assert [round(later - at, 3) for at, later in pairwise(times)] == [HEARTBEAT_S] * 3

    looking(test)


def test_the_same_people_in_another_order_are_not_asked_for_again() -> None:
    async def test(realm: Realm) -> None:
        realm.presence.watch([MESSI, NEYMAR])
        await asyncio.sleep(1)
        for _ in range(10):
            realm.presence.watch([NEYMAR, MESSI])
            realm.presence.watch([MESSI, NEYMAR])
            await asyncio.sleep(1)
        assert len(realm.asked) == 1

    looking(test)


def test_a_burst_is_one_question() -> None:
    async def test(realm: Realm) -> None:
        realm.presence.watch([MESSI])
        await asyncio.sleep(1)
        for one in (NEYMAR, LINEKER, MESSI, NEYMAR):
            realm.presence.watch([one])
            await asyncio.sleep(SETTLE_S / 5)
        await asyncio.sleep(1)
        assert realm.watched == [[MESSI], [NEYMAR]]

    looking(test)


def test_who_is_watched_while_it_asks_is_not_forgotten() -> None:
    async def test(realm: Realm) -> None:
        answer, realm.presence._ask = realm.presence._ask, slow(realm)
        realm.presence.watch([MESSI])
        await asyncio.sleep(1)
        realm.presence.watch([NEYMAR])
        realm.presence._ask = answer
        await asyncio.sleep(4)
        assert realm.watched == [[MESSI], [NEYMAR]]

    looking(test)


def slow(realm: Realm) -> Callable[[commands.Sync], Awaitable[answers.Synced]]:
    async def ask(command: commands.Sync) -> answers.Synced:
        await asyncio.sleep(3)
        return await realm._answer(command)

    return ask


def test_a_change_is_told_once() -> None:
    async def test(realm: Realm) -> None:
        realm.active = {MESSI}
        realm.presence.watch([MESSI, NEYMAR])
        await asyncio.sleep(3 * HEARTBEAT_S)
        assert (realm.presence.active, realm.changes) == (frozenset({MESSI}), 1)
        realm.active = set()
        await asyncio.sleep(HEARTBEAT_S)
        assert (realm.presence.active, realm.changes) == (frozenset(), 2)

    looking(test)


def test_errors_do_not_end_it() -> None:
    async def test(realm: Realm) -> None:
        realm.active, realm.silent = {MESSI}, True
        realm.presence.watch([MESSI])
        await asyncio.sleep(3 * HEARTBEAT_S + 1)
        assert len(realm.asked) == 4, "an error is no reason to ask more often"
        assert realm.presence.active == frozenset()
        realm.silent = False
        await asyncio.sleep(HEARTBEAT_S)
        assert realm.presence.active == {MESSI}

    looking(test)


def test_a_realm_that_does_not_tell() -> None:
    async def test(realm: Realm) -> None:
        realm.old = True
        realm.presence.watch([MESSI])
        await asyncio.sleep(2 * HEARTBEAT_S)
        assert (realm.presence.active, realm.changes) == (frozenset(), 0)

    looking(test)


def test_at_most_a_hundred_are_watched() -> None:
    async def test(realm: Realm) -> None:
        names = [Address(f"user{number:03}@kampus") for number in reversed(range(MAX_ITEMS + 50))]
        realm.presence.watch(iter(names))
        await asyncio.sleep(1)
        assert realm.watched == [sorted(names[:MAX_ITEMS])]

    looking(test)
