"""What tests of the rules may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from realm.store.interface import Store
from realm.store.sqlite import SqliteStore
from schemas.names import Name
from tests.rules.federation_kit import Network, network_in
from tests.rules.kit import RealmKit
from tests.rules.store_kit import OpenStore


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[RealmKit]:
    """A realm without sockets."""
    kit = RealmKit(tmp_path / "realm")
    yield kit
    kit.close()


@pytest.fixture(params=[SqliteStore])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    opened: list[Store] = []

    def open_again() -> Store:
        for store in opened:
            store.close()
        opened.append(request.param(tmp_path, Name("kampus"), lambda: 1))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    """A network of realms without sockets, with none yet."""
    with network_in(tmp_path) as network:
        yield network
