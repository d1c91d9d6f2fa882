"""What can happen to a realm: frozen values, handled in the order in which they came."""

import msgspec

from realm.jobs import Job, Result
from realm.request import Request
from schemas.federation import FromPeerFrame


class Subscribed(msgspec.Struct, frozen=True):
    """A subscription was accepted: `may_hear` had said yes."""

    key: str
    topic: bytes


class JobDone(msgspec.Struct, frozen=True):
    """A job has ended, after `took` ms of work."""

    job: Job
    result: Result
    took: int

    def __repr__(self) -> str:
        return f"JobDone({self.job!r}, {self.took} ms)"


class Misbehaved(msgspec.Struct, frozen=True):
    """A connection with this key did what no honest client does; `what` names it for the log."""

    key: str
    what: str


class FromPeer(msgspec.Struct, frozen=True):
    """What a peer answers on the link to it."""

    peer: int
    frame: FromPeerFrame
    bulk: bool = False
    """Whether it came on the connection for files."""


class LinkUp(msgspec.Struct, frozen=True):
    """The connection of the link to a peer is made."""

    peer: int


class LinkDown(msgspec.Struct, frozen=True):
    """It is lost, or cannot be made; `why` is for the operator."""

    peer: int
    why: str


class Hangup(msgspec.Struct, frozen=True):
    """A signal says that the settings file is to be read again."""


class Stopping(msgspec.Struct, frozen=True):
    """The realm is about to end: who waits for another realm is answered now."""


class Tick(msgspec.Struct, frozen=True):
    """The time that `wake_at` named has come."""


class WaitDue(msgspec.Struct, frozen=True):
    """A part of a `Tick`: somebody has waited for a peer's word for long enough."""

    account: int
    entry: str


class LinkDue(msgspec.Struct, frozen=True):
    """A part of a `Tick`: the link to a peer is to be looked after."""

    peer: int


class CarryingDue(msgspec.Struct, frozen=True):
    """A part of a `Tick`: what is carried to a peer is to be looked after."""

    peer: int


class PumpDue(msgspec.Struct, frozen=True):
    """The end of a turn: there is something to send to a peer."""

    peer: int


class CarryDue(msgspec.Struct, frozen=True):
    """The end of a turn: there may be a file to carry to a peer."""

    peer: int


class RecoverDue(msgspec.Struct, frozen=True):
    """A part of a `Tick`: what waits for peers is to have its entries."""


class SweepDue(msgspec.Struct, frozen=True):
    """A part of a `Tick`: it is time to tidy up."""


class EraseDue(msgspec.Struct, frozen=True):
    """A part of a `Tick`: there is more to erase of an account."""


class RetainDue(msgspec.Struct, frozen=True):
    """A part of a `Tick`: there is more to look at, and perhaps to remove, of what was said long ago."""


Due = WaitDue | LinkDue | CarryingDue | PumpDue | CarryDue | RecoverDue | SweepDue | EraseDue | RetainDue
"""Each part is an attempt of its own, so that one that fails costs no other."""
Input = Request | Subscribed | JobDone | Misbehaved | FromPeer | LinkUp | LinkDown | Hangup | Stopping | Tick
