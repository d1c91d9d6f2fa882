"""What `user list` shows: a table for people, or JSON for programs."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from broker.lookups import printable
from schemas.operator import UserSeen

if TYPE_CHECKING:
    from rich.text import Text

PIPE_COLUMNS: Final = 1_000
"""In a pipe no line is broken."""
_DAY_MS: Final = 86_400_000
_AGES: Final = ((_DAY_MS, "d"), (3_600_000, "h"), (60_000, "min"))
_SIZES: Final = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_NONE: Final = "no accounts yet: people register, or `python -m realm user add NAME` makes one"


def to_json(user: UserSeen) -> str:
    """One line, as in `schemas.operator.UserSeen`. Times are in ms since 1970 UTC."""
    return msgspec.json.encode(user).decode()


def to_text(users: list[UserSeen], now: int) -> str:
    """Lines for people, in colours at a terminal and as wide as that is; `now` in ms."""
    if not users:
        return _NONE
    from rich.console import Console  # it takes as long to load as all the rest
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("user", overflow="ellipsis", no_wrap=True)
    table.add_column("name", overflow="ellipsis", no_wrap=True)
    table.add_column("country", overflow="ellipsis", no_wrap=True)
    for title, side in (("made", "left"), ("active", "left"), ("logins", "right"), ("files", "right")):
        table.add_column(title, justify="right" if side == "right" else "left", no_wrap=True, min_width=len(title))
    table.add_column("", no_wrap=True)
    for user in users:
        cells = [printable(user.username), printable(user.name), printable(user.country), _day(user.made_at)]
        if user.erased_at is not None:
            cells = [user.username, "-", "-", _day(user.made_at), "-", "-", "-"]
        else:
            cells += [_active(user, now), str(user.sessions), _size(user.file_bytes)]
        table.add_row(*cells, _state(user))
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _state(user: UserSeen) -> "Text":
    from rich.text import Text

    if user.erasing:
        return Text("being erased", "yellow")
    if user.erased_at is not None:
        return Text("erased", "dim")
    if user.disabled_at is not None:
        return Text("disabled, admin" if user.admin else "disabled", "red")
    return Text("admin", "green") if user.admin else Text("")


def _active(user: UserSeen, now: int) -> str:
    if user.active:
        return "now"
    if user.active_at <= user.made_at:
        return "never"
    for size, unit in _AGES:
        if now - user.active_at >= size:
            return f"{(now - user.active_at) // size} {unit} ago"
    return "just now"


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def _size(count: int) -> str:
    for size, unit in _SIZES:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return "0" if not count else f"{count} B"
