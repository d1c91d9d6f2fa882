"""What `user list` shows to people."""

import re
from typing import Any

import pytest

from realm.cli.user_table import to_json, to_text
from schemas.operator import UserSeen

NOW = 1_790_000_000_000
HOUR = 3_600_000


def user(username: str = "messi", **changes: Any) -> UserSeen:
    told = {
        "name": "Lionel Messi",
        "country": "Argentina",
        "admin": False,
        "made_at": NOW - 9 * 24 * HOUR,
        "active_at": NOW - 3 * HOUR,
        "active": False,
        "sessions": 2,
        "file_bytes": 0,
        "disabled_at": None,
        "erased_at": None,
        "erasing": False,
    }
    return UserSeen(username=username, **{**told, **changes})


def row(**changes: Any) -> list[str]:
    return to_text([user(**changes)], NOW).splitlines()[1].split()


def test_nobody() -> None:
    assert to_text([], NOW).startswith("no accounts yet")


def test_a_row() -> None:
    assert row() == ["messi", "Lionel", "Messi", "Argentina", "2026-09-12", "3", "h", "ago", "2", "0"]


@pytest.mark.parametrize(("ago", "said"), [(59 * 60_000, ["59", "min", "ago"]), (0, ["just", "now"])])
def test_when_one_was_active_is_said_in_full(ago: int, said: list[str]) -> None:
    assert row(active_at=NOW - ago)[5:-2] == said


@pytest.mark.parametrize(
    ("changes", "end"),
    [
        ({"admin": True}, "admin"),
        ({"disabled_at": 1}, "disabled"),
        ({"erased_at": 1}, "erased"),
        ({"erased_at": 1, "erasing": True}, "erasing"),
        ({"file_bytes": 4_096}, "KiB"),
        ({"file_bytes": 3 << 30}, "GiB"),
    ],
)
def test_what_a_row_ends_in(changes: dict[str, Any], end: str) -> None:
    assert row(**changes)[-1] == end


@pytest.mark.parametrize(
    ("changes", "shown"),
    [({"active": True}, "now"), ({"active_at": 0}, "never"), ({"active_at": NOW}, "just now")],
)
def test_when_somebody_was_active(changes: dict[str, Any], shown: str) -> None:
    assert shown in to_text([user(**changes)], NOW)


def test_a_terminal_of_80_columns_shows_the_whole_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    long = user("0123456789abcdef" * 2, name="梅西" * 32, country="x" * 64, disabled_at=1, file_bytes=999 << 20)
    lines = re.sub(r"\x1b\[[\d;]*m", "", to_text([long, user()], NOW)).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines] == ["user", "0123456789abcdef", "0123456789abcdef", "messi"]
    assert lines[1].endswith("disabled")


def test_json_has_everything() -> None:
    assert '"made_at":' in to_json(user())
