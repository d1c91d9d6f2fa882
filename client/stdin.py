"""Lines from a pipe, for an event loop: a thread waits for them, and only when one is wanted."""

import asyncio
import os
import queue
import threading
from typing import Final

from client.errors import UsageError

MAX_LINE: Final = 1_000_000
"""Bytes of the longest line that is taken; a longer one is passed over."""
_CHUNK: Final = 65_536

_Wanted = asyncio.Future[bytes | None]


class PipedLines:
    """The lines of a file descriptor. The thread never keeps the process from ending."""

    def __init__(self, fd: int = 0) -> None:
        self._fd = fd
        self._held = bytearray()
        self._wanted: queue.SimpleQueue[_Wanted] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="stdin", daemon=True).start()

    async def next(self) -> str | None:
        """The next line with its end, None at the end of input; raises UsageError where it is no text."""
        wanted: _Wanted = asyncio.get_running_loop().create_future()
        self._wanted.put(wanted)
        line = await wanted
        if line is None:
            return None
        if len(line) > MAX_LINE:
            raise UsageError(f"a line is at most {MAX_LINE:,} bytes")
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise UsageError("this line is not UTF-8") from error

    def _run(self) -> None:
        while True:
            wanted = self._wanted.get()
            line = self._read_line()
            try:
                wanted.get_loop().call_soon_threadsafe(_give, wanted, line)
            except RuntimeError:  # the loop has been closed: nobody wants it any more
                return

    def _read_line(self) -> bytes | None:
        searched = 0
        while (end := self._held.find(b"\n", searched)) < 0:
            searched = len(self._held)
            if searched > MAX_LINE:  # keep only as much as shows that it is too long
                del self._held[MAX_LINE + 1 :]
                searched = len(self._held)
            chunk = os.read(self._fd, _CHUNK)
            if not chunk:
                line = bytes(self._held)
                self._held.clear()
                return line or None
            self._held += chunk
        line = bytes(self._held[: end + 1])
        del self._held[: end + 1]
        return line


def _give(wanted: _Wanted, line: bytes | None) -> None:
    if not wanted.done():
        wanted.set_result(line)
