"""kill -9, SIGSTOP and SIGTERM of realms that talk to each other: each message arrives once, in order, and is kept.

"`OK` to a send means: on disk" also where it says `queued: true`; the realms settle what was open between them by
themselves, and nobody else is kept waiting.
"""

import pytest

from tests.faults.realm_kit import World, three
from tests.wire.dialling import paused

__all__ = ["three"]

KILLED_AFTER = (1, 120, 40)
"""How many answers the flows of the killed ones have had, in each round."""
COUNT = 240
IN_VAIN = 8
"""So many messages, at 2 s each, may wait for a peer that does not answer before it is known not to."""


@pytest.mark.parametrize("killed", [("pusat",), ("kampus",), ("kampus", "pusat")], ids=" and ".join)
def test_killed_under_load(three: World, killed: tuple[str, ...]) -> None:
    """The receiving one, the sending one, and both, three times each; there is load in all directions at once."""
    flows = three.all_ways(COUNT)
    concerned = [flow for flow in flows if flow.realm in killed or flow.target in killed]
    others = [flow for flow in flows if flow not in concerned]
    for answers in KILLED_AFTER:
        three.run_for(answers, *concerned)
        three.kill(*killed)
        if others:
            three.run_until_answered(*others)
        three.start(*killed)
        for flow in flows:
            flow.more(COUNT)
    three.settle()
    three.check()


@pytest.mark.thorough
def test_both_restarted_under_load(three: World) -> None:
    """SIGTERM one after the other and together."""
    flows = three.all_ways(COUNT)
    for stopped in (("pusat",), ("kampus",), ("kampus", "pusat"), ("timur", "pusat")):
        three.run_for(COUNT, *flows)
        three.stop(*stopped)
        three.start(*stopped)
        for flow in flows:
            flow.more(COUNT)
    three.settle()
    three.check()


def test_a_stopped_peer_hinders_nobody(three: World) -> None:
    """SIGSTOP: the connection stays, and nothing is answered. Its senders are told `queued`, others notice nothing."""
    local, there, back = three.flow("kampus", "kampus"), three.flow("kampus", "timur"), three.flow("timur", "kampus")
    to_it, from_it = three.flow("kampus", "pusat", 60), three.flow("pusat", "kampus", 60)
    three.run_until_answered()
    assert to_it.queued() == from_it.queued() == 0
    with paused(three.pusat.pid):
        for flow in (local, there, back, to_it):
            flow.more(COUNT)
        three.run_until_answered(local, there, back)
        assert there.queued() == back.queued() == 0
        three.run(lambda: three.is_down("kampus", "pusat"), "kampus knows that pusat is out of reach")
        to_it.more(COUNT)
        three.run_until_answered(to_it)
        assert to_it.queued() == 2 * COUNT
        assert three.row("kampus", "pusat")["queued"] == 2 * COUNT
        assert not three.is_down("kampus", "timur")
    from_it.more(COUNT)
    three.settle()
    three.check()


@pytest.mark.thorough
def test_a_stopped_peer_is_noticed_though_little_is_said(three: World) -> None:
    """One message after the other, each of which waits in vain: the next ones need not wait."""
    flow = three.flow("kampus", "pusat", 1)
    three.run_until_answered()
    with paused(three.pusat.pid):
        while not three.is_down("kampus", "pusat"):
            flow.more(1)
            three.run_until_answered()
            assert flow.queued() <= IN_VAIN, "the peer is said to answer, and everybody waits for it"


def test_who_waits_is_answered_when_a_realm_ends(three: World) -> None:
    """SIGTERM while a peer says nothing: all that waits for it is queued, and kept."""
    flow = three.flow("kampus", "pusat", 60)
    three.window = 40
    three.to_pusat.hold()
    local = three.flow("kampus", "kampus", 1)
    three.run_until_answered(local)
    three.step()
    three.run(lambda: three.row("kampus", "pusat")["queued"] == 40, "all are taken in")
    assert three.kampus.stop() == 0
    three.run(lambda: len(flow.answers) >= 40, "all are answered")
    assert flow.queued() == 40
    flow.hang_up()
    local.hang_up()
    three.to_pusat.heal()
    three.start("kampus")
    three.settle()
    three.check()
