"""Files give way to chat: while people are told things, the threads that do file jobs rest between two of them.

A chunk costs the realm and its sender about a millisecond of processor, and a message that meets it waits as long. A
sender cannot be slowed down but by answering later: it waits as soon as its window is full.
"""

import time
from collections.abc import Callable
from typing import Final

CHAT_S: Final = 0.2
"""So long after something was pushed are people taken to be chatting."""
REST: Final = 19
"""A rest is so many times what the job took: files have a twentieth of the time. With 9, two cores gave a `send`
twice its p99; with 19 one and a half times."""
LONGEST_S: Final = 0.008
"""The longest rest, after a job that took long: some 30 MB a second of chunks may pass, whatever the disk does."""


class Pace:
    """When the next job of a pool may begin. `chat` may be called from another thread than the rest."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` in seconds."""
        self._now = now
        self._chat_until = 0.0
        self._rest_until = 0.0

    def chat(self) -> None:
        """Something is pushed to somebody."""
        self._chat_until = self._now() + CHAT_S

    def worked(self, took: float) -> None:
        """A job has ended that took so many seconds. Jobs of several threads add up."""
        now = self._now()
        if now < self._chat_until:
            self._rest_until = max(now, self._rest_until) + min(took * REST, LONGEST_S)

    def left(self) -> float:
        """Seconds until the next job may begin, 0 where it may now."""
        now = self._now()
        return max(0.0, self._rest_until - now) if now < self._chat_until else 0.0
