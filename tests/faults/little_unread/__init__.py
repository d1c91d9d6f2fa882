"""A realm in which little may wait to be read, and which may never read what libzmq reports of new connections."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.realm_process import FAST_HASHING, NO_LIMITS, RealmProcess, running


@contextmanager
def little_unread(folder: Path, kib: int, *, hears: bool = True) -> Iterator[RealmProcess]:
    """One in which so much may wait for all, and which is well at the end.

    Where it hears no reports, it knows connections by what they say alone.
    """
    realm = RealmProcess(folder, config=FAST_HASHING + NO_LIMITS)
    realm.program = (__name__, str(kib), str(hears))
    with running(realm):
        yield realm
