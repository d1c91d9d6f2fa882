"""`python -m realm …` beside a realm, or where none runs."""

import subprocess
import sys
from pathlib import Path


def operate(data: Path, *words: str, stdin: str | bytes = b"") -> tuple[int, list[str], str]:
    """Exit code, lines of stdout, stderr."""
    typed = stdin.encode() if isinstance(stdin, str) else stdin
    command = [sys.executable, "-m", "realm", *words, "--data", str(data)]
    done = subprocess.run(command, input=typed, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode().splitlines(), done.stderr.decode()


def works(data: Path, *words: str, stdin: str | bytes = b"") -> list[str]:
    """What a command that works says."""
    code, lines, errors = operate(data, *words, stdin=stdin)
    assert (code, errors) == (0, ""), (lines, errors)
    return lines
