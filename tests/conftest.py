"""What every test may ask for."""

import signal
from collections.abc import Callable, Iterator
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
