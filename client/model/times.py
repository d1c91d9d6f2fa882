"""Times of entries, where the reader is."""

from datetime import UTC, datetime, tzinfo
from typing import Final

_FIRST: Final = datetime(1, 1, 3, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 30, tzinfo=UTC)


def moment(ms: int, zone: tzinfo) -> datetime:
    """A time in milliseconds since 1970; one that no calendar has, from a realm that is wrong, is its nearest end."""
    seconds = min(max(ms / 1000, _FIRST.timestamp()), _LAST.timestamp())
    return datetime.fromtimestamp(seconds, zone)
