"""A file on its way, without sockets, clock or disk: what to ask a realm now, and what its answers mean.

Whoever drives one asks what `take` gives, at the same time and in that order, and hands every outcome to `answered`.
After a refusal, or silence, nothing more is asked until all that is on its way has its outcome: what was sent
behind a lost chunk is refused too. Then it goes on from what the realm has.
"""

from dataclasses import dataclass
from typing import Final

from msgspec import UNSET

from client.errors import (
    BadRequestError,
    ClientError,
    ClosedError,
    ForbiddenError,
    NoAnswerError,
    NoSuchFileError,
    ProtocolError,
    QuotaExceededError,
    RateLimitedError,
    SessionNotFoundError,
    TooLargeError,
    UnknownCommandError,
)
from schemas import commands
from schemas.answers import Answer, ChunkTaken, Downloaded, UploadOpened
from schemas.entries import File
from schemas.limits import MAX_CHUNK

WINDOW: Final = 8
"""Most chunks on their way at once; after silence it is halved, for a slow line."""
MIN_CHUNK: Final = 4_096
"""A realm that wants less of a larger file at once would have it sent for ever."""
HALTS: Final = 6
"""After so many refusals in a row without progress between them it gives up at the next."""
REWINDS: Final = 10
"""How often a realm may know less of an upload than it did: it was killed before it had flushed."""
BEGINNINGS: Final = 2
"""How often an upload is begun: again where it had expired, or its digest was wrong at the end."""
PAUSE_MS: Final = 100
"""What is waited for after a refusal without `retry_after`, doubled each time."""
LONGEST_PAUSE_MS: Final = 60_000
LASTING: Final[tuple[type[ClientError], ...]] = (
    ClosedError,
    ForbiddenError,
    ProtocolError,
    QuotaExceededError,
    SessionNotFoundError,
    TooLargeError,
    UnknownCommandError,
)
"""What asking again does not change."""
FOLLOWING: Final = (BadRequestError, ProtocolError)
"""What may only follow from another refusal: of a chunk behind one that was not stored."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A command that is wanted answered; with a chunk go `length` bytes of the file, those from `offset` on."""

    command: commands.Upload | commands.Chunk | commands.Download
    offset: int = 0
    length: int = 0


