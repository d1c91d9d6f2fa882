"""Where the log goes: standard error, as readable lines or as one JSON object a line.

Each line is an event and fields. What users say, their passwords, tokens and keys' secrets are in none of them.
"""

import sys
import threading
from typing import Any, Final, TextIO, cast

import structlog

from realm.incident import trace
from realm.settings import Log

_LEVELS: Final = ("info", "warning", "error")
_log: Final = structlog.get_logger()


class Forgiving:
    """A stream whose reader may go, or whose disk may fill: what cannot be written is lost, and nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0
        """How many writes failed."""

    def write(self, text: str) -> int:
        """Write, if that can be done."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            self.lost += 1
            return 0

    def flush(self) -> None:
        """Flush, if that can be done."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self.lost += 1


class _Form:
    """The last two steps of every line: whether it is one, and what it looks like. May change at any time."""

    def __init__(self) -> None:
        self._json = structlog.processors.JSONRenderer()
        self._readable = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        self.rules = Log()

    def __call__(self, logger: Any, name: str, line: structlog.types.EventDict) -> str | bytes:
        """Raises DropEvent where the line is not wanted."""
        if _LEVELS.index(name) < _LEVELS.index(self.rules.level):
            raise structlog.DropEvent
        if self.rules.format == "json":
            return self._json(logger, name, line)
        return self._readable(logger, name, {key: _plain(value) for key, value in line.items()})


_form: Final = _Form()


def configure(rules: Log) -> None:
    """Set up the log of this process."""
    adopt(rules)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _form,
        ],
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Forgiving(sys.stderr))),
        cache_logger_on_first_use=True,
    )


def adopt(rules: Log) -> None:
    """Go by other settings from now on."""
    _form.rules = rules


def catch_unforeseen() -> None:
    """Have whatever ends this process, or a thread of it, logged as one line; its own text may quote what was said."""

    def unforeseen(error: BaseException | None, where: str) -> None:
        if error is not None:
            _log.error("unforeseen", where=where, at=trace(error))

    sys.excepthook = lambda _kind, error, _trace: unforeseen(error, "main")
    threading.excepthook = lambda args: unforeseen(args.exc_value, args.thread.name if args.thread else "")
    sys.unraisablehook = lambda args: unforeseen(args.exc_value, "unraisable")


def _plain(value: Any) -> Any:
    """A text of others so that it can do nothing to a terminal."""
    if isinstance(value, str) and not value.isprintable():
        return value.encode("unicode_escape").decode()
    return value
