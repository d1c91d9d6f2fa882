"""Between two realms: messages a second and how long each takes, beside one realm's own; what a peer's absence costs.

Both realms, and who drives them, share this machine. A message counts when the other realm has flushed it and said so.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, Final

import zmq

from schemas.names import Name
from tests.bench.bare import Socket
from tests.bench.figures import Comparison, Figure, Line, summary
from tests.bench.load import Listener, Talk, Talker
from tests.bench.meter import SATURATED, BenchError, Reading, median, quantile
from tests.bench.people import User
from tests.bench.realms import UNLIMITED
from tests.bench.sending import FEW, WINDOW
from tests.bench.setup import Bench
from tests.bench.single import SAMPLES, WARM, sent_until_pushed
from tests.bench.wire import OK, TEXT, Keys, ask, await_welcome, connect, pack, subscribe, unpack
from tests.faults.proxy import HERE, Proxy
from tests.realm_process import FAST_HASHING, RealmProcess

AWAY: Final = "127.0.0.2"
"""Where the network is that can be cut."""
DELIVERED: Final = b"\xa6queued\xc2"
"""In the answer to a message that the other realm has taken."""
SHARE: Final = 0.40
QUEUED: Final = 10_000
FULL: Final = 20_000
"""How many messages may wait for one peer."""
NOTHING: Final = 0.95
"""So much of the rate is left where something costs nothing, within noise."""
PATIENCE_S: Final = 120.0
PAUSE_S: Final = 0.02


@dataclass
class Side:
    """A realm with people of its own."""

    bench: Bench
    process: RealmProcess
    key: bytes

    @classmethod
    def start(cls, bench: Bench, name: str, item: str) -> "Side":
        """A new realm."""
        folder = bench.folder / f"between-{item}-{name}"
        folder.mkdir()
        process = RealmProcess(folder, name, UNLIMITED + FAST_HASHING)
        bench.keep.callback(_end, process)
        process.start()
        with connect(bench.context, zmq.DEALER, process.door, None, None) as door:
            door.send(pack("identity"))
            return cls(bench, process, str(unpack(door.recv())["key"]).encode())

    @property
    def pid(self) -> int:
        """Of its process."""
        return self.process.pid

    def people(self, count: int) -> tuple[list[User], list[Socket], list[Socket]]:
        """New users, with their connections for commands and for pushes."""
        users, talking = [], []
        for number in range(count):
            name, keys = f"user{number:05}", Keys.fresh()
            socket = connect(self.bench.context, zmq.DEALER, self.process.commands, self.key, keys)
            account = pack("register", username=name, password="surabaya", country="Indonesia", name=name)
            answer = ask(socket, account)
            users.append(User(Name(name), keys, answer["tokenId"], answer["topic"]))
            talking.append(socket)
        push = self.process.push
        hearing = [subscribe(self.bench.context, push, self.key, one.keys, [one.topic]) for one in users]
        await_welcome(hearing)
        return users, self.bench.own(talking), self.bench.own(hearing)

    def add(self, other: "Side", address: str, user: User, talking: Socket) -> None:
        """Make another realm known, and wait until it answers."""
        told = {"realm": other.process.name, "address": address, "port": other.process.door}
        ask(talking, pack("addrealm", tokenId=user.token, **told))
        await_row(talking, user, lambda row: bool(row["connected"]))


def await_row(talking: Socket, user: User, is_so: Any) -> None:
    """Wait until what the realm says of its one peer is so."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        [row] = ask(talking, pack("realms", tokenId=user.token))["realms"]
        if is_so(row):
            return
        time.sleep(PAUSE_S)
    raise BenchError(f"the other realm does not become as it should: {row}")


def realms(bench: Bench) -> list[Line]:
    """All of it."""
    lines: list[Line] = []
    for part in (across, partition, dead):
        with ExitStack() as keep:
            lines += part(replace(bench, keep=keep))
    return lines


def across(bench: Bench) -> list[Line]:
    """8 users, 64 in flight each, to 8 users of another realm, beside the same within one."""
    here, there = Side.start(bench, "here", "across"), Side.start(bench, "there", "across")
    users, talking, hearing = here.people(FEW)
    _, _, hearing_there = there.people(FEW)
    here.add(there, HERE, users[0], talking[0])
    local = _talk(users, talking, hearing, "here", OK)
    cross = _talk(users, talking, hearing_there, "there", DELIVERED)
    within, sending, taking = bench.alternate((local, here.pid), (cross, here.pid), (cross, there.pid))
    return [_rate(within, sending, taking), *_latency(bench, users, talking, hearing, hearing_there)]


