"""Uploads and downloads without sockets: what they ask, and what they make of any answer."""

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from client.errors import (
    AnswerError,
    BadRequestError,
    ClientError,
    NoAnswerError,
    NoSuchFileError,
    ProtocolError,
    RateLimitedError,
    UnavailableError,
    error_of,
)
from client.transfer import HALTS, MIN_CHUNK, REWINDS, WINDOW, Download, Question, Upload
from schemas import commands
from schemas.answers import Answer, ChunkTaken, Done, Downloaded, ErrorAnswer, UploadOpened
from schemas.entries import File
from schemas.errors import Code
from schemas.limits import MAX_CHUNK

Outcome = Answer | ClientError
CONTENT = bytes(range(50))
STEP = 4
"""Bytes that the realm of these tests takes in a chunk."""
SILENCE = NoAnswerError("no answer")


def digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


WHOLE = bytes(range(256)) * 1_024 * 11 + b"end"
SIZE = len(WHOLE)
FOTO = File(id="F1", name="foto.jpg", size=SIZE, media_type="image/jpeg", digest=digest(WHOLE))


def upload(size: int = 20, of: bytes | None = None) -> Upload:
    return Upload(digest(CONTENT[:size] if of is None else of), size, "foto.jpg")


def opened(offset: int = 0, upload: str = "U1", chunk: int = STEP, file: str = "") -> UploadOpened:
    return UploadOpened(id=1, upload=upload, offset=offset, chunk=chunk, file=file or UNSET)


def taken(offset: int, file: str = "") -> ChunkTaken:
    return ChunkTaken(id=1, offset=offset, file=file or UNSET)


def downloaded(size: int = SIZE) -> Downloaded:
    return Downloaded(id=1, size=size, file_info=FOTO)


def refusal(code: Code, retry_after: int | None = None) -> AnswerError:
    after = UNSET if retry_after is None else retry_after
    return error_of(ErrorAnswer(id=1, code=code, message="no", retry_after=after))


def shown(questions: Sequence[Question]) -> list[str]:
    """`upload`, or for a part its offset and length: `8+4`."""
    return [
        "upload" if isinstance(question.command, commands.Upload) else f"{question.offset}+{question.length}"
        for question in questions
    ]


def begun(one: Upload, offset: int = 0) -> list[Question]:
    """The first chunks, after the realm has said where to go on."""
    one.answered(one.take()[0], opened(offset))
    return one.take()


def again(one: Upload) -> Question:
    """The question that it asks, which is to be where to go on."""
    questions = one.take()
    assert shown(questions) == ["upload"]
    return questions[0]


def test_a_file_goes_up_in_a_window_of_chunks() -> None:
    one = upload(size=38)
    first = again(one)
    assert first.command == commands.Upload(id=0, digest=digest(CONTENT[:38]), size=38, name="foto.jpg")
    assert one.take() == []
    one.answered(first, opened())
    assert one.upload == "U1"
    chunks = one.take()
    assert shown(chunks) == ["0+4", "4+4", "8+4", "12+4", "16+4", "20+4", "24+4", "28+4"]
    assert chunks[2].command == commands.Chunk(id=0, upload="U1", offset=8)
    assert one.take() == []
    one.answered(chunks[0], taken(4))
    one.answered(chunks[1], taken(8))
    last = one.take()
    assert (one.offset, shown(last)) == (8, ["32+4", "36+2"])
    for chunk in chunks[2:] + last[:1]:
        one.answered(chunk, taken(chunk.offset + 4))
        assert not one.done
    one.answered(last[1], taken(38, file="F1"))
    assert (one.done, one.file, one.failed, one.offset, one.take()) == (True, "F1", None, 38, [])


def test_what_the_realm_has_needs_no_chunk() -> None:
    one = upload()
    one.answered(again(one), opened(file="F1"))
    assert (one.done, one.file, one.offset, one.take()) == (True, "F1", 20, [])


def test_it_goes_on_from_what_is_held() -> None:
    one = upload()
    assert shown(begun(one, offset=11)) == ["11+4", "15+4", "19+1"]
    assert one.offset == 11


