"""What `user list` shows: a table for people, or JSON for programs."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from broker.lookups import printable
from realm.amounts import shown_size, shown_span
from realm.cli import screen
from schemas.operator import UserSeen

if TYPE_CHECKING:
    from rich.text import Text

NAME_COLUMNS: Final = 16
"""So wide the names of users are at least; longer ones go on in a second line where there is no room."""
A_MINUTE_MS: Final = 60_000
_NONE: Final = "no accounts yet: people register, or `python -m realm user add NAME` makes one"


def to_json(user: UserSeen) -> str:
    """One line, as in `schemas.operator.UserSeen`. Times are in ms since 1970 UTC."""
    return msgspec.json.encode(user).decode()


def to_text(users: list[UserSeen], now: int) -> str:
    """Lines for people; `now` in ms."""
    if not users:
        return _NONE
    console = screen.console()
    states = [_state(user) for user in users]
    table = screen.table(heads=True, gap=1)
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
            cells += [_active(user, now), str(user.sessions), shown_size(user.file_bytes) if user.file_bytes else "0"]
        table.add_row(*cells, state)
    return screen.drawn(console, table)


def _widths(users: list[UserSeen], room: int, active: int, state: int) -> dict[str, int]:
    """The columns and how wide each is; rich itself would take from those first that must not be cut."""
    from rich.cells import cell_len

    fixed = {"made": 10, "active": active, "logins": 6, "files": 10, "": state}
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
    ago = now - user.active_at
    return "just now" if ago < A_MINUTE_MS else f"{shown_span(ago)} ago"


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"
