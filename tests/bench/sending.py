"""`send`: between a few who say much, between many who say little, and into a realm that holds much already."""

import random
from itertools import cycle, repeat
from typing import Final

from tests.bench import people
from tests.bench.figures import Comparison, Figure, Line, summary
from tests.bench.load import Listener, Talk, Talker
from tests.bench.meter import median
from tests.bench.people import User
from tests.bench.realms import SHIPPED
from tests.bench.setup import Bench
from tests.bench.wire import OK, TEXT, Keys, pack, repeatable

FEW: Final = 8
WINDOW: Final = 64
MANY: Final = 2_000
SMALL_WINDOW: Final = 4
"""In flight for each of many: 8,000 in all."""

TALKATIVE: Final = 1_000
EACH: Final = 10
"""Entries in each conversation of a realm that holds some already."""
DISTANCES: Final = {1_000_000: 100, 10_000: 1}
"""With how many others each of the talkative has talked, for so many entries in all."""
DRAWN: Final = 50_000


def few(bench: Bench) -> list[Line]:
    """8 users, 64 in flight each, push open."""
    crowd = people.users(FEW)
    people.write(bench.data("few"), crowd)
    realm, bare = bench.realm("few"), bench.bare()
    listeners = [Listener(one) for one in bench.listen(realm, crowd)]
    frames = _to_the_next(crowd)
    talkers = [
        Talker(socket, repeat(frame), WINDOW, proof=OK, listener=listeners[(number + 1) % FEW])
        for number, (socket, frame) in enumerate(zip(bench.talk(realm, crowd), frames, strict=True))
    ]
    echoes = [Talker(socket, repeat(frames[0]), WINDOW) for socket in bench.echo(bare, FEW)]
    swift = [Talker(socket, repeat(frames[0]), WINDOW) for socket in bench.echo(bare, FEW, swift=True)]
    ours, echo, swift_echo = bench.alternate(
        (Talk(talkers, listeners), realm.pid), (Talk(echoes), bare.pid), (Talk(swift), bare.pid)
    )
    return [
        Comparison(ours, echo).line(
            "send", f"send, {FEW} users, {WINDOW} in flight each", "msg", f"ROUTER that echoes to {FEW}", 0.40
        ),
        Comparison(ours, swift_echo).line(
            "send-swift",
            "the same against an echo written frame by frame",
            "msg",
            f"ROUTER that echoes to {FEW}, written frame by frame",
            None,
        ),
    ]


def many(bench: Bench) -> list[Line]:
    """2,000 users, shipped limits, every send repeatable, push open."""
    crowd = people.users(MANY)
    people.write(bench.data("many"), crowd)
    realm, bare = bench.realm("many", SHIPPED), bench.bare()
    listeners = [Listener(one) for one in bench.listen(realm, crowd)]
    frames = _to_the_next(crowd)
    talkers = [
        Talker(
            socket,
            repeatable(frame),
            SMALL_WINDOW,
            proof=OK,
            listener=listeners[(number + 1) % MANY],
            greedy=False,
        )
        for number, (socket, frame) in enumerate(zip(bench.talk(realm, crowd), frames, strict=True))
    ]
    padded = next(repeatable(frames[0]))
    echoes = [Talker(socket, repeat(padded), WINDOW) for socket in bench.echo(bare, FEW)]
    crowded = [Talker(socket, repeat(padded), SMALL_WINDOW, greedy=False) for socket in bench.echo(bare, MANY)]
    ours, echo, echo_to_many = bench.alternate(
        (Talk(talkers, listeners), realm.pid), (Talk(echoes), bare.pid), (Talk(crowded), bare.pid)
    )
    work = f"send, {MANY:,} users, {SMALL_WINDOW} in flight each, repeatable, shipped limits"
    return [
        Comparison(ours, echo).line(
            "send-many", f"{work}; against an echo to {FEW}", "msg", f"ROUTER that echoes longer frames to {FEW}", 0.25
        ),
        Comparison(ours, echo_to_many).line(
            "send-many-crowd",
            f"the same against an echo to {MANY:,}",
            "msg",
            f"ROUTER that echoes longer frames to {MANY:,}",
            None,
        ),
    ]


def stored(bench: Bench) -> list[Line]:
    """Random conversations of a realm that holds 1,000,000 entries, against one that holds 10,000."""
    sides = []
    for entries, distances in DISTANCES.items():
        name = f"stored-{entries}"
        crowd = people.users(TALKATIVE, Keys.fresh())
        pairs = [(one, (one + far) % TALKATIVE) for one in range(TALKATIVE) for far in range(1, distances + 1)]
        people.write(bench.data(name), crowd)
        people.write_entries(bench.data(name), crowd, pairs, EACH)
        realm = bench.realm(name)
        drawn = [_send(crowd[one], crowd[other]) for one, other in random.choices(pairs, k=DRAWN)]
        shares = [cycle(drawn[number::FEW]) for number in range(FEW)]
        sockets = bench.talk(realm, crowd[:FEW])
        talkers = [Talker(one, share, WINDOW, proof=OK) for one, share in zip(sockets, shares, strict=True)]
        sides.append((Talk(talkers), realm.pid))
    much, little = bench.alternate(*sides)
    times = [one.micros / other.micros for one, other in zip(much, little, strict=True)]
    return [
        Line(
            key="stored",
            work="send at 1,000,000 stored entries in 100,000 conversations, at random, nobody listens",
            ours=summary(much, "msg"),
            limit=f"at 10,000 in 1,000: {summary(little, 'msg')}",
            ratio=f"{median(times):.2f} times the CPU",
            counts="CPU",
            figure=Figure("times", median(times), times, at_most=1.5),
            raw={"much": much, "little": little},
        )
    ]


def _send(sender: User, to: User) -> bytes:
    return pack("send", tokenId=sender.token, to=to.name, message=TEXT)


def _to_the_next(crowd: list[User]) -> list[bytes]:
    return [_send(user, crowd[(number + 1) % len(crowd)]) for number, user in enumerate(crowd)]