@pytest.mark.parametrize(("size", "fails"), [(MIN_CHUNK - 1, False), (MIN_CHUNK, True), (4 << 30, True)])
def test_a_realm_that_wants_a_few_bytes_at_once_is_not_sent_a_large_file(size: int, fails: bool) -> None:
    one = Upload(bytes(32), size, "big")
    one.answered(again(one), opened(chunk=MIN_CHUNK - 1))
    assert isinstance(one.failed, ProtocolError) == fails
    assert bool(one.take()) != fails


def test_no_chunk_is_larger_than_a_frame_may_be() -> None:
    one = Upload(bytes(32), 3 * MAX_CHUNK, "big")
    one.answered(again(one), opened(chunk=10 * MAX_CHUNK))
    assert {question.length for question in one.take()} == {MAX_CHUNK}


def test_after_a_lost_chunk_all_others_are_waited_for_and_then_it_asks_where_to_go_on() -> None:
    one = upload()
    first, second, *rest = begun(one)
    one.answered(first, taken(4))
    one.answered(second, SILENCE)
    for chunk in rest:
        assert (one.take(), one.wait) == ([], 0)
        one.answered(chunk, refusal(Code.BAD_REQUEST))
    assert one.wait > 0
    one.answered(again(one), opened(offset=4))
    assert one.wait == 0
    chunks = one.take()
    assert shown(chunks) == ["4+4", "8+4", "12+4", "16+4"]
    for chunk in chunks:
        one.answered(chunk, taken(20, "F1") if chunk is chunks[-1] else taken(chunk.offset + 4))
    assert one.file == "F1"


def test_silence_narrows_the_window() -> None:
    one = upload(size=50)
    for chunk in begun(one):
        one.answered(chunk, SILENCE)
    one.answered(again(one), opened())
    assert len(one.take()) == WINDOW // 2


def test_it_waits_at_least_as_long_as_the_realm_says() -> None:
    one = upload()
    one.answered(again(one), refusal(Code.RATE_LIMITED, retry_after=5_000))
    assert one.wait >= 5_000
    one.answered(again(one), opened())
    assert one.wait == 0
    one.answered(one.take()[0], refusal(Code.RATE_LIMITED, retry_after=20))
    assert one.wait == 0  # the others are on their way


def test_an_answer_behind_what_was_sent_means_that_it_was_not_taken() -> None:
    one = upload(size=50)
    first, *rest = begun(one)
    one.answered(first, taken(2))
    assert one.take() == []
    for chunk in rest:
        one.answered(chunk, refusal(Code.BAD_REQUEST))
    one.answered(again(one), opened(offset=2))
    assert shown(one.take())[0] == "2+4"


def test_answers_in_another_order_are_no_loss() -> None:
    one = upload()
    chunks = begun(one)
    for chunk in reversed(chunks[:-1]):
        one.answered(chunk, taken(chunk.offset + 4))
    assert (one.offset, one.take()) == (16, [])
    one.answered(chunks[-1], taken(20, file="F1"))
    assert one.file == "F1"


def test_all_held_and_no_file_is_asked_about() -> None:
    one = upload(size=4)
    (only,) = begun(one)
    one.answered(only, taken(4))
    one.answered(again(one), opened(offset=4))
    one.answered(again(one), opened(file="F1"))
    assert one.file == "F1"


def test_a_second_answer_changes_nothing() -> None:
    one = upload()
    first = again(one)
    one.answered(first, opened())
    one.answered(first, opened(upload="U2", offset=19))
    chunks = one.take()
    assert shown(chunks)[0] == "0+4"
    for _ in range(2):
        one.answered(chunks[0], SILENCE)
        one.answered(chunks[0], taken(8))
    assert one.offset == 0


@pytest.mark.parametrize(
    "code", [Code.TOO_LARGE, Code.QUOTA_EXCEEDED, Code.SESSION_NOT_FOUND, Code.FORBIDDEN, Code.BAD_REQUEST]
)
def test_what_will_not_change_ends_it_at_once(code: Code) -> None:
    one = upload()
    error = refusal(code)
    one.answered(again(one), error)
    assert (one.done, one.failed, one.take(), one.wait) == (True, error, [], 0)


