"""What every test may ask for."""

import signal
import zlib
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import forking
from tests.realm_process import FAST_HASHING, RealmProcess

StartRealm = Callable[..., RealmProcess]


def pytest_configure() -> None:
    """How tests run wherever they do.

    A shell that starts them in the background lets them ignore Ctrl-C, and so all that they start. And on a machine
    that others use too, how long an example takes says nothing.
    """
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    forking.begin()


def pytest_unconfigure() -> None:
    """Leave no process behind."""
    forking.end()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Simulated histories come between the modules of all others, in no order: they compute, where others mostly wait.

    So what runs side by side keeps the cores busy from the beginning to the end.
    """
    histories = [item for item in items if "simulation" in item.path.parts]
    histories.sort(key=lambda item: zlib.crc32(item.nodeid.encode()))
    others = [item for item in items if "simulation" not in item.path.parts]
    items.clear()
    seen = placed = 0
    for _, those in groupby(others, lambda item: item.path):
        module = list(those)
        seen += len(module)
        due = len(histories) * seen // len(others)
        items += [*module, *histories[placed:due]]
        placed = due
    items += histories[placed:]


@pytest.fixture
def start_realm(tmp_path: Path) -> Iterator[StartRealm]:
    """A function that starts realms: `start_realm("pusat", config="…", options=("--advertise", "…"))`."""
    started: list[RealmProcess] = []

    def start(name: str = "kampus", config: str = "", options: tuple[str, ...] = ()) -> RealmProcess:
        realm = RealmProcess(tmp_path, name, config + FAST_HASHING, *options)
        started.append(realm)
        return realm.start()

    yield start
    for realm in started:
        if realm.running:
            realm.kill()


@pytest.fixture
def realm(start_realm: StartRealm) -> RealmProcess:
    """One realm named `kampus`, without accounts."""
    return start_realm()
