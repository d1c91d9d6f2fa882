"""The operator's own way in: a ROUTER in the realm's folder, for whoever may use that.

There is no CURVE and no ZAP on it: the system lets nobody but the owner of the socket file (0600) connect. It takes the
operator's commands and no others, as rows of the same command table; nothing limits how many.
"""

import os
import stat
from pathlib import Path
from typing import Final

import structlog
import zmq

from broker.sockets import BACKLOG, HANDSHAKE_MS, LINGER_MS, NO_BOUND, NOBLOCK, Context, Sent, Socket, send_now
from realm.effects import Reply
from realm.request import OPERATOR, Request, Route
from schemas.codec import Malformed, decode_command, encode_answer, encode_refusal
from schemas.errors import Code, Refusal
from schemas.federation import Envelope
from schemas.operator import OperatorCommand

FILE: Final = "operator"
LARGEST: Final = 4_096
"""Bytes of a frame: libzmq ends the connection on which a larger one comes."""
UNREAD: Final = 256
"""Answers that wait for one connection."""

_OWNER_ONLY: Final = 0o177
_DESCRIPTORS: Final = Path("/proc/self/fd")
_NOT_HERE: Final = Refusal(Code.FORBIDDEN, "here the realm's operator speaks, and says the operator's commands alone")
log: Final = structlog.get_logger()


class FolderSocket:
    """The path of the socket in a folder, open until `close`; raises OSError where there is no such folder.

    A socket's path has room for some 100 bytes, and `ipc://@…` means something else. So, where the system has /proc,
    the folder is named by its open descriptor: short, plain, and the same folder if it is moved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        short = _DESCRIPTORS.is_dir()
        self.path = f"{_DESCRIPTORS}/{self.folder}/{FILE}" if short else str(folder.absolute() / FILE)

    @property
    def endpoint(self) -> str:
        """What libzmq connects to."""
        return f"ipc://{self.path}"

    def close(self) -> None:
        """Give the descriptor back; nothing may use the path any more."""
        os.close(self.folder)


class OperatorSocket:
    """The ROUTER in a folder whose lock this process holds; without one where the system gives none."""

    def __init__(self, context: Context, folder: Path) -> None:
        """Listen. Where that cannot be, the log says why, and the realm does without."""
        self.undelivered = 0
        """Answers dropped because nobody took them."""
        self._place = FolderSocket(folder)
        self.socket: Socket | None = None
        try:
            self._clear()
            self.socket = _listening(context, self._place.endpoint)
        except OSError as error:  # ZMQError is one
            why = error.strerror or str(error)
            log.warning("the operator's commands will not reach this realm", socket=str(folder / FILE), why=why)

    def gather(self, at_most: int) -> list[Request]:
        """Take in what waits."""
        requests: list[Request] = []
        while self.socket is not None and len(requests) < at_most:
            try:
                frames = self.socket.recv_multipart(NOBLOCK)
            except zmq.Again:
                break
            requests.append(_request(frames))
        return requests

    def reply(self, effect: Reply) -> None:
        """Send an answer; where the caller does not take it, it is dropped and never tried again."""
        assert self.socket is not None, "it was asked there"
        answer, request = effect.answer, effect.request
        frame = encode_refusal(request.call, answer) if isinstance(answer, Refusal) else encode_answer(answer)
        peer, delimited, _ = request.route
        if send_now(self.socket, peer, *([b""] if delimited else []), frame) is not Sent.SENT:
            self.undelivered += 1

    def close(self) -> None:
        """Remove the file. The context has ended before, for libzmq must not use the descriptor any longer."""
        if self.socket is not None:
            self._clear()
        self._place.close()

    def _clear(self) -> None:
        """Remove a socket that is there: nobody else has one where this process has the lock. Raises OSError."""
        try:
            found = os.stat(FILE, dir_fd=self._place.folder, follow_symlinks=False)
            if not stat.S_ISSOCK(found.st_mode):
                raise FileExistsError(0, "something that is no socket has this name: remove it")
            os.unlink(FILE, dir_fd=self._place.folder)
        except FileNotFoundError:
            return


def _listening(context: Context, endpoint: str) -> Socket:
    router = context.socket(zmq.ROUTER)
    router.router_mandatory = True
    router.maxmsgsize = LARGEST
    router.rcvhwm = NO_BOUND
    router.sndhwm = UNREAD
    router.linger = LINGER_MS
    router.backlog = BACKLOG
    router.handshake_ivl = HANDSHAKE_MS
    before = os.umask(_OWNER_ONLY)  # so that there is no moment in which others might connect
    try:
        router.bind(endpoint)
    except zmq.ZMQError:
        router.close()
        raise
    finally:
        os.umask(before)
    return router


def _request(frames: list[bytes]) -> Request:
    peer, *parts = frames
    delimited = len(parts) > 1 and not parts[0]
    if delimited:
        del parts[0]
    route = Route(peer, delimited, operator=True)
    decoded = decode_command(parts)
    if isinstance(decoded, Malformed):
        return Request(route, OPERATOR, OPERATOR, Malformed(decoded.id, decoded.refusal))
    command, _ = decoded
    if not isinstance(command, OperatorCommand):
        call = None if isinstance(command, Envelope) else command.id
        return Request(route, OPERATOR, OPERATOR, Malformed(call, _NOT_HERE))
    return Request(route, OPERATOR, OPERATOR, command)
