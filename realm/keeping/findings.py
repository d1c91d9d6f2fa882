"""What was found where somebody looked: each in a sentence, and where it is not well, what to do."""

from typing import Literal

import msgspec

Level = Literal["ok", "warning", "problem"]


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    about: str
    level: Level
    said: str
    advice: str = ""

    @property
    def sentence(self) -> str:
        """Both in one."""
        return f"{self.said}: {self.advice}" if self.advice else self.said


def ok(about: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding(about, "ok", said)


def warning(about: str, said: str, advice: str) -> Finding:
    """It goes on, but somebody should know."""
    return Finding(about, "warning", said, advice)


def problem(about: str, said: str, advice: str) -> Finding:
    """It does not work, or something is lost."""
    return Finding(about, "problem", said, advice)


def failed(about: str, error: Exception, otherwise: str = "see its log") -> Finding:
    """An error whose message is `what: what to do`, as ours are; or has another advice."""
    said, _, advice = str(error).partition(": ")
    return problem(about, said, advice or otherwise)
