"""How long to wait before what has failed is tried again."""

from typing import Final

from realm.ids import Ids

FIRST_MS: Final = 1_000
MOST_MS: Final = 60_000


def pause(ids: Ids, failures: int) -> int:
    """The ms before the next try: doubled with each failure, from the one to the other; half of it left to chance."""
    longest = min(MOST_MS, FIRST_MS << min(failures, 16))
    return int(longest * (1 + ids.fraction()) / 2)
