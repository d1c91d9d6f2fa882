"""Where a command line shows what it has to say: lines for people, or JSON for programs."""

import json
import re
import sys
from typing import Any, Final, Protocol

import msgspec

from client.errors import AnswerError, ClientError, UsageError
from client.harmless import is_harmful
from client.present import Find, answer_text, error_text, event_text, unknown
from client.session import Event, Login, SessionEnded
from schemas.answers import Answer
from schemas.events import Delivered

_NOT_ASCII: Final = re.compile(r"[^ -~]")


class Output(Protocol):
    """Two forms of the same: `TextOutput` and `JsonOutput`. `find` knows what the user has said before."""

    def answer(self, command: str, answer: Answer, login: Login | None, find: Find = unknown) -> None:
        """A command has worked."""

    def error(self, command: str | None, error: ClientError) -> None:
        """A command has not, or a line is none."""

    def event(self, event: Event, login: Login | None, find: Find = unknown) -> None:
        """The realm has pushed something."""

    def note(self, text: str) -> None:
        """A word to the person at the terminal; programs are not told."""


class TextOutput:
    """For people: answers, error answers and pushes on stdout; wrong lines and failures on stderr.

    That what was queued has been delivered is told only at a prompt, where somebody waits for it.
    """

    def __init__(self, *, at_prompt: bool = False) -> None:
        self._at_prompt = at_prompt

    def answer(self, command: str, answer: Answer, login: Login | None, find: Find = unknown) -> None:  # noqa: ARG002
        """The contract's text, or readable lines."""
        _say(answer_text(answer, login, find))

    def error(self, command: str | None, error: ClientError) -> None:  # noqa: ARG002
        """An error answer on stdout, anything else on stderr."""
        if isinstance(error, AnswerError):
            _say(error_text(error))
        else:
            sys.stdout.flush()
            complain(error)

    def event(self, event: Event, login: Login | None, find: Find = unknown) -> None:
        """A line that shows that nobody here asked for it."""
        if isinstance(event, Delivered) and not self._at_prompt:
            return
        if text := event_text(event, login, find):
            _say(text)

    def note(self, text: str) -> None:
        """As it is."""
        _say(text)


class JsonOutput:
    """For programs: a JSON object a line. An answer has `status` and `cmd`, an event has `event`.

    Bytes are base64. A wrong line, or a failure on this side, has `status: "ERROR"` and a `code` of its own.
    """

    def answer(self, command: str, answer: Answer, login: Login | None, find: Find = unknown) -> None:  # noqa: ARG002
        """The answer, with its command."""
        _say(to_json({"cmd": command, **_plain(answer)}))

    def error(self, command: str | None, error: ClientError) -> None:
        """The error answer, or one in its form."""
        if isinstance(error, AnswerError):
            told = _plain(error.answer)
        else:
            told = {"id": None, "status": "ERROR", "code": error.kind, "message": str(error)}
        _say(to_json({"cmd": command, **told}))

    def event(self, event: Event, login: Login | None, find: Find = unknown) -> None:  # noqa: ARG002
        """The event."""
        told = {"event": "session_ended", "user": event.user} if isinstance(event, SessionEnded) else _plain(event)
        _say(to_json(told))

    def note(self, text: str) -> None:
        """Nothing: this is for people."""


def complain(error: ClientError) -> None:
    """One sentence on stderr."""
    start = "" if isinstance(error, UsageError) else "bagan: "
    sys.stderr.write(f"{start}{error_text(error)}\n")
    sys.stderr.flush()


def to_json(content: dict[str, Any]) -> str:
    """One line of JSON in which nothing can harm a terminal: such characters are escaped, as JSON allows."""
    return _NOT_ASCII.sub(_escape, json.dumps(content, ensure_ascii=False))


def use_utf8() -> None:
    """Whatever the locale says, a pipe carries UTF-8; a terminal shows what it cannot show as an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace", **({} if stream.isatty() else {"encoding": "utf-8"}))


def _plain(content: object) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(content))
    return told


def _escape(found: "re.Match[str]") -> str:
    character = found[0]
    if not is_harmful(character):
        return character
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]  # json leaves DEL as it is


def _say(text: str) -> None:
    """On stdout as it is at this moment: at a prompt, that is what puts lines above it."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
