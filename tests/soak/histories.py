"""Simulated histories in great number: `python -m tests.soak --only histories-realms --rounds 100000`.

That takes hours. With `--seed 1 --resume FILE` it can be stopped, and the same goes on where it was.
"""

import time
from collections.abc import Sequence
from typing import Final

from tests.simulation import network
from tests.simulation.federation.runner import several_realms
from tests.simulation.federation.world import Fault, Rarely, Seldom
from tests.simulation.runner import Stage, one_realm, run_all, say_failed
from tests.soak.part import Outcome, Part, Soak
from tests.soak.progress import Progress

LONGEST: Final = 4 * 3_600
"""Seconds after which no more are begun."""
SEEDS: Final = 1_000_000_000
BATCH: Final = 1_000
"""So many are played before it is kept how far it is."""
MANY: Final = 1_000
"""In so many histories all that can happen does."""


def _part(stage: Stage, what: str, histories: int, happens: Sequence[str]) -> Part:
    def play(soak: Soak, outcome: Outcome) -> None:
        _play(stage, soak, outcome, happens)

    return Part(what, play, LONGEST, histories)


def _play(stage: Stage, soak: Soak, outcome: Outcome, happens: Sequence[str]) -> None:
    first = soak.chance.randrange(SEEDS)
    until = time.monotonic() + soak.seconds
    progress = Progress(first, soak.resume)
    outcome.seconds = progress.before
    ran = progress.ran
    while ran.histories < soak.rounds and (left := until - time.monotonic()) > 0:
        begin, end = first + ran.histories, first + min(ran.histories + BATCH, soak.rounds)
        progress.add(run_all(stage, range(begin, end), say_failed, left))
    outcome.figures |= {"runs": f"{progress.runs:,}"} if progress.runs > 1 else {}
    outcome.figures |= {
        "histories": f"{ran.histories:,} of {soak.rounds:,}, of the seeds from {first} on",
        "processor time": f"{ran.cpu_seconds:,.0f} s, {ran.cpu_seconds / ran.histories * 1e3:.0f} ms a history",
    }
    outcome.figures |= {what: f"{count:,}" for what, count in sorted(ran.counts.items())}
    if ran.failed:
        outcome.figures["did not hold"] = f"{len(ran.failed):,}: seeds {', '.join(map(str, sorted(ran.failed)))}"
    assert not ran.failed, min(ran.failed.items())[1]
    never = [what for what in happens if not ran.counts[what]]
    assert not never or ran.histories < MANY, f"never happened: {', '.join(never)}"


PARTS: Final = {
    "histories-one-realm": _part(
        one_realm,
        "simulated histories of one realm, its devices and its disk: everything lost, doubled and killed anywhere",
        10_000,
        (*network.Fault, *network.Seldom),
    ),
    "histories-realms": _part(
        several_realms,
        "simulated histories of two to five realms: cut off, killed, put back, impersonated, full, forgotten",
        100_000,
        (*Fault, *Seldom, *Rarely),
    ),
}
