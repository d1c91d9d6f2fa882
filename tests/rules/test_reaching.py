"""What an operator's command makes of what a realm answers."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zmq

from broker.operator import FolderSocket
from broker.reaching import OperatorError, reach
from schemas.operator import Figures, FiguresSeen
from tests.wire.dialling import packed, unpacked


def test_a_realm_of_another_version_is_told_as_one(tmp_path: Path) -> None:
    """As it is beside an old realm once the program was renewed: what it says is no answer to what was asked."""

    def answer(router: zmq.Socket[bytes]) -> None:
        peer, frame = router.recv_multipart()
        router.send_multipart([peer, packed(id=unpacked(frame)["id"], status="OK", realm="kampus")])

    place = FolderSocket(tmp_path)
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router, ThreadPoolExecutor(1) as pool:
        router.bind(place.endpoint)
        answered = pool.submit(answer, router)
        with reach(tmp_path) as reached, pytest.raises(OperatorError, match="of another version"):
            assert reached is not None
            reached.ask(Figures(id=0), FiguresSeen)
        answered.result(timeout=60)
    place.close()