def partition(bench: Bench) -> list[Line]:
    """From a network that is whole again until 10,000 that had to wait are all delivered."""
    here, there = Side.start(bench, "here", "partition"), Side.start(bench, "there", "partition")
    proxy = Proxy(AWAY, (there.process.door, there.process.commands))
    bench.keep.callback(proxy.close)
    [user], [talking], _ = here.people(1)
    [recipient], [asking], _ = there.people(1)
    here.add(there, AWAY, user, talking)
    firsts, alls = [], []
    for _ in range(bench.rounds):
        proxy.cut()
        await_row(talking, user, lambda row: "down_since" in row)
        before = _has(asking, recipient)
        _fill(talking, user, QUEUED)
        began = time.perf_counter()
        proxy.heal()
        firsts.append(_await_total(asking, recipient, before + 1) - began)
        alls.append(_await_total(asking, recipient, before + QUEUED) - began)
        await_row(talking, user, lambda row: row["queued"] == 0)
        if (now := _has(asking, recipient)) != before + QUEUED:
            raise BenchError(f"{now - before:,} came of {QUEUED:,} messages")
    rate = median([(QUEUED - 1) / (whole - first) for first, whole in zip(firsts, alls, strict=True)])
    return [
        Line(
            key="between-healed",
            work=f"from a healed partition until {QUEUED:,} queued messages are delivered",
            ours=f"{median(alls):.1f} s; the first after {median(firsts):.1f} s, then {rate:,.0f} msg/s",
            raw={"firsts": firsts, "alls": alls},
        )
    ]


def _has(asking: Socket, user: User) -> int:
    """How many entries a user has. Of such a burst pushes are dropped: a client sees by this number what it lacks."""
    return int(ask(asking, pack("sync", tokenId=user.token))["total"])


def _await_total(asking: Socket, user: User, total: int) -> float:
    """When a user has so many entries."""
    until = time.monotonic() + PATIENCE_S
    while _has(asking, user) < total:
        if time.monotonic() > until:
            raise BenchError(f"after {PATIENCE_S:.0f} s a recipient still lacks entries")
        time.sleep(PAUSE_S)
    return time.perf_counter()


def dead(bench: Bench) -> list[Line]:
    """`send` within a realm one of whose peers is dead, and has a full queue, beside one that knows no other."""
    here, there = Side.start(bench, "here", "dead"), Side.start(bench, "there", "dead")
    alone = Side.start(bench, "alone", "dead")
    sides = []
    for side in (here, alone):
        users, talking, hearing = side.people(FEW)
        sides.append((side, users, talking, hearing))
    there.people(1)
    _, users, talking, _ = sides[0]
    here.add(there, HERE, users[0], talking[0])
    there.process.kill()
    await_row(talking[0], users[0], lambda row: "down_since" in row)
    _fill(talking[0], users[0], FULL)
    refused = _refusal(talking[0], users[0])
    loads = [(_talk(users, talking, hearing, "", OK), side.pid) for side, users, talking, hearing in sides]
    beside, without = bench.alternate(*loads)
    compared = Comparison(beside, without)
    by_rate, by_cpu = median(compared.by_rate), median(compared.by_cpu)
    singles = [_single(users[0], users[1].name, talking[0], hearing[1]) for _, users, talking, hearing in sides]
    return [
        Line(
            key="between-dead",
            work=f"send within one, {FEW} users, {WINDOW} in flight each; {FULL:,} wait for a dead peer ({refused})",
            ours=summary(beside, "msg"),
            limit=f"without a peer: {summary(without, 'msg')}",
            ratio=f"rate {by_rate:.0%}, CPU {by_cpu:.0%}",
            counts="CPU",
            figure=Figure("share", by_cpu, compared.by_cpu, at_least=NOTHING),
            raw={"beside": beside, "without": without},
        ),
        _times("between-dead-single", "the same, one at a time", *_in_turn(bench, *singles), target=1 / NOTHING),
    ]


