"""`python -m realm …` beside a realm, or where none runs."""

import resource
import subprocess
import sys
from pathlib import Path

from tests import forking

Said = tuple[int, list[str], str]
"""Exit code, lines of stdout, stderr."""


def say(*words: object, stdin: str | bytes = b"", limit: int | None = None) -> Said:
    """One command; with a limit no file may grow beyond so many bytes, as on a disk that is full."""
    typed = stdin.encode() if isinstance(stdin, str) else stdin
    said = [str(word) for word in words]
    if limit is None:
        code, told, errors = forking.run("realm", said, typed=typed)
    else:
        command = [sys.executable, "-m", "realm", *said]
        bounds = (limit, limit)
        done = subprocess.run(
            command,
            input=typed,
            capture_output=True,
            timeout=60,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, bounds),
        )
        code, told, errors = done.returncode, done.stdout, done.stderr
    assert b"Traceback" not in errors
    return code, told.decode().splitlines(), errors.decode()


def operate(data: Path, *words: object, stdin: str | bytes = b"", limit: int | None = None) -> Said:
    """The same of the realm on a folder."""
    return say(*words, "--data", data, stdin=stdin, limit=limit)


def works(data: Path, *words: object, stdin: str | bytes = b"") -> list[str]:
    """What a command that works says."""
    code, lines, errors = operate(data, *words, stdin=stdin)
    assert (code, errors) == (0, ""), (lines, errors)
    return lines
