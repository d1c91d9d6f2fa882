"""How people and groups are drawn: initials, and a colour that is theirs for good."""

import hashlib
import unicodedata
from typing import Final

COLOURS: Final = 12
"""How many colours there are for avatars."""


def initials(name: str) -> str:
    """One or two letters that stand for a name: the first of its first and of its last word."""
    words = [letters for word in name.split() if (letters := _letters(word))]
    if not words:
        return "?"
    first, last = words[0][0], words[-1][0]
    return first.upper()[0] + (last.upper()[0] if len(words) > 1 else "")


def colour(address: str) -> int:
    """Which of the `COLOURS` belongs to an address: the same on all devices, in all languages, for ever."""
    return hashlib.blake2b(address.encode(), digest_size=2).digest()[0] % COLOURS


def _letters(word: str) -> str:
    return "".join(char for char in word if unicodedata.category(char)[0] in "LN")
