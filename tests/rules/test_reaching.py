"""What an operator's command makes of what a realm answers."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from broker.folder_socket import FolderSocket, Frames, TooLargeError, framed
from broker.reaching import OperatorError, Reached, RefusedError, reach
from schemas.operator import Figures, FiguresSeen
from tests.wire.dialling import packed, unpacked

GREETING = b"\xff" + bytes(8) + b"\x7f\x03"


def answered(*more: bytes) -> Callable[[bytes], bytes]:
    def answer(frame: bytes) -> bytes:
        return b"".join(map(framed, (*more, packed(id=unpacked(frame)["id"], status="OK", realm="kampus"))))

    return answer


@contextmanager
def asked(folder: Path, answer: Callable[[bytes], bytes]) -> Iterator[Reached]:
    """A realm that is asked once, and hangs up then."""

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            (frame,) = Frames(1_000).feed(connection.recv(1_000))
            connection.sendall(answer(frame))

    place = FolderSocket(folder)
    with socket.socket(socket.AF_UNIX) as listening, ThreadPoolExecutor(1) as pool:
        listening.bind(place.path)
        listening.listen()
        served = pool.submit(serve, listening)
        reached = Reached(place, folder)
        yield reached
        served.result(timeout=60)
        reached.close()
    place.close()


@pytest.mark.parametrize(
    "answer",
    [
        answered(),
        answered(packed(id=0, status="ERROR", code="x", message="y")),
        lambda _: GREETING,
        lambda _: framed(b"\xc1"),
    ],
)
def test_a_realm_of_another_version_is_told_as_one(tmp_path: Path, answer: Callable[[bytes], bytes]) -> None:
    """As it is beside an old realm once the program was renewed: what it says is no answer to what was asked."""
    with asked(tmp_path, answer) as reached, pytest.raises(OperatorError, match="of another version"):
        reached.ask(Figures(id=0), FiguresSeen)


def test_an_answer_that_came_too_late_for_another_question_is_passed_over(tmp_path: Path) -> None:
    late = packed(id=0, status="OK", peers=7)
    refused = packed(id=1, status="ERROR", code="forbidden", message="not now")
    both = framed(late) + framed(refused)
    with asked(tmp_path, lambda _: both) as reached, pytest.raises(RefusedError, match="not now"):
        reached.ask(Figures(id=0), FiguresSeen)


def test_a_realm_that_hangs_up_has_stopped(tmp_path: Path) -> None:
    with asked(tmp_path, lambda _: b"") as reached, pytest.raises(OperatorError, match="has stopped meanwhile"):
        reached.ask(Figures(id=0), FiguresSeen)
    with pytest.raises(OperatorError, match="has stopped meanwhile"):
        reached.ask(Figures(id=0), FiguresSeen)


@contextmanager
def full(folder: Path) -> Iterator[tuple[socket.socket, Reached]]:
    """A realm before which somebody waits, and no other can: where it listens, and who asks it."""
    place = FolderSocket(folder)
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as before:
        listening.bind(place.path)
        listening.listen(0)
        before.connect(place.path)
        with reach(folder) as reached:
            assert reached is not None
            yield listening, reached
    place.close()


def test_a_realm_that_lets_nobody_in_runs_and_does_not_answer(tmp_path: Path) -> None:
    """Who asked one that hangs, and gave up, waits there still: once they were too many, the next waited for ever."""
    with full(tmp_path) as (_, reached):
        for _ in range(2):
            with pytest.raises(OperatorError, match="runs, but has not answered"):
                reached.ask(Figures(id=0), FiguresSeen, 0.2)


def test_who_finds_no_room_waits_until_there_is_some(tmp_path: Path) -> None:
    with full(tmp_path) as (listening, reached), ThreadPoolExecutor(1) as pool:
        asking = pool.submit(reached.ask, Figures(id=0), FiguresSeen, 60)
        listening.accept()[0].close()
        listening.accept()[0].close()
        with pytest.raises(OperatorError, match="has stopped meanwhile"):
            asking.result(timeout=60)


def test_frames_come_in_any_pieces() -> None:
    said = [b"", b"x", b"y" * 100]
    stream = b"".join(map(framed, said))
    for size in (1, 3, 7, len(stream)):
        frames = Frames(100)
        pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [one for piece in pieces for one in frames.feed(piece)] == said
    with pytest.raises(TooLargeError):
        Frames(99).feed(stream)
