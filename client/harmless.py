"""Text from others, made harmless: it may not move the cursor, recolour, or turn the line around."""

import re
import unicodedata
from typing import Final

_KEPT: Final = frozenset("\u200c\u200d") | frozenset(map(chr, range(0xE0020, 0xE0080)))
"""Format characters that writing needs: joiners (Persian, Hindi, emoji), and the tags in flags."""
_HARMFUL_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs"})
MOST_SAID: Final = 500
"""Characters of a sentence that a realm says, as they are shown."""
_PLAIN: Final = re.compile(r"[ -~]*")


def is_harmful(character: str) -> bool:
    """Whether it controls the terminal, hides, reorders what stands around it, or is half a character."""
    return unicodedata.category(character) in _HARMFUL_CATEGORIES and character not in _KEPT


def visible(text: str) -> str:
    r"""The text on one line, with every harmful character written out, such as `\x1b`."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(_escape(character) if is_harmful(character) else character for character in text)


def indented(text: str, indent: int) -> str:
    """As `visible`, on as many lines as it has; indented, so that none can pass for a line of its own."""
    lines = re.split(r"\r\n|\n", text.replace("\t", "    "))
    return ("\n" + " " * indent).join(map(visible, lines))


def in_short(text: str) -> str:
    """The text, or where a realm says more than a sentence, how it begins; never nothing."""
    length = 0
    for at, character in enumerate(text):
        length += len(visible(character))
        if length > MOST_SAID:
            return f"{text[:at]}…"
    return text or "?"


def _escape(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
