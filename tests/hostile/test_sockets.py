"""What no port waits for, in short; `python -m tests.soak --only hostile-sockets` goes on for longer."""

from pathlib import Path
from random import Random

from tests.hostile.sockets import besieged


def test_whatever_comes_at_any_port_nobody_else_notices(tmp_path: Path) -> None:
    with besieged(tmp_path, Random(7)) as siege:
        for number in range(60):
            siege.strike()
            if number % 20 == 0:
                siege.holds()
        assert len(siege.said) > 6
        assert {"bad_request", "a card", "connection ended"} <= siege.came.keys()
