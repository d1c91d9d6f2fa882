"""A network between two realms that is cut, swallows everything, or is slow, under load in both directions at once."""

import pytest

from tests.faults.realm_kit import World, three

__all__ = ["three"]

COUNT = 240


def loaded(three: World) -> None:
    for flow in three.flows:
        flow.more(COUNT)


def test_cut_and_healed(three: World) -> None:
    """Three times; what goes by other ways goes on."""
    flows = three.all_ways(COUNT)
    over_it = [flow for flow in flows if {flow.realm, flow.target} == {"kampus", "pusat"}]
    others = [flow for flow in flows if flow not in over_it]
    for _ in range(3):
        three.run_for(COUNT, *over_it)
        before = [flow.queued() for flow in others]
        for proxy in three.proxies:
            proxy.cut()
        loaded(three)
        three.run(lambda: three.is_down("kampus", "pusat") and three.is_down("pusat", "kampus"), "both notice")
        three.run_until_answered()
        assert [flow.queued() for flow in others] == before, "a third realm is kept waiting"
        assert three.row("kampus", "pusat")["queued"] >= COUNT // 2
        for proxy in three.proxies:
            proxy.heal()
        loaded(three)
    three.settle()
    three.check()


@pytest.mark.thorough
def test_one_direction_is_cut(three: World) -> None:
    """Each direction is settled on its own: the other one goes on."""
    there, back = three.flow("kampus", "pusat", COUNT), three.flow("pusat", "kampus", COUNT)
    three.run_until_answered()
    three.to_pusat.cut()
    before = back.queued()
    loaded(three)
    three.run_until_answered()
    assert three.is_down("kampus", "pusat")
    assert three.is_up("pusat", "kampus")
    assert back.queued() == before
    assert there.queued() > 0
    three.to_pusat.heal()
    three.settle()
    three.check()


@pytest.mark.thorough
def test_held_and_healed(three: World) -> None:
    """Connections stay, and nothing comes through: both notice, and go on afterwards."""
    three.all_ways(COUNT)
    three.run_for(COUNT, *three.flows)
    for proxy in three.proxies:
        proxy.hold()
    loaded(three)
    three.run(lambda: three.is_down("kampus", "pusat") and three.is_down("pusat", "kampus"), "both notice")
    three.run_until_answered()
    for proxy in three.proxies:
        proxy.heal()
    loaded(three)
    three.settle()
    three.check()


@pytest.mark.thorough
def test_slow(three: World) -> None:
    """A thin line between two realms: they get there, and a third one is not kept waiting by it."""
    three.all_ways(COUNT)
    over_it = [flow for flow in three.flows if {flow.realm, flow.target} == {"kampus", "pusat"}]
    others = [flow for flow in three.flows if flow not in over_it]
    for proxy in three.proxies:
        proxy.slow(20_000)
    three.run_until_answered(*others)
    assert not any(flow.queued() for flow in others)
    three.settle()
    three.check()
