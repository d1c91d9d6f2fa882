"""What a handler comes to."""

from enum import Enum
from typing import Final, Literal

from schemas.answers import Answer
from schemas.errors import Refusal


class _Later(Enum):
    LATER = "later"


Later = Literal[_Later.LATER]
LATER: Final = _Later.LATER
"""No answer yet: a job, a peer's word or a timer gives it."""

Outcome = Answer | Refusal | Later
