"""The turn: gather all that waits, decide, commit once, act. One thread, no awaiting.

Whatever anyone is told is on disk, and one flush serves all that waited.
"""

import os
import queue
import time
from collections.abc import Callable, Sequence
from typing import Final, assert_never

import structlog
import zmq

from broker.commands import Commands
from broker.counting import Counts, TimedStore
from broker.door import Door
from broker.jobs import Pools
from broker.links import Links
from broker.operator import OperatorSocket
from broker.push import Push
from broker.survey import Survey
from broker.zap import ZapSocket
from realm.core import Core
from realm.effects import Adopt, Connect, Disconnect, Effect, Note, Publish, Reply, RunJob, ToPeer
from realm.inputs import Hangup, Input, JobDone, Stopping, Tick
from realm.jobs import CountUp
from realm.settings import Settings
from realm.store.interface import Store
from realm.turn import Turns
from schemas.codec import encode_command, encode_event

TURN: Final = 512
"""The most inputs of one turn."""
SUBSCRIPTIONS: Final = 64
"""How many of them may be subscriptions: commands always have their places."""
OF_LINKS: Final = 256
"""How many of them may come from peers."""
OF_OPERATORS: Final = 16
"""How many of them may come from the realm's operator."""
STOP_MS: Final = 5_000
"""How long an ending realm waits for jobs whose callers still want an answer."""
log: Final = structlog.get_logger()


class Wake:
    """Ends a poll from another thread, or from a signal."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(self.writer, False)

    def __call__(self) -> None:
        """Wake the loop."""
        try:
            os.write(self.writer, b"!")
        except BlockingIOError:
            return  # it has been told often enough

    def clear(self) -> None:
        """Forget the calls so far."""
        try:
            os.read(self.reader, 65_536)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Give the descriptors back."""
        os.close(self.reader)
        os.close(self.writer)


class Loop:
    """Joins a core, its store and the sockets."""

    def __init__(
        self,
        core: Core,
        store: Store,
        zap: ZapSocket,
        door: Door,
        commands: Commands,
        push: Push,
        links: Links,
        operator: OperatorSocket,
        pools: Pools,
        counts: Counts,
        survey: Survey,
        adopt: Callable[[Settings], None],
        wake: Wake,
        now: Callable[[], int],
        watch: Callable[[], None],
    ) -> None:
        """`adopt` has all that goes by settings go by others; `watch` is called after every turn."""
        self._core = core
        self._turns = Turns(core, TimedStore(store, counts.commits))
        self._counts = counts
        self._survey = survey
        self._zap = zap
        self._door = door
        self._commands = commands
        self._push = push
        self._links = links
        self._operator = operator
        self._pools = pools
        self._wake = wake
        self._now = now
        self._adopt = adopt
        self._watch = watch
        self._stopping = False
        self._hung_up = False
        self._told_drops: dict[str, int] = {}
        self._poller = zmq.Poller()
        sockets = (zap.socket, door.socket, commands.socket, push.socket)
        for source in (*sockets, links.fileno(), operator.fileno(), wake.reader):
            self._poller.register(source, zmq.POLLIN)

    def stop(self) -> None:
        """End `run` when what was taken in is answered. Callable from a signal handler."""
        self._stopping = True

    def hang_up(self) -> None:
        """Have the settings read again. Callable from a signal handler."""
        self._hung_up = True

    def run(self) -> None:
        """Take turns until `stop`. Raises StoreError where the store has failed."""
        while not self._stopping:
            now = self._now()
            busy = self._links.waiting or self._commands.waiting or self._operator.waiting
            wait = 0 if busy else max(0, self._core.wake_at(now) - now)
            self._poller.poll(min(wait, self._operator.again_ms, self._links.again_ms))
            self._turn(self._gather())
            self._turn_of_pages()
        give_up = time.monotonic() + STOP_MS / 1000
        self._turn(self._gather())
        while self._commands.waiting and time.monotonic() < give_up:
            self._turn_of_pages()
        while self._operator.waiting and time.monotonic() < give_up:
            self._turn(self._operator.gather(OF_OPERATORS))
        self._turn([Stopping()])
        jobs = zmq.Poller()
        jobs.register(self._wake.reader, zmq.POLLIN)
        while self._core.is_busy() and (left := give_up - time.monotonic()) > 0:
            jobs.poll(int(left * 1000))
            self._wake.clear()
            self._turn(self._finished(TURN))
        self._tell_drops()

    def _tell_drops(self) -> None:
        """Log what was dropped since the last time, if anything was."""
        drops = self._survey.drops()
        new = {what: count - self._told_drops.get(what, 0) for what, count in drops.items()}
        if any(new.values()):
            log.info("dropped", **{what: count for what, count in new.items() if count})
            self._told_drops = drops

    def _gather(self) -> list[Input]:
        self._wake.clear()
        self._zap.serve()
        self._door.serve()
        inputs: list[Input] = []
        inputs += self._finished(TURN)
        inputs += self._push.gather(SUBSCRIPTIONS)
        inputs += self._links.gather(min(OF_LINKS, TURN - len(inputs)))
        inputs += self._operator.gather(min(OF_OPERATORS, TURN - len(inputs)))
        inputs += self._commands.gather(TURN - len(inputs))
        if self._hung_up:
            self._hung_up = False
            inputs.append(Hangup())
        now = self._now()
        if now >= self._core.wake_at(now):
            inputs.append(Tick())
            self._tell_drops()
        return inputs

    def _finished(self, at_most: int) -> list[Input]:
        done: list[Input] = []
        while len(done) < at_most:
            try:
                done.append(self._pools.done.get_nowait())
            except queue.Empty:
                break
        return done

    def _turn(self, inputs: Sequence[Input]) -> float:
        """Take a turn; the seconds that it took without its commit."""
        if not inputs:
            return 0.0
        commits = self._counts.commits
        began, committed = time.perf_counter(), commits.total
        for effect in self._turns.take(self._now(), inputs):
            self._act(effect)
        self._watch()
        now = time.perf_counter()
        self._counts.turn(began, now, len(inputs))
        return now - began - (commits.total - committed)

    def _turn_of_pages(self) -> None:
        """Take one with the pages that are next: what was said meanwhile is answered before them."""
        pages = self._commands.pages(TURN)
        self._commands.waiting.took(self._turn(pages), len(pages))

    def _act(self, effect: Effect) -> None:
        match effect:
            case Reply():
                self._counts.reply(effect)
                (self._operator if effect.request.route.operator else self._commands).reply(effect)
            case Publish(topics, event):
                self._push.publish(topics, encode_event(event))
                self._pools.chat()
            case RunJob(CountUp() as job):
                self._pools.tell(JobDone(job, self._survey(), 0))
            case RunJob(job):
                self._pools.submit(job)
            case ToPeer(peer, frame, data, bulk):
                frames = (encode_command(frame),) if data is None else (encode_command(frame), data)
                self._links.send(peer, *frames, bulk=bulk)
            case Connect():
                self._links.connect(effect)
            case Disconnect(peer):
                self._links.disconnect(peer)
            case Adopt(settings):
                self._adopt(settings)
            case Note(level, event, fields):
                self._counts.failed += "incident" in fields
                getattr(log, level)(event, **fields)
            case _:
                assert_never(effect)
