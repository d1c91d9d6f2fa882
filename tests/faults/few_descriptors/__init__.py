"""A realm that may have no more than some few descriptors, as where a system gives few to a process."""

from pathlib import Path

from tests.realm_process import FAST_HASHING, RealmProcess


class FewDescriptors(RealmProcess):
    """It has all that it may have from its start."""

    def __init__(self, folder: Path, most: int, config: str = "") -> None:
        super().__init__(folder, config=config + FAST_HASHING)
        self.program = (__name__, str(most))
