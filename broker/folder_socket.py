"""The socket in a realm's folder, as both its sides use it: where it is, and frames in a stream of bytes.

A frame is its length in 4 bytes, the highest first, and so many bytes of MessagePack. Not ZMTP: libzmq ends the process
that listens on such a socket when it has no descriptor left (4.3.5, `ipc_listener.cpp`).
"""

import os
import struct
from pathlib import Path
from typing import Final

FILE: Final = "operator"
READ: Final = 65_536
"""Bytes that are read of a connection at once."""
_LENGTH: Final = struct.Struct(">I")
_DESCRIPTORS: Final = Path("/proc/self/fd")


class FolderSocket:
    """The path of the socket in a folder, open until `close`; raises OSError where there is no such folder.

    A socket's path has room for some 100 bytes. So, where the system has /proc, the folder is named by its open
    descriptor: short, and the same folder if it is moved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        short = _DESCRIPTORS.is_dir()
        self.path = f"{_DESCRIPTORS}/{self.folder}/{FILE}" if short else str(folder.absolute() / FILE)

    def close(self) -> None:
        """Give the descriptor back; nothing may use the path any more."""
        os.close(self.folder)


class TooLargeError(Exception):
    """A frame is larger than may be, or what comes are no frames."""


class Frames:
    """Those that come in a stream."""

    def __init__(self, largest: int) -> None:
        """`largest`: of a frame, bytes."""
        self._largest = largest
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """All that are whole with these bytes. Raises TooLargeError: the stream is of no use then.

        Nor is what came together with that.
        """
        self._held += data
        found, at = [], 0
        while len(self._held) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._held, at)
            if length > self._largest:
                raise TooLargeError
            end = at + _LENGTH.size + length
            if end > len(self._held):
                break
            found.append(bytes(self._held[at + _LENGTH.size : end]))
            at = end
        del self._held[:at]
        return found


def framed(frame: bytes) -> bytes:
    """A frame as it goes into the stream."""
    return _LENGTH.pack(len(frame)) + frame
