"""What a person is told when something does not work, in their language.

The contract's texts are the same in all. All else is from the catalogue: what the realm says beside is English.
"""

import logging

from msgspec import UNSET

from client.errors import (
    AnswerError,
    ClientError,
    ClosedError,
    ForbiddenError,
    IdentityError,
    InternalError,
    LocalFileError,
    NoAnswerError,
    ProtocolError,
    QueueFullError,
    QuotaExceededError,
    RateLimitedError,
    TooLargeError,
    UnavailableError,
    UnknownCommandError,
    UnreachableError,
    UsageError,
    error_of,
)
from client.harmless import visible
from client.model.attached import Loss
from client.ui.spool import LostError
from client.ui.words import Words
from schemas.answers import ErrorAnswer
from schemas.errors import FIXED_TEXTS, Code

log = logging.getLogger(__name__)


def refusal(words: Words, code: str) -> str:
    """Why another realm did not take a message, in one sentence."""
    message = FIXED_TEXTS[Code(code)] if code in FIXED_TEXTS else code
    return complaint(words, error_of(ErrorAnswer(id=None, code=code, message=message)))


def complaint(words: Words, error: ClientError) -> str:
    """One sentence."""
    if isinstance(error, AnswerError):
        return visible(str(error)) if error.kind in FIXED_TEXTS else _refusal(words, error)
    match error:
        case UnreachableError() | NoAnswerError() | ClosedError():
            return words.no_answer
        case IdentityError():
            return words.other_key
        case LostError(loss=loss):
            return lost(words, loss)
        case LocalFileError():
            log.info("%s", error)
            return words.file_cut
        case UsageError():
            return words.realm_hint
        case ProtocolError():
            return words.not_understood
        case _:
            log.error("%s: %s", error.kind, error)
            return words.wrong


def lost(words: Words, loss: Loss) -> str:
    """Why a file that was to be sent will never be here."""
    return {
        Loss.CUT: words.file_cut,
        Loss.TOO_LARGE: words.file_too_large,
        Loss.NO_ROOM: words.file_no_room,
        Loss.BROKEN: words.wrong,
    }[loss]


def _refusal(words: Words, error: AnswerError) -> str:
    match error:
        case RateLimitedError():
            return words.too_fast
        case ForbiddenError():
            return words.forbidden
        case QuotaExceededError():
            return words.quota
        case TooLargeError():
            return words.too_large
        case UnavailableError() | QueueFullError():
            return words.unavailable
        case UnknownCommandError():
            return words.not_understood
        case InternalError():
            incident = error.answer.incident
            return words.realm_failed.format(incident="?" if incident is UNSET else visible(incident))
        case _:
            return words.refused
