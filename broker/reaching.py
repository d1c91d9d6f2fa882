"""How an operator's command reaches the realm that runs on a folder, from another process."""

import itertools
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import zmq

from broker.operator import FolderSocket
from broker.patience import tries
from broker.sockets import Context
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
LOOK_MS: Final = 500
"""So often it is seen whether the realm is still there."""

_NOT_YOURS: Final = "the folder {} is not yours to use: say this as the user who runs the realm"
_decode_error: Final = msgspec.msgpack.Decoder(ErrorAnswer).decode


class OperatorError(Exception):
    """A command of the operator's cannot be done; the message says why and what to do."""


class RefusedError(OperatorError):
    """The realm has answered that it does not do it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Reached:
    """A realm that runs, as its operator speaks to it."""

    def __init__(self, context: Context, place: FolderSocket, folder: Path) -> None:
        self._ids = itertools.count(1)
        self._place = place
        self._folder = folder
        self._dealer = context.socket(zmq.DEALER)
        self._dealer.linger = 0
        self._dealer.connect(place.endpoint)

    def ask(self, command: OperatorCommand, answer: type[T], within_s: float = WITHIN_S) -> T:
        """The answer to a command, which gets an `id` of its own.

        Raises RefusedError where the realm refuses, and OperatorError where it stops, says nothing for so long, or
        answers as another version does.
        """
        call = next(self._ids)
        self._dealer.send(encode_command(msgspec.structs.replace(command, id=call)))
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            if self._dealer.poll(LOOK_MS):
                found = _answer(self._dealer.recv(), answer)
                if found.id != call:  # it came too late for the one who asked
                    continue
                if isinstance(found, ErrorAnswer):
                    raise RefusedError(found.code, found.message)
                return found
            if not _listens(self._place):
                raise OperatorError(f"the realm on {self._folder} has stopped meanwhile")
        raise OperatorError(f"the realm on {self._folder} runs, but has not answered for {within_s:.0f} s: see its log")


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
        context: Context = zmq.Context()
        ending.callback(context.destroy, 0)
        yield Reached(context, place, folder)


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
    """Whether a process listens there now. Raises PermissionError where this one may not know."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(place.path)
        except PermissionError:
            raise
        except OSError:
            return False
    return True


def _answer(frame: bytes, kind: type[T]) -> T | ErrorAnswer:
    try:
        return msgspec.msgpack.decode(frame, type=kind)
    except msgspec.ValidationError:
        pass
    try:
        return _decode_error(frame)
    except msgspec.ValidationError as error:
        raise OperatorError("the realm that runs is of another version than this program: restart it") from error
