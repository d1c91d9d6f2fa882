"""All that can be soaked, in the order in which it is."""

from typing import Final

from tests.soak import crashes, histories, hostile, realms, storms
from tests.soak.part import Part

PARTS: Final[dict[str, Part]] = {**realms.PARTS, **storms.PARTS, **crashes.PARTS, **hostile.PARTS, **histories.PARTS}
