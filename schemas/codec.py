"""Frames to types and back. Whatever comes in, decoding returns a command or says what is wrong with it."""

import re
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final, TypeVar

import msgspec

from schemas import fields, names
from schemas.answers import Answer, ErrorAnswer
from schemas.commands import COMMANDS, Chunk, Command, OverLimitError, name_of
from schemas.errors import Code, Refusal
from schemas.events import AnyEvent, Event
from schemas.federation import (
    LINK_COMMANDS,
    Envelope,
    FromPeerFrame,
    LinkChunk,
    LinkCommand,
    LinkWord,
    PeerAnswer,
)
from schemas.limits import MAX_FRAME
from schemas.operator import OPERATOR_COMMANDS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A frame that is no command: what the caller is told, under the `id` that could be read."""

    id: int | None
    refusal: Refusal
    link: bool = False
    """Whether it would have been something that only peers say."""


class _Envelope(msgspec.Struct):
    """What can be read of a command whose fields are wrong."""

    id: msgspec.Raw = msgspec.Raw()
    cmd: msgspec.Raw = msgspec.Raw()


_encode = msgspec.msgpack.Encoder().encode
_decode: Final[msgspec.msgpack.Decoder[Any]] = msgspec.msgpack.Decoder(
    reduce(or_, (*COMMANDS, *LINK_COMMANDS, *OPERATOR_COMMANDS, Envelope))
)
_decode_envelope = msgspec.msgpack.Decoder(_Envelope).decode
_decode_event: Final[msgspec.msgpack.Decoder[AnyEvent]] = msgspec.msgpack.Decoder(AnyEvent)

_decode_word: Final[msgspec.msgpack.Decoder[LinkWord]] = msgspec.msgpack.Decoder(LinkWord)
_decode_peer_answer = msgspec.msgpack.Decoder(PeerAnswer).decode

_KNOWN: Final = frozenset(map(name_of, (*COMMANDS, *LINK_COMMANDS, *OPERATOR_COMMANDS))) | {name_of(Envelope)}
_EXPLAINED: Final = {**names.EXPLAINED, **fields.EXPLAINED}
_PLACE: Final = re.compile(r"^(?P<why>.*?)(?: - at (?:`key` in )?`\$(?P<path>[^`]*)`)?$", re.DOTALL)
_MISSING: Final = re.compile(r"missing required field `(?P<field>\w+)`")
_LONGEST: Final = 200
"""Characters of what is said of a frame: more would only repeat what was sent."""
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_command(frames: list[bytes]) -> tuple[Command | Envelope, bytes] | Malformed:
    """The command in `[command]` or `[command, bytes]`, and the bytes (empty where there are none)."""
    if not frames or len(frames) > 2:
        why = f"a request is one frame, or two with file bytes, not {len(frames)}"
        return Malformed(None, Refusal(Code.BAD_REQUEST, why))
    if max(map(len, frames)) > MAX_FRAME:
        return Malformed(None, Refusal(Code.TOO_LARGE, f"a frame is at most {MAX_FRAME:,} bytes"))
    try:
        command: Command | Envelope = _decode.decode(frames[0])
    except _BROKEN as error:
        return _explain(frames[0], error)
    if len(frames) == 1:
        return command, b""
    if not isinstance(command, Chunk | LinkChunk):
        why = f"{name_of(type(command))} takes no second frame"
        call = None if isinstance(command, Envelope) else command.id
        return Malformed(call, Refusal(Code.BAD_REQUEST, why), link=isinstance(command, LinkCommand | Envelope))
    return command, frames[1]


def encode_command(command: Command | Envelope) -> bytes:
    """The frame of a command."""
    return _encode(command)


def encode_answer(answer: Answer | LinkWord) -> bytes:
    """The frame of an answer."""
    return _encode(answer)


def encode_refusal(call: int | None, refusal: Refusal) -> bytes:
    """The frame of an error answer to the command with the id `call`."""
    return _encode(
        ErrorAnswer(
            id=call,
            code=refusal.code,
            message=refusal.text,
            retry_after=msgspec.UNSET if refusal.retry_after is None else refusal.retry_after,
            incident=refusal.incident or msgspec.UNSET,
        )
    )


def encode_event(event: Event) -> bytes:
    """The second frame of a push."""
    return _encode(event)


def decode_event(frame: bytes) -> AnyEvent:
    """The event in a push; raises msgspec.DecodeError where there is none."""
    return _decode_event.decode(frame)


def decode_from_peer(frame: bytes) -> FromPeerFrame | None:
    """What a peer answers on a link, None where that is nothing that we know."""
    for decode in (_decode_word.decode, _decode_peer_answer):
        try:
            return decode(frame)
        except _BROKEN:
            continue
    return None


def _explain(frame: bytes, error: Exception) -> Malformed:
    """Say which field is wrong and why, under the caller's id where one can be read."""
    call, cmd = _salvage(frame)
    link = cmd is not None and cmd.startswith("link.")
    if isinstance(error.__cause__, OverLimitError):
        return Malformed(call, Refusal(Code.TOO_LARGE, str(error.__cause__)), link)
    if cmd is not None and cmd not in _KNOWN:
        return Malformed(call, Refusal(Code.UNKNOWN_COMMAND, f"there is no command {cmd[:64]!r}"), link)
    if isinstance(error, msgspec.ValidationError):
        return Malformed(call, Refusal(Code.BAD_REQUEST, _sentence(str(error))), link)
    return Malformed(call, Refusal(Code.BAD_REQUEST, "the frame is not a MessagePack map with UTF-8 text"), link)


def _salvage(frame: bytes) -> tuple[int | None, str | None]:
    """The `id` and the `cmd` of a broken command, each None where it cannot be read."""
    try:
        envelope = _decode_envelope(frame)
    except _BROKEN:
        return None, None
    return _as(int, envelope.id), _as(str, envelope.cmd)


def _as(wanted: type[T], raw: msgspec.Raw) -> T | None:
    """The value in `raw`, or None where it is absent or of another type."""
    try:
        return msgspec.msgpack.decode(raw, type=wanted)
    except _BROKEN:
        return None


def _sentence(complaint: str) -> str:
    """`Expected … - at `$.to`` as `to: expected …`, with patterns put into words."""
    found = _PLACE.match(complaint)
    if found is None:
        return complaint
    why, path = found["why"], (found["path"] or "").lstrip(".")
    if missing := _MISSING.search(why):
        return f"the field {missing['field']} is missing"
    for pattern, words in _EXPLAINED.items():
        if pattern in why or repr(pattern) in why:
            why = words
    why = why if len(why) <= _LONGEST else f"{why[:_LONGEST]}…"
    if not path:
        return why.replace("Expected `object`", "expected one MessagePack map")
    return f"{path}: {why[0].lower()}{why[1:]}"