class _Transfer:
    """What both directions have: questions on their way, and patience with refusals."""

    def __init__(self) -> None:
        self.failed: ClientError | None = None
        """Why it has given up."""
        self._asked: set[Question] = set()
        self._window = WINDOW
        self._halted = False
        """Whether nothing may be asked while anything is on its way."""
        self._halts = 0
        """How many there were since there was progress."""
        self._pause = 0
        self._reason: ClientError | None = None
        """What has led to the last halt."""

    @property
    def wait(self) -> int:
        """Milliseconds to let pass before the next `take`."""
        return self._pause if self._halted and not self._asked else 0

    def _ask(self, question: Question) -> Question:
        self._asked.add(question)
        return question

    def _awaited(self, question: Question) -> bool:
        """Whether this is the first outcome of a question, and it still matters."""
        if question not in self._asked:
            return False
        self._asked.remove(question)
        return self.failed is None

    def _refuse(self, error: ClientError) -> None:
        if isinstance(error, LASTING):
            self.failed = error
        else:
            self._halt(error)

    def _halt(self, error: ClientError) -> None:
        if not self._halted:
            self._halted, self._reason, self._pause = True, error, 0
            self._halts += 1
            if isinstance(error, NoAnswerError):
                self._window = max(1, self._window // 2)
        elif isinstance(self._reason, FOLLOWING):
            self._reason = error
        self._pause = max(self._pause, pause_after(error, self._halts))

    def _perhaps_give_up(self) -> None:
        """After too many refusals, once all that was on its way has its outcome: the most telling of them is why."""
        if self._halts > HALTS and not self._asked and self.failed is None:
            self.failed = self._reason


def pause_after(error: ClientError, halts: int) -> int:
    """Milliseconds to wait after so many refusals in a row, of which this is the last.

    A rate limit is given the time for a whole window, so that it is not met at every chunk.
    """
    pause = PAUSE_MS
    if isinstance(error, RateLimitedError) and error.retry_after is not None:
        pause = max(error.retry_after, min(error.retry_after * WINDOW, 1_000))
    return min(pause << max(halts - 1, 0), LONGEST_PAUSE_MS)


class Upload(_Transfer):
    """A file to the realm: `digest` is its SHA-256, `size` in bytes."""

    def __init__(self, digest: bytes, size: int, name: str) -> None:
        super().__init__()
        self.size = size
        self.upload: str | None = None
        """The upload's id, once the realm has said it; the file will have the same."""
        self.offset = 0
        """How many bytes the realm is known to hold."""
        self.file: str | None = None
        """The file's id, once it is whole."""
        self._opening = commands.Upload(id=0, digest=digest, size=size, name=name)
        self._open = False
        """Whether the realm has said where to go on."""
        self._chunk = MAX_CHUNK
        self._next = 0
        self._beginnings = 0
        self._rewinds = 0

    @property
    def done(self) -> bool:
        """Whether it has ended, one way or the other."""
        return self.file is not None or self.failed is not None

    def take(self) -> list[Question]:
        """What to ask now; nothing where an outcome has to come first. To be called after every outcome."""
        if self.done:
            return []
        if not self._open:
            if self._asked:
                return []
            self._halted = False
            return [self._ask(Question(self._opening))]
        questions = []
        while self.upload is not None and len(self._asked) < self._window and self._next < self.size:
            command = commands.Chunk(id=0, upload=self.upload, offset=self._next)
            length = min(self._chunk, self.size - self._next)
            questions.append(self._ask(Question(command, self._next, length)))
            self._next += length
        return questions

    def answered(self, question: Question, outcome: Answer | ClientError) -> None:
        """Take the outcome of one question; another of the same changes nothing."""
        if not self._awaited(question) or self.done:
            return
        match outcome:
            case ClientError():
                self._refused(question, outcome)
            case UploadOpened():
                self._opened(outcome)
            case ChunkTaken():
                self._taken(question, outcome)
            case _:
                self.failed = _unexpected(outcome)
        if self._open and not self._asked and not self.done and self._next == self.size:
            self._stop(ProtocolError("the realm holds all of the file, and does not take it"))
        if self.file is None:
            self._perhaps_give_up()

    def _stop(self, error: ClientError) -> None:
        self._halt(error)
        self._open = False

    def _refused(self, question: Question, error: ClientError) -> None:
        if question.command is self._opening and isinstance(error, BadRequestError):
            self.failed = error
        else:
            self._refuse(error)
        self._open = False

    def _opened(self, answer: UploadOpened) -> None:
        if answer.file is not UNSET:
            self._finish(answer.file)
            return
        if not (0 <= answer.offset <= self.size and answer.chunk > 0):
            self.failed = ProtocolError(f"the realm says that it holds {answer.offset} bytes of {self.size}")
            return
        if answer.chunk < MIN_CHUNK <= self.size:
            self.failed = ProtocolError(f"the realm wants only {answer.chunk} bytes at once of {self.size}")
            return
        self._rewinds += answer.offset < self.offset
        self._beginnings += answer.upload != self.upload
        if self._beginnings > BEGINNINGS or self._rewinds > REWINDS:
            self.failed = self._reason or ProtocolError("the realm loses what it is sent")
            return
        self.upload, self.offset, self._next = answer.upload, answer.offset, answer.offset
        self._chunk = min(answer.chunk, MAX_CHUNK)
        self._open = True

    def _taken(self, question: Question, answer: ChunkTaken) -> None:
        if answer.file is not UNSET:
            self._finish(answer.file)
        elif answer.offset > self.size:
            self.failed = ProtocolError(f"the realm says that it holds {answer.offset} bytes of {self.size}")
        else:
            if answer.offset > self.offset:
                self.offset, self._halts = answer.offset, 0
            if answer.offset < question.offset + question.length:
                self._stop(ProtocolError("the realm does not take what it is sent"))

    def _finish(self, file: str) -> None:
        self.file, self.offset = file, self.size


class Download(_Transfer):
    """A file from the realm, from `offset` on. It holds at most a window of parts that are not handed out yet."""

    def __init__(self, file: File, offset: int = 0) -> None:
        super().__init__()
        self.file = file
        self.offset = offset
        """Where the next part begins that will be handed out."""
        self._next = offset
        self._again: list[int] = []
        """Where parts begin that were asked for and did not come."""
        self._parts: dict[int, bytes] = {}

    @property
    def done(self) -> bool:
        """Whether it has ended: all was handed out, or it has failed."""
        return self.offset >= self.file.size or self.failed is not None

    def take(self) -> list[Question]:
        """What to ask now; nothing where an outcome has to come first. To be called after every outcome."""
        if self.done or (self._halted and self._asked):
            return []
        self._halted = False
        questions = []
        while len(self._asked) < self._window and (offset := self._missing()) is not None:
            length = self._length(offset)
            command = commands.Download(id=0, file=self.file.id, offset=offset, size=length)
            questions.append(self._ask(Question(command, offset, length)))
        return questions

    def answered(self, question: Question, outcome: Answer | ClientError, payload: bytes = b"") -> None:
        """Take the outcome of one question, with the bytes; another of the same changes nothing."""
        if not self._awaited(question):
            return
        match outcome:
            case NoSuchFileError() | BadRequestError():
                self.failed = outcome
            case ClientError():
                self._refuse(outcome)
                self._again.append(question.offset)
            case Downloaded(size=self.file.size) if len(payload) == question.length:
                self._parts[question.offset] = payload
                self._halts = 0
            case Downloaded():
                self.failed = ProtocolError("the realm sends another part of the file than it was asked for")
            case _:
                self.failed = _unexpected(outcome)
        self._perhaps_give_up()

    def parts(self) -> list[bytes]:
        """What has come since this was last asked: in order, without a gap, each once."""
        parts = []
        while (part := self._parts.pop(self.offset, None)) is not None:
            parts.append(part)
            self.offset += len(part)
        return parts

    def _missing(self) -> int | None:
        """Where a part begins that should be asked for now."""
        if self._again:
            self._again.sort(reverse=True)
            return self._again.pop()
        if self._next >= self.file.size or len(self._asked) + len(self._parts) >= self._window:
            return None
        offset, self._next = self._next, self._next + self._length(self._next)
        return offset

    def _length(self, offset: int) -> int:
        return min(MAX_CHUNK, self.file.size - offset)


def _unexpected(answer: Answer) -> ProtocolError:
    return ProtocolError(f"the realm answers with {type(answer).__name__} to what has another answer")
