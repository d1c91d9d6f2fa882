"""All that can be soaked, in the order in which it is."""

from typing import Final

from tests.soak import crashes, realms
from tests.soak.part import Part

PARTS: Final[dict[str, Part]] = {**realms.PARTS, **crashes.PARTS}
