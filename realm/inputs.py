"""What can happen to a realm: frozen values, handled in the order in which they came."""

import msgspec

from realm.jobs import Job, Result
from realm.request import Request


class Heard(msgspec.Struct, frozen=True):
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


class Tick(msgspec.Struct, frozen=True):
    """The time that `wake_at` named has come."""


Input = Request | Heard | JobDone | Misbehaved | Tick
