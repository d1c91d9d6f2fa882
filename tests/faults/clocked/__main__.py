"""What `python -m realm` does, with a clock that is off by what a file says at each moment."""

import mmap
import sys
import time
from pathlib import Path

from realm.cli.app import main
from tests.faults.clocked import OFFSET

_NS = 1_000_000


def set_off(path: Path) -> None:
    """Have all of this process see the time of day that the file says; monotonic time is as it was."""
    true_ns, true_s = time.time_ns, time.time
    with path.open("rb") as file:
        told = mmap.mmap(file.fileno(), OFFSET.size, access=mmap.ACCESS_READ)

    def off() -> int:
        return int(OFFSET.unpack_from(told)[0])

    time.time_ns = lambda: true_ns() + off() * _NS
    time.time = lambda: true_s() + off() / 1_000


if __name__ == "__main__":
    set_off(Path(sys.argv.pop(1)))
    main()
