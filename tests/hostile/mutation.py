"""Frames made wrong on purpose: bytes changed anywhere, and MessagePack changed element by element.

All is drawn from the `random.Random` that is given, so a seed says it again.
"""

import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import msgpack

from schemas.limits import MAX_FRAME
from tests.hostile.elements import Element, elements

LARGE: Final = 4_294_967_295
"""What a header of 32 bits can promise at most."""
DEEP: Final = (3, 60, 600, 20_000)
"""How many arrays or maps are put around an element."""
REPEATED: Final = (2, 40, 3_000)
LONG: Final = 20_000
"""Bytes: a frame that is so long is not changed once more."""
MOST: Final = 200_000
"""Bytes: a frame that would become longer is cut."""


STRANGE: Final = (
    b"\xc0", b"\xc2", b"\xc3", b"\x00", b"\xff", b"\xcf" + b"\xff" * 8, b"\xd3\x80" + bytes(7), b"\xa0", b"\xc4\x00",
    b"\x90", b"\x80", b"\x91\x90", b"\x81\x01\x02", b"\xa3../", b"\xa1\x00", b"\xa3\xe2\x80\xae", b"\xc1",
    b"\xcb\x7f\xf8" + bytes(6), b"\xcb\x7f\xf0" + bytes(6), b"\xca\xff\x80\x00\x00", b"\xcb\x3f\xf0" + bytes(6),
    b"\xd4\x05\x00", b"\xd6\xff\x00\x00\x00\x01", b"\xd7\xff" + b"\xff" * 8, b"\xc7\x0c\xff" + b"\xff" * 12,
    b"\xc4\x20" + bytes(32),
    b"\xda\x13\x88" + b"x" * 5_000, b"\xcf\x7f" + b"\xff" * 7, b"\xa5messi", b"\xa5bob@x",
)  # fmt: skip
"""Values of every type, and such as few expect: NaN, infinities, times, extensions, a byte that nothing begins with."""

Mutation = Callable[[bytes, Random], bytes]


