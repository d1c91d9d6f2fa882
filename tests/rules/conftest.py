"""What tests of the rules may ask for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rules.kit import RealmKit


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[RealmKit]:
    """A realm without sockets."""
    kit = RealmKit(tmp_path / "realm")
    yield kit
    kit.close()
