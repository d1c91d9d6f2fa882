"""The operator's own way in: a socket in the realm's folder, for whoever may use that.

There is no CURVE on it: the system lets nobody but the owner of the socket file (0600) connect. It takes the operator's
commands and no others, as rows of the same command table; nothing limits how many.
"""

import errno
import os
import selectors
import socket
import stat
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog

from broker.clock import steady_ms
from broker.folder_socket import FILE, READ, FolderSocket, Frames, TooLargeError, framed
from broker.sockets import BACKLOG, LINGER_MS
from realm.due import FAR
from realm.effects import Reply
from realm.request import OPERATOR, Request, Route
from schemas.codec import Malformed, decode_command, encode_answer, encode_refusal
from schemas.errors import Code, Refusal
from schemas.federation import Envelope
from schemas.operator import OperatorCommand

LARGEST: Final = 4_096
"""Bytes of a frame: the connection on which a larger one comes is ended."""
UNREAD: Final = 4 << 20
"""Bytes of answers that wait for one connection; who leaves more unread is cut."""
AGAIN_MS: Final = 1_000
"""After so long it is tried again to let somebody in, where there was no descriptor for it."""

_OWNER_ONLY: Final = 0o177
_NO_MORE: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_NOT_HERE: Final = Refusal(Code.FORBIDDEN, "here the realm's operator speaks, and says the operator's commands alone")
log: Final = structlog.get_logger()


class _Caller:
    """A connection."""

    def __init__(self, connection: socket.socket, route: bytes) -> None:
        connection.settimeout(0)
        self.connection = connection
        self.route = route
        self.frames = Frames(LARGEST)
        self.said: deque[Request] = deque()
        """Taken in, and still to be gathered."""
        self.unread = bytearray()


