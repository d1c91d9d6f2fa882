"""Where peers may be, and that a name server which does not answer holds up nobody."""

import threading
import time
from queue import SimpleQueue

import pytest

from broker.lookups import MOST, Found, Lookups, NotFoundError, place, printable

EVERYWHERE = ("0.0.0.0/0", "::/0")
FOREVER = time.monotonic() + 3_600


def found(host: str, networks: tuple[str, ...], *addresses: str) -> tuple[str, ...]:
    lookups = Lookups(networks, resolve=lambda _: list(addresses))
    return lookups.wait(host, FOREVER)


@pytest.mark.parametrize(
    ("networks", "addresses", "dialled"),
    [
        (EVERYWHERE, ["192.0.2.1", "2001:db8::1"], ("192.0.2.1", "2001:db8::1")),
        (EVERYWHERE, ["192.0.2.1", "192.0.2.1"], ("192.0.2.1",)),
        (EVERYWHERE, ["fe80::1%lo"], ("fe80::1%lo",)),
        (("10.0.0.0/8",), ["192.0.2.1", "10.1.2.3"], ("10.1.2.3",)),
        (("10.0.0.0/8",), ["::ffff:10.1.2.3"], ("10.1.2.3",)),
        (("2001:db8::/32",), ["2001:db8::1", "10.1.2.3"], ("2001:db8::1",)),
        (EVERYWHERE, [f"192.0.2.{number}" for number in range(9)], tuple(f"192.0.2.{one}" for one in range(MOST))),
    ],
)
def test_only_addresses_where_peers_may_be_are_dialled(
    networks: tuple[str, ...], addresses: list[str], dialled: tuple[str, ...]
) -> None:
    assert found("pusat.example", networks, *addresses) == dialled


@pytest.mark.parametrize(
    ("host", "networks", "addresses"),
    [
        ("pusat.example", ("10.0.0.0/8",), ["192.0.2.1"]),
        ("pusat.example", ("10.0.0.0/8",), ["::ffff:192.0.2.1"]),
        ("pusat.example", EVERYWHERE, ["0.0.0.0"]),
        ("pusat.example", EVERYWHERE, ["::"]),
        ("224.0.0.1", EVERYWHERE, []),
        ("192.0.2.1", ("10.0.0.0/8",), []),
        ("192.0.2.1", (), []),
        ("::ffff:192.0.2.1", ("::/0",), []),
    ],
)
def test_others_are_not(host: str, networks: tuple[str, ...], addresses: list[str]) -> None:
    with pytest.raises(NotFoundError, match=r"no peer may be at .* \(the setting peers.networks says where\)"):
        found(host, networks, *addresses)


def test_a_name_without_addresses_is_told() -> None:
    with pytest.raises(NotFoundError, match=r"the name pusat\.example has no address"):
        found("pusat.example", EVERYWHERE)


def test_an_address_is_looked_up_nowhere() -> None:
    lookups = Lookups(EVERYWHERE, resolve=lambda host: pytest.fail(host))
    assert lookups.wait("::1", FOREVER) == ("::1",)
    assert lookups.wait("::ffff:127.0.0.1", FOREVER) == ("127.0.0.1",)


@pytest.mark.parametrize("host", ["pusat.invalid", "x" * 64, "a..b", "no host", "a\0b", "\ud800", "[::1]", ""])
def test_a_name_that_is_none_is_told(host: str) -> None:
    """By the system's own resolver."""
    came: SimpleQueue[Found] = SimpleQueue()
    Lookups(EVERYWHERE).begin(host, came.put)
    found = came.get()
    assert found.why.endswith("has no address") or found.addresses, found


def test_a_name_is_found_by_the_system() -> None:
    assert set(Lookups(EVERYWHERE).wait("localhost", FOREVER)) & {"127.0.0.1", "::1"}


class SlowServer:
    """Answers when the test says so."""

    def __init__(self) -> None:
        self.change = threading.Condition()
        self.asked: list[str] = []
        self.answering = False

    def __call__(self, host: str) -> list[str]:
        with self.change:
            self.asked.append(host)
            self.change.notify_all()
            self.change.wait_for(lambda: self.answering)
        return ["127.0.0.1"]

    def until_asked(self, count: int) -> None:
        with self.change:
            self.change.wait_for(lambda: len(self.asked) == count)

    def answer(self) -> None:
        with self.change:
            self.answering = True
            self.change.notify_all()


def test_so_many_at_once_and_the_others_after_them() -> None:
    server, told = SlowServer(), threading.Semaphore(0)
    lookups = Lookups(EVERYWHERE, at_once=2, resolve=server)
    for number in range(5):
        lookups.begin(f"host{number}", lambda _: told.release())
    server.until_asked(2)
    server.answer()
    for _ in range(5):
        told.acquire()
    assert sorted(server.asked) == [f"host{number}" for number in range(5)]


def test_who_has_waited_long_enough_goes_on_and_what_waits_is_forgotten() -> None:
    server = SlowServer()
    lookups = Lookups(EVERYWHERE, at_once=1, resolve=server)
    lookups.begin("slow", lambda _: None)
    server.until_asked(1)
    with pytest.raises(NotFoundError, match="the name behind was not found in time"):
        lookups.wait("behind", time.monotonic())
    server.answer()
    assert lookups.wait("next", FOREVER) == ("127.0.0.1",)
    assert server.asked == ["slow", "next"]


def test_the_end_waits_for_no_name_server() -> None:
    server, ended = SlowServer(), threading.Semaphore(0)
    lookups = Lookups(EVERYWHERE, resolve=server)

    def wait() -> None:
        with pytest.raises(NotFoundError, match="the realm stops"):
            lookups.wait("slow", FOREVER)
        ended.release()

    threading.Thread(target=wait).start()
    lookups.begin("other", lambda found: pytest.fail(str(found)))
    server.until_asked(2)
    lookups.stop()
    ended.acquire()
    server.answer()
    lookups.stop()


def test_what_others_say_is_harmless_in_a_log() -> None:
    assert printable("a\x1b[2Jb\n" + "c" * 300) == "a?[2Jb?" + "c" * 193
    assert (place("a\x1b", 1), place("::1", 2)) == ("a?:1", "[::1]:2")
