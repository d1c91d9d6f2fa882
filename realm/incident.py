"""What the log may have of something that went wrong unforeseen: where, and what it was about.

Nothing that was said is in it, so an error's own text is not: that may quote a password, a token, or a message.
"""

import traceback
from collections import OrderedDict
from pathlib import Path
from typing import Any, Final

from realm.inputs import CarryDue, FromPeer, JobDone, PumpDue
from realm.request import Request
from schemas.codec import Malformed
from schemas.commands import name_of

FRAMES: Final = 25
"""The innermost of a traceback."""
CAUSES: Final = 4
REMEMBERED: Final = 1_000
"""Different damage that is known at once."""
TOLD_EVERY_MS: Final = 3_600_000


class Damage:
    """What the log has already of what is damaged: it is not filled by who asks for that again and again."""

    def __init__(self) -> None:
        self._told: OrderedDict[tuple[str, str], tuple[str, int]] = OrderedDict()

    def known(self, who: str, why: str, now: int) -> str | None:
        """The incident under which the log has it, for about an hour."""
        incident, at = self._told.get((who, why), ("", 0))
        return incident if incident and abs(now - at) < TOLD_EVERY_MS else None

    def told(self, who: str, why: str, now: int, incident: str) -> None:
        """It is told now."""
        self._told[who, why] = incident, now
        self._told.move_to_end((who, why))
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)


def trace(error: BaseException) -> list[str]:
    """The type of an error and the places it came through, the innermost last; and the same of what led to it."""
    told: list[str] = []
    one: BaseException | None = error
    for _ in range(CAUSES):
        if one is None:
            break
        told += ["from"] * bool(told) + [type(one).__name__]
        frames = traceback.extract_tb(one.__traceback__)[-FRAMES:]
        told += [f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}" for frame in frames]
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return told


def about(item: object) -> dict[str, Any]:
    """What an input was, in words that nobody else has chosen: its kind, and who asked for what."""
    told: dict[str, Any] = {"input": type(item).__name__}
    request = item if isinstance(item, Request) else None
    if isinstance(item, JobDone):
        told["job"] = type(item.job).__name__
        request = getattr(item.job, "ask", None)
    elif isinstance(item, PumpDue | CarryDue):
        told["peer"] = item.peer
    elif isinstance(item, FromPeer):
        told |= {"peer": item.peer, "said": type(item.frame).__name__}
    if request is not None:
        body = request.body
        told["command"] = "unreadable" if isinstance(body, Malformed) else name_of(type(body))
        told |= {"call": request.call, "key": request.key, "address": request.address}
    return told