def flip(frame: bytes, chance: Random) -> bytes:
    """Some bits."""
    changed = bytearray(frame)
    for _ in range(chance.choice((1, 1, 2, 9)) if frame else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(frame: bytes, chance: Random) -> bytes:
    """Its end is missing, or something within it."""
    begin, end = sorted((chance.randint(0, len(frame)), chance.choice((len(frame), chance.randint(0, len(frame))))))
    return frame[:begin] + frame[end:]


def insert(frame: bytes, chance: Random) -> bytes:
    """Bytes that do not belong there."""
    at = chance.randint(0, len(frame))
    return frame[:at] + chance.randbytes(chance.choice((1, 2, 5, 70))) + frame[at:]


def double(frame: bytes, chance: Random) -> bytes:
    """A part comes again, and again."""
    begin, end = sorted((chance.randint(0, len(frame)), chance.randint(0, len(frame))))
    return frame[:end] + frame[begin:end] * chance.choice(REPEATED) + frame[end:]


def retype(frame: bytes, chance: Random) -> bytes:
    """A value, or a key, is another, of another type."""
    return _put(frame, chance, chance.choice(STRANGE))


def oversize(frame: bytes, chance: Random) -> bytes:
    """What has a length promises much more than comes."""
    one = _one(frame, chance, "str", "bin", "array", "map")
    if one is None:
        return frame
    wide = {"str": 0xDB, "bin": 0xC6, "array": 0xDD, "map": 0xDF}[one.kind]
    return frame[: one.begin] + struct.pack(">BI", wide, chance.choice((LARGE, LARGE // 2, 70_000))) + frame[one.body :]


def nest(frame: bytes, chance: Random) -> bytes:
    """A value is deep inside of arrays, or of maps."""
    one = _one(frame, chance)
    if one is None:
        return frame
    around = chance.choice((b"\x91", b"\x81\xa1x", b"\x81\x00", b"\x91\x81\xa1x")) * chance.choice(DEEP)
    return frame[: one.begin] + around + frame[one.begin :]


def widen(frame: bytes, chance: Random) -> bytes:
    """The same, said in more bytes than it needs."""
    for one in reversed(elements(frame)):
        if chance.random() < 0.5:
            frame = frame[: one.begin] + _wide(frame, one) + frame[one.body if one.kind != "int" else one.end :]
    return frame


def _wide(frame: bytes, one: Element) -> bytes:
    if one.kind in ("array", "map"):
        return struct.pack(">BI", 0xDD if one.kind == "array" else 0xDF, one.items)
    if one.kind in ("str", "bin"):
        return struct.pack(">BI", 0xDB if one.kind == "str" else 0xC6, one.end - one.body)
    if one.kind == "int":
        value = int(msgpack.unpackb(frame[one.begin : one.end]))
        return struct.pack(">Bq", 0xD3, value) if value < 1 << 63 else struct.pack(">BQ", 0xCF, value)
    return frame[one.begin : one.body]


def misspell(frame: bytes, chance: Random) -> bytes:
    """A text is no UTF-8, or has half of a pair, a zero, or what turns a line around in it."""
    one = _one(frame, chance, "str")
    if one is None:
        return frame
    broken = chance.choice((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\0", b"\xe2\x80\xae", b"\r\n"))
    return frame[: one.begin] + _text(frame[one.body : one.end] + broken) + frame[one.end :]


def lengthen(frame: bytes, chance: Random) -> bytes:
    """A text or bytes are much longer than they were."""
    one = _one(frame, chance, "str", "bin")
    if one is None:
        return frame
    said = (frame[one.body : one.end] or b"x") * chance.choice(REPEATED)
    said = said[:MOST]
    head = struct.pack(">BI", 0xDB if one.kind == "str" else 0xC6, len(said))
    return frame[: one.begin] + head + said + frame[one.end :]


def twin(frame: bytes, chance: Random) -> bytes:
    """A key is there twice, with another value."""
    found = elements(frame)
    keys = [at for at, one in enumerate(found[:-1]) if one.key and one.kind == "str"]
    if not keys or found[0].kind != "map":
        return frame
    key = found[chance.choice(keys)]
    more = frame[key.begin : key.end] + chance.choice(STRANGE)
    return struct.pack(">BI", 0xDF, min(found[0].items + 1, LARGE)) + more + frame[found[0].body :]


def drop(frame: bytes, chance: Random) -> bytes:
    """A field is missing."""
    found = elements(frame)
    keys = [at for at, one in enumerate(found[:-1]) if one.key]
    if not keys or found[0].kind != "map" or not found[0].items:
        return frame
    at = chance.choice(keys)
    kept = frame[found[0].body : found[at].begin] + frame[found[at + 1].end :]
    return struct.pack(">BI", 0xDF, found[0].items - 1) + kept


def swap(frame: bytes, chance: Random) -> bytes:
    """Two values have changed places."""
    one, other = _one(frame, chance), _one(frame, chance)
    if one is None or other is None or one.begin == other.begin:
        return frame
    one, other = sorted((one, other), key=lambda each: each.begin)
    if one.end > other.begin:
        return frame
    return (
        frame[: one.begin]
        + frame[other.begin : other.end]
        + frame[one.end : other.begin]
        + frame[one.begin : one.end]
        + frame[other.end :]
    )


MUTATIONS: Final[tuple[Mutation, ...]] = (
    flip, cut, insert, double, retype, retype, retype, oversize, nest, widen, misspell, lengthen, twin, drop, swap,
)  # fmt: skip


def mutated(frame: bytes, chance: Random, others: Sequence[bytes] = ()) -> bytes:
    """The frame, changed once or a few times; now and then spliced with another one."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if others and chance.random() < 0.05:
            frame = splice(frame, chance.choice(others), chance)
        else:
            frame = chance.choice(MUTATIONS)(frame, chance)
        if len(frame) > LONG:
            break
    return frame[:MOST]


NUMBERS: Final = (0, 1, 2, 3, -1, 100, 1 << 31, (1 << 53) + 1, (1 << 63) - 1, (1 << 64) - 1, -(1 << 63))
TEXTS: Final = (
    "", "x", "@", "/", ",", "messi", "messi@kampus", "private/", "group/", "sent/x@y,z@w", "private/messi@kampus",
    "../../x", "private/a@kampus,messi@kampus", "group/new@pusat", "\u202egpj.exe", "\0", "x" * 5_000,
    "\U0001f600" * 300,
)  # fmt: skip


def lied(frame: bytes, chance: Random) -> bytes:
    """The same fields, some of whose values are others of their type: what only somebody who lies would say.

    What would be longer than any socket takes is not said: the frame stays as it is.
    """
    try:
        told = msgpack.unpackb(frame, strict_map_key=False)
    except (ValueError, msgpack.UnpackException):
        return frame
    for _ in range(chance.choice((1, 1, 2, 5))):
        told = _lied(told, chance)
    said = bytes(msgpack.packb(told))
    return said if len(said) <= MAX_FRAME else frame


def _lied(told: Any, chance: Random) -> Any:
    match told:
        case dict() if told and chance.random() < 0.95:
            key = chance.choice(list(told))
            return {**told, key: told[key] if key in ("id", "status", "event") else _lied(told[key], chance)}
        case list() if told and chance.random() < 0.6:
            at = chance.randrange(len(told))
            return [*told[:at], _lied(told[at], chance), *told[at + 1 :]]
        case bool():
            return not told
        case int():
            return chance.choice((*NUMBERS, min(told + 1, NUMBERS[-2]), max(told - 1, 0)))
        case str():
            return chance.choice((*TEXTS, told.upper(), told[:-1], told + "x"))
        case bytes():
            return chance.choice((b"", told[:-1], told + b"x", chance.randbytes(len(told)), bytes(3_000)))
        case list():
            return chance.choice(([], told * 2, told[::-1], told[1:], told * 50))
        case dict():
            return chance.choice(({}, {**told, **dict.fromkeys(TEXTS, chance.choice(NUMBERS[:6]))}))
    return told


def splice(frame: bytes, other: bytes, chance: Random) -> bytes:
    """The one until somewhere, and then the other one from somewhere."""
    return frame[: chance.randint(0, len(frame))] + other[chance.randint(0, len(other)) :]


def anything(chance: Random) -> bytes:
    """Bytes that were never a frame."""
    return chance.randbytes(chance.choice((0, 1, 2, 9, 64, 300)))


def _one(frame: bytes, chance: Random, *kinds: str) -> Element | None:
    """One element of these kinds, or of any; None where there is none."""
    found = [one for one in elements(frame) if not kinds or one.kind in kinds]
    return chance.choice(found) if found else None


def _put(frame: bytes, chance: Random, value: bytes) -> bytes:
    one = _one(frame, chance)
    return value if one is None else frame[: one.begin] + value + frame[one.end :]


def _text(said: bytes) -> bytes:
    return struct.pack(">BI", 0xDB, len(said)) + said
