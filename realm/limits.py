"""How much one address, user or session may ask.

Kept in memory only, bounded, and never truth: a restart forgets it.
"""

import ipaddress
from collections import OrderedDict
from typing import Final

import msgspec

from realm.settings import Limits

REMEMBERED: Final = 20_000
"""How many addresses, and users with failed logins, are remembered at once; the longest unseen go first."""


class Bucket:
    """A token bucket: `burst` units at most, `rate` units more a second."""

    __slots__ = ("_at", "_level")

    def __init__(self, burst: float, now: int) -> None:
        self._level = burst
        self._at = now

    def take(self, cost: float, rate: float, burst: float, now: int) -> int:
        """Take `cost` units and return 0, or take nothing and return the ms until there are enough.

        A cost above the burst is taken when the bucket is full.
        """
        level = min(burst, self._level + max(0, now - self._at) * rate / 1000)
        self._at = now
        cost = min(cost, burst)
        if level >= cost:
            self._level = level - cost
            return 0
        self._level = level
        return int((cost - level) * 1000 / rate) + 1

    def charge(self, cost: float) -> None:
        """Take `cost` units for what was done already, below nothing if need be."""
        self._level -= cost


class Buckets:
    """A bucket for each of many callers, of which the longest unseen are forgotten."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def change(self, rate: float, burst: float) -> None:
        """Go by another pace; what was taken stays taken."""
        self._rate = rate
        self._burst = burst

    def take(self, who: str, now: int) -> int:
        """See `Bucket.take`; the cost is 1."""
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = Bucket(self._burst, now)
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(who)
        return bucket.take(1, self._rate, self._burst, now)


class _Failed(msgspec.Struct):
    times: int
    since: int = 0
    delay: int = 0
    """Of the next attempt, ms from `since`."""


class Failures:
    """Wrong passwords by user. Each attempt counts as wrong until it proves right, so guesses cannot race."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._failed: OrderedDict[str, _Failed] = OrderedDict()

    def wait(self, user: str, now: int) -> int:
        """The ms until the next attempt for that user may begin."""
        failed = self._failed.get(user)
        if failed is None:
            return 0
        if failed.since > now:  # the clock was set back: the delay begins anew, and does not last until then
            failed.since = now
        return max(0, failed.since + failed.delay - now)

    def attempt(self, user: str, now: int) -> int:
        """Note that one begins; return how many have begun since the last that was right."""
        failed = self._failed.setdefault(user, _Failed(0))
        self._failed.move_to_end(user)
        if len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)
        failed.times += 1
        beyond = failed.times - self.limits.free_failures
        if beyond > 0:
            delay = self.limits.failure_delay_ms << min(beyond - 1, 32)
            failed.since, failed.delay = now, min(delay, self.limits.failure_delay_max_ms)
        return failed.times

    def right(self, user: str) -> None:
        """The attempt was right: all is forgotten."""
        self._failed.pop(user, None)


class Trusted:
    """The addresses that the limits by address do not bind."""

    def __init__(self, networks: tuple[str, ...]) -> None:
        self._networks = [ipaddress.ip_network(network) for network in networks]
        self._known: OrderedDict[str, bool] = OrderedDict()

    def __contains__(self, address: str) -> bool:
        known = self._known.get(address)
        if known is None:
            known = self._known[address] = self._look(address)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return known

    def _look(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in network for network in self._networks)
