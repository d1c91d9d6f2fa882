"""What an operator's command tries again for a while, as nobody would tell it when to."""

import time
from collections.abc import Iterator


def tries(within_s: float, every_s: float) -> Iterator[None]:
    """Once at once, and then every so often; the last when the time is over."""
    until = time.monotonic() + within_s
    yield
    while time.monotonic() < until:
        time.sleep(every_s)
        yield