def test_a_quota_ends_it_in_the_middle_too() -> None:
    one = upload()
    chunks = begun(one)
    one.answered(chunks[0], refusal(Code.QUOTA_EXCEEDED))
    one.answered(chunks[1], SILENCE)
    assert (str(one.failed), one.take()) == ("no", [])


def test_after_some_refusals_without_progress_it_gives_up_with_what_led_to_the_last() -> None:
    one = upload()
    waits = []
    for _ in range(HALTS):
        one.answered(again(one), refusal(Code.UNAVAILABLE))
        waits.append(one.wait)
    assert one.failed is None
    assert waits == sorted(set(waits))
    one.answered(again(one), opened())
    first, *rest = one.take()
    one.answered(first, refusal(Code.UNAVAILABLE))
    for chunk in rest:
        one.answered(chunk, refusal(Code.BAD_REQUEST))
    assert isinstance(one.failed, UnavailableError)


def test_with_progress_it_goes_on_for_as_long_as_it_takes() -> None:
    one = upload(size=44)
    for start in range(0, 40, STEP):
        one.answered(again(one), opened(offset=start))
        first, *rest = one.take()
        one.answered(first, taken(start + STEP))
        for chunk in rest:
            one.answered(chunk, refusal(Code.RATE_LIMITED, retry_after=1))
    assert (one.failed, one.offset) == (None, 40)


def test_a_wrong_digest_is_tried_once_more_from_the_start() -> None:
    one = upload(size=4)
    for turn in (1, 2):
        one.answered(again(one), opened(upload=f"U{turn}"))
        (only,) = one.take()
        one.answered(only, refusal(Code.BAD_REQUEST))
        assert one.failed is None
    one.answered(again(one), opened(upload="U3"))
    assert isinstance(one.failed, BadRequestError)


def test_a_realm_that_was_killed_may_know_less_but_not_for_ever() -> None:
    one = upload()
    for _ in range(REWINDS + 1):
        chunks = begun(one)
        assert shown(chunks)[0] == "0+4"
        one.answered(chunks[0], taken(4))
        for chunk in chunks[1:] + one.take():
            one.answered(chunk, SILENCE)
    one.answered(again(one), opened())
    assert isinstance(one.failed, NoAnswerError)


@pytest.mark.parametrize("answer", [opened(offset=21), opened(offset=-1), opened(chunk=0), Done(id=1), downloaded(3)])
def test_an_answer_that_makes_no_sense_ends_it(answer: Answer) -> None:
    one = upload()
    one.answered(again(one), answer)
    assert isinstance(one.failed, ProtocolError)


class RealmOfOne:
    """Holds one upload, as the protocol page says; `answer` takes a command whenever it comes, however often."""

    def __init__(self, whole: bytes) -> None:
        self.whole = whole
        self.held = bytearray()
        self.file = ""
        self.number = 1

    def answer(self, question: Question, sent: bytes) -> Outcome:
        match question.command:
            case commands.Upload():
                return opened(len(self.held), f"U{self.number}", file=self.file)
            case commands.Chunk(upload=upload):
                if upload != f"U{self.number}":
                    return refusal(Code.FILE_NOT_FOUND)
                return self._take(question.offset, sent)
        raise AssertionError(question)

    def _take(self, offset: int, data: bytes) -> Outcome:
        if offset > len(self.held):
            return refusal(Code.BAD_REQUEST)
        if offset == len(self.held) and not self.file:
            self.held += data
            assert len(self.held) <= len(self.whole)
            if len(self.held) == len(self.whole):
                return self._finish()
        return taken(len(self.held), file=self.file)

    def _finish(self) -> Outcome:
        if self.held != self.whole:
            self.held.clear()
            self.number += 1
            return refusal(Code.BAD_REQUEST)
        self.file = f"F{self.number}"
        return taken(len(self.held), self.file)


