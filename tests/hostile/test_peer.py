"""A peer that lies, in short; `python -m tests.soak --only hostile-peer` goes on for longer."""

from random import Random

from tests.faults.realm_kit import World, three
from tests.hostile.false_peer import others_notice_nothing
from tests.hostile.peer import GROWN, lied_to

__all__ = ["three"]

LIES = 600


def test_a_peer_that_lies(three: World) -> None:
    with lied_to(three, Random(5)) as lies:
        others_notice_nothing(three, lies, lambda: lies.speaks.sent >= LIES, GROWN)
        assert {"link.ack", "link.again", "OK", "refused: forbidden"} <= lies.speaks.came.keys()
        assert "link.hello" in lies.answers.asked
