"""What somebody has chosen to send along and has not sent: of one tab, for one room."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from client.ui.spool import AT_ONCE, Spool, Spools
from schemas.names import ConversationId

PER_SECOND: Final = 0.5
"""Choices of one tab: somebody who drops one file after the other makes no more."""
BURST: Final = 20.0


class Choice:
    """The files of the dialog that the paper clip opens, in the order in which they were chosen."""

    def __init__(self, spools: Spools, clock: Callable[[], float] = time.monotonic) -> None:
        self._spools = spools
        self._clock = clock
        self._tokens = BURST
        self._at = clock()
        self.files: list[Spool] = []
        self.room: ConversationId | None = None
        """Where they are to be sent."""
        self.left_over = 0
        """How many more were chosen than there can be."""

    def may_choose(self) -> bool:
        """Whether somebody may choose again, just after the last time; each asking counts."""
        now = self._clock()
        self._tokens = min(BURST, self._tokens + (now - self._at) * PER_SECOND)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def add(self, room: ConversationId, asked: Sequence[tuple[str, int]], more: int = 0) -> list[Spool]:
        """Files, by name and size, that were chosen for a room, and how many beside them; those for another are not."""
        self._begin(room)
        taken = asked[: max(0, AT_ONCE - len(self.files))]
        made = [self._spools.make(name, size) for name, size in taken]
        self.files += made
        self.left_over += len(asked) - len(taken) + more
        return made

    def add_own(self, room: ConversationId, spool: Spool) -> None:
        """A file of this machine, where the window is this machine's."""
        self._begin(room)
        if len(self.files) < AT_ONCE:
            self.files.append(spool)
        else:
            self.left_over += 1

    def _begin(self, room: ConversationId) -> None:
        if room != self.room:
            self.forget()
            self.room = room

    def take(self) -> list[Spool]:
        """Those that can be sent; none is left. What cannot be is given up."""
        files, self.files = self.files, []
        self.left_over = 0
        for spool in files:
            if not spool.is_wanted:
                spool.remove()
        return [spool for spool in files if spool.is_wanted]

    def leave_out(self, spool: Spool) -> None:
        """This one is not to be sent, if it has not been sent a moment ago."""
        if spool in self.files:
            self.files.remove(spool)
            spool.remove()

    def forget(self) -> None:
        """They are not to be sent."""
        files, self.files, self.room, self.left_over = self.files, [], None, 0
        for spool in files:
            spool.remove()
