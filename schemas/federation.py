"""What realms say to each other: link commands, and the answers to them. See the protocol page, "Between realms".

They come on the commands port from the key of a peer. Every one but an envelope is a command like others, with an
`id` that is echoed; an envelope is answered by a `LinkAck` or a `LinkAgain`.
"""

import hashlib
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas import answers
from schemas.answers import Answer
from schemas.commands import Command, OverLimitError, check_file_name, fold_fields
from schemas.fields import Bin16, Bin32, Count, FileId, FileName, Host, MediaType, Message, Port, Seq, Text
from schemas.limits import MAX_MESSAGE
from schemas.names import FULL_PATTERN, Address, Name, NameField, UlidField

HASH_START: Final = bytes(32)
"""The running hash before the first envelope of an epoch."""
Number = Annotated[int, Meta(ge=1, le=2**63 - 1, title="int")]
Time = Annotated[int, Meta(ge=0, lt=253_402_300_800_000, title="ms")]
"""Before the year 10000."""
FullAddress = Annotated[Address, Meta(pattern=FULL_PATTERN, title="name@realm")]
Feature = Annotated[str, Meta(max_length=64)]
Features = Annotated[list[Feature], Meta(max_length=64, title="[str]")]


class Mark(msgspec.Struct, frozen=True):
    """A place in what one realm has sent to another: the last number, and the running hash there."""

    epoch: Seq
    n: Seq
    hash: Bin32


class Greeted(Answer, frozen=True, kw_only=True):
    """The answer to a hello: how far the receiver has come."""

    realm: Name
    version: int
    features: list[str]
    received: Mark


class Proved(Answer, frozen=True, kw_only=True):
    """The introduction is under way: the nonce comes back."""

    nonce: bytes


class LinkCommand(Command, frozen=True, kw_only=True):
    """A command of another realm."""


class Introduced(LinkCommand, frozen=True, kw_only=True, tag="link.introduce"):
    """A realm says who it is, and where its front door is."""

    answer: ClassVar = answers.Done
    folded: ClassVar = ("realm",)
    realm: NameField
    address: Host
    port: Port


class Prove(LinkCommand, frozen=True, kw_only=True, tag="link.prove"):
    """Asks whether an introduction is really under way at the realm that is said to have begun it."""

    answer: ClassVar = Proved
    nonce: Bin16


class Hello(LinkCommand, frozen=True, kw_only=True, tag="link.hello"):
    """Begins to send, or sees whether the other side is there; `next` is the next number to be given."""

    answer: ClassVar = Greeted
    folded: ClassVar = ("realm",)
    realm: NameField
    version: int
    features: Features
    epoch: Seq
    next: Seq


class Addressed(LinkCommand, frozen=True, kw_only=True, rename={"sender": "from"}):
    """A command about what a user of a realm sends to a user or a group of another."""

    folded: ClassVar = ("sender", "to", "group")
    sender: FullAddress
    to: NameField | UnsetType = UNSET
    group: NameField | UnsetType = UNSET

    def __post_init__(self) -> None:
        super().__post_init__()
        check_recipient(self)


class LinkUpload(Addressed, frozen=True, kw_only=True, tag="link.upload"):
    """Begins to bring a file that an envelope will name, or takes that up again."""

    answer: ClassVar = answers.UploadOpened
    digest: Bin32
    size: Count
    name: FileName

    def __post_init__(self) -> None:
        super().__post_init__()
        check_file_name(self.name)


class LinkChunk(LinkCommand, frozen=True, kw_only=True, tag="link.chunk"):
    """The next bytes of a file, in a second frame."""

    answer: ClassVar = answers.ChunkTaken
    upload: FileId
    offset: Count


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """The file that an envelope names, of which the receiver holds every byte."""

    name: FileName
    size: Count
    media_type: MediaType
    digest: Bin32

    def __post_init__(self) -> None:
        check_file_name(self.name)


class Envelope(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag_field="cmd",
    tag="link.envelope",
    omit_defaults=True,
    rename={"sender": "from"},
):
    """One message on its way between realms. `id` is the entry's; `hash` is `hash_of` it."""

    epoch: Seq
    n: Number
    id: UlidField
    hash: Bin32
    kind: Literal["text", "file"]
    sender: FullAddress
    name: Text
    to: NameField | UnsetType = UNSET
    group: NameField | UnsetType = UNSET
    sent_at: Time
    message: Message | UnsetType = UNSET
    file: Carried | UnsetType = UNSET

    def __post_init__(self) -> None:
        fold_fields(self, ("sender", "to", "group"))
        check_recipient(self)
        if (self.message is UNSET, self.file is UNSET) != (self.kind == "file", self.kind == "text"):
            raise ValueError("an envelope has a message, or a file, as its kind says")
        if self.message is not UNSET and len(self.message.encode()) > MAX_MESSAGE:
            raise OverLimitError(f"a message is at most {MAX_MESSAGE:,} bytes of UTF-8")

    def __repr__(self) -> str:
        return f"Envelope(epoch={self.epoch}, n={self.n}, …)"


LINK_COMMANDS: Final[tuple[type[LinkCommand], ...]] = (Introduced, Prove, Hello, LinkUpload, LinkChunk)


class LinkAck(msgspec.Struct, frozen=True, kw_only=True, tag_field="cmd", tag="link.ack"):
    """The envelopes after+1 … upto have been taken; `results` has the codes of those that were refused."""

    epoch: Seq
    after: Seq
    upto: Seq
    results: Annotated[dict[int, Annotated[str, Meta(max_length=64)]], Meta(max_length=1_024)]


class LinkAgain(msgspec.Struct, frozen=True, kw_only=True, tag_field="cmd", tag="link.again"):
    """An envelope was not applied: say hello."""


class PeerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a peer answers to a link command; which fields there are depends on the command."""

    id: int | None = None
    status: str = ""
    code: Annotated[str, Meta(max_length=64)] = ""
    realm: str = ""
    version: int = 0
    received: Mark | UnsetType = UNSET
    nonce: bytes = b""
    upload: Annotated[str, Meta(max_length=64)] = ""
    offset: Seq = 0
    chunk: Seq = 0
    file: Annotated[str, Meta(max_length=64)] = ""


LinkWord = LinkAck | LinkAgain
FromPeerFrame = LinkAck | LinkAgain | PeerAnswer


def check_recipient(frame: "Addressed | Envelope") -> None:
    """Raise ValueError unless it is for a user or for a group."""
    if (frame.to is UNSET) == (frame.group is UNSET):
        raise ValueError("give to or group, and not both")


_encode: Final = msgspec.msgpack.Encoder().encode


def hash_of(before: bytes, envelope: Envelope) -> bytes:
    """The running hash at an envelope: BLAKE2b-256 of the hash before it, and the array of its other fields.

    `[epoch, n, id, kind, from, name, to, group, sent_at, content]`, nil for what it lacks; the content is the
    message, or `[name, size, media_type, digest]`.
    """
    content: Any = None if envelope.message is UNSET else envelope.message
    if envelope.file is not UNSET:
        file = envelope.file
        content = [file.name, file.size, file.media_type, file.digest]
    told = _encode(
        [
            envelope.epoch,
            envelope.n,
            envelope.id,
            envelope.kind,
            envelope.sender,
            envelope.name,
            None if envelope.to is UNSET else envelope.to,
            None if envelope.group is UNSET else envelope.group,
            envelope.sent_at,
            content,
        ]
    )
    return hashlib.blake2b(before + told, digest_size=32).digest()
