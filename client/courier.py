"""Files to and from a realm.

async with Courier(connection) as courier:
    sent = await courier.send(SendFile(id=0, to=Address("henderson"), file=NOT_YET), Path("foto.jpg"))
    path = await courier.download(entry.file, Path("downloads"))
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

from msgspec import UNSET, structs

from client.connection import Connection
from client.errors import (
    AnswerError,
    ClientError,
    NoSuchFileError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
)
from client.file_lines import NOT_YET
from client.filenames import sent_name
from client.local import PartFile, Progress, Source, in_thread
from client.transfer import HALTS, Download, Question, Upload, pause_after
from client.ulid import new_ulid
from schemas.answers import Answer, Downloaded, Sent
from schemas.commands import Command, Filing
from schemas.commands import Download as DownloadCommand
from schemas.entries import File
from schemas.limits import MAX_CHUNK

DOWNLOADS: Final = 12
"""Most unanswered downloads of one courier; a realm takes 16 of a session."""
PASSING: Final = (RateLimitedError, UnavailableError)
"""What a single command is asked again after."""
MAX_THUMBNAIL: Final = 4 * 1024 * 1024


def _untold(_done: int, _size: int) -> None:
    """Nobody watches."""


class Courier:
    """Carries any number of files at once, on a connection of its own beside the given one, in its session.

    Memory is bounded whatever their size; files here are read, hashed and written in threads. Who cancels one of
    its methods loses nothing of what has come: the same again goes on from there. All raise what
    `Connection.ask` does, for good reasons only: what may pass is asked again, at most six times without
    progress, after longer and longer pauses.

    `progress` is told how many bytes the other side has, or have come; `reading` before that, how many of those
    that are here have been hashed.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lines: list[Connection] = []
        """One for each session in which something was carried."""
        self._downloads = asyncio.Semaphore(DOWNLOADS)
        self.unsure: dict[str, str] = {}
        """The file of each send, by its entry, of which it is not known whether it was done: the next try has the same.

        Whoever tries again over another courier takes it along.
        """

    async def upload(
        self, source: Path, name: str | None = None, progress: Progress = _untold, reading: Progress = _untold
    ) -> str:
        """The id of a file that the realm now has; `name` is that of the path where none is given.

        Raises NoSuchFileError before anything is sent, where there is no plain file that can be read; LocalFileError
        where it changes meanwhile.
        """
        return await self._upload(source, name, progress, reading, None)

    async def send(
        self,
        command: Filing,
        source: Path,
        name: str | None = None,
        progress: Progress = _untold,
        reading: Progress = _untold,
    ) -> Sent:
        """Upload a file and send it; the `file` of the command is put in here (`NOT_YET` until then).

        Whether the command would be refused for another reason than its file is asked before any of its bytes
        are sent. With the same `entry` it has no second effect, also where the last one's answer did not come.
        Raises as `upload` does.
        """
        entry = new_ulid() if command.entry is UNSET else command.entry
        file = self.unsure.get(entry)
        if file is None:
            file = await self._upload(source, name, progress, reading, command)
        self.unsure[entry] = file
        sent = await self._send(structs.replace(command, entry=entry, file=file))
        self.unsure.pop(entry, None)  # the same may have been sent twice at once
        return sent

    async def download(
        self, file: File, target: Path, progress: Progress = _untold, reading: Progress = _untold
    ) -> Path:
        """Save a file under `target`, or in it where that is a folder; the path that it has got.

        What exists is not overwritten: the next free name is taken. What has come so far is in a hidden file beside
        it (`part_path`), and is gone on with. Raises LocalFileError; ProtocolError where what arrives is not the
        file that was announced.
        """
        part_file = PartFile(target, file.name, file.digest)
        try:
            await in_thread(part_file.open)
            resumed = 0 < part_file.size <= file.size
            whole = await self._fill(part_file, file, part_file.size if resumed else 0, progress, reading)
            if not whole and resumed:  # what was there was damaged
                whole = await self._fill(part_file, file, 0, progress, reading)
            if not whole:
                part_file.cut(0)
                raise ProtocolError("what the realm has sent is not the file that was announced")
            return await in_thread(part_file.finish)
        finally:
            part_file.close()

    async def chunks(self, file: File, offset: int = 0) -> AsyncGenerator[bytes]:
        """The bytes of a file from `offset` on, in order; close it (`contextlib.aclosing`) where they are not all read.

        At most 2 MiB are held for a slow reader. The digest is not checked.
        """
        line = self._line()
        download = Download(file, offset)
        async with _Flights() as flights:
            while not download.done:
                await asyncio.sleep(download.wait / 1000)
                for question in download.take():
                    flights.start(question, self._ask(line, question.command))
                for question, outcome, payload in await flights.landed():
                    download.answered(question, outcome, payload)
                for part in download.parts():
                    yield part
        if download.failed is not None:
            raise download.failed

    async def thumbnail(self, file: str) -> bytes:
        """The small picture of a file, WebP; raises NoSuchFileError where it has none."""
        data, size = b"", 1
        while len(data) < size:
            answer, part = await self._see(file, len(data), MAX_CHUNK, thumbnail=True)
            size = answer.size
            if not part or size > MAX_THUMBNAIL:
                raise ProtocolError("what the realm has sent is no thumbnail")
            data += part
        return data

    async def look_up(self, file: str) -> File:
        """A file of which only the id is known; raises NoSuchFileError where the user may not see it."""
        answer, _ = await self._see(file, 0, 1)
        found = answer.file_info
        if (found.id, found.size) != (file, answer.size):
            raise ProtocolError("the realm speaks of another file than it was asked for")
        return found

    async def close(self) -> None:
        """End its connections; what is being carried raises ClosedError. Twice does no harm."""
        for line in self._lines:
            await line.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _line(self) -> Connection:
        """The connection for files in the session that is open now; what is carried already stays in its own."""
        login = self._connection.login
        if self._lines and not self._lines[-1].failed:
            line = self._lines[-1]
            if login is line.login or (login and line.login and login.tokenId == line.login.tokenId):
                return line
        self._lines.append(self._connection.beside())
        return self._lines[-1]

    async def _send(self, command: Filing) -> Sent:
        try:
            answer, _ = await self._ask_patiently(self._connection, command)
        except AnswerError:  # it was not done, and that is known
            self.unsure.pop(str(command.entry), None)
            raise
        return cast("Sent", answer)

    async def _check(self, line: Connection, command: Filing) -> None:
        """Raise why the command would be refused, except for its file: a realm looks at that last."""
        with contextlib.suppress(NoSuchFileError):
            await self._ask_patiently(line, structs.replace(command, entry=new_ulid(), file=NOT_YET))

    async def _upload(
        self, path: Path, name: str | None, progress: Progress, reading: Progress, to_check: Filing | None
    ) -> str:
        line = self._line()
        source = Source(path)
        try:
            await in_thread(source.open)
            if to_check is not None:
                await self._check(line, to_check)
            hasher = hashlib.sha256()
            await source.feed(hasher, source.size, reading)
            upload = Upload(hasher.digest(), source.size, sent_name(name or path.name))
            await self._carry(line, upload, source, progress)
        finally:
            source.close()
        if upload.file is None:
            raise upload.failed or ProtocolError("the realm has not said what became of the file")
        return upload.file

    async def _carry(self, line: Connection, upload: Upload, source: Source, progress: Progress) -> None:
        async with _Flights() as flights:
            while not upload.done:
                await asyncio.sleep(upload.wait / 1000)
                for question in upload.take():  # sent in this order, on one socket: the realm wants them so
                    payload = await in_thread(source.read, question.offset, question.length)
                    flights.start(question, self._ask(line, question.command, payload))
                for question, outcome, _ in await flights.landed():
                    upload.answered(question, outcome)
                progress(upload.offset, upload.size)

    async def _fill(self, part_file: PartFile, file: File, held: int, progress: Progress, reading: Progress) -> bool:
        """Fetch what comes after the `held` bytes; whether it is the file now."""
        part_file.cut(held)
        hasher = hashlib.sha256()
        await part_file.feed(hasher, held, reading)
        progress(held, file.size)
        async with contextlib.aclosing(self.chunks(file, held)) as parts:
            async for part in parts:
                await in_thread(part_file.add, part, hasher)
                progress(part_file.size, file.size)
        return hasher.digest() == file.digest

    async def _see(self, file: str, offset: int, size: int, *, thumbnail: bool = False) -> tuple[Downloaded, bytes]:
        """One part of a file, or of its thumbnail."""
        command = DownloadCommand(id=0, file=file, offset=offset, size=size, thumbnail=thumbnail)
        answer, payload = await self._ask_patiently(self._line(), command)
        return cast("Downloaded", answer), payload

    async def _ask_patiently(self, line: Connection, command: Command) -> tuple[Answer, bytes]:
        """The answer to a command, and the bytes that came; after what may pass it is asked again."""
        refusals = 0
        while True:
            outcome, payload = await self._ask(line, command)
            if not isinstance(outcome, ClientError):
                return outcome, payload
            refusals += 1
            if not isinstance(outcome, PASSING) or refusals > HALTS:
                raise outcome
            await asyncio.sleep(pause_after(outcome, refusals) / 1000)

    async def _ask(
        self, line: Connection, command: Command, payload: bytes = b""
    ) -> tuple[Answer | ClientError, bytes]:
        """How a command ends, and the bytes that came; that there is no answer is an end too."""
        try:
            if not isinstance(command, DownloadCommand):
                return (await line.exchange(command, payload)).outcome, b""
            async with self._downloads:
                settled = await line.exchange(command)
        except ClientError as error:
            return error, b""
        return settled.outcome, settled.payload


class _Flights:
    """Questions that are on their way at the same time; what has not landed at its end is given up."""

    def __init__(self) -> None:
        self._flying: dict[asyncio.Task[tuple[Answer | ClientError, bytes]], Question] = {}

    def start(self, question: Question, asking: Coroutine[Any, Any, tuple[Answer | ClientError, bytes]]) -> None:
        """Ask it; what is started first is sent first."""
        self._flying[asyncio.create_task(asking)] = question

    async def landed(self) -> list[tuple[Question, Answer | ClientError, bytes]]:
        """Wait for some, at least one."""
        done, _ = await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
        return [(self._flying.pop(task), *task.result()) for task in done]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._flying:
            task.cancel()
        await asyncio.gather(*self._flying, return_exceptions=True)
