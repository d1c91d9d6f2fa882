"""A realm whose write-ahead log was damaged comes back without what was answered last, and says new things.

Its entries get numbers then that others have seen already, with other contents: it must be taken for one that was put
back from an older backup, by its clients and by its peers.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from client.connection import Connection
from client.keyring import Keyring
from client.syntax import parse
from schemas.names import ConversationId
from tests.faults.lost_answers import lose_from
from tests.faults.realm_kit import World, three
from tests.realm_process import RealmProcess

__all__ = ["three"]

COUNT = 60
SAID, KEPT = 9, 5
PATIENCE = 45.0
CONVERSATION = ConversationId("private/henderson@kampus,messi@kampus")


class Person:
    """Somebody with a client, who looks at what it shows."""

    def __init__(self) -> None:
        self.connection: Connection
        self._changed = asyncio.Event()

    @classmethod
    async def arrive(cls, stack: AsyncExitStack, realm: RealmProcess, name: str, folder: Path) -> "Person":
        """Somebody new."""
        person, keyring = cls(), Keyring(folder / f"{name}-home")
        opened = await Connection.open(
            "127.0.0.1", realm.door, keyring.keys(), keyring.pins, patience=2, changed=person._changed.set
        )
        person.connection = await stack.enter_async_context(opened)
        await person.says(f"register {name} surabaya Inggris {name.title()}")
        return person

    async def says(self, line: str) -> None:
        """And waits until it is answered."""
        await self.connection.ask(parse(line))

    async def sees(self, due: list[str]) -> None:
        """Wait until this is what the client knows of: it shows all of it, or the newest part."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not self._is_shown(due):
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            shown = self.connection.mirror and self.connection.mirror.shown
            raise AssertionError(f"{self.connection.login} sees {shown} for {due}") from None

    def _is_shown(self, due: list[str]) -> bool:
        mirror = self.connection.mirror
        shown = None if mirror is None else mirror.shown.get(CONVERSATION)
        if shown is None or not shown.complete or shown.head != len(due):
            return False
        return [entry.message for entry in shown.entries] == due[shown.low - 1 :]


@pytest.mark.parametrize("more", [0, SAID - KEPT, SAID])
def test_clients_have_what_the_realm_has(realm: RealmProcess, tmp_path: Path, more: int) -> None:
    """They have seen what is no more; what has its numbers now is less, as much, or more."""

    async def play() -> None:
        async with AsyncExitStack() as stack:
            people = [await Person.arrive(stack, realm, name, tmp_path) for name in ("messi", "henderson")]
            before, after = [[f"{when} {number}" for number in range(SAID)] for when in ("before", "after")]
            for text in before:
                await people[0].says(f"send henderson {text}")
            for one in people:
                await one.sees(before)
            realm.kill()
            lose_from(realm, before[KEPT])
            realm.start()
            for text in after[:more]:
                await people[0].says(f"send henderson {text}")
            for one in people:
                await one.sees(before[:KEPT] + after[:more])

    asyncio.run(play())


def test_peers_take_what_is_said_anew(three: World) -> None:
    """What it had sent to them is with them; what they had sent to it they send again; and nothing new is dropped."""
    own = [three.flow("kampus", other, COUNT) for other in ("pusat", "timur")]
    local, marked = three.flow("kampus", "kampus", COUNT), three.flow("kampus", "kampus", COUNT)
    for other in ("pusat", "timur"):
        three.flow(other, "kampus", COUNT)
    three.settle()
    epoch = three.ask("kampus", "sync", cursors={})["epoch"]
    marked.more(1)
    three.settle()
    for flow in three.flows:
        flow.more(COUNT)
    three.settle()
    for flow in (*own, local):
        flow.forgotten = range(COUNT, 2 * COUNT)
    marked.forgotten = range(COUNT, 2 * COUNT + 1)
    local.lost, marked.lost = local.forgotten, marked.forgotten
    three.kill("kampus")
    lose_from(three.kampus, marked.commands[COUNT]["message"])
    three.start("kampus")
    for flow in three.flows:
        flow.more(COUNT)
    three.settle()
    assert three.logged("kampus", "write-ahead log damaged")
    assert three.ask("kampus", "sync", cursors={})["epoch"] != epoch
    for other in ("pusat", "timur"):
        assert [line for line in three.logged(other, "restore noticed") if line["peer"] == "kampus"]
    three.check()
