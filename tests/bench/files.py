"""Files: bytes a second up and down beside what a bare DEALER and ROUTER move, and what an upload costs others."""

import hashlib
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from itertools import count
from multiprocessing.synchronize import Event as Flag
from typing import Final

import zmq

from tests.bench import people
from tests.bench.bare import Socket
from tests.bench.figures import Figure, Line
from tests.bench.meter import BenchError, median, quantile
from tests.bench.people import User
from tests.bench.realms import Realm
from tests.bench.setup import Bench
from tests.bench.single import samples, sent_until_pushed
from tests.bench.wire import OK, TEXT, Keys, ask, connect, pack, unpack

SIZE: Final = 256 << 20
CHUNK: Final = 256 << 10
WINDOW: Final = 8
"""Chunks on their way at once, as the client library has."""
SHARE: Final = 0.6
LARGE: Final = 1_000_000_000
RESIDENT_MB: Final = 100
TIMES: Final = 2.0
FIRST_S: Final = 60
"""Seconds that the other process has to hash what it uploads."""
LIMITS: Final = (
    f"files = {{max_bytes = {1 << 40}, user_bytes = {1 << 40}, realm_bytes = {1 << 40}}}\n"
    f"limits = {{session_per_second = {10**9}, session_burst = {10**9}}}\n"
)


def both_ways(bench: Bench) -> list[Line]:
    """256 MB to a realm, hashed and flushed, and back; beside it the same chunks through bare sockets."""
    [user] = people.users(1)
    people.write(bench.data("files"), [user])
    realm, bare = bench.realm("files", LIMITS), bench.bare()
    [talking] = bench.talk(realm, [user])
    [bulk] = bench.own([connect(bench.context, zmq.DEALER, bare.ports.bulk, bare.ports.key, Keys.fresh())])
    content = bytearray(os.urandom(SIZE))
    rates: dict[str, list[float]] = {"up": [], "down": [], "bare up": [], "bare down": []}
    for number in range(bench.rounds):
        content[:8] = number.to_bytes(8, "big")
        opened, took = _upload(talking, user, content)
        rates["up"].append(SIZE / took)
        rates["bare up"].append(
            SIZE / _pumped(bulk, [(b"?", memoryview(content)[at : at + CHUNK]) for at in _offsets()])
        )
        asked = [(pack("download", tokenId=user.token, file=opened, offset=at, size=CHUNK),) for at in _offsets()]
        rates["down"].append(SIZE / _pumped(talking, asked, digest=hashlib.sha256(content).digest()))
        rates["bare down"].append(SIZE / _pumped(bulk, [(b"%d" % CHUNK,)] * len(asked)))
    return [
        _line("files-up", "256 MB up, hashed and flushed", rates["up"], rates["bare up"]),
        _line("files-down", "256 MB down", rates["down"], rates["bare down"]),
    ]


def beside(bench: Bench) -> list[Line]:
    """What `send` takes while somebody else uploads 1 GB, and how large the realm's process is in the first of them."""
    sender, recipient, uploader = people.users(3)
    people.write(bench.data("beside"), [sender, recipient, uploader])
    realm = bench.realm("beside", LIMITS)
    frame = pack("send", tokenId=sender.token, to=recipient.name, message=TEXT)
    [listening], [saying] = bench.listen(realm, [recipient]), bench.talk(realm, [sender])
    alone: list[list[float]] = []
    beside: list[list[float]] = []
    largest = 0
    for _ in range(bench.rounds):
        alone.append(samples(lambda: sent_until_pushed(saying, frame, listening)))
        taken: list[float] = []
        for _ in _while_uploading(realm, uploader):
            taken.append(sent_until_pushed(saying, frame, listening))
            if not beside and len(taken) % 100 == 0:  # later, SQLite's cache is full of what was sent
                largest = max(largest, realm.resident_bytes())
        beside.append(taken)
    p99 = [[quantile(one, 0.99) for one in side] for side in (alone, beside)]
    times = [with_it / without for without, with_it in zip(*p99, strict=True)]
    return [
        Line(
            key="files-beside",
            work="send, one at a time, while another uploads 1 GB",
            ours=f"p99 {median(p99[1]):.2f} ms (p50 {median([median(one) for one in beside]):.2f} ms)",
            limit=f"without it p99 {median(p99[0]):.2f} ms (p50 {median([median(one) for one in alone]):.2f} ms)",
            ratio=f"p99 {median(times):.2f} times",
            counts="time",
            figure=Figure("times", median(times), times, at_most=TIMES),
            raw={"alone": alone, "beside": beside},
        ),
        Line(
            key="files-memory",
            work="memory of a realm that takes 1 GB",
            ours=f"{largest / 1e6:.0f} MB",
            figure=Figure("MB", largest / 1e6, [largest / 1e6], at_most=RESIDENT_MB),
        ),
    ]


