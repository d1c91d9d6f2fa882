"""Names of files. One from elsewhere is a name to show, never a path."""

import re
from typing import Final

from client.harmless import is_harmful
from schemas.limits import MAX_FILE_NAME

MAX_LOCAL_NAME: Final = 240
"""Bytes of UTF-8 of the longest name here: a file system has room for 255, and ` (2)` may follow."""
MAX_EXTENSION: Final = 32
NAMELESS: Final = "file"
DEVICE: Final = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE | re.DOTALL)
"""What Windows takes for a device in whatever folder."""


def sent_name(name: str) -> str:
    """The name under which a file is sent: the last part of a path, harmless, at most 255 bytes of UTF-8."""
    return _cut(_harmless(name), MAX_FILE_NAME)


def local_name(name: str) -> str:
    """A name for a file here, of one that somebody else has given it: no path, no device, not hidden, harmless."""
    plain = _harmless(name.replace("\\", "/"))
    shown = plain.lstrip(".")
    hidden = len(plain) - len(shown) or int(bool(DEVICE.fullmatch(plain)))
    return _cut("_" * hidden + shown, MAX_LOCAL_NAME)


def _harmless(name: str) -> str:
    last = name.rstrip("/").rpartition("/")[2]
    return "".join("_" if is_harmful(character) else character for character in last) or NAMELESS


def _cut(name: str, most: int) -> str:
    """The name in at most so many bytes; what follows its last dot stays, if it is no longer than 32."""
    if len(name.encode()) <= most:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > MAX_EXTENSION:
        stem, dot, extension = name, "", ""
    room = most - len((dot + extension).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + extension
