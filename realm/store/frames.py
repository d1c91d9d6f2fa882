"""What SQLite drops of its write-ahead log without a word: all that lies behind a frame that is not what was written.

Where power was cut, a part of what was not flushed is missing at the end, which is right: nobody was told of it. SQLite
takes a changed byte in the middle for the same. But a transaction is written only once the one before it was flushed:
where another one goes on behind a complete one, both out of SQLite's sight, what is missing before them had been there,
and the realm's users have had an OK for it. A changed byte in the last transaction cannot be told from a power cut.

The formats of the log and of its index: https://www.sqlite.org/fileformat2.html#walformat, walformat.html.
"""

import os
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_HEADER: Final = struct.Struct(">IIII8sII")
"""Of the log: magic, version, bytes of a page, number, salts, and a checksum of what comes before it."""
_FRAME: Final = struct.Struct(">II8s8s")
"""Of a frame: page, pages of the database (0 but in the last of a transaction), salts, checksum. Its page follows."""
_INDEX: Final = struct.Struct("=14sHII8s8s8s")
"""Of the index: bytes of a page, how many frames there are, and as the sixth the salts. It is there twice."""
_LARGEST: Final = 1 << 16
"""Bytes of a page that are written as 1."""
_SUMMED: Final = 8
"""So much of a frame's header has a part in its checksum."""
_BIG, _LITTLE = 0x377F0683, 0x377F0682
_TRIES: Final = 3
Sum = tuple[int, int]

_opened: Final[dict[tuple[int, int], int]] = {}
"""Indexes, by device and inode, and their descriptors."""


class _Log(NamedTuple):
    """A log that is open, and what its header says."""

    file: int
    page: int
    order: str
    """Of the bytes of a word, in checksums."""

    def frame(self, number: int) -> bytes:
        """The frame with that number, from 1 on; less where the log ends before."""
        size = _FRAME.size + self.page
        return os.pread(self.file, size, _HEADER.size + (number - 1) * size)

    def head(self, number: int) -> tuple[int, bytes] | None:
        """Whether (not 0) a frame is the last of its transaction, and its salts; None where it is not all there."""
        size = _FRAME.size + self.page
        at = _HEADER.size + (number - 1) * size
        if at + size > os.fstat(self.file).st_size:
            return None
        _, last, salts, _ = _FRAME.unpack(os.pread(self.file, _FRAME.size, at))
        return last, salts


def dropped(database: Path) -> int:
    """How many transactions that were flushed once SQLite does not see in the log; 0 where none can be told.

    To be called when the log has been read, by whomever, since the last process that wrote to it has ended; it may be
    written to meanwhile. Raises OSError where it cannot be read.
    """
    with suppress(FileNotFoundError):
        file = os.open(database.with_name(f"{database.name}-wal"), os.O_RDONLY)
        try:
            return _look(file, database)
        finally:
            os.close(file)
    return 0


def held(database: Path) -> int:
    """How many bytes the log holds; the file may be longer, of before. It is begun anew when all was copied home.

    0 where nothing can be told. Raises OSError where its index cannot be read.
    """
    found = _index(database)[: _INDEX.size]
    if len(found) < _INDEX.size:
        return 0
    _, page, frames, *_ = _INDEX.unpack(found)
    return int(frames * (_FRAME.size + (_LARGEST if page == 1 else page)))


def _index(database: Path) -> bytes:
    """How the index begins, which is there twice; nothing where there is none.

    The file stays open for as long as it has a name. A process that closes a file loses all its locks on it, those of
    SQLite too; the next process would then take the index for nobody's, and empty it below the realm that uses it:
    https://www.sqlite.org/howtocorrupt.html, 2.2.
    """
    for key in [key for key, file in _opened.items() if not os.fstat(file).st_nlink]:
        os.close(_opened.pop(key))
    path = database.with_name(f"{database.name}-shm")
    try:
        found = path.stat()
        key = found.st_dev, found.st_ino
        if key not in _opened:
            _opened[key] = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return b""
    return os.pread(_opened[key], 2 * _INDEX.size, 0)


def _look(file: int, database: Path) -> int:
    """See `dropped`. What is found counts where nobody has written meanwhile."""
    for _ in range(_TRIES):
        header = os.pread(file, _HEADER.size, 0)
        if len(header) < _HEADER.size:
            return 0
        before = _index(database)
        found = _count(file, header, before)
        after = os.pread(file, _HEADER.size, 0), _index(database)
        if not found or after == (header, before):
            return found
    return 0


def _count(file: int, header: bytes, index: bytes) -> int:
    magic, _, page, *_, one, other = _HEADER.unpack(header)
    order = {_BIG: "big", _LITTLE: "little"}.get(magic, sys.byteorder)
    if len(index) < 2 * _INDEX.size or index[: _INDEX.size] != index[_INDEX.size :]:
        return 0
    _, _, seen, _, _, salts, _ = _INDEX.unpack(index[: _INDEX.size])
    if checksum(header[:-_SUMMED], (0, 0), order) != (one, other):
        page, seen = 1 << 12, 0  # by a damaged header SQLite sees nothing at all
        salts = _FRAME.unpack(os.pread(file, _FRAME.size, _HEADER.size).ljust(_FRAME.size))[2]
    return _behind(_Log(file, page, order), seen, salts)


def _behind(log: _Log, seen: int, salts: bytes) -> int:
    """How many transactions end behind the frames that are seen, if one of them is followed by what goes on from it."""
    ends, followed, number = 0, False, seen + 1
    while (head := log.head(number)) is not None and (head[1] == salts or _is_one_off(log, number, salts)):
        if head[0] and head[1] == salts:
            ends += 1
            followed = followed or _goes_on(log, number, salts)
        number += 1
    return ends if followed else 0


def _is_one_off(log: _Log, number: int, salts: bytes) -> bool:
    """Whether only this frame has other salts: they are what was changed."""
    following = log.head(number + 1)
    return following is not None and following[1] == salts


def _goes_on(log: _Log, number: int, salts: bytes) -> bool:
    """Whether the frame behind this one was written after it: its checksum goes on from this one's."""
    following = log.head(number + 1)
    if following is None or following[1] != salts:
        return False
    frame = log.frame(number + 1)
    before = struct.unpack(">II", log.frame(number)[_FRAME.size - 8 : _FRAME.size])
    started = checksum(frame[:_SUMMED], (before[0], before[1]), log.order)
    return checksum(frame[_FRAME.size :], started, log.order) == struct.unpack(">II", frame[16 : _FRAME.size])


def checksum(data: bytes, start: Sum, order: str) -> Sum:
    """SQLite's, of a multiple of 8 bytes, going on from another."""
    one, other = start
    words = struct.unpack(f"{'>' if order == 'big' else '<'}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + other) & 0xFFFFFFFF
        other = (other + second + one) & 0xFFFFFFFF
    return one, other
