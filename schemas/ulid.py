"""ULIDs: the ids that make a send repeatable (https://github.com/ulid/spec)."""

from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [one + other for one in _CROCKFORD for other in _CROCKFORD]
_SHIFTS: Final = range(120, -1, -10)
RANDOM_BYTES: Final = 10


def ulid(ms: int, entropy: bytes) -> str:
    """26 characters of Crockford's base 32: 48 bits of time (ms since 1970 UTC), then 80 random bits.

    Raises ValueError where either does not fit.
    """
    if not 0 <= ms < 1 << 48 or len(entropy) != RANDOM_BYTES:
        raise ValueError("a ULID has 48 bits of time and 10 random bytes")
    number = ms << 80 | int.from_bytes(entropy, "big")
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
