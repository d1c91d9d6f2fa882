"""Where the elements of a MessagePack frame are, also of one that is cut or wrong, which no library would tell."""

from dataclasses import dataclass
from typing import Final, NamedTuple


class Element(NamedTuple):
    """One value of a frame, or one key of a map in it."""

    kind: str
    begin: int
    body: int
    """Where what its header speaks of begins: its bytes, or its items."""
    end: int
    items: int = 0
    """Items of an array, pairs of a map."""
    key: bool = False


@dataclass
class _Open:
    """An array or a map of which more is to come."""

    at: int
    left: int
    is_map: bool


_SIZED: Final = {
    0xC4: ("bin", 1), 0xC5: ("bin", 2), 0xC6: ("bin", 4), 0xD9: ("str", 1), 0xDA: ("str", 2), 0xDB: ("str", 4),
    0xDC: ("array", 2), 0xDD: ("array", 4), 0xDE: ("map", 2), 0xDF: ("map", 4),
}  # fmt: skip
_PLAIN: Final = {
    0xC0: ("nil", 0), 0xC2: ("bool", 0), 0xC3: ("bool", 0), 0xCA: ("float", 4), 0xCB: ("float", 8), 0xCC: ("int", 1),
    0xCD: ("int", 2), 0xCE: ("int", 4), 0xCF: ("int", 8), 0xD0: ("int", 1), 0xD1: ("int", 2), 0xD2: ("int", 4),
    0xD3: ("int", 8),
}  # fmt: skip


def elements(frame: bytes) -> list[Element]:
    """The elements of a frame, as far as it is MessagePack; of one that is cut, those before."""
    found: list[Element] = []
    around: list[_Open] = []
    at = 0
    while at < len(frame) and (around or not found):
        kind, body, count = _header(frame, at)
        if not kind:
            break
        key = bool(around) and around[-1].is_map and around[-1].left % 2 == 0
        holds = kind in ("array", "map")
        end = body if holds else body + count
        found.append(Element(kind, at, body, end, count if holds else 0, key))
        at = end
        if around:
            around[-1].left -= 1
        if holds and count:
            around.append(_Open(len(found) - 1, count * (2 if kind == "map" else 1), kind == "map"))
        while around and not around[-1].left:
            closed = around.pop().at
            found[closed] = found[closed]._replace(end=at)
    return [one for one in found if one.end <= len(frame)]


def _header(frame: bytes, at: int) -> tuple[str, int, int]:
    """The kind of what begins there, where its content does, and how much that is: bytes, items or pairs."""
    first = frame[at]
    if first < 0x80 or first >= 0xE0:
        return "int", at + 1, 0
    if first < 0xC0:
        kind, mask = ("map", 0x0F) if first < 0x90 else ("array", 0x0F) if first < 0xA0 else ("str", 0x1F)
        return kind, at + 1, first & mask
    if first in _PLAIN:
        kind, size = _PLAIN[first]
        return kind, at + 1, size
    if first in _SIZED and at + 1 + _SIZED[first][1] <= len(frame):
        kind, wide = _SIZED[first]
        return kind, at + 1 + wide, int.from_bytes(frame[at + 1 : at + 1 + wide], "big")
    return "", at, 0