def _offsets() -> range:
    return range(0, SIZE, CHUNK)


def _upload(talking: Socket, user: User, content: bytearray) -> tuple[str, float]:
    """The file's id, and the seconds from the first command to the answer that has it."""
    digest, whole = hashlib.sha256(content).digest(), memoryview(content)
    began = time.perf_counter()
    opened = ask(talking, pack("upload", tokenId=user.token, digest=digest, size=len(content), name="bench.bin"))
    if "file" in opened:
        raise BenchError("the realm has this file already")
    chunks = [
        (pack("chunk", tokenId=user.token, upload=opened["upload"], offset=at), whole[at : at + CHUNK])
        for at in _offsets()
    ]
    _pumped(talking, chunks)
    return str(opened["upload"]), time.perf_counter() - began


def _pumped(socket: Socket, messages: Sequence[tuple[bytes | memoryview, ...]], digest: bytes | None = None) -> float:
    """Seconds until all are answered, a window of them at a time; what comes back is checked where it should be."""
    came = hashlib.sha256()
    began = time.perf_counter()
    waiting = 0
    for parts in messages:
        if waiting == WINDOW:
            _answer(socket, came if digest else None)
            waiting -= 1
        socket.send_multipart(parts, copy=False)
        waiting += 1
    for _ in range(waiting):
        _answer(socket, came if digest else None)
    took = time.perf_counter() - began
    if digest not in (None, came.digest()):
        raise BenchError("other bytes came back")
    return took


def _answer(socket: Socket, came: "hashlib._Hash | None") -> None:
    head, *data = socket.recv_multipart(copy=False)
    if head.bytes != b"ok" and OK not in head.bytes:
        raise BenchError(f"refused: {unpack(head.bytes)}")
    if came is not None:
        came.update(data[0].buffer)


def _while_uploading(realm: Realm, user: User) -> Iterator[int]:
    """Goes on for as long as another process uploads 1 GB, from its first chunk to its last."""
    spawn = multiprocessing.get_context("spawn")
    begun, ended = spawn.Event(), spawn.Event()
    process = spawn.Process(target=upload_large, args=(realm.commands, realm.key, user, begun, ended), daemon=True)
    process.start()
    try:
        if not begun.wait(FIRST_S):
            raise BenchError("the upload beside did not begin")
        for number in count():
            if ended.is_set() or not process.is_alive():
                break
            yield number
        process.join()
    finally:
        process.terminate()
        process.join()
    if process.exitcode:
        raise BenchError("the upload beside did not work")


def upload_large(port: int, key: bytes, user: User, begun: Flag, ended: Flag) -> None:
    """Upload 1 GB that nobody has, with the window of a client; the process of `_while_uploading`."""
    chunk = os.urandom(16) + bytes(CHUNK - 16)
    digest = hashlib.sha256()
    for at in range(0, LARGE, CHUNK):
        digest.update(memoryview(chunk)[: min(CHUNK, LARGE - at)])
    with zmq.Context() as context, connect(context, zmq.DEALER, port, key, user.keys) as socket:
        told = {"digest": digest.digest(), "size": LARGE, "name": "large.bin"}
        opened = ask(socket, pack("upload", tokenId=user.token, **told))
        messages = [
            (
                pack("chunk", tokenId=user.token, upload=opened["upload"], offset=at),
                memoryview(chunk)[: min(CHUNK, LARGE - at)],
            )
            for at in range(0, LARGE, CHUNK)
        ]
        _pumped(socket, messages[:1])
        begun.set()
        _pumped(socket, messages[1:])
        ended.set()


def _line(key: str, work: str, ours: list[float], bare: list[float]) -> Line:
    shares = [one / other for one, other in zip(ours, bare, strict=True)]
    return Line(
        key=key,
        work=work,
        ours=f"{median(ours) / 1e6:,.0f} MB/s",
        limit=f"{median(bare) / 1e6:,.0f} MB/s",
        bare=f"DEALER and ROUTER that move {CHUNK >> 10} KiB at a time, and keep nothing: {key.removeprefix('files-')}",
        ratio=f"rate {median(shares):.0%}",
        counts="rate",
        figure=Figure("share", median(shares), shares, at_least=SHARE),
        raw={"ours": ours, "bare": bare},
    )
