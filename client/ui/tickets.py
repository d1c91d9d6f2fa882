"""Tickets: addresses that let a browser fetch one file without saying who it is.

A browser's downloads, and the engine that draws the page, send no secret along. So a window makes for what it shows an
address that nobody can guess. It is good for one tab, one purpose, one session and some time.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from schemas.entries import File

AT_MOST: Final = 1_000
"""Tickets of one tab; for another one that is dropped which was asked for longest ago."""


@dataclass(frozen=True, slots=True)
class Save:
    """A file may be saved: again too, where a browser goes on with a download that was cut."""

    file: File
    lasts: ClassVar[float] = 12 * 3_600


@dataclass(frozen=True, slots=True)
class Look:
    """A picture may be seen, as it is or small."""

    file: File
    small: bool
    lasts: ClassVar[float] = 12 * 3_600


Purpose = Save | Look


class Tickets:
    """Those of one tab. A session is known by what equals nothing of another: with another one all tickets are void.

    Where there is none for a while, as no page is there, they stay: the same may be gone on with.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._session: object = None
        self._given: dict[str, tuple[Purpose, float]] = {}
        self._codes: dict[Purpose, str] = {}

    def give(self, session: object, purpose: Purpose) -> str:
        """A ticket for it: the one of before, for half of its time, so that what is drawn stays as it is.

        Where there is no session (None), it is of no use.
        """
        if session is None:
            return secrets.token_urlsafe(24)
        self._enter(session)
        code = self._codes.get(purpose)
        if code is not None and self._given[code][1] - self._clock() > purpose.lasts / 2:
            self._given[code] = self._given.pop(code)  # the last that was asked for is the last to be dropped
            return code
        self._drop(code)
        if len(self._given) >= AT_MOST:
            self._drop(next(iter(self._given)))
        code = secrets.token_urlsafe(24)
        self._given[code] = purpose, self._clock() + purpose.lasts
        self._codes[purpose] = code
        return code

    def find(self, session: object, code: str) -> Purpose | None:
        """What a ticket is for; None where it is none of this session, or its time is over.

        While there is no session (None), it is that of the last one.
        """
        if session is not None:
            self._enter(session)
        purpose, until = self._given.get(code, (None, 0.0))
        if purpose is not None and self._clock() >= until:
            self._drop(code)
            return None
        return purpose

    def renew(self, code: str) -> None:
        """It is being used: its time begins again."""
        if (given := self._given.pop(code, None)) is not None:
            purpose, _ = given
            self._given[code] = purpose, self._clock() + purpose.lasts

    def clear(self) -> None:
        """None is good any more."""
        self._session = None
        self._given.clear()
        self._codes.clear()

    def _enter(self, session: object) -> None:
        if session != self._session:
            self.clear()
            self._session = session

    def _drop(self, code: str | None) -> None:
        if code is not None and code in self._given:
            purpose, _ = self._given.pop(code)
            del self._codes[purpose]
