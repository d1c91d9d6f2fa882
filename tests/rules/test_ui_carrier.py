"""What carries a chat's files: a few at once, each as long as it is wanted, and by one name over all chats."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from client.courier import Courier
from client.errors import AnswerError, NoAnswerError
from client.file_lines import NOT_YET
from client.local import Progress
from client.model.room import Outgoing
from client.ui.carrier import LANES, Carrier
from client.ui.space import Space
from client.ui.spool import Spool, Spools, State
from client.ulid import new_ulid
from schemas.commands import SendFile
from schemas.errors import Code
from schemas.names import Address

PATIENCE = 30
SIZE = 1_000


class Realm:
    """A courier of which nothing comes back until it is let."""

    def __init__(self) -> None:
        self.unsure: dict[str, str] = {}
        self.begun: list[str] = []
        self.cancelled: list[str] = []
        self.told: list[tuple[Progress, Progress]] = []
        self.go = asyncio.Event()

    async def send(self, command: SendFile, _path: Path, _name: str, progress: Progress, reading: Progress) -> object:
        self.begun.append(str(command.entry))
        self.told.append((progress, reading))
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.append(str(command.entry))
            raise
        return object()


class Site:
    def __init__(self, folder: Path) -> None:
        self.space = Space(folder)
        self.spools = Spools(folder / "files", self.space)
        self.seen = 0
        self.carrier = Carrier(cast("Any", None), self._changed)
        self.realm = Realm()
        self.carrier.courier = cast("Any", self.realm)

    def _changed(self) -> None:
        self.seen += 1

    async def here(self) -> Outgoing:
        """A message whose file is here."""

        async def parts() -> AsyncIterator[bytes]:
            yield bytes(SIZE)

        spool = self.spools.make("a", SIZE)
        await spool.take(parts(), lambda: None)
        return Outgoing(new_ulid(), "", 1, spool)

    def send(self, one: Outgoing) -> "asyncio.Task[Any]":
        command = SendFile(id=0, to=Address("henderson"), file=NOT_YET, entry=one.entry)
        task = asyncio.ensure_future(self.carrier.send(command, one))
        self.carrier.follow(one, cast("Any", task))
        return task


def on(folder: Path, test: Callable[[Site], Coroutine[Any, Any, None]]) -> None:
    async def within() -> None:
        async with asyncio.timeout(PATIENCE):
            await test(Site(folder))

    asyncio.run(within())


def test_what_is_sent_does_not_wait_any_more(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        one = await site.here()
        task = site.send(one)
        busy = [site.carrier.is_busy]
        site.realm.go.set()
        await task
        await asyncio.sleep(0)
        busy.append(site.carrier.is_busy)
        assert busy == [True, False]
        assert isinstance(one.file, Spool)
        assert (one.file.state, one.file.loss) == (State.REMOVED, None)
        site.space.settle()
        assert not one.file.path.exists()

    on(tmp_path, test)


def test_what_is_given_up_on_its_way_is_not_sent_on(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        one, other = await site.here(), await site.here()
        tasks = [site.send(one), site.send(other)]
        await asyncio.sleep(0)
        site.carrier.give_up(one)
        await asyncio.wait({tasks[0]})
        assert site.realm.cancelled == [one.entry]
        assert tasks[0].cancelled()
        site.realm.go.set()
        await tasks[1]
        assert isinstance(one.file, Spool)
        assert one.file.state is State.REMOVED

    on(tmp_path, test)


def test_what_is_begun_again_is_what_is_ended(tmp_path: Path) -> None:
    """The first task may just have ended, and nobody has seen it yet."""

    async def test(site: Site) -> None:
        one = await site.here()
        first = asyncio.ensure_future(asyncio.sleep(0))
        site.carrier.follow(one, cast("Any", first))
        second = site.send(one)
        await first
        await asyncio.sleep(0)
        busy = [site.carrier.is_busy]
        site.carrier.give_up(one)
        await asyncio.wait({second})
        assert second.cancelled()
        await asyncio.sleep(0)
        busy.append(site.carrier.is_busy)
        assert busy == [True, False]

    on(tmp_path, test)


def test_only_a_few_are_sent_at_once(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        waiting = [await site.here() for _ in range(LANES + 2)]
        tasks = [site.send(one) for one in waiting]
        for _ in range(10):
            await asyncio.sleep(0)
        assert site.realm.begun == [one.entry for one in waiting[:LANES]]
        site.realm.go.set()
        await asyncio.gather(*tasks)
        assert len(site.realm.begun) == LANES + 2

    on(tmp_path, test)


def test_how_far_it_is_is_told_where_that_is_seen(tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        one = await site.here()
        spool = one.file
        assert isinstance(spool, Spool)
        spool.read, spool.sent = SIZE, 500  # of a try before
        task = site.send(one)
        await asyncio.sleep(0)
        ((progress, reading),) = site.realm.told
        seen = []
        for tell, done in [(reading, 0), (reading, 500), (reading, 501), (progress, 0), (progress, 9), (progress, 990)]:
            tell(done, SIZE)
            seen.append((spool.is_being_read, spool.percent, site.seen))
        assert seen == [
            (False, 0, 0),
            (True, 50, 1),
            (True, 50, 1),
            (False, 0, 2),
            (False, 0, 2),
            (False, 99, 3),
        ]
        assert site.carrier.carried == 990
        site.realm.go.set()
        await task

    on(tmp_path, test)


class Uploading(Courier):
    """Gives each upload another id, and has no answer to the messages with them, or another one."""

    def __init__(self, uploaded: list[str], error: Exception | None) -> None:
        super().__init__(cast("Any", SimpleNamespace()))
        self._uploaded = uploaded
        self._error = error
        self.sent: list[str] = []

    async def _upload(self, *_: object) -> str:
        self._uploaded.append(f"F{len(self._uploaded)}")
        return self._uploaded[-1]

    async def _ask_patiently(self, _line: object, command: Any) -> Any:
        self.sent.append(command.file)
        if self._error is not None:
            raise self._error
        return object(), b""


@pytest.mark.parametrize(
    ("error", "uploads"),
    [(NoAnswerError("no answer"), 1), (asyncio.CancelledError(), 1), (AnswerError.of(Code.FILE_NOT_FOUND), 2)],
    ids=["no answer", "the chat ends", "refused"],
)
def test_a_message_is_sent_again_over_another_chat_with_the_same_file(
    tmp_path: Path, error: Exception, uploads: int
) -> None:
    async def test(site: Site) -> None:
        one, uploaded = await site.here(), list[str]()
        site.carrier.courier = Uploading(uploaded, error)
        with pytest.raises(type(error)):
            await site.send(one)
        other = Site(tmp_path)
        other.carrier.courier = again = Uploading(uploaded, None)
        await other.send(one)
        assert (len(uploaded), again.sent) == (uploads, [uploaded[-1]])

    on(tmp_path, test)
