"""The pools: whose turn it is, in which order, and how they end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import pytest

from broker.blobs import Blobs
from broker.dialling import Dialler
from broker.jobs import FairQueue, Pool, Pools
from broker.pace import CHAT_S, LONGEST_S, REST, Pace
from broker.passwords import Hasher
from realm.inputs import JobDone
from realm.jobs import (
    CheckPassword,
    DiscardUpload,
    FileJob,
    FileResult,
    Finished,
    FinishUpload,
    Gone,
    HashPassword,
    Held,
    Job,
    OpenUpload,
    Problem,
    ReadBlob,
    ReadThumbnail,
    RemoveBlob,
    Trouble,
    WriteChunk,
)
from realm.settings import Files, Hashing, Settings
from tests.rules.files_kit import ask, sha

QUICK = Hashing(memory_kib=64, passes=1, lanes=1)
NO_DIALLER = cast("Dialler", Mock(spec=Dialler))
"""`test_dialling.py` has the jobs that speak to other realms."""


def job(digest: str, name: str) -> DiscardUpload:
    return DiscardUpload(name, digest.encode())


def key_of(one: DiscardUpload) -> bytes:
    return one.digest


def names(queue: FairQueue[DiscardUpload]) -> list[str]:
    """All that may begin now, in order."""
    found: list[str] = []
    while (one := queue.get()) is not None:
        found.append(one.upload)
    return found


def filled(*, serial: bool) -> FairQueue[DiscardUpload]:
    queue = FairQueue(key_of, serial=serial)
    for digest, name in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("b", "b2"), ("c", "c1")):
        queue.put(job(digest, name))
    return queue


def test_keys_take_turns() -> None:
    assert names(filled(serial=False)) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_of_a_key_whose_job_is_at_work_none_begins() -> None:
    queue = filled(serial=True)
    assert names(queue) == ["a1", "b1", "c1"]
    assert not queue.put(job("c", "c2"))
    assert queue.put(job("d", "d1"))
    assert names(queue) == ["d1"]
    queue.ended(job("c", "c1"))
    queue.ended(job("a", "a1"))
    assert names(queue) == ["c2", "a2"]
    queue.ended(job("a", "a2"))
    assert names(queue) == ["a3"]


def test_a_key_that_has_nothing_left_is_forgotten_and_may_come_again() -> None:
    queue = FairQueue(key_of, serial=True)
    for name in ("first", "second"):
        queue.put(job("a", name))
        assert names(queue) == [name]
        queue.ended(job("a", name))
        assert names(queue) == []


class Bench:
    """Work that ends when the test says so. A test that waits for what never comes ends by its time limit."""

    def __init__(self, threads: int, *, serial: bool, pace: Pace | None = None) -> None:
        self.change = threading.Condition()
        self.began: list[str] = []
        self.allowed: set[str] = set()
        self.told: list[JobDone] = []
        self.pool = Pool("bench", threads, FairQueue(key_of, serial=serial), self.work, self.tell, pace)

    def work(self, one: DiscardUpload) -> FileResult:
        with self.change:
            self.began.append(one.upload)
            self.change.notify_all()
            self.change.wait_for(lambda: one.upload in self.allowed)
        return Gone()

    def tell(self, done: JobDone) -> None:
        with self.change:
            self.told.append(done)
            self.change.notify_all()

    def submit(self, *texts: str) -> None:
        for text in texts:
            self.pool.submit(job(text[0], text))

    def allow(self, *names: str) -> None:
        with self.change:
            self.allowed.update(names)
            self.change.notify_all()

    def until_began(self, *names: str) -> None:
        with self.change:
            self.change.wait_for(lambda: set(names) <= set(self.began))

    def until_told(self, *names: str) -> None:
        with self.change:
            self.change.wait_for(lambda: set(names) <= set(self.names_told()))

    def names_told(self) -> list[str]:
        return [done.job.upload for done in self.told if isinstance(done.job, DiscardUpload)]


@contextmanager
def bench(threads: int, *, serial: bool, pace: Pace | None = None) -> Iterator[Bench]:
    made = Bench(threads, serial=serial, pace=pace)
    try:
        yield made
    finally:
        made.pool.end()
        made.allow(*"abc", *(f"{key}{number}" for key in "abc" for number in range(100)))
        made.pool.stop()


def test_jobs_of_one_key_run_one_after_the_other() -> None:
    with bench(3, serial=True) as it:
        it.submit("a1", "a2", "a3", "b1")
        it.until_began("a1", "b1")
        it.allow("b1")
        it.until_told("b1")
        assert sorted(it.began) == ["a1", "b1"]
        it.allow("a1", "a2", "a3")
        it.until_told("a1", "a2", "a3")
        assert it.names_told() == ["b1", "a1", "a2", "a3"]


def test_jobs_of_one_key_may_run_at_once_where_that_is_allowed() -> None:
    with bench(3, serial=False) as it:
        it.submit("a1", "a2", "a3")
        it.until_began("a1", "a2", "a3")


def test_a_crowd_delays_only_itself() -> None:
    with bench(1, serial=True) as it:
        it.submit(*(f"a{number}" for number in range(20)))
        it.until_began("a0")
        it.submit("b1")
        it.allow("a0", "b1")
        it.until_told("b1")
        assert it.names_told() == ["a0", "b1"]


def test_what_waits_is_dropped_at_the_end_and_what_works_is_finished() -> None:
    with bench(1, serial=True) as it:
        it.submit("a1", "a2", "b1")
        it.until_began("a1")
        it.pool.end()
        it.submit("c1")
        it.allow("a1", "a2", "b1", "c1")
        it.pool.stop()
        assert it.began == ["a1"]
        assert it.names_told() == ["a1"]
        it.pool.stop()


class Clock:
    """Seconds, as a test sets them."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_files_rest_only_while_people_chat() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.worked(0.0001)
    assert pace.left() == 0
    pace.chat()
    assert pace.left() == 0
    pace.worked(0.0001)
    assert pace.left() == pytest.approx(0.0001 * REST)
    clock.now += 0.0001 * REST
    assert pace.left() == pytest.approx(0)
    pace.worked(0.0001)
    clock.now += CHAT_S
    assert pace.left() == 0