FATES = ("arrives", "arrives", "arrives", "is lost", "its answer is lost", "is doubled", "is answered again")
"""What can become of a command, and what follows from it for the answer."""


class Network:
    """Between an upload and a realm: takes commands to it in any order, some never, some twice, some late."""

    def __init__(self, content: bytes, realm: RealmOfOne, choose: st.DataObject) -> None:
        self.content, self.realm, self.choose = content, realm, choose
        self.way: list[Question] = []
        self.ghosts: list[Question] = []

    def carry(self, one: Upload, troubles: int) -> None:
        """Drive it to its end; after so many steps nothing more goes wrong."""
        while not one.done:
            self.way += one.take()
            assert len(self.way) <= WINDOW
            if troubles:
                troubles -= 1
                number = self.choose.draw(st.integers(0, len(self.way) - 1))
                self._meet(one, self.way.pop(number), self.choose.draw(st.sampled_from(FATES)))
            else:
                self._meet(one, self.way.pop(0), "arrives")
        self.way.clear()

    def _meet(self, one: Upload, question: Question, fate: str) -> None:
        if fate == "is lost":
            one.answered(question, SILENCE)
            return
        if fate == "is doubled":
            self.ghosts.append(question)
        outcome = self._at_realm(question)
        one.answered(question, SILENCE if fate == "its answer is lost" else outcome)
        if fate == "is answered again":
            one.answered(question, self._at_realm(question))
        if self.ghosts and fate == "arrives":
            self._at_realm(self.ghosts.pop())

    def _at_realm(self, question: Question) -> Outcome:
        return self.realm.answer(question, self.content[question.offset : question.offset + question.length])


@given(st.integers(0, 50), st.data())
def test_whatever_becomes_of_commands_and_answers_all_bytes_arrive_once(size: int, choose: st.DataObject) -> None:
    content = CONTENT[:size]
    realm = RealmOfOne(content)
    if not content:
        realm.file = "F1"
    network = Network(content, realm, choose)
    one = upload(size)
    network.carry(one, troubles=choose.draw(st.integers(0, 60)))
    if one.failed is not None:  # it has given up in the worst of times: the next one goes on
        held = len(realm.held)
        one = upload(size)
        network.carry(one, troubles=0)
        assert held <= one.offset
    assert (bytes(realm.held), one.file) == (content, "F1")


@given(st.data())
def test_no_answers_make_it_raise_or_go_on_for_ever(choose: st.DataObject) -> None:
    one = upload(size=20)
    errors = [SILENCE, *(refusal(code, retry_after=3) for code in Code)]
    offsets = st.integers(-1, 21)
    outcomes = st.one_of(
        st.sampled_from(errors),
        st.builds(opened, offsets, st.sampled_from(["U1", "U2"]), st.integers(0, 30)),
        st.builds(taken, offsets),
    )
    steps, way = 0, []
    while not one.done:
        steps += 1
        assert steps < 10_000
        way += one.take()
        assert way
        one.answered(way.pop(0), choose.draw(outcomes) if steps < 60 else SILENCE)
        assert 0 <= one.wait <= 60_000
        assert 0 <= one.offset <= one.size


# downloads


def part(question: Question) -> bytes:
    return WHOLE[question.offset : question.offset + question.length]


def answer_part(one: Download, question: Question) -> None:
    one.answered(question, downloaded(), part(question))


