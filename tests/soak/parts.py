"""All that can be soaked, in the order in which it is."""

from typing import Final

from tests.soak import crashes, disks, histories, hostile, realms, storms
from tests.soak.part import Part

PARTS: Final[dict[str, Part]] = {
    **realms.PARTS,
    **storms.PARTS,
    **crashes.PARTS,
    **disks.PARTS,
    **hostile.PARTS,
    **histories.PARTS,
}
