"""The time of day, which the core is handed and which may jump; and one that does not, for what lasts."""

import time


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def steady_ms() -> int:
    """Milliseconds since some moment, which nobody can set: for limits, and for what is kept for so long."""
    return time.monotonic_ns() // 1_000_000
