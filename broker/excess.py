"""Which connections are to be cut, as there are more than may be, or more waits for them.

A stranger costs a descriptor and some 40 KB of memory before it has shown anything, and libzmq lets in whoever dials.
So the strangers are bounded. Of users and peers those are cut who have most, once descriptors are about to run out:
one account could take them all.

What waits for those who do not read is bounded by libzmq for each connection, by messages (`sndhwm`), and not by bytes
nor for all. So of all together it is bounded here, by what the system says that the other sides have got (`tcp.py`).
"""

import resource
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final

from broker import tcp
from broker.connections import Connection, There

STRANGERS: Final = 8_192
"""So many there may be, and no more than half of all descriptors. Thousands of clients that come at once are fewer."""

SPARED: Final = 16
"""So many connections a user or a peer may have, however many there are. A client has three."""
MANY: Final = 64
"""Three for each of so many devices as may be logged in (`sessions_per_user`)."""
MANY_LAST_S: Final = 600
"""So long the connections of who has more last, at most."""
RESERVE: Final = 64
"""Descriptors, at the least, that are for the realm's own: files, links, the operator."""

UNREAD: Final = 8 << 20
"""Bytes that may wait for one before it is given no more pages and file bytes: four windows of a client."""
UNREAD_OF_ALL: Final = 128 << 20
"""Bytes on the wire that may wait for all in this process; small messages take about twice as much of memory.

What the system has taken over to send is not counted: it has bounds of its own.
"""
UNREAD_LEFT: Final = UNREAD_OF_ALL * 3 // 4
"""What is left where it is more."""


class Excess:
    """What is too much, by how many descriptors there are."""

    def __init__(self) -> None:
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self._most = min(STRANGERS, descriptors // 2)
        self._most_of_all = descriptors - max(RESERVE, descriptors // 8)
        self.waits = 0
        """Bytes that wait for all, when last seen."""

    def strangers(self, there: Sequence[There]) -> list[There]:
        """Strangers that are to be cut, as there are more than may be: the oldest of the addresses that have most.

        So many that half of what may be is left; whoever has come just now can still become known.
        """
        strangers = [one for one in there if one.connection.kind.strange]
        if len(strangers) <= self._most:
            return []
        return _beyond(strangers, lambda one: tcp.network(one.connection.descriptor), self._most // 2)

    def known(self, there: Sequence[There]) -> list[There]:
        """Those of users and peers that are to be cut, as few descriptors are left: the oldest of those who have most.

        Of who has no more than `SPARED` none is; should that not be enough, nobody takes more than others.
        """
        known = [one for one in there if one.connection.who]
        room = self._most_of_all - (len(there) - len(known))
        if len(known) <= room:
            return []
        return _beyond(known, lambda one: one.connection.who, max(0, room), SPARED)

    def aged(self, there: Sequence[There]) -> list[There]:
        """Those that have lasted for as long as they may: whoever is honest dials again."""
        now = time.monotonic()
        owners = Counter(one.connection.who for one in there if one.connection.who)
        many = {who for who, count in owners.items() if count > MANY}
        return [one for one in there if now - one.connection.since > _lasts_s(one.connection, many)]

    def unread(self, there: Sequence[There]) -> list[There]:
        """Those that are to be cut, as too much waits for all.

        Of the users, peers and addresses for whom more does than each may have, of whom most will still wait soon.
        """
        unread = [(one.connection.who or tcp.network(one.connection.descriptor), one) for one in there if one.waits]
        late: Counter[str | bytes] = Counter()
        waits: Counter[str | bytes] = Counter()
        for whose, one in unread:
            late[whose] += one.late
            waits[whose] += one.waits
        self.waits = rest = waits.total()
        if rest <= UNREAD_OF_ALL:
            return []
        each = share(waits.values(), UNREAD_LEFT)
        unread = [of for of in unread if waits[of[0]] > each]
        unread.sort(key=lambda of: (late[of[0]], waits[of[0]], of[1].late, of[1].waits), reverse=True)
        ends: list[There] = []
        for _, one in unread:
            if rest <= UNREAD_LEFT:
                break
            ends.append(one)
            rest -= one.waits
        return ends


def _lasts_s(connection: Connection, many: set[str]) -> int:
    return min(connection.kind.lasts_s, MANY_LAST_S) if connection.who in many else connection.kind.lasts_s


def _beyond(some: Iterable[There], whose: Callable[[There], Hashable], room: int, spared: int = 0) -> list[There]:
    """The oldest of those who have most, so many that the others find room; of `spared` nobody loses any."""
    by_owner: defaultdict[Hashable, list[There]] = defaultdict(list)
    for one in sorted(some, key=lambda one: one.connection.since, reverse=True):
        by_owner[whose(one)].append(one)
    each = max(spared, share([len(those) for those in by_owner.values()], room))
    return [one for those in by_owner.values() for one in those[each:]]


def share(wanted: Iterable[int], room: int) -> int:
    """What each may have at most, so that all together have no more than `room`; who wants less has it."""
    ascending = sorted(wanted)
    for done, one in enumerate(ascending):
        each = room // (len(ascending) - done)
        if one > each:
            return each
        room -= one
    return ascending[-1] if ascending else 0