def test_a_rest_is_short_even_after_long_work_and_the_work_of_several_threads_adds_up() -> None:
    pace = Pace(Clock())
    pace.chat()
    pace.worked(60)
    assert pace.left() == pytest.approx(LONGEST_S)
    pace.worked(60)
    assert pace.left() == pytest.approx(2 * LONGEST_S)


class Resting(Pace):
    """One that lets nothing begin for the next minute, or everything."""

    resting = True

    def left(self) -> float:
        return 60.0 if self.resting else 0.0


def test_a_pool_begins_nothing_while_it_rests_and_can_be_stopped_meanwhile() -> None:
    with bench(2, serial=True, pace=(pace := Resting())) as it:
        it.submit("a1", "b1")
        assert not it.began
        pace.resting = False
        it.submit("c1")  # whoever is woken looks again
        it.until_began("a1")


class Woken:
    """Counts, and lets a test wait for results."""

    def __init__(self) -> None:
        self.times = threading.Semaphore(0)

    def __call__(self) -> None:
        self.times.release()


@pytest.fixture
def pools(tmp_path: Path) -> Iterator[tuple[Pools, Woken]]:
    woken = Woken()
    blobs = Blobs(tmp_path)
    made = Pools(Settings(hashing=QUICK, files=Files(workers=2)), blobs, NO_DIALLER, Settings, woken)
    yield made, woken
    made.end()
    blobs.close()
    made.stop()


def done_by(pools: tuple[Pools, Woken], *jobs: Job) -> list[JobDone]:
    """All of them at once, and what comes of them."""
    for one in jobs:
        pools[0].submit(one)
    for _ in jobs:
        pools[1].times.acquire()
    return [pools[0].done.get_nowait() for _ in jobs]


def test_each_job_has_its_pool_and_all_share_one_queue_of_results(pools: tuple[Pools, Woken]) -> None:
    content, digest = b"halo", sha(b"halo")
    (hashed,) = done_by(pools, HashPassword(ask(), "surabaya"))
    assert isinstance(hashed.result, str)
    right, wrong = (CheckPassword(ask(), said, hashed.result) for said in ("surabaya", "wrong"))
    results = {type(one.job): one.result for one in done_by(pools, right, ReadThumbnail(ask(), 1, digest, 0, 9))}
    assert results == {CheckPassword: True, ReadThumbnail: Trouble(Problem.MISSING)}
    assert [one.result for one in done_by(pools, wrong)] == [False]
    upload: list[FileJob] = [
        OpenUpload(ask(), "U", digest),
        WriteChunk(ask(content[:2]), "U", digest, 0),
        WriteChunk(ask(content[2:]), "U", digest, 2),
        FinishUpload(ask(), "U", digest),
        DiscardUpload("U", digest),
        ReadBlob(ask(), digest, 1, 9),
        RemoveBlob(digest, 1),
        ReadBlob(ask(), digest, 1, 9),
    ]
    done = done_by(pools, *upload)
    assert [one.job for one in done] == upload
    assert [one.result for one in done] == [
        Held(0),
        Held(2),
        Held(4),
        Finished("text/plain"),
        Gone(),
        b"alo",
        Gone(),
        Trouble(Problem.MISSING),
    ]


def test_many_files_at_once_arrive_whole(pools: tuple[Pools, Woken]) -> None:
    contents = [bytes([number]) * 1_000 for number in range(20)]
    jobs: list[FileJob] = []
    for begin in range(-10, 1_010, 10):
        for content in contents:
            name, digest = f"U{content[0]}", sha(content)
            if begin < 0:
                jobs.append(OpenUpload(ask(), name, digest))
            elif begin < len(content):
                jobs.append(WriteChunk(ask(content[begin : begin + 10]), name, digest, begin))
            else:
                jobs.append(FinishUpload(ask(), name, digest))
    ends = [one.result for one in done_by(pools, *jobs) if isinstance(one.job, FinishUpload)]
    assert len(ends) == len(contents)
    assert all(isinstance(end, Finished) for end in ends)
    read = done_by(pools, *(ReadBlob(ask(), sha(content), 0, 2_000) for content in contents))
    assert {one.result for one in read} == set(contents)


def test_a_password_job_that_breaks_says_none() -> None:
    hasher = Hasher(QUICK)
    assert hasher.run(CheckPassword(ask(), "surabaya", "no hash")) is None
    assert hasher.run(CheckPassword(ask(), "surabaya", hasher.hash("surabaya"))) is True
