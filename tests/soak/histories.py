"""Simulated histories in great number: `python -m tests.soak --only histories-realms --rounds 100000`."""

from typing import Final

from tests.simulation.federation.runner import several_realms
from tests.simulation.runner import Stage, one_realm, run_all, say_failed
from tests.soak.part import Outcome, Part, Soak

SEEDS: Final = 1_000_000_000


def _part(stage: Stage, what: str, histories: int) -> Part:
    def play(soak: Soak, outcome: Outcome) -> None:
        _play(stage, soak, outcome)

    return Part(what, play, rounds=histories)


def _play(stage: Stage, soak: Soak, outcome: Outcome) -> None:
    first = soak.chance.randrange(SEEDS)
    ran = run_all(stage, range(first, first + soak.rounds), say_failed)
    outcome.figures |= {
        "histories": f"{ran.histories:,}, of the seeds from {first} on",
        "processor time": f"{ran.cpu_seconds:,.0f} s, {ran.cpu_seconds / ran.histories * 1e3:.0f} ms a history",
    }
    outcome.figures |= {what: f"{count:,}" for what, count in sorted(ran.counts.items())}
    if ran.failed:
        outcome.figures["did not hold"] = f"{len(ran.failed):,}: seeds {', '.join(map(str, sorted(ran.failed)))}"
    assert not ran.failed, min(ran.failed.items())[1]


PARTS: Final = {
    "histories-one-realm": _part(
        one_realm,
        "simulated histories of one realm, its devices and its disk: everything lost, doubled and killed anywhere",
        10_000,
    ),
    "histories-realms": _part(
        several_realms,
        "simulated histories of two to five realms: cut off, killed, put back, impersonated, full, forgotten",
        100_000,
    ),
}
