"""Pages wait here, and those who arrive, so that what is done at once is not kept waiting by a thousand of them.

A page takes a millisecond to read and to encode, a list of groups with their members some thirty; a message takes a
tenth of one. Everybody waits for the end of a turn, so one with 500 pages would keep everybody for seconds. So pages
have turns of their own, behind each that has anything else, with as many as take `BUDGET_S`, one at least; connections
have them in turn. What a connection says behind a page waits behind it, so that its commands are done in the order in
which it said them.

So is it with whoever resumes a session: a thousand who come at once, each with something to say, would fill turns of a
tenth of a second. Being in a moment later is no loss to them; those who are in talk on.
"""

from collections import OrderedDict, deque
from typing import Final

from realm.request import Request
from realm.table import PAGES
from schemas.commands import Resume

LATER: Final = PAGES | {Resume}
"""What waits."""
BUDGET_S: Final = 0.003
"""About so long does a turn of pages take, beside its commit."""
AT_ONCE: Final = 64
"""Pages of one, at most: some may turn out to take longer than those before."""
FIRST: Final = 2
"""So many are tried at first."""
MOST: Final = 32 << 20
"""Bytes that may wait. Beyond that nothing more is taken in from anybody until some are done: see `holding.py`."""
REQUEST: Final = 1024
"""What a command takes in memory beside its frames, about."""


class Waiting:
    """Those that have pages under way, and what each of them has said since."""

    def __init__(self) -> None:
        self._said: OrderedDict[bytes, deque[tuple[Request, int]]] = OrderedDict()
        self._bytes = 0
        self._fit = float(FIRST)

    def __bool__(self) -> bool:
        return bool(self._said)

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be taken in for now."""
        return self._bytes >= MOST

    def take(self, request: Request, size: int) -> bool:
        """Whether this has to wait, and does from now on; `size` is that of its frames in bytes."""
        peer = request.route.peer
        said = self._said.get(peer)
        if said is None:
            if type(request.body) not in LATER:
                return False
            said = self._said[peer] = deque()
        said.append((request, REQUEST + size))
        self._bytes += REQUEST + size
        return True

    def next(self, at_most: int) -> list[Request]:
        """Those whose turn it is now, `at_most` at most."""
        requests: list[Request] = []
        while self._said and len(requests) < min(int(self._fit), at_most):
            peer, said = self._said.popitem(last=False)
            request, size = said.popleft()
            self._bytes -= size
            requests.append(request)
            if said:
                self._said[peer] = said
        return requests

    def took(self, seconds: float, count: int) -> None:
        """So long did a turn with so many of them work, without its commit."""
        if count:
            fit = count * BUDGET_S / max(seconds, 1e-6)
            self._fit = min(max(1.0, fit), 1.5 * self._fit, AT_ONCE)
