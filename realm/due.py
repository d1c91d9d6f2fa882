"""When something is due, ms, in a realm whose clock may be set back."""

from typing import Final

from schemas.errors import Code, Refusal

FAR: Final = 1 << 62
"""When nothing is due."""
SWEEP_MS: Final = 600_000
"""The longest between two sweeps; files that are kept for a shorter time are looked after as often as that."""


PAUSE_MS: Final = 20
"""Between two slices of long work: everybody else has most of the time."""


class Slices:
    """Of long work on many things, each slice in a turn of its own. One that is damaged keeps no other waiting."""

    def __init__(self) -> None:
        self.due = FAR
        """When the next is due, ms."""
        self.at = 0
        """The number of what the present one works on; 0 where that is nothing."""
        self.left: set[int] = set()
        """At which one has failed: they are passed over for some time."""

    def failed(self, now: int, why: Refusal) -> None:
        """The present one has failed, and changed nothing."""
        if why.code is Code.INTERNAL_ERROR and self.at:
            self.left.add(self.at)
            self.due = now
        else:
            self.due = now + SWEEP_MS


def when(due: int, now: int, longest: int) -> int:
    """When something is due; at once where it would be later than ever meant, as the clock was set back."""
    return now if now + longest < due < FAR else due
