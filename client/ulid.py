"""The id of the next send."""

import secrets
import time

from schemas.ulid import RANDOM_BYTES, ulid


def new_ulid() -> str:
    """A ULID of this moment."""
    return ulid(time.time_ns() // 1_000_000, secrets.token_bytes(RANDOM_BYTES))
