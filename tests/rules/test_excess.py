"""Which connections are cut, as there are too many, or too much waits for them."""

from collections.abc import Iterator

import pytest

from broker import excess
from broker.connections import CLEAR, LISTENING, SEALED, TRUSTED, Connection, There
from broker.excess import Excess, share
from tests.rules.connections_kit import ONE, OTHER, Bench


@pytest.mark.parametrize(
    ("wanted", "room", "each"),
    [
        ([], 10, 0),
        ([3], 10, 3),
        ([30], 10, 10),
        ([1, 30], 10, 9),
        ([1, 2, 30, 30], 11, 4),
        ([5, 5], 10, 5),
        ([5, 6], 10, 5),
        ([1] * 20, 10, 0),
    ],
)
def test_who_wants_less_than_a_share_has_it(wanted: list[int], room: int, each: int) -> None:
    assert share(wanted, room) == each
    assert sum(min(one, each) for one in wanted) <= room


@pytest.fixture
def it() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def beyond() -> Excess:
    """Where no more than 4 may be strangers, and no more than 8 there at all."""
    made = Excess()
    made._most, made._most_of_all = 4, 8
    return made


def test_the_oldest_strangers_of_those_who_have_most_are_too_many(it: Bench, beyond: Excess) -> None:
    for kind in (TRUSTED, LISTENING, TRUSTED, LISTENING):
        it.come(kind=kind)
    old = [it.come(kind=kind)[1] for kind in (CLEAR, SEALED, SEALED)]
    it.come(OTHER)
    assert beyond.strangers(list(it.here.there())) == []
    it.come()
    too_many = [one.connection for one in beyond.strangers(list(it.here.there()))]
    assert set(too_many) == set(old), "of four that are left to two, each has one"


def test_where_few_descriptors_are_left_who_has_most_has_too_many(
    it: Bench, beyond: Excess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_many() -> list[Connection]:
        return [one.connection for one in beyond.known(list(it.here.there()))]

    monkeypatch.setattr(excess, "SPARED", 2)
    it.come()
    it.come(kind=TRUSTED)  # dialled by the realm itself
    most = [it.come(OTHER, TRUSTED, "messi@kampus")[1] for _ in range(4)]
    few = [it.come(kind=kind, who="henderson@kampus")[1] for kind in (TRUSTED, LISTENING)]
    assert too_many() == []
    it.come()
    assert too_many() == most[:1]
    for _ in range(5):
        it.come()
    assert set(too_many()) == set(most[:2]), "two are spared, of everybody"
    assert not set(few) & set(too_many())


def test_those_that_have_lasted_for_long_end(it: Bench, beyond: Excess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sooner where somebody has many."""
    monkeypatch.setattr(excess, "MANY", 2)
    old, young = it.come(kind=TRUSTED, who="messi@kampus")[1], it.come(kind=LISTENING, who="messi@kampus")[1]
    many = [it.come(kind=TRUSTED, who="henderson@kampus")[1] for _ in range(3)]
    for one in (old, *many):
        one.since -= excess.MANY_LAST_S
    strange, fresh = it.come()[1], it.come()[1]
    strange.since -= SEALED.lasts_s

    def aged() -> set[Connection]:
        return {one.connection for one in beyond.aged(list(it.here.there()))}

    assert aged() == {*many, strange}
    old.since -= TRUSTED.lasts_s
    assert aged() == {*many, strange, old}
    assert not {young, fresh} & aged()


def test_those_for_whom_most_waits_and_will_are_too_much(
    it: Bench, beyond: Excess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all users, and of strangers at one address, until enough is left for others. Who reads has time."""
    monkeypatch.setattr(excess, "UNREAD_OF_ALL", 100)
    monkeypatch.setattr(excess, "UNREAD_LEFT", 75)
    there: list[There] = []

    def wait(waits: int, source: str = ONE, who: str = "", late: int | None = None) -> There:
        _, connection = it.come(source, TRUSTED if who else CLEAR, who)
        there.append(There(connection, 0, waits, waits if late is None else late))
        return there[-1]

    few, more = (wait(waits, who="messi@kampus") for waits in (15, 25))
    wait(30, who="henderson@kampus")
    wait(0, OTHER)
    wait(20, OTHER)
    wait(10)
    assert beyond.unread(there) == [], "a hundred may"
    assert beyond.waits == 100
    wait(1)
    assert beyond.unread(there) == [more, few], "of all that they have"
    most = wait(39)
    assert beyond.unread(there)[0] is most, "one address has as much as a user"
    reading = wait(60, who="budi@kampus", late=1)
    assert reading not in beyond.unread(there)


def test_who_has_no_more_waiting_than_each_may_have_is_not_cut_for_others(
    it: Bench, beyond: Excess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly it reads: who has most of all, on many connections that read just so much, was cut last."""
    monkeypatch.setattr(excess, "UNREAD_OF_ALL", 100)
    monkeypatch.setattr(excess, "UNREAD_LEFT", 75)
    slow = [There(it.come(who=f"{number}@kampus")[1], 0, 2, 2) for number in range(5)]
    much = [There(it.come(who="messi@kampus")[1], 0, 12, 0) for _ in range(8)]
    ends = beyond.unread([*slow, *much])
    assert len(ends) == 3, "so much is left"
    assert set(ends) <= set(much)
