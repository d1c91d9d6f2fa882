"""What a handler comes to."""

from enum import Enum
from typing import Final, Literal

import msgspec

from schemas.answers import Answer
from schemas.errors import Refusal
from schemas.federation import LinkWord


class _Later(Enum):
    LATER = "later"


Later = Literal[_Later.LATER]
LATER: Final = _Later.LATER
"""No answer yet: a job, a peer's word or a timer gives it."""


class Parcel(msgspec.Struct, frozen=True):
    """An answer with bytes, which go in a frame of their own."""

    answer: Answer
    data: bytes


class Failed(msgspec.Struct, frozen=True):
    """An error answer beside which stays what was changed; after a mere `Refusal` nothing does."""

    refusal: Refusal


Outcome = Answer | Failed | Parcel | Refusal | Later | LinkWord
