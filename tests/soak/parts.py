"""All that can be soaked, in the order in which it is."""

from typing import Final

from tests.soak import disks, realms
from tests.soak.part import Part

PARTS: Final[dict[str, Part]] = {**realms.PARTS, **disks.PARTS}
