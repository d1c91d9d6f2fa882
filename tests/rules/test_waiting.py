"""Pages wait for each other, and nobody else for more than a few of them; a connection's commands keep their order."""

from broker.waiting import AT_ONCE, BUDGET_S, FIRST, MOST, Waiting
from realm.request import Request, Route
from schemas.commands import Command, History, Resume, Send
from schemas.names import Address, ConversationId

ALL = 10_000
CONVERSATION = ConversationId("group/new@kampus")


def page(number: int) -> History:
    return History(id=number, tokenId="t", conversation=CONVERSATION)


def message(number: int) -> Send:
    return Send(id=number, tokenId="t", to=Address("bob"), message="halo")


def said(peer: str, body: Command) -> Request:
    return Request(Route(peer.encode()), "key", "127.0.0.1", body)


def all_of(waiting: Waiting) -> list[str]:
    """What is done, turn by turn, where pages take no time."""
    done: list[str] = []
    while requests := waiting.next(ALL):
        done += [f"{one.route.peer.decode()}{one.call}" for one in requests]
        waiting.took(1e-6, len(requests))
    return done


def test_what_is_no_page_does_not_wait() -> None:
    waiting = Waiting()
    assert waiting.take(said("a", page(1)), 100)
    assert not waiting.take(said("b", message(1)), 100)
    assert all_of(waiting) == ["a1"]
    assert not waiting


def test_what_is_said_behind_a_page_waits_for_it_and_no_longer() -> None:
    waiting = Waiting()
    assert waiting.take(said("a", page(1)), 100)
    assert waiting.take(said("a", message(2)), 100)
    assert waiting.take(said("a", page(3)), 100)
    assert all_of(waiting) == ["a1", "a2", "a3"]
    assert not waiting.take(said("a", message(4)), 100)


def test_who_arrives_waits_and_who_is_in_does_not() -> None:
    waiting = Waiting()
    for peer in ("a", "b"):
        assert waiting.take(said(peer, Resume(id=1, tokenId="t")), 100)
        assert waiting.take(said(peer, message(2)), 100)
    assert not waiting.take(said("c", message(1)), 100)
    assert all_of(waiting) == ["a1", "b1", "a2", "b2"]
    assert not waiting.take(said("a", message(3)), 100)


def test_connections_have_their_pages_in_turn() -> None:
    waiting = Waiting()
    for peer, pages in (("a", 3), ("b", 1), ("c", 2)):
        for number in range(pages):
            assert waiting.take(said(peer, page(number)), 100)
    assert all_of(waiting) == ["a0", "b0", "c0", "a1", "c1", "a2"]


def test_a_turn_has_as_many_as_fit_its_time() -> None:
    waiting = Waiting()
    for number in range(2_000):
        assert waiting.take(said("a", page(number)), 100)
    assert len(waiting.next(ALL)) == FIRST
    for _ in range(20):
        waiting.took(BUDGET_S / 1_000, 1)
    assert len(waiting.next(ALL)) == AT_ONCE
    assert len(waiting.next(3)) == 3
    waiting.took(AT_ONCE * BUDGET_S / 10, AT_ONCE)
    assert len(waiting.next(ALL)) == 10
    waiting.took(1.0, 1)
    assert len(waiting.next(ALL)) == 1
    waiting.took(1e-6, 0)
    assert len(waiting.next(ALL)) == 1, "a turn without pages says nothing of them"


def test_there_is_an_end_to_what_waits() -> None:
    waiting = Waiting()
    assert waiting.take(said("a", page(1)), 100)
    taken = 0
    while not waiting.is_full:
        assert waiting.take(said("a", message(2)), 60_000)
        taken += 60_000
    assert MOST - 1_100_000 < taken <= MOST
    waiting.next(ALL)
    waiting.next(ALL)
    assert not waiting.is_full
