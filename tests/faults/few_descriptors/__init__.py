"""A realm that may have no more than some few descriptors, as where a system gives few to a process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.realm_process import FAST_HASHING, RealmProcess, running


@contextmanager
def few_descriptors(folder: Path, most: int, config: str = "") -> Iterator[RealmProcess]:
    """One that has all that it may have from its start, and is well at the end."""
    realm = RealmProcess(folder, config=config + FAST_HASHING)
    realm.program = (__name__, str(most))
    with running(realm):
        yield realm
