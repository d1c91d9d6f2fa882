"""Settings that change while simulated realms run: limits, and how long what was said is kept."""

from collections.abc import Mapping

import msgspec

from realm.settings import Retention, Settings
from schemas import operator
from schemas.answers import Answer
from schemas.errors import Refusal
from tests.simulation.federation.node import GENEROUS, QUEUE, RealmNode
from tests.simulation.federation.operating import Operators
from tests.simulation.federation.seen import DAY_MS, days_of
from tests.simulation.federation.store import stored_at
from tests.simulation.federation.world import Dice, RealmsWorld, Seldom

LIMITS = 0.2
"""In so many histories limits are changed,"""
RETAINS = 0.2
"""and in so many what is old is removed."""
DAYS = (0, 30_000 / DAY_MS, 120_000 / DAY_MS, 5, 20)
"""After so many; the longer ones pass while realms are cut off for long."""
FILES = (8_192, GENEROUS.files.user_bytes)
"""Bytes of all that a user has uploaded: two files, or as many as may be."""

changed = msgspec.structs.replace


class Ruling:
    """What the operators of all realms write into their settings files. It has dice of its own: see `Operators`."""

    def __init__(self, world: RealmsWorld, nodes: Mapping[str, RealmNode], operators: Operators) -> None:
        self._world = world
        self._nodes = list(nodes.values())
        self._operators = operators
        self._limits, self._retains = (Dice(f"{world.seed} {kind}") for kind in ("limit", "retain"))
        if self._limits.random() < LIMITS:
            for _ in range(self._limits.choice((1, 2, 3))):
                operators.plan(self._limits, self._limit)
        if self._retains.random() < RETAINS:
            for _ in range(self._retains.choice((1, 1, 2))):
                operators.plan(self._retains, self._retain)

    def _limit(self) -> None:
        node, dice = self._limits.choice(self._nodes), self._limits
        peers = changed(node.file.peers, queue=dice.choice((2, QUEUE, 40)), units_a_turn=dice.choice((2, 4, 50)))
        files = changed(node.file.files, user_bytes=dice.choice(FILES))
        self._write(node, changed(node.file, peers=peers, files=files))

    def _retain(self) -> None:
        node, dice = self._retains.choice(self._nodes), self._retains
        days = {kind: dice.choice(DAYS) for kind in Retention.__struct_fields__}
        self._write(node, changed(node.file, retention=Retention(**days)))

    def _write(self, node: RealmNode, settings: Settings) -> None:
        node.file = settings

        def answered(answer: Answer | Refusal) -> None:
            assert isinstance(answer, operator.Reloaded), answer
            assert answer.kept == [], answer
            self._world.count(Seldom.RELOADED)

        self._operators.tell(node, operator.Reload(id=1), answered)


def to_be_removed(node: RealmNode) -> int:
    """In how many conversations something is that was to be removed: as in `Tx.expire`, the clock may have been off."""
    rules, due = node.database.seen.rules.retention, 0
    if rules == GENEROUS.retention:
        return 0
    for number, name in node.database.connection.execute("SELECT id, name FROM conversations").fetchall():
        if days := days_of(rules, name):
            times, before = list(stored_at(node.database, number)), node.now - days * DAY_MS
            due += bool(times) and not before <= times[0] <= node.now and min(times) < before
    return due
