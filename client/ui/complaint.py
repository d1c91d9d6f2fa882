"""What a person is told when something does not work, in their language.

The contract's texts are the same in all; what else the realm says comes as it is.
"""

from client.errors import (
    ClientError,
    ClosedError,
    IdentityError,
    NoAnswerError,
    RateLimitedError,
    UnreachableError,
    UsageError,
)
from client.present import error_text
from client.ui.words import Words


def complaint(words: Words, error: ClientError) -> str:
    """One sentence."""
    match error:
        case UnreachableError() | NoAnswerError() | ClosedError():
            return words.no_answer
        case RateLimitedError():
            return words.too_fast
        case IdentityError():
            return words.other_key
        case UsageError():
            return words.realm_hint
        case _:
            return error_text(error)