def _talk(users: list[User], talking: list[Socket], hearing: list[Socket], realm: str, proof: bytes) -> Talk:
    """Each talks to the next: who hears that is there, or here."""
    listeners = [Listener(one) for one in hearing]
    talkers = []
    for number, (user, socket) in enumerate(zip(users, talking, strict=True)):
        following = (number + 1) % len(users)
        to = users[following].name + (f"@{realm}" if realm else "")
        frame = pack("send", tokenId=user.token, to=to, message=TEXT)
        talkers.append(Talker(socket, repeat(frame), WINDOW, proof=proof, listener=listeners[following]))
    return Talk(talkers, listeners)


def _rate(within: list[Reading], sending: list[Reading], taking: list[Reading]) -> Line:
    """By CPU it is what two machines could do: the busier of the two realms counts."""
    by_rate = [one.rate / other.rate for one, other in zip([*sending, *taking], within * 2, strict=True)]
    sides = (Comparison(sending, within), Comparison(taking, within))
    by_cpu = min((one.by_cpu for one in sides), key=median)
    saturated = max(median([one.busiest for one in side]) for side in (sending, taking)) >= SATURATED
    rounds = by_rate if saturated else by_cpu
    return Line(
        key="between",
        work=f"send to another realm, {FEW} users, {WINDOW} in flight each, flushed and pushed there",
        ours=f"{summary(sending, 'msg')}; the other realm {summary(taking, 'msg')}",
        limit=f"within one realm: {summary(within, 'msg')}",
        ratio=f"rate {median(by_rate):.0%}, CPU of the busier {median(by_cpu):.0%}",
        counts="rate" if saturated else "CPU",
        figure=Figure("share", median(rounds), rounds, at_least=SHARE),
        raw={"within": within, "sending": sending, "taking": taking},
    )


def _latency(
    bench: Bench, users: list[User], talking: list[Socket], hearing: list[Socket], hearing_there: list[Socket]
) -> list[Line]:
    theirs = _single(users[0], f"{users[1].name}@there", talking[0], hearing_there[1])
    local = _single(users[0], users[1].name, talking[0], hearing[1])
    work = "send to another realm, one at a time, until the recipient has it by push"
    return [_times("between-single", work, *_in_turn(bench, theirs, local), target=None)]


def _single(user: User, to: str, talking: Socket, hearing: Socket) -> Callable[[], float]:
    frame = pack("send", tokenId=user.token, to=to, message=TEXT)
    return lambda: sent_until_pushed(talking, frame, hearing)


def _in_turn(bench: Bench, *ways: Callable[[], float]) -> list[list[list[float]]]:
    """What each takes, by rounds. They take turns one by one: what disturbs one disturbs the others as well."""
    rounds: list[list[list[float]]] = [[] for _ in ways]
    for _ in range(bench.rounds):
        taken = list(zip(*([way() for way in ways] for _ in range(WARM + SAMPLES)), strict=True))
        for one, samples in zip(rounds, taken, strict=True):
            one.append(list(samples[WARM:]))
    return rounds


def _times(key: str, work: str, ours: list[list[float]], beside: list[list[float]], *, target: float | None) -> Line:
    times = [median(one) / median(other) for one, other in zip(ours, beside, strict=True)]
    return Line(
        key=key,
        work=work,
        ours=_both(ours),
        limit=f"within a realm that knows no dead one: {_both(beside)}" if target else f"within one: {_both(beside)}",
        ratio=f"p50 {median(times):.2f} times",
        counts="time" if target else "",
        figure=Figure("times", median(times), times, at_most=target),
        raw={"ours": ours, "beside": beside},
    )


def _both(rounds: Sequence[Sequence[float]]) -> str:
    p50, p99 = (median([quantile(one, share) for one in rounds]) for share in (0.5, 0.99))
    return f"p50 {p50:.2f} ms, p99 {p99:.2f} ms"


def _fill(talking: Socket, user: User, count: int) -> None:
    """Send so many to the realm that is out of reach."""
    frame = pack("send", tokenId=user.token, to="user00000@there", message=TEXT)
    load = Talker(talking, repeat(frame, count), WINDOW, proof=b"\xa6queued\xc3")
    load.begin()
    done = WINDOW
    while done < count:
        answer = talking.recv()
        if b"\xa6queued\xc3" not in answer:
            raise BenchError(f"not queued: {unpack(answer)}")
        talking.send(frame)
        done += 1
    load.finish()


def _refusal(talking: Socket, user: User) -> str:
    """What is said to one message more."""
    talking.send(pack("send", tokenId=user.token, to="user00000@there", message=TEXT))
    return str(unpack(talking.recv())["code"])


def _end(process: RealmProcess) -> None:
    if process.running:
        process.stop()
