"""Texts that are cut to what a list has room for."""

import re
from typing import Final

_WORD: Final = re.compile(r"\S+")


def one_line(text: str, at_most: int = 120) -> str:
    """A text without its line breaks, and no longer than anybody reads in a list."""
    words, length = list[str](), 0
    for found in _WORD.finditer(text):  # of a long text no more is looked at than is shown
        words.append(found[0][: at_most + 1])
        length += len(words[-1]) + 1
        if length > at_most + 1:
            return f"{' '.join(words)[:at_most]}…"
    return " ".join(words)
