"""What a file is, by its content. Its name says nothing that could be relied on."""

import codecs
import re
from typing import Final

import puremagic

HEAD: Final = 40_960
"""So much of a file's beginning is looked at: the farthest sign that puremagic knows ends before (36,870)."""
TEXT: Final = "text/plain"
UNKNOWN: Final = "application/octet-stream"
ALSO_TEXT: Final = frozenset({"application/pdf", "application/rtf"})
"""What a file may be that holds nothing but text. Others stay text, and what is no text is no page either: there is no
file that a browser would run."""
ARCHIVE: Final = b"PK\x03\x04"
ARCHIVE_SIGN: Final = 8
"""Dozens of formats are ZIP archives. A sign no longer than this cannot tell them apart."""
SIGN: Final = 3
"""Shorter signs are in random bytes too often, and away from the beginning even one more; BMP's alone is believed."""
BITMAP: Final = "image/x-ms-bmp"
USUAL: Final = {BITMAP: "image/bmp", "audio/wave": "audio/wav", "application/x-gzip": "application/gzip"}
"""Names of media types that puremagic says otherwise than most do."""
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
"""What no text holds: all but tab, line feed, form feed, carriage return and escape."""


def media_type(head: bytes) -> str:
    """The media type of a file that begins with these (at most HEAD) bytes; a file without any is text."""
    found = _by_sign(head)
    if _is_text(head):
        return found if found in ALSO_TEXT else TEXT
    if found.startswith("text/") or found.endswith("xml"):
        return UNKNOWN
    return USUAL.get(found, found)


def _by_sign(head: bytes) -> str:
    """The type with the longest sign. Signs at the end of a file, and of zeros alone, say too little."""
    try:
        signs = puremagic.magic_string(head) if head else []
    except puremagic.PureError:
        return UNKNOWN
    best, longest = UNKNOWN, 0
    for sign in signs:
        length = len(sign.byte_match)
        believed = length >= SIGN + (sign.offset > 0) or sign.mime_type == BITMAP
        if sign.mime_type and sign.offset >= 0 and believed and length > longest and any(sign.byte_match):
            best, longest = sign.mime_type, length
    if head.startswith(ARCHIVE) and longest <= ARCHIVE_SIGN:
        return "application/zip"
    return best


def _is_text(head: bytes) -> bool:
    """Whether it is UTF-8 without control characters; the last character may be cut off."""
    if _CONTROLS.search(head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
