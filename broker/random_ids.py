"""Random values from the operating system; see `realm.ids.Ids`."""

import itertools
import os
import random
import secrets
from typing import Final

from schemas.ulid import RANDOM_BYTES, ulid

_BLOCK: Final = 4_096
TOPIC_BYTES: Final = 16
COUNTED_BYTES: Final = 4
"""In these, at its end, does a topic differ from the others of its source."""


class RandomIds:
    """The source of a real realm."""

    def __init__(self) -> None:
        self._block = b""
        self._used = 0
        self._topics = os.urandom(TOPIC_BYTES - COUNTED_BYTES)
        self._topic = itertools.count()

    def token(self) -> str:
        """See `Ids.token`."""
        return secrets.token_urlsafe(32)

    def topic(self) -> bytes:
        """See `Ids.topic`. All of one source begin alike.

        libzmq keeps topics byte by byte in a tree, all of which it walks through whenever a listener goes: topics that
        share nothing cost a realm with 1,000 listeners 2 ms each time. Who may hear one depends on the key alone.
        """
        return self._topics + next(self._topic).to_bytes(COUNTED_BYTES, "big")

    def salt(self) -> bytes:
        """See `Ids.salt`."""
        return self._draw(16)

    def ulid(self, now: int) -> str:
        """See `Ids.ulid`."""
        return ulid(now, self._draw(RANDOM_BYTES))

    def incident(self) -> str:
        """See `Ids.incident`."""
        return secrets.token_hex(4)

    def epoch(self) -> int:
        """See `Ids.epoch`."""
        return secrets.randbits(63)

    def nonce(self) -> bytes:
        """See `Ids.nonce`."""
        return os.urandom(16)

    def fraction(self) -> float:
        """See `Ids.fraction`."""
        return random.random()  # noqa: S311 - only so that not all try again at once

    def _draw(self, count: int) -> bytes:
        """For what every message needs: drawn in blocks, as asking the system takes longer than all else here."""
        if self._used + count > len(self._block):
            self._block, self._used = os.urandom(_BLOCK), 0
        start = self._used
        self._used += count
        return self._block[start : self._used]
