"""How an operator's command reaches the realm that runs on a folder, from another process."""

import itertools
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from broker.folder_socket import READ, FolderSocket, Frames, TooLargeError, framed
from broker.patience import tries
from realm.store.folder import LockedError, locked
from schemas.answers import Answer, ErrorAnswer
from schemas.codec import encode_command
from schemas.operator import OperatorCommand

T = TypeVar("T", bound=Answer)
WITHIN_S: Final = 10.0
"""A realm answers in a moment."""
DIALLED_S: Final = 20.0
"""Where it has to dial another first, in some 10 s."""
NEITHER_S: Final = 5.0
"""So long the folder may be locked by what takes no commands: a realm that starts or stops, or another command."""
START_S: Final = 10.0
"""So long a realm may take to start."""
AGAIN_S: Final = 0.1
LARGEST: Final = 64 << 20
"""Bytes of an answer."""

_NOT_YOURS: Final = "the folder {} is not yours to use: say this as the user who runs the realm"
_ANOTHER: Final = "the realm that runs is of another version than this program: restart it"
_decode_error: Final = msgspec.msgpack.Decoder(ErrorAnswer).decode


class _Any(msgspec.Struct):
    """An answer to whatever."""

    id: int | None


class OperatorError(Exception):
    """A command of the operator's cannot be done; the message says why and what to do."""


class RefusedError(OperatorError):
    """The realm has answered that it does not do it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Reached:
    """A realm that runs, as its operator speaks to it."""

    def __init__(self, place: FolderSocket, folder: Path) -> None:
        self._ids = itertools.count(1)
        self._place = place
        self._folder = folder
        self._connection: socket.socket | None = None
        self._frames = Frames(LARGEST)
        self._came: deque[bytes] = deque()

    def close(self) -> None:
        """Hang up; the next question dials again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._came.clear()

    def ask(self, command: OperatorCommand, answer: type[T], within_s: float = WITHIN_S) -> T:
        """The answer to a command, which gets an `id` of its own.

        Raises RefusedError where the realm refuses, and OperatorError where it stops, says nothing for so long, or
        answers as another version does.
        """
        call = next(self._ids)
        until = time.monotonic() + within_s
        try:
            self._send(encode_command(msgspec.structs.replace(command, id=call)), until)
            while _call(frame := self._next(until)) != call:
                pass  # it came too late for the one who asked
            found = _answer(frame, answer)
        except TimeoutError:
            silence = f"runs, but has not answered for {within_s:.0f} s: see its log"
            raise OperatorError(f"the realm on {self._folder} {silence}") from None
        except OSError:
            self.close()
            raise OperatorError(f"the realm on {self._folder} has stopped meanwhile") from None
        except TooLargeError:
            self.close()
            raise OperatorError(_ANOTHER) from None
        if isinstance(found, ErrorAnswer):
            raise RefusedError(found.code, found.message)
        return found

    def _send(self, command: bytes, until: float) -> None:
        """Raises TimeoutError, and OSError where nobody listens any more."""
        if self._connection is None:
            self._connection = self._dialled(until)
            self._frames = Frames(LARGEST)
        self._connection.settimeout(_left(until))
        self._connection.sendall(framed(command))

    def _dialled(self, until: float) -> socket.socket:
        """Raises TimeoutError where so many wait to be let in that the system takes no other, and OSError."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            for _ in tries(_left(until), AGAIN_S):
                with suppress(BlockingIOError):
                    connection.settimeout(_left(until))
                    connection.connect(self._place.path)
                    return connection
            raise TimeoutError
        except OSError:
            connection.close()
            raise

    def _next(self, until: float) -> bytes:
        """The next answer. Raises TimeoutError, OSError where the realm has hung up, and TooLargeError."""
        assert self._connection is not None, "something was asked"
        while not self._came:
            self._connection.settimeout(_left(until))
            data = self._connection.recv(READ)
            if not data:
                raise ConnectionResetError
            self._came.extend(self._frames.feed(data))
        return self._came.popleft()


def wait_for(folder: Path, say: Callable[[str], object]) -> bool:
    """Whether a realm runs on a folder, or does so within `START_S`; the folder need not be there yet.

    `say` is told, once, where that is waited for. Nothing is locked, which would keep the realm from starting. Raises
    OperatorError where the folder is not this user's to use.
    """
    for number, _ in enumerate(tries(START_S, AGAIN_S)):
        if _runs(folder):
            return True
        if number == 0:
            say(f"waiting until a realm runs on {folder}")
    return False


@contextmanager
def reach(folder: Path) -> Iterator[Reached | None]:
    """The realm that runs on a folder; or None where none does, and then the folder is locked meanwhile.

    Raises OperatorError where the folder is in use, or not this user's to use, and StoreError as `locked` does.
    """
    with ExitStack() as ending:
        place = _found(folder, ending)
        if place is None:
            yield None
            return
        reached = Reached(place, folder)
        ending.callback(reached.close)
        yield reached


def _found(folder: Path, ending: ExitStack) -> FolderSocket | None:
    """Where a realm listens now, or None where the folder is locked until `ending`. Raises as `reach` does."""
    try:
        place = FolderSocket(folder)
        ending.callback(place.close)
        for _ in tries(NEITHER_S, AGAIN_S):
            if _listens(place):
                return place
            with suppress(LockedError):
                ending.enter_context(locked(folder))
                return None
    except PermissionError:
        raise OperatorError(_NOT_YOURS.format(folder)) from None
    raise OperatorError(f"a realm runs on {folder}, but takes no commands of its operator there: its log says why")


def _runs(folder: Path) -> bool:
    try:
        place = FolderSocket(folder)
    except PermissionError:
        raise OperatorError(_NOT_YOURS.format(folder)) from None
    except OSError:
        return False
    try:
        return _listens(place)
    except PermissionError:
        raise OperatorError(_NOT_YOURS.format(folder)) from None
    finally:
        place.close()


def _listens(place: FolderSocket) -> bool:
    """Whether a process listens there now. Raises PermissionError where this one may not know.

    It does where so many wait to be let in that the system takes no other: as they do before one that hangs.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0)
        try:
            probe.connect(place.path)
        except PermissionError:
            raise
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True


def _left(until: float) -> float:
    """Seconds; raises TimeoutError where there are none."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _call(frame: bytes) -> int | None:
    """To which command this is the answer."""
    try:
        return msgspec.msgpack.decode(frame, type=_Any).id
    except msgspec.DecodeError as error:
        raise OperatorError(_ANOTHER) from error


def _answer(frame: bytes, kind: type[T]) -> T | ErrorAnswer:
    with suppress(msgspec.ValidationError):
        return msgspec.msgpack.decode(frame, type=kind)
    try:
        return _decode_error(frame)
    except msgspec.ValidationError as error:
        raise OperatorError(_ANOTHER) from error
