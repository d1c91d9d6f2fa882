"""The addresses of other realms' hosts: looked up beside the realm's own work, and only those where peers may be.

libzmq is only ever given addresses: it would look a name up in its one thread for input and output, so that a slow name
server held up every connection; and what was checked here might be another address there.
"""

import ipaddress
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

AT_ONCE: Final = 8
"""Names that are looked up at once. The system gives one up after some 30 s, and cannot be stopped before."""
MOST: Final = 4
"""Addresses of one host that are tried."""


class NotFoundError(Exception):
    """A host has no address to be dialled; the message is a sentence for the operator."""


class Found(NamedTuple):
    """What came of a lookup."""

    addresses: tuple[str, ...]
    """To be tried in this order; IPv6 without brackets. None where there is a reason why."""
    why: str = ""


class _Asked(NamedTuple):
    host: str
    tell: Callable[[Found], None]


def resolve(host: str) -> list[str]:
    """What the system knows; raises OSError, UnicodeError or ValueError where that is nothing."""
    found: list[Any] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(one[4][0]) for one in found]


def printable(text: str) -> str:
    """What others say, cut short, and so that it can do nothing to the operator's terminal."""
    return "".join(one if one.isprintable() else "?" for one in text[:200])


def place(host: str, port: int) -> str:
    """How an address and a port are written for the operator."""
    return f"[{printable(host)}]:{port}" if ":" in host else f"{printable(host)}:{port}"


def not_there(address: str) -> str:
    """Why an address is not dialled."""
    return f"no peer may be at {address} (the setting peers.networks says where)"


class Lookups:
    """Looks names up in threads of its own, which nobody waits for at the end: they hold nothing of ours."""

    def __init__(
        self, networks: tuple[str, ...], at_once: int = AT_ONCE, resolve: Callable[[str], list[str]] = resolve
    ) -> None:
        self.allow(networks)
        self._at_once = at_once
        self._resolve = resolve
        self._change = threading.Condition()
        self._waiting: deque[_Asked] = deque()
        self._threads = 0
        self._stopped = False

    def allow(self, networks: tuple[str, ...]) -> None:
        """Say in which networks peers may be, from now on."""
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def begin(self, host: str, tell: Callable[[Found], None]) -> None:
        """Have `tell` called with what is found: at once for an address, else later, from a thread.

        It must neither wait nor raise. After `stop` it is not called.
        """
        if _is_address(host):
            self._tell(_Asked(host, tell), self._chosen(host, [host]))
            return
        with self._change:
            self._waiting.append(_Asked(host, tell))
            if self._threads < self._at_once and not self._stopped:
                self._threads += 1
                threading.Thread(target=self._work, name="lookup", daemon=True).start()

    def wait(self, host: str, until: float) -> tuple[str, ...]:
        """The addresses of a host, found until a time by `time.monotonic`. Raises NotFoundError."""
        came: list[Found] = []
        tell = came.append
        self.begin(host, tell)
        with self._change:
            self._change.wait_for(lambda: came or self._stopped, max(0.0, until - time.monotonic()))
            if not came:
                with suppress(ValueError):  # it is being looked up: what comes of that is for nobody
                    self._waiting.remove(_Asked(host, tell))
                late = f"the name {printable(host)} was not found in time"
                raise NotFoundError("the realm stops" if self._stopped else late)
        if came[0].why:
            raise NotFoundError(came[0].why)
        return came[0].addresses

    def stop(self) -> None:
        """Tell nobody anything any more, and let none wait. Twice is harmless."""
        with self._change:
            self._stopped = True
            self._waiting.clear()
            self._change.notify_all()

    def _work(self) -> None:
        while (asked := self._next()) is not None:
            self._tell(asked, self._look_up(asked.host))

    def _next(self) -> _Asked | None:
        with self._change:
            if self._waiting:
                return self._waiting.popleft()
            self._threads -= 1
            return None

    def _tell(self, asked: _Asked, found: Found) -> None:
        with self._change:
            if not self._stopped:
                asked.tell(found)
                self._change.notify_all()

    def _look_up(self, host: str) -> Found:
        try:
            return self._chosen(host, self._resolve(host))
        except (OSError, ValueError):  # a name may be none at all: UnicodeError is a ValueError
            return Found((), f"the name {printable(host)} has no address")

    def _chosen(self, host: str, addresses: list[str]) -> Found:
        plain = list(dict.fromkeys(map(_plain, addresses)))
        allowed = tuple(one for one in plain if self.may_be_dialled(one))
        if allowed:
            return Found(allowed[:MOST])
        if not plain:
            return Found((), f"the name {printable(host)} has no address")
        named = "" if plain == [host] else f"{printable(host)} is {', '.join(plain[:MOST])}: "
        return Found((), f"{named}{not_there(plain[0])}")

    def may_be_dialled(self, address: str) -> bool:
        """Whether the settings let a peer be at an address."""
        found = ipaddress.ip_address(address.partition("%")[0])
        if found.is_unspecified or found.is_multicast:
            return False
        return any(found in network for network in self._networks)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _plain(address: str) -> str:
    """An IPv4 address that is written as one of IPv6 is dialled, and judged, as what it is."""
    mapped = getattr(ipaddress.ip_address(address.partition("%")[0]), "ipv4_mapped", None)
    return str(mapped) if mapped else address
