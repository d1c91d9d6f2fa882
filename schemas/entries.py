"""What was said: entries, and the chain that shows loss, reordering and rollback.

The chain is unsigned: it shows what differs, not who lied.
"""

import hashlib
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.fields import Count
from schemas.names import ConversationId

CHAIN_START: Final = bytes(32)
"""The chain before the first entry of a conversation."""

Kind = Literal["text", "file", "bounce"]


class File(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry of kind `file` names; `id` is the realm's own, the rest is in the chain."""

    id: str
    name: str
    size: Annotated[int, Meta(ge=0)]
    media_type: str
    digest: Annotated[bytes, Meta(title="bin32")]


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"sender": "from"}):
    """One thing that was said, at one number of one conversation."""

    conversation: ConversationId
    seq: Count
    id: str
    sender: str
    name: str
    sent_at: Annotated[int, Meta(title="ms")]
    kind: Kind
    chain: Annotated[bytes, Meta(title="bin32")]
    salt: Annotated[bytes, Meta(title="bin16")] | UnsetType = UNSET
    message: str | UnsetType = UNSET
    file: File | UnsetType = UNSET
    re: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    erased: bool = False
    body: Annotated[bytes, Meta(title="bin32")] | UnsetType = UNSET
    queued: bool = False


_encode = msgspec.msgpack.Encoder().encode


def size(entry: Entry) -> int:
    """What an entry takes in a frame, in bytes."""
    return len(_encode(entry))


def text_body(salt: bytes, message: str) -> bytes:
    """The digest of a message; salted, so that an erased one cannot be guessed from it."""
    return hashlib.blake2b(salt + message.encode(), digest_size=32).digest()


def file_body(salt: bytes, file: File) -> bytes:
    """The digest of a file entry."""
    told = _encode([file.name, file.size, file.media_type, file.digest])
    return hashlib.blake2b(salt + told, digest_size=32).digest()


def bounce_body(salt: bytes, re: str, code: str, message: str) -> bytes:
    """The digest of a bounce."""
    return hashlib.blake2b(salt + _encode([re, code, message]), digest_size=32).digest()


def body_of(entry: Entry) -> bytes:
    """The digest of an entry's content, or the one that stands in for erased content.

    Raises ValueError where the entry lacks what its kind demands.
    """
    if entry.erased and entry.body is not UNSET:
        return entry.body
    if entry.salt is not UNSET:
        if entry.kind == "text" and entry.message is not UNSET:
            return text_body(entry.salt, entry.message)
        if entry.kind == "file" and entry.file is not UNSET:
            return file_body(entry.salt, entry.file)
        if UNSET not in (entry.re, entry.code, entry.message):
            return bounce_body(entry.salt, str(entry.re), str(entry.code), str(entry.message))
    raise ValueError(f"entry {entry.id} has no content of kind {entry.kind}")


def link(
    before: bytes,
    conversation: str,
    seq: int,
    entry_id: str,
    sender: str,
    sent_at: int,
    kind: str,
    body: bytes,
) -> bytes:
    """The chain at entry `seq`, given the chain at the entry before it."""
    told = _encode([conversation, seq, entry_id, sender, sent_at, kind, body])
    return hashlib.blake2b(before + told, digest_size=32).digest()


def follows(before: bytes, entry: Entry) -> bool:
    """Whether `entry` is the one that comes after the chain `before`."""
    try:
        body = body_of(entry)
    except ValueError:
        return False
    expected = link(before, entry.conversation, entry.seq, entry.id, entry.sender, entry.sent_at, entry.kind, body)
    return expected == entry.chain
