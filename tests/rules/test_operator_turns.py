"""In which order operators have their turns, and what is done for who hears no more."""

import select
import socket
from contextlib import ExitStack, closing
from pathlib import Path

from broker.folder_socket import FolderSocket
from broker.operator import OperatorSocket
from realm.effects import Reply
from realm.request import Request
from schemas.answers import Said
from tests.wire.inside import Operator

AT_MOST = 4


def test_who_asks_much_at_once_keeps_no_other_waiting(tmp_path: Path) -> None:
    """What one has said is taken in at once, and done in turns with what others say."""
    with ExitStack() as ending:
        realm = ending.enter_context(closing(OperatorSocket(tmp_path)))
        place = ending.enter_context(closing(FolderSocket(tmp_path)))
        much, little = (ending.enter_context(closing(Operator(place.path))) for _ in range(2))
        calls = [much.post("operator.peers") for _ in range(10 * AT_MOST)]
        came: list[Request] = []
        while not came:  # it is let in first
            came = realm.gather(AT_MOST)
        later = little.post("operator.figures")
        for _ in range(2):  # so is this one
            came += realm.gather(AT_MOST)
        assert later in [request.call for request in came if request.route != came[0].route]
        assert realm.waiting, "there is more of the other's"
        while more := realm.gather(AT_MOST):
            came += more
        assert [request.call for request in came if request.route == came[0].route] == calls


def test_who_hears_no_more_costs_nothing(tmp_path: Path) -> None:
    """Its answer could never be sent, and was tried again and again: that took a processor."""
    with ExitStack() as ending:
        realm = ending.enter_context(closing(OperatorSocket(tmp_path)))
        place = ending.enter_context(closing(FolderSocket(tmp_path)))
        one = ending.enter_context(closing(Operator(place.path)))
        one.connection.shutdown(socket.SHUT_RD)
        one.post("operator.figures")
        came: list[Request] = []
        while not came:
            came = realm.gather(AT_MOST)
        realm.reply(Reply(came[0], Said(id=1, message="halo")))
        assert realm.undelivered == 1
        assert not select.select([realm], [], [], 0)[0], "nothing is to be done"
