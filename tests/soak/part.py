"""What a part of the soak is: what it is given, and what it says in the end."""

import os
import platform
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil
import zmq

GIB: Final = 1024**3


@dataclass(frozen=True)
class Soak:
    """What a part is given."""

    folder: Path
    """An empty one of its own. It is kept where the part fails."""
    chance: random.Random
    seconds: float
    """How long it lasts where it is not counted in rounds."""
    rounds: int
    resume: Path | None = None
    """Where a part that can be stopped and gone on with keeps how far it is."""


@dataclass
class Outcome:
    """A line of the table, and a chapter of docs/proof.md."""

    part: str
    what: str
    """What was done, in a sentence."""
    again: str
    """How to do it again."""
    seconds: float = 0.0
    """How long it went on, with what it went on with."""
    figures: dict[str, str] = field(default_factory=dict)
    """What came out: a name, and the figure with its unit."""
    error: str = ""
    """What did not hold."""
    short: str = ""
    """What was wanted beyond that and is not reached, and why."""
    when: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())
    machine: str = ""


@dataclass(frozen=True)
class Part:
    """One that can be asked for by its name."""

    what: str
    play: Callable[[Soak, Outcome], None]
    """Fills in the figures. Raises AssertionError where something does not hold, which ends it."""
    seconds: float = 60
    """How long by itself, where it is not counted in rounds."""
    rounds: int = 1


def this_machine() -> str:
    """What the figures depend on."""
    memory = psutil.virtual_memory().total / GIB
    return (
        f"{os.cpu_count()} CPUs, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, libzmq {zmq.zmq_version()}, SQLite {sqlite3.sqlite_version}"
    )
