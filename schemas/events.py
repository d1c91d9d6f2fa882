"""What a realm pushes to a session: a map with `event`, published under the session's topic."""

from typing import ClassVar

import msgspec

from schemas.entries import Entry
from schemas.fields import Count


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=str.lower):
    """Push may drop an event: the numbers show the gap, `sync` shows a lost last one, `history` fills it."""

    note: ClassVar[str]


class Welcome(Event, frozen=True, kw_only=True):
    """The subscription is accepted: from now on pushes arrive."""

    note: ClassVar[str] = "the subscription is accepted; none within 2 s: unsubscribe and subscribe again"
    epoch: int
    total: Count


class EntryPushed(Event, frozen=True, kw_only=True, tag="entry"):
    """Something was said in a conversation that the user may see."""

    note: ClassVar[str] = "said in a conversation of the user"
    entry: Entry


class Joined(Event, frozen=True, kw_only=True):
    """The user has joined a conversation."""

    note: ClassVar[str] = "on another device"
    conversation: str


class Left(Event, frozen=True, kw_only=True):
    """The user is no longer in a conversation."""

    note: ClassVar[str] = "on another device, or by the group's admin"
    conversation: str


class Read(Event, frozen=True, kw_only=True):
    """A read mark moved."""

    note: ClassVar[str] = (
        "read on another device, or in a private conversation of this realm by the other side; "
        "a lost one is healed by the next `history`"
    )
    conversation: str
    seq: Count
    by: str


class Delivered(Event, frozen=True, kw_only=True):
    """The peer realm has taken what was queued."""

    note: ClassVar[str] = "the peer realm has taken it"
    conversation: str
    seq: Count


AnyEvent = Welcome | EntryPushed | Joined | Left | Read | Delivered
