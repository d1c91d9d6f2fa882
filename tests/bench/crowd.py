"""`sendgroup` to 1,000 connected members: how fast, and how long nobody else is served meanwhile."""

import time
from dataclasses import dataclass
from typing import Final

import psutil
import zmq

from tests.bench import people
from tests.bench.bare import SHARED, BareProcess, Context, Socket
from tests.bench.figures import Comparison, Figure, Line
from tests.bench.load import BURST, FanOut
from tests.bench.meter import measure, median, quantile
from tests.bench.people import GROUP
from tests.bench.prober import Prober
from tests.bench.realms import Realm
from tests.bench.setup import Bench
from tests.bench.wire import OK, TEXT, Keys, connect, pack

MEMBERS: Final = 1_000
PROBES: Final = 100
"""Messages to the group, in each round, behind which somebody else asks something."""
BLOCKED_MS: Final = 4.0


@dataclass(frozen=True)
class Probed:
    """Milliseconds that `info` took, and those that the realm's own thread worked for one `sendgroup`."""

    alone: list[float]
    behind: list[float]
    thread: float


def group(bench: Bench) -> list[Line]:
    """Deliveries a second, against a PUB that says it once and against one that says it to each."""
    everybody = people.users(MEMBERS + 1)
    sender, *members = everybody
    people.write(bench.data("crowd"), everybody, group=True)
    realm, bare = bench.realm("crowd"), bench.bare()
    listening = bench.listen(realm, members)
    [saying], asking = bench.talk(realm, [sender]), _somebody_else(bench, realm)
    frame = pack("sendgroup", tokenId=sender.token, group=GROUP, message=TEXT)
    ours = FanOut(saying, [frame], listening, OK)
    event = _event(saying, frame, listening)
    once, each = _bare_crowd(bench, bare, event)
    readings = bench.alternate((ours, realm.pid), (once, bare.pid), (each, bare.pid))
    probed = [_probe(realm, saying, frame, asking, listening) for _ in range(bench.rounds)]
    waits = [_flooded(bench, realm, ours) for _ in range(bench.rounds)]
    work = f"sendgroup, {MEMBERS:,} members connected; against a PUB that sends"
    return [
        Comparison(readings[0], readings[1]).line(
            "sendgroup", f"{work} once to all", "delivery", f"PUB that says it once to {MEMBERS:,} subscribers", 0.60
        ),
        Comparison(readings[0], readings[2]).line(
            "sendgroup-each",
            f"{work} once to each",
            "delivery",
            f"PUB that says it to each of {MEMBERS:,} topics",
            None,
        ),
        _blocked(probed),
        _waits(waits),
    ]


def _somebody_else(bench: Bench, realm: Realm) -> Socket:
    """A client whose answers do not wait behind the pushes that this process takes in for the members."""
    context: Context = zmq.Context()
    bench.keep.callback(context.destroy, linger=0)
    return connect(context, zmq.DEALER, realm.commands, realm.key, Keys.fresh())


def _event(saying: Socket, frame: bytes, listening: list[Socket]) -> bytes:
    """What is pushed for a message to the group; everybody hears it once."""
    saying.send(frame)
    saying.recv()
    heard = {one.recv_multipart()[1] for one in listening}
    return heard.pop()


def _bare_crowd(bench: Bench, bare: BareProcess, event: bytes) -> tuple[FanOut, FanOut]:
    """As many subscribers, each to a topic of its own and to one that all share."""
    ports = bare.ports
    [feed] = bench.own([connect(bench.context, zmq.DEALER, ports.feed, ports.key, Keys.fresh())])
    subscribers = bench.subscribe(bare, [[SHARED, b"%016d" % number] for number in range(MEMBERS)])
    return FanOut(feed, [SHARED, event], subscribers), FanOut(feed, [b"", event], subscribers)


def _probe(realm: Realm, saying: Socket, frame: bytes, asking: Socket, listening: list[Socket]) -> Probed:
    """Ask `info` right behind a message to the group, and ask it alone."""
    info = pack("info")
    process = psutil.Process(realm.pid)
    alone = [_timed(asking, info) for _ in range(PROBES)]
    behind = []
    before = _main_thread(process)
    for _ in range(PROBES):
        saying.send(frame)
        behind.append(_timed(asking, info))
        saying.recv()
        for one in listening:
            one.recv_multipart()
    return Probed(alone, behind, (_main_thread(process) - before) / PROBES * 1e3)


def _timed(asking: Socket, info: bytes) -> float:
    began = time.perf_counter()
    asking.send(info)
    asking.recv()
    return (time.perf_counter() - began) * 1e3


def _main_thread(process: psutil.Process) -> float:
    return next(one.user_time + one.system_time for one in process.threads() if one.id == process.pid)


def _blocked(probed: list[Probed]) -> Line:
    """The turn is the main thread's: its CPU for one message is judged, what others feel stands beside it."""
    behind = [median(one.behind) - median(one.alone) for one in probed]
    worst = [quantile(one.behind, 0.99) for one in probed]
    thread = [one.thread for one in probed]
    return Line(
        key="sendgroup-turn",
        work="sendgroup, one at a time: how long the turn's thread works, and how much longer another's info takes",
        ours=f"{median(thread):.2f} ms; info p50 {median(behind):.2f} ms longer, p99 {median(worst):.2f} ms",
        limit=f"info alone: p50 {median([median(one.alone) for one in probed]):.2f} ms",
        counts="thread",
        figure=Figure("ms", median(thread), thread, at_most=BLOCKED_MS),
        raw={"behind": behind, "p99": worst},
    )


def _flooded(bench: Bench, realm: Realm, ours: FanOut) -> list[float]:
    """How long `info` takes another client while messages to the group keep coming."""
    with Prober(realm.commands, realm.key) as prober:
        measure(ours, realm.pid, bench.seconds)
    return prober.waits


def _waits(waits: list[list[float]]) -> Line:
    p50, p99 = (median([quantile(one, share) for one in waits]) for share in (0.5, 0.99))
    return Line(
        key="sendgroup-wait",
        work=f"another client's info while {2 * BURST} messages to that group are in flight",
        ours=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {max(map(max, waits)):.1f} ms",
        raw={"waits": waits},
    )
