"""Random values from the operating system; see `realm.ids.Ids`."""

import os
import secrets

from schemas.ulid import RANDOM_BYTES, ulid


class RandomIds:
    """The source of a real realm."""

    def token(self) -> str:
        """See `Ids.token`."""
        return secrets.token_urlsafe(32)

    def topic(self) -> bytes:
        """See `Ids.topic`."""
        return os.urandom(16)

    def salt(self) -> bytes:
        """See `Ids.salt`."""
        return os.urandom(16)

    def ulid(self, now: int) -> str:
        """See `Ids.ulid`."""
        return ulid(now, os.urandom(RANDOM_BYTES))

    def incident(self) -> str:
        """See `Ids.incident`."""
        return secrets.token_hex(4)

    def epoch(self) -> int:
        """See `Ids.epoch`."""
        return secrets.randbits(63)