class OperatorSocket:
    """Listens in a folder whose lock this process holds; where the system does not let it, the realm does without."""

    def __init__(self, folder: Path) -> None:
        """Listen. Where that cannot be, the log says why."""
        self.undelivered = 0
        """Answers dropped because nobody took them."""
        self._place = FolderSocket(folder)
        self._selector = selectors.DefaultSelector()
        self._callers: dict[bytes, _Caller] = {}
        self._came = 0
        self._waiting: deque[_Caller] = deque()
        """Those who have said something: their turns come one after another."""
        self._spare = os.open(os.devnull, os.O_RDONLY)
        """A descriptor to be given back where there is no other, so that the operator gets in even then; -1: it was."""
        self._deaf_until = 0
        self._listening: socket.socket | None = None
        try:
            self._clear()
            self._listening = _listening(self._place.path)
            self._selector.register(self._listening, selectors.EVENT_READ)
        except OSError as error:
            why = error.strerror or str(error)
            log.warning("the operator's commands will not reach this realm", socket=str(folder / FILE), why=why)

    def fileno(self) -> int:
        """Readable when there is something to `gather`."""
        return int(self._selector.fileno())  # epoll and kqueue both have one

    @property
    def waiting(self) -> bool:
        """Whether something was taken in that is still to be gathered."""
        return bool(self._waiting)

    @property
    def again_ms(self) -> int:
        """For how long nobody need `gather` where nothing is told."""
        return AGAIN_MS if self._deaf_until else FAR

    def gather(self, at_most: int) -> list[Request]:
        """Take in what waits."""
        self._hear_again()
        for key, events in self._selector.select(0):
            if key.data is None:
                self._let_in()
            else:
                self._attend(key.data, events)
        requests: list[Request] = []
        while self._waiting and len(requests) < at_most:
            caller = self._waiting.popleft()
            requests.append(caller.said.popleft())
            if caller.said:
                self._waiting.append(caller)
        return requests

    def reply(self, effect: Reply) -> None:
        """Send an answer; where the caller does not take it, it is dropped and never tried again."""
        answer, request = effect.answer, effect.request
        frame = encode_refusal(request.call, answer) if isinstance(answer, Refusal) else encode_answer(answer)
        caller = self._callers.get(request.route.peer)
        if caller is None:
            self.undelivered += 1
            return
        caller.unread += framed(frame)
        self._write(caller)
        if len(caller.unread) > UNREAD:
            self.undelivered += 1
            self._end(caller)

    def close(self) -> None:
        """Give those who wait what was answered, for a moment; and remove the file."""
        until = time.monotonic() + LINGER_MS / 1000
        for caller in list(self._callers.values()):
            with suppress(OSError):  # it has gone, or does not read
                caller.connection.settimeout(max(0.0, until - time.monotonic()))
                caller.connection.sendall(caller.unread)
            self._end(caller)
        if self._listening is not None:
            self._listening.close()
            self._clear()
        self._selector.close()
        if self._spare >= 0:
            os.close(self._spare)
        self._place.close()

    def _let_in(self) -> None:
        assert self._listening is not None, "it is heard"
        try:
            connection = self._accepted(self._listening)
        except (BlockingIOError, ConnectionAbortedError):
            return  # it has gone
        except OSError as error:
            if error.errno not in _NO_MORE:
                raise
            self._deaf_until = steady_ms() + AGAIN_MS
            self._selector.unregister(self._listening)
            return
        self._came += 1
        caller = _Caller(connection, self._came.to_bytes(8, "big"))
        self._callers[caller.route] = caller
        self._selector.register(connection, selectors.EVENT_READ, caller)

    def _accepted(self, listening: socket.socket) -> socket.socket:
        try:
            return listening.accept()[0]
        except OSError as error:
            if error.errno not in _NO_MORE or self._spare < 0:
                raise
        os.close(self._spare)
        self._spare = -1
        return listening.accept()[0]

    def _hear_again(self) -> None:
        """Let others in again, where that could not be; and have a descriptor to spare again."""
        if self._spare < 0:
            with suppress(OSError):  # there is none yet
                self._spare = os.open(os.devnull, os.O_RDONLY)
        if self._deaf_until and steady_ms() >= self._deaf_until and self._listening is not None:
            self._deaf_until = 0
            self._selector.register(self._listening, selectors.EVENT_READ)

    def _attend(self, caller: _Caller, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._write(caller)
        if events & selectors.EVENT_READ and not caller.said:
            try:
                data = caller.connection.recv(READ)
                caller.said.extend(_request(caller.route, frame) for frame in caller.frames.feed(data))
                if caller.said:
                    self._waiting.append(caller)
            except BlockingIOError:
                return
            except (OSError, TooLargeError):
                data = b""
            if not data:
                self._end(caller)

    def _write(self, caller: _Caller) -> None:
        """Send what the system takes; the rest when it takes more. Who has gone is noticed when it is read.

        Nothing waits for who hears no more: the system says of such a connection, again and again, that it takes more.
        """
        try:
            sent = caller.connection.send(caller.unread)
            del caller.unread[:sent]
        except (BrokenPipeError, ConnectionResetError):
            caller.unread.clear()
            self.undelivered += 1
        except OSError:
            pass  # it takes nothing now
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if caller.unread else 0)
        self._selector.modify(caller.connection, events, caller)

    def _end(self, caller: _Caller) -> None:
        del self._callers[caller.route]
        self._selector.unregister(caller.connection)
        caller.connection.close()

    def _clear(self) -> None:
        """Remove a socket that is there: nobody else has one where this process has the lock. Raises OSError."""
        try:
            found = os.stat(FILE, dir_fd=self._place.folder, follow_symlinks=False)
            if not stat.S_ISSOCK(found.st_mode):
                raise FileExistsError(0, "something that is no socket has this name: remove it")
            os.unlink(FILE, dir_fd=self._place.folder)
        except FileNotFoundError:
            return


def _listening(path: str) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.settimeout(0)
    before = os.umask(_OWNER_ONLY)  # so that there is no moment in which others might connect
    try:
        listening.bind(path)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


def _request(route: bytes, frame: bytes) -> Request:
    told = Route(route, operator=True)
    decoded = decode_command([frame])
    if isinstance(decoded, Malformed):
        return Request(told, OPERATOR, OPERATOR, Malformed(decoded.id, decoded.refusal))
    command, _ = decoded
    if not isinstance(command, OperatorCommand):
        call = None if isinstance(command, Envelope) else command.id
        return Request(told, OPERATOR, OPERATOR, Malformed(call, _NOT_HERE))
    return Request(told, OPERATOR, OPERATOR, command)
