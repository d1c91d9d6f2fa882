"""Hostile input for as long as one has time: an hour of it, if nobody says otherwise."""

from collections import Counter
from random import Random
from time import monotonic
from typing import Final

from tests.faults.realm_kit import world
from tests.hostile.client import client
from tests.hostile.false_peer import others_notice_nothing
from tests.hostile.peer import GROWN, lied_to
from tests.hostile.realm import codec, core, link
from tests.hostile.sockets import besieged
from tests.hostile.victim import MIB, Begin, attack
from tests.soak.part import Outcome, Part, Soak

EACH: Final = 600.0
"""Seconds of a part."""
LOOK_EVERY: Final = 25
"""Strikes at a port, between two looks at whether anybody has noticed."""


def _counts(counted: Counter[str], what: str) -> dict[str, str]:
    return {f"{what}: {name}": f"{count:,}" for name, count in counted.most_common()}


def _frames(begin: Begin, what: str) -> Part:
    def play(soak: Soak, outcome: Outcome) -> None:
        until = monotonic() + soak.seconds
        tally = attack(begin, Random(soak.chance.random()), lambda _: monotonic() >= until)
        outcome.figures |= tally.figures()

    return Part(what, play, EACH)


def sockets(soak: Soak, outcome: Outcome) -> None:
    """All ports of a realm, the figures' and the operator's socket."""
    until = monotonic() + soak.seconds
    with besieged(soak.folder, soak.chance) as siege:
        while monotonic() < until:
            for _ in range(LOOK_EVERY):
                siege.strike()
            siege.holds()
    outcome.figures |= {"connections": f"{siege.said.total():,}"}
    outcome.figures |= _counts(siege.said, "connections") | _counts(siege.came, "answers")
    outcome.figures["grown"] = f"{siege.grown / MIB:.1f} MiB"


def peer(soak: Soak, outcome: Outcome) -> None:
    """A realm that has its key and lies to another, whose users, and those of a third one, notice nothing."""
    until = monotonic() + soak.seconds
    with world(soak.folder) as three:
        with lied_to(three, soak.chance) as lies:
            others_notice_nothing(three, lies, lambda: monotonic() >= until, GROWN)
        honest = sum(flow.said for flow in three.flows)
    assert "link.envelope" in lies.answers.asked or soak.seconds < EACH, "no link was ever opened to the liar"
    outcome.figures |= {"lies told": f"{lies.speaks.sent:,}", "honest messages, each there once": f"{honest:,}"}
    outcome.figures |= {"lies believed, under the liar's own names": f"{lies.believed:,}"}
    outcome.figures |= _counts(lies.speaks.came, "answers") | _counts(lies.answers.asked, "asked by the realm")
    outcome.figures["grown"] = f"less than {GROWN // MIB} MiB"


PARTS: Final = {
    "hostile-codec": _frames(
        codec, "recorded frames changed byte by byte and element by element, given to all that reads"
    ),
    "hostile-core": _frames(
        core, "the same said to a realm without sockets by its people, its peer, its operator, strangers"
    ),
    "hostile-link": _frames(
        link, "the same in the mouth of a peer: said to a realm, and answered on its link to that peer"
    ),
    "hostile-client": _frames(
        client, "what a realm answers and pushes, changed, given to the client's library and a window"
    ),
    "hostile-sockets": Part(
        "bytes, broken handshakes, and garbage behind good ones, at every port of a realm", sockets, EACH
    ),
    "hostile-peer": Part(
        "a realm with its key that lies to another, as one that speaks and one that is asked", peer, EACH
    ),
}
