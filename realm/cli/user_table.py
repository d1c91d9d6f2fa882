"""What `user list` shows: a table for people, or JSON for programs."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from broker.lookups import printable
from schemas.operator import UserSeen

if TYPE_CHECKING:
    from rich.text import Text

NAME_COLUMNS: Final = 16
"""So wide the names of users are at least; longer ones go on in a second line where there is no room."""
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
    states = [_state(user) for user in users]
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    active = max(6, *(len(_active(user, now)) for user in users if user.erased_at is None), 0)
    for title, width in _widths(users, console.width, active, max(len(state) for state in states)).items():
        # A name that is said to other commands is never cut short; what is only shown may be.
        how: Literal["fold", "ellipsis"] = "fold" if title == "user" else "ellipsis"
        side: Literal["right", "left"] = "right" if title in ("logins", "files") else "left"
        table.add_column(title, width=width, overflow=how, no_wrap=how == "ellipsis", justify=side)
    for user, state in zip(users, states, strict=True):
        cells = [printable(user.username), printable(user.name), printable(user.country), _day(user.made_at)]
        if user.erased_at is not None:
            cells = [user.username, "-", "-", _day(user.made_at), "-", "-", "-"]
        else:
            cells += [_active(user, now), str(user.sessions), _size(user.file_bytes)]
        table.add_row(*cells, state)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _widths(users: list[UserSeen], room: int, active: int, state: int) -> dict[str, int]:
    """The columns and how wide each is; rich itself would take from those first that must not be cut."""
    from rich.cells import cell_len

    fixed = {"made": 10, "active": active, "logins": 6, "files": 9, "": state}
    longest = {
        "user": max(4, *(len(user.username) for user in users)),
        "name": max(6, *(cell_len(user.name) for user in users)),
        "country": max(7, *(cell_len(user.country) for user in users)),
    }
    left = room - sum(fixed.values()) - len(fixed) - len(longest)
    user = min(longest["user"], max(NAME_COLUMNS, left - longest["name"] - longest["country"]))
    country = min(longest["country"], max(7, (left - user) // 3, left - user - longest["name"]))
    name = min(longest["name"], max(6, left - user - country))
    return {"user": user, "name": name, "country": country, **fixed}


def _state(user: UserSeen) -> "Text":
    from rich.text import Text

    if user.erasing:
        return Text("erasing", "yellow")
    if user.erased_at is not None:
        return Text("erased", "dim")
    if user.disabled_at is not None:
        return Text("disabled", "red")
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
