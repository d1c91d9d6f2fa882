"""What the loop counts."""

import random
from pathlib import Path
from typing import Any

import pytest

from broker.counting import HOUR_S, INPUTS, SLICE_S, Counts, Histogram, Recent, TimedStore
from realm.effects import Reply
from realm.request import OPERATOR
from schemas import commands, operator
from schemas.answers import Said
from schemas.codec import Malformed
from schemas.errors import Code, Refusal
from schemas.federation import Envelope, LinkAck
from schemas.figures import Replied
from schemas.names import Address, Name
from tests.rules.kit import RealmKit, key_of, ok, request


def test_a_histogram() -> None:
    lengths = Histogram((1, 2, 4))
    for value in (0, 1, 1.5, 2, 3, 4, 5, 100):
        lengths.add(value)
    seen = lengths.seen()
    assert (seen.bounds, seen.counts, seen.total) == ([1, 2, 4], [2, 2, 2, 2], 116.5)
    assert INPUTS[-1] == 512, "a full turn has a place"


def test_what_has_grown_of_late() -> None:
    """Beside a list of all times, whatever comes when."""
    dice, recent = random.Random(1), Recent()
    times: list[float] = []
    now = 1_000.0
    assert recent.grown(now, 60) == 0
    for _ in range(5_000):
        now += dice.choice([0, 0.01, 1, 4.9, 5, 70, 4_000 * (dice.random() < 0.01)])
        times += [now] * dice.randrange(3)
        recent.note(now, len(times))
        asked = now + dice.choice([0, 3, 30, 5_000])
        for within in (60, HOUR_S):
            at_least = sum(one >= asked - within for one in times)
            at_most = sum(one >= asked - within - SLICE_S for one in times)
            assert at_least <= recent.grown(asked, within) <= at_most
    assert len(recent._ends) <= HOUR_S // SLICE_S + 2


def reply(body: Any, answer: Any) -> Reply:
    return Reply(request("k" * 40, body), answer)


def test_answers_by_command_and_code() -> None:
    counts = Counts()
    send = commands.Send(id=1, tokenId="x", to=Address("henderson"), message="halo")
    bob, entry = Address("bob@pusat"), "01J0000000000000000000000A"
    envelope = Envelope(
        epoch=1,
        n=1,
        id=entry,
        hash=bytes(32),
        kind="text",
        sender=bob,
        name="Bob",
        to=Name("x"),
        sent_at=1,
        message="x",
    )
    for answer in (Said(id=1, message="x"), Said(id=2, message="x"), Refusal(Code.USER_NOT_FOUND)):
        counts.reply(reply(send, answer))
    counts.reply(reply(Malformed(None, Refusal(Code.BAD_REQUEST, "x")), Refusal(Code.BAD_REQUEST, "x")))
    counts.reply(reply(envelope, LinkAck(epoch=1, after=3, upto=10, results={})))
    assert counts.answers() == [
        Replied("send", "", 2),
        Replied("send", "user_not_found", 1),
        Replied("", "bad_request", 1),
        Replied("link.envelope", "", 7),
    ]
    counts.turn(100.0, 100.5, 5)
    assert counts.grown(101.0, 60) == 9
    assert counts.turns.seen().total == 0.5


def test_commits_are_timed_and_no_others(kit: RealmKit) -> None:
    commits = Histogram((1_000,))
    store = TimedStore(kit.store, commits)
    assert (store.realm, store.epoch) == (kit.store.realm, kit.store.epoch)
    with store.transaction() as tx:
        tx.add_removal(b"x" * 32)
    with pytest.raises(ZeroDivisionError), store.transaction():
        raise ZeroDivisionError
    assert sum(commits.seen().counts) == 1
    with store.transaction() as tx:
        assert len(tx.removals(5)) == 1


def test_the_operator_is_told(kit: RealmKit, tmp_path: Path) -> None:
    kit.register("messi")
    kit.log_in("messi", "other".ljust(40, "-"))
    kit.register("henderson")
    told = ok(kit.ask(OPERATOR, operator.Figures(id=3), OPERATOR))
    assert (told.id, told.realm, told.sessions, told.active, told.peers) == (3, "kampus", 3, 2, [])
    assert told.served is None, "nobody serves here"
    assert told.file_room == kit.settings.files.realm_bytes
    refused = kit.ask(key_of("messi"), operator.Figures(id=4))
    assert isinstance(refused, Refusal)
    assert refused.code is Code.FORBIDDEN