def numbers(questions: Sequence[Question]) -> list[int]:
    """Which parts are asked for."""
    return [question.offset // MAX_CHUNK for question in questions]


def test_a_file_comes_down_in_order_whatever_order_its_parts_come_in() -> None:
    one = Download(FOTO)
    first = one.take()
    assert first[1].command == commands.Download(id=0, file="F1", offset=MAX_CHUNK, size=MAX_CHUNK)
    assert numbers(first) == [0, 1, 2, 3, 4, 5, 6, 7]
    for question in reversed(first[1:]):
        answer_part(one, question)
    assert (one.parts(), one.take()) == ([], [])  # all that is held waits for the first
    answer_part(one, first[0])
    got = one.parts()
    assert b"".join(got) == WHOLE[: 8 * MAX_CHUNK]
    rest = one.take()
    assert numbers(rest) == [8, 9, 10, 11]
    assert rest[-1].length == 3
    for question in rest:
        answer_part(one, question)
    assert not one.done
    assert b"".join(got + one.parts()) == WHOLE
    assert (one.done, one.failed, one.parts(), one.take()) == (True, None, [], [])


def test_it_begins_where_it_is_told_to_and_an_empty_file_needs_no_question() -> None:
    one = Download(FOTO, offset=SIZE - 10)
    (only,) = one.take()
    answer_part(one, only)
    assert one.parts() == [WHOLE[-10:]]
    empty = Download(File(id="F2", name="x", size=0, media_type="text/plain", digest=digest(b"")))
    assert (empty.done, empty.take(), empty.parts()) == (True, [], [])


def test_missing_parts_are_asked_for_again_when_all_others_have_come() -> None:
    one = Download(FOTO)
    first = one.take()
    one.answered(first[3], refusal(Code.RATE_LIMITED, retry_after=50))
    one.answered(first[1], SILENCE)
    for question in (first[0], *first[4:], first[2]):
        assert (one.take(), one.wait) == ([], 0)
        answer_part(one, question)
    assert one.wait >= 50
    assert len(one.parts()) == 1
    assert numbers(one.take())[:2] == [1, 3]


@pytest.mark.parametrize("code", [Code.FILE_NOT_FOUND, Code.SESSION_NOT_FOUND, Code.FORBIDDEN, Code.BAD_REQUEST])
def test_a_download_that_will_not_change_ends_at_once(code: Code) -> None:
    one = Download(FOTO)
    one.answered(one.take()[0], refusal(code))
    assert (str(one.failed), one.done, one.take()) == ("no" if one.failed else "", True, [])


@pytest.mark.parametrize(
    ("answer", "payload"),
    [
        (downloaded(), b""),
        (downloaded(), bytes(MAX_CHUNK + 1)),
        (downloaded(SIZE + 1), bytes(MAX_CHUNK)),
        (Done(id=1), bytes(MAX_CHUNK)),
    ],
)
def test_another_part_than_was_asked_for_is_not_taken(answer: Answer, payload: bytes) -> None:
    one = Download(FOTO)
    one.answered(one.take()[0], answer, payload)
    assert isinstance(one.failed, ProtocolError)
    assert one.parts() == []


def test_a_download_without_progress_gives_up() -> None:
    one = Download(FOTO)
    for _ in range(HALTS + 1):
        assert not one.done
        for question in one.take():
            one.answered(question, refusal(Code.RATE_LIMITED))
    assert isinstance(one.failed, RateLimitedError)


def test_a_file_that_vanishes_meanwhile_is_told() -> None:
    one = Download(FOTO)
    first, second, *_ = one.take()
    answer_part(one, first)
    one.answered(second, refusal(Code.FILE_NOT_FOUND))
    assert isinstance(one.failed, NoSuchFileError)


@given(st.data())
def test_whatever_becomes_of_questions_all_parts_come_once_and_in_order(choose: st.DataObject) -> None:
    one = Download(FOTO, offset := choose.draw(st.sampled_from([0, 1, MAX_CHUNK, SIZE])))
    troubles = choose.draw(st.integers(0, HALTS))
    got: list[bytes] = []
    way: list[Question] = []
    held = 0
    while not one.done:
        way += one.take()
        assert len(way) + held <= WINDOW + len(got)
        question = way.pop(choose.draw(st.integers(0, len(way) - 1)))
        if troubles and choose.draw(st.booleans()):
            troubles -= 1
            one.answered(question, SILENCE)
        else:
            for _ in range(choose.draw(st.integers(1, 2))):
                answer_part(one, question)
            held += 1
        if not way or choose.draw(st.booleans()):
            got += one.parts()
    assert one.failed is None
    assert b"".join(got) == WHOLE[offset:]
