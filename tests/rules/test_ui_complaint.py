"""What a person is told of an error: the contract's text, or a sentence in their language."""

import pytest

from client import errors
from client.errors import AnswerError, ClientError
from client.model.attached import Loss
from client.ui.complaint import complaint
from client.ui.spool import LostError
from client.ui.words import ENGLISH, INDONESIAN
from schemas.answers import ErrorAnswer
from schemas.errors import DESCRIBED, FIXED_TEXTS, Code

RAW = "registration is closed: ask the operator"
OURS = [
    errors.UsageError, errors.UnreachableError, errors.IdentityError, errors.NoAnswerError, errors.ProtocolError,
    errors.ClosedError, errors.KeyringError,
]  # fmt: skip


@pytest.mark.parametrize("code", DESCRIBED)
def test_what_a_realm_says_in_english_is_said_in_the_language_of_the_person(code: Code) -> None:
    error = AnswerError.of(code, RAW)
    said = {words.code: complaint(words, error) for words in (ENGLISH, INDONESIAN)}
    assert said["en"] != said["id"]
    for sentence in said.values():
        assert RAW not in sentence
        assert code not in sentence
        assert "{" not in sentence


@pytest.mark.parametrize("code", FIXED_TEXTS)
def test_the_texts_of_the_contract_are_the_same_in_all(code: Code) -> None:
    for words in (ENGLISH, INDONESIAN):
        assert complaint(words, AnswerError.of(code)) == FIXED_TEXTS[code]


@pytest.mark.parametrize("kind", OURS)
def test_what_goes_wrong_here_is_said_in_the_language_of_the_person(kind: type[ClientError]) -> None:
    said = [complaint(words, kind(RAW)) for words in (ENGLISH, INDONESIAN)]
    assert len(set(said)) == 2
    assert not any(RAW in sentence for sentence in said)


def test_why_a_file_cannot_be_sent_is_told_by_what_became_of_it() -> None:
    for words in (ENGLISH, INDONESIAN):
        said = {loss: complaint(words, LostError("foto.jpg", loss)) for loss in Loss}
        assert len(set(said.values())) == len(Loss)
        assert said[Loss.CUT] == complaint(words, errors.LocalFileError(RAW)) == words.file_cut
        assert said[Loss.NO_ROOM] == words.file_no_room


def test_a_failure_of_the_realm_can_be_found_in_its_log() -> None:
    answer = ErrorAnswer(id=1, code=Code.INTERNAL_ERROR, message="failed", incident="3f2a")
    assert "3f2a" in complaint(ENGLISH, errors.error_of(answer))
