"""What a connection costs: a fresh one that resumes, and one that does nothing."""

from contextlib import ExitStack
from dataclasses import replace
from itertools import cycle, repeat
from typing import Final

import psutil
import zmq

from schemas.names import Name
from tests.bench import people
from tests.bench.bare import BareProcess
from tests.bench.figures import Comparison, Figure, Line
from tests.bench.load import Connecting
from tests.bench.meter import median
from tests.bench.people import User
from tests.bench.realms import Realm
from tests.bench.setup import Bench
from tests.bench.wire import OK, Keys, ask, connect, pack

RETURNING: Final = 200
IDLE: Final = 500
FIRST: Final = 20
"""Clients before those that are counted, so that what is made once is not."""
TIMES: Final = 1.3


def resume(bench: Bench) -> list[Line]:
    """`resume` on a fresh connection each time, against a connection that is used for one echo."""
    crowd = people.users(RETURNING)
    people.write(bench.data("resume"), crowd)
    realm, bare = bench.realm("resume"), bench.bare()
    returning, keys, ports = cycle(crowd), cycle([user.keys for user in crowd]), bare.ports
    frames = cycle([pack("resume", tokenId=user.token) for user in crowd])
    ours = Connecting(lambda: realm.dial(next(returning).keys), frames, OK)
    theirs = Connecting(
        lambda: connect(bench.context, zmq.DEALER, ports.echo, ports.key, next(keys)),
        repeat(pack("resume", tokenId=crowd[0].token)),
    )
    readings = bench.alternate((ours, realm.pid), (theirs, bare.pid))
    bare_kind = "ROUTER that echoes once to each fresh connection"
    return [
        Comparison(*readings).line("resume", "resume, each on a fresh connection", "connection", bare_kind, 0.60),
    ]


def idle(bench: Bench) -> list[Line]:
    """Memory of a client with a session and both connections, against that of two bare CURVE connections."""
    ours, theirs = [], []
    for number in range(bench.rounds):
        with ExitStack() as keep:
            ours.append(_idle_clients(replace(bench, keep=keep), f"idle-{number}"))
        with ExitStack() as keep:
            theirs.append(_idle_connections(replace(bench, keep=keep)))
    times = [one / other for one, other in zip(ours, theirs, strict=True)]
    return [
        Line(
            key="idle",
            work=f"an idle client: session, commands and push connected ({IDLE} of them)",
            ours=f"{median(ours):.1f} KiB",
            limit=f"two connections: {median(theirs):.1f} KiB",
            bare="memory of two connections that are open",
            ratio=f"{median(times):.2f} times",
            counts="memory",
            figure=Figure("times", median(times), times, at_most=TIMES),
            raw={"ours": ours, "theirs": theirs},
        )
    ]


def _idle_clients(bench: Bench, name: str) -> float:
    """KiB of the realm for each client that has registered and listens."""
    realm = bench.realm(name)
    _arrive(bench, realm, range(FIRST))
    before = realm.resident_bytes()
    _arrive(bench, realm, range(FIRST, FIRST + IDLE))
    return (realm.resident_bytes() - before) / IDLE / 1024


def _arrive(bench: Bench, realm: Realm, numbers: range) -> None:
    arrived = []
    for number in numbers:
        name, keys = f"user{number}", Keys.fresh()
        [dialled] = bench.own([realm.dial(keys)])
        register = pack("register", username=name, password="surabaya", country="Indonesia", name=name)
        answer = ask(dialled, register)
        arrived.append(User(Name(name), keys, answer["tokenId"], answer["topic"]))
    bench.listen(realm, arrived)


def _idle_connections(bench: Bench) -> float:
    """KiB of a bare server for each pair of connections."""
    bare = bench.bare()
    process = psutil.Process(bare.pid)
    _connect_both(bench, bare, range(FIRST))
    before = process.memory_info().rss
    _connect_both(bench, bare, range(FIRST, FIRST + IDLE))
    return float(process.memory_info().rss - before) / IDLE / 1024


def _connect_both(bench: Bench, bare: BareProcess, numbers: range) -> None:
    bench.echo(bare, len(numbers))
    bench.subscribe(bare, [[b"%016d" % number] for number in numbers])
