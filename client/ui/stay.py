"""How long a tab that was left may stay for the files that it sends."""

import asyncio
from typing import Final

from client.ui.pace import SLOWEST

FILES_S: Final = 3_600.0
"""Seconds for which what waits in a tab to be sent outlives its page; again so long where much was sent meanwhile."""


class Stay:
    """It begins when the tab is left. `carried` is always how many bytes have been sent in all."""

    def __init__(self) -> None:
        self._since = 0.0
        self._carried = 0

    def begin(self, carried: int) -> None:
        """The tab is left now."""
        self._since, self._carried = asyncio.get_running_loop().time(), carried

    def left(self, carried: int) -> float:
        """Seconds that it may stay; none where what it sends does not come on."""
        passed = asyncio.get_running_loop().time() - self._since
        if passed >= FILES_S and carried - self._carried >= SLOWEST * passed:
            self.begin(carried)
            return FILES_S
        return max(0.0, FILES_S - passed)
