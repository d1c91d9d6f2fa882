"""What the loop tells of itself to the operator: its counts, and those of its sockets and pools."""

import os
import time
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import zmq

from broker.commands import Commands
from broker.counting import HOUR_S, Counts
from broker.door import Door
from broker.holding import Holding
from broker.jobs import Pools
from broker.links import Links
from broker.operator import OperatorSocket
from broker.push import Push
from realm.settings import Listen
from schemas.answers import Card
from schemas.figures import Served


@cache
def version() -> str:
    """Of this program."""
    try:
        return metadata.version("bagan")
    except metadata.PackageNotFoundError:
        return "unknown"


class About(NamedTuple):
    """What does not change while a realm runs."""

    started_at: int
    listen: Listen
    door: int
    card: Card
    figures: int
    settings: Callable[[], Path | None]


class Survey:
    """The counters of everything that has some. Only for the loop's own thread."""

    def __init__(
        self,
        about: About,
        counts: Counts,
        door: Door,
        commands: Commands,
        push: Push,
        links: Links,
        operator: OperatorSocket,
        pools: Pools,
        holding: Holding,
    ) -> None:
        self._about = about
        self._counts = counts
        self._door = door
        self._commands = commands
        self._push = push
        self._links = links
        self._operator = operator
        self._pools = pools
        self._holding = holding

    def drops(self) -> dict[str, int]:
        """What was dropped since the start, by what it was."""
        return {
            "frames without a sender": self._commands.nameless,
            "answers that nobody took": self._commands.undelivered,
            "push frames refused": self._push.dropped,
            "pushes that nobody took": self._push.unread,
            "front door": self._door.dropped,
            "answers that no operator took": self._operator.undelivered,
            "connections that sent more than was read": self._holding.cut,
            "messages of who had gone, as memory was short": self._holding.dropped,
            "connections of strangers, of whom too many came": self._holding.crowded,
            "connections of users and peers who had most, as there were too many": self._holding.swarming,
            "connections that did not read, as too much waited": self._holding.deaf,
            "frames that no peer took": self._links.unsent,
            "frames of peers that say nothing known": self._links.unread,
        }

    def __call__(self) -> Served:
        """All of it, now."""
        about, counts, now = self._about, self._counts, time.perf_counter()
        settings = about.settings()
        return Served(
            version=version(),
            libzmq=zmq.zmq_version(),
            pid=os.getpid(),
            started_at=about.started_at,
            host=about.listen.host,
            door=about.door,
            commands=about.card.commands,
            push=about.card.push,
            figures=about.figures,
            settings="" if settings is None else str(settings.absolute()),
            replied=counts.answers(),
            last_minute=counts.grown(now, 60),
            last_hour=counts.grown(now, HOUR_S),
            turns=counts.turns.seen(),
            inputs=counts.inputs.seen(),
            commits=counts.commits.seen(),
            pushed=self._push.sent,
            dropped=self.drops(),
            failed=counts.failed,
            bytes_in=self._commands.bytes_in,
            bytes_out=self._commands.bytes_out + self._links.bytes_out,
            pools=self._pools.seen(),
        )
