"""When something is due, ms, in a realm whose clock may be set back."""

from typing import Final

FAR: Final = 1 << 62
"""When nothing is due."""


def when(due: int, now: int, longest: int) -> int:
    """When something is due; at once where it would be later than ever meant, as the clock was set back."""
    return now if now + longest < due < FAR else due
