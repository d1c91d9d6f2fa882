"""What `status` shows: that it fits on a screen, whatever there is to tell."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from broker.machine import Disk
from realm.cli.status_page import Seen, page, to_json
from schemas.figures import PoolSeen, Replied, Served, Spread
from schemas.operator import FiguresSeen, PeerSeen

DISK = Disk(5_000_000, 80 << 30, 100 << 30)
NOW = 1_790_000_000_000
SPREAD = Spread([0.001, 0.01, 0.1], [90, 8, 2, 0], 1.0)
SERVED = Served(
    version="0.1.0",
    libzmq="4.3.5",
    pid=4711,
    started_at=NOW - 7_300_000,
    host="0.0.0.0",
    door=8889,
    commands=8890,
    push=8891,
    figures=0,
    settings="/srv/bagan/settings.toml",
    replied=[Replied("send", "", 7), Replied("send", "user_not_found", 3), Replied("", "bad_request", 5)],
    last_minute=12,
    last_hour=3_456,
    turns=SPREAD,
    inputs=SPREAD,
    commits=Spread([1], [0, 0], 0),
    pushed=5,
    dropped={"front door": 0, "pushes that nobody took": 3},
    failed=0,
    bytes_in=0,
    bytes_out=0,
    pools=[PoolSeen("hash", 2, 1), PoolSeen("file", 1, 1)],
)
FIGURES = FiguresSeen(
    id=1,
    realm="kampus",
    key="0" * 40,
    home="chat.example.org:8889",
    now=NOW,
    sessions=1,
    active=1,
    file_bytes=1_234_567,
    file_room=50 << 30,
    uploads=1,
    moving=0,
    peers=[],
    served=SERVED,
)


def peer(name: str, **told: Any) -> PeerSeen:
    known: dict[str, Any] = {"realm": name, "address": "a", "port": 1, "key": "", "answers": True, "allowed": True}
    known |= {"speaks": True, "queued": 0, "oldest": None, "heard_at": NOW, "down_since": None, "next_try": None}
    return PeerSeen(**known | {"error": "", "restored_at": None} | told)


def shown(figures: FiguresSeen = FIGURES, disk: Disk = DISK) -> list[str]:
    """The lines of a screen of 80 columns and 24 lines."""
    seen = Seen(figures, Path("/srv/bagan"), Path("/srv/bagan/settings.toml"), disk, 58_000_000, {8890: 14, 8891: 9})
    out = io.StringIO()
    console = Console(file=out, width=80, height=24, highlight=False, color_system=None)
    console.print(page(seen, 24))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_realm_that_runs() -> None:
    assert [line for line in shown() if not line.startswith(("fingerprint", "kampus"))] == [
        "",
        "listens at   0.0.0.0:8889, commands 8890, push 8891",
        "reached at   chat.example.org:8889",
        "settings     /srv/bagan/settings.toml",
        "folder       /srv/bagan",
        "people       1 user active, 1 session",
        "messages     12 in the last minute, 3,456 in the last hour",
        "files        1.2 MiB of 50.0 GiB, 1 upload under way",
        "disk         database 4.8 MiB; 80.0 GiB of 100.0 GiB free",
        "memory       55.3 MiB; connections: 14 for commands, 9 for push",
        "turns        99 % within 100 ms; commits none yet",
        "jobs         2 at work, 3 waiting",
        "dropped      3 pushes that nobody took",
        "refused      bad_request 5, user_not_found 3",
        "incidents    none",
        "",
        "no peers",
    ]
    assert shown()[0].startswith("kampus  runs since ")
    assert shown()[0].endswith(" (2 h), Bagan 0.1.0, process 4711")


def test_a_realm_that_does_not_run() -> None:
    lines = shown(replace(FIGURES, served=None, home="", peers=[peer("pusat", queued=7)]))
    assert lines[0] == "kampus  is not running: this is what its folder knows"
    assert lines[-1].split() == ["pusat", "7", "-", "-"]


@pytest.mark.parametrize("harm", ["x" * 300, "\x1b[31m", "[red]", "\n\n\n", "\u202e"])
def test_it_fits_and_what_others_say_does_nothing(harm: str) -> None:
    """Those with trouble come first, and the rest is counted."""
    peers = [peer(f"well-{n}") for n in range(30)]
    peers += [peer("barred", allowed=False, answers=False)]
    peers += [peer("down", answers=False, down_since=NOW - 90_000, error=harm, queued=3, oldest=NOW - 61_000)]
    served = replace(SERVED, settings=harm, failed=2, replied=[Replied("x", f"code{n}", n + 1) for n in range(40)])
    lines = shown(replace(FIGURES, peers=peers, served=served, home=harm))
    assert len(lines) <= 23, "and one to type in"
    assert max(map(len, lines)) <= 80
    table = next(n for n, line in enumerate(lines) if line.startswith("peer "))
    assert lines[table + 1].startswith("down ")
    assert " 1 min   unreachable since " in lines[table + 1]
    assert lines[-1].startswith("and ")
    assert lines[-1].endswith(" more: python -m realm peers")
    assert all(line.isprintable() for line in lines)
    assert any("2: look for 'internal error' in the log" in line for line in lines)


def test_json() -> None:
    seen = Seen(FIGURES, Path("/srv/bagan"), None, None, None, None)
    told = json.loads(to_json(seen))
    assert told["running"]
    assert told["fingerprint"].startswith("SHA256:")
    assert (told["settings"], told["disk"], told["connections"]) == (None, None, {})
    assert told["served"]["last_hour"] == 3_456
