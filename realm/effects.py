"""What a realm does to the world: plain values, carried out by the broker after the commit."""

from typing import Any, Literal

import msgspec

from realm.jobs import Job
from realm.request import Request
from realm.settings import Settings
from schemas.answers import Answer
from schemas.errors import Refusal
from schemas.events import Event
from schemas.federation import Envelope, LinkCommand, LinkWord


class Reply(msgspec.Struct, frozen=True):
    """The one answer to a request."""

    request: Request
    answer: Answer | Refusal | LinkWord
    data: bytes | None = None
    """What goes with it in a frame of its own."""


class Publish(msgspec.Struct, frozen=True):
    """An event for the sessions with these topics."""

    topics: list[bytes]
    event: Event


class ToPeer(msgspec.Struct, frozen=True):
    """A frame for a peer, on the link to it; where that is not connected, it is dropped."""

    peer: int
    frame: LinkCommand | Envelope
    data: bytes | None = None
    bulk: bool = False
    """Whether it goes on the connection for files, which keeps nothing else waiting."""


class Connect(msgspec.Struct, frozen=True):
    """Have the link to a peer, and its connection for files, go there; where they do already, nothing changes."""

    peer: int
    key: str
    host: str
    port: int
    """Of its commands."""


class Disconnect(msgspec.Struct, frozen=True):
    """End both connections to a peer, for good."""

    peer: int


class Adopt(msgspec.Struct, frozen=True):
    """Go by these settings from now on."""

    settings: Settings


class RunJob(msgspec.Struct, frozen=True):
    """Slow work to begin."""

    job: Job


class Note(msgspec.Struct, frozen=True):
    """A line for the log. Never holds a secret or what users say."""

    level: Literal["info", "warning", "error"]
    event: str
    fields: dict[str, Any]


Effect = Reply | Publish | RunJob | ToPeer | Connect | Disconnect | Adopt | Note
