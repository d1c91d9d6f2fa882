"""Runs `broker.thumbnail` as a child, and ends it where it does not end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from broker import thumbnail

COMMAND: Final = (sys.executable, "-P", thumbnail.__file__)
"""By its path: `-m` would look for it where the realm was started."""
OF_THE_PICTURE: Final = frozenset(
    {signal.SIGXCPU, signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}
)
"""What a picture can make of a decoder. Of other signals it knows nothing: whoever stops a service may say them."""
log: Final = structlog.get_logger()


class ThumbnailError(Exception):
    """It could not be found out whether there is a thumbnail: another time it may be."""


class Thumbnailer:
    """Makes thumbnails, until it is stopped."""

    def __init__(self, command: Sequence[str] = COMMAND, timeout_s: float = thumbnail.WALL_S) -> None:
        self._command = command
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._children: set[subprocess.Popen[bytes]] = set()
        self._stopped = False

    def make(self, picture: Path, into: Path) -> bool:
        """Write the thumbnail into a file (0600), which is made or emptied first; say whether there is one.

        Raises ThumbnailError, and OSError where that file cannot be made. Takes `timeout_s` at most.
        """
        child = self._start(picture, into)
        try:
            code = child.wait(self._timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise ThumbnailError("it took too long") from None
        finally:
            with self._lock:
                self._children.discard(child)
        if code == 0:
            return True
        if code == thumbnail.NO_PICTURE:
            return False
        if -code in OF_THE_PICTURE:
            log.warning("a picture ended its decoder", signal=signal.Signals(-code).name)
            return False
        raise ThumbnailError(f"the child ended with {code}")

    def stop(self) -> None:
        """End what runs, and let nothing begin. Twice is harmless."""
        with self._lock:
            self._stopped = True
            for child in self._children:
                child.kill()

    def _start(self, picture: Path, into: Path) -> subprocess.Popen[bytes]:
        out = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with self._lock:
                if self._stopped:
                    raise ThumbnailError("the realm stops")
                child = self._spawn([*self._command, str(picture)], out)
                self._children.add(child)
                return child
        finally:
            os.close(out)

    @staticmethod
    def _spawn(command: Sequence[str], out: int) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        try:
            # A session of its own: a Ctrl-C is for the realm.
            return subprocess.Popen(command, stdin=quiet, stdout=out, stderr=quiet, start_new_session=True)  # noqa: S603 - our own program
        except OSError as error:
            raise ThumbnailError(f"no child can be started ({error.strerror})") from error
