"""One side of the conversation with a realm, without sockets or clock: commands out, answers and events in.

What comes from the realm cannot make it raise: an answer that cannot be read settles its command with a
`ProtocolError`, and what belongs to nothing is counted in `strays`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeVar

import msgspec
from msgspec import UNSET, structs

from client.errors import ClientError, ProtocolError, SessionNotFoundError, error_of
from client.harmless import in_short
from schemas import commands
from schemas.answers import Answer, ErrorAnswer, SessionOpened
from schemas.codec import decode_event, encode_command
from schemas.commands import Command, InSession, Logout, Repeatable, name_of
from schemas.events import AnyEvent

A_co = TypeVar("A_co", bound=Answer, covariant=True)

SAFE_TO_REPEAT: Final[tuple[type[Command], ...]] = (
    commands.Resume,
    commands.Repeatable,  # every send names its entry
    commands.Conversations,
    commands.History,
    commands.Read,
    commands.Sync,
    commands.Upload,
    commands.Chunk,
    commands.Download,
    commands.Users,
    commands.Groups,
    commands.Members,
    commands.Realms,
    commands.Info,
)
"""Commands that have one effect however often they are done.

`inbox` is none: it moves on by itself. `auth` is none either: the second ends the session that the first has opened,
and their answers may come in either order.
"""

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Asks(Protocol[A_co]):
    """A command, seen as the question for the answer that it gets when it works."""

    @property
    def answer(self) -> type[A_co]:
        """The type of that answer."""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """An open session: what is needed to speak as its user, and to hear."""

    tokenId: str  # noqa: N815 - the contract's own spelling
    user: str
    name: str
    topic: bytes
    epoch: int

    def __repr__(self) -> str:
        return f"Login(user={self.user!r}, …)"


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The realm does not know the session any more: it was replaced, has expired, or the password changed."""

    user: str


Event = AnyEvent | SessionEnded


@dataclass(frozen=True, slots=True)
class Call:
    """A command on its way; asking again means sending the same frames."""

    id: int
    command: Command
    frames: tuple[bytes, ...]

    @property
    def repeatable(self) -> bool:
        """Whether asking again has no second effect."""
        return isinstance(self.command, SAFE_TO_REPEAT)

    @property
    def name(self) -> str:
        """What the command is called."""
        return name_of(type(self.command))


@dataclass(frozen=True, slots=True)
class Settled:
    """How a call ended: the answer, or why there is none; what it means for the session is in `events`."""

    call: Call
    outcome: Answer | ClientError
    payload: bytes = b""
    events: tuple[Event, ...] = ()


class _Head(msgspec.Struct):
    """What must be read of an answer before its type is known."""

    id: int | None
    status: Literal["OK", "ERROR"]


_decode_head = msgspec.msgpack.Decoder(_Head).decode
_decode_error = msgspec.msgpack.Decoder(ErrorAnswer).decode
_decoders: Final[dict[type[Answer], msgspec.msgpack.Decoder[Any]]] = {
    kind: msgspec.msgpack.Decoder(kind) for kind in {command.answer for command in commands.COMMANDS}
}


class Session:
    """Gives commands their ids, finds out which answer belongs to which, and knows who is logged in."""

    def __init__(self, new_entry: Callable[[], str]) -> None:
        self.login: Login | None = None
        """Who is logged in: a new object for every session that opens, so `is not` tells them apart."""
        self.strays = 0
        """Frames that belonged to nothing: late answers, events of an old topic, what could not be read."""
        self._new_entry = new_entry
        self._next = 1
        self._asked: dict[int, Call] = {}

    def adopt(self, login: Login | None) -> None:
        """Speak in a session of before; whether the realm still knows it shows in the first answer."""
        self.login = login

    def ask(self, command: Command, payload: bytes = b"") -> Call:
        """The call for a command: with an id and, where they are missing, the token and the `entry`.

        Raises UnicodeEncodeError where a text is no Unicode (half of a surrogate pair).
        """
        given: dict[str, Any] = {"id": self._next}
        if isinstance(command, InSession) and not command.tokenId and self.login is not None:
            given["tokenId"] = self.login.tokenId
        if isinstance(command, Repeatable) and command.entry is UNSET:
            given["entry"] = self._new_entry()
        complete = structs.replace(command, **given)
        frames = (encode_command(complete), payload) if payload else (encode_command(complete),)
        call = Call(self._next, complete, frames)
        self._asked[call.id] = call
        self._next += 1
        return call

    def forget(self, call: Call) -> None:
        """Nobody waits for this answer any more."""
        self._asked.pop(call.id, None)

    def answered(self, frames: Sequence[bytes]) -> Settled | None:
        """Take the frames of an answer; None where it answers nothing that is being asked."""
        try:
            head = _decode_head(frames[0])
        except (*_UNREADABLE, IndexError):
            self.strays += 1
            return None
        call = None if head.id is None else self._asked.pop(head.id, None)
        if call is None:
            self.strays += 1
            return None
        payload = frames[1] if len(frames) > 1 else b""
        outcome = _outcome(call, head, frames[0])
        return Settled(call, outcome, payload, self._learn(call, outcome))

    def heard(self, frames: Sequence[bytes]) -> list[Event]:
        """Take the frames of a push; give the events that follow from it, in order."""
        if self.login is None or len(frames) != 2 or frames[0] != self.login.topic:
            self.strays += 1
            return []
        try:
            event = decode_event(frames[1])
        except _UNREADABLE:  # perhaps an event that a newer realm has
            self.strays += 1
            return []
        return [event]

    def _learn(self, call: Call, outcome: Answer | ClientError) -> tuple[Event, ...]:
        """Follow what an answer says about the session."""
        if isinstance(outcome, SessionOpened):
            self.login = _login(outcome)
        elif self.login is not None and self._speaks_for_login(call.command):
            if isinstance(outcome, SessionNotFoundError):
                ended = SessionEnded(self.login.user)
                self.login = None
                return (ended,)
            if isinstance(call.command, Logout) and isinstance(outcome, Answer):
                self.login = None
        return ()

    def _speaks_for_login(self, command: Command) -> bool:
        """Whether the command was said in the session that is open now, not in one before it."""
        return self.login is not None and isinstance(command, InSession) and command.tokenId == self.login.tokenId


def _login(opened: SessionOpened) -> Login:
    return Login(
        tokenId=opened.tokenId,
        user=opened.user,
        name=opened.name,
        topic=opened.topic,
        epoch=opened.epoch,
    )


def _outcome(call: Call, head: _Head, frame: bytes) -> Answer | ClientError:
    """The answer in a frame, as the type that its command promises, or the error that it is."""
    try:
        if head.status == "ERROR":
            return error_of(_decode_error(frame))
        answer: Answer = _decoders[call.command.answer].decode(frame)
    except _UNREADABLE as error:
        return ProtocolError(f"the realm's answer to {call.name} cannot be read: {in_short(str(error))}")
    return answer
