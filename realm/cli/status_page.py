"""What `status` shows: one screen for people, or JSON for programs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from broker.lookups import place, printable
from broker.machine import Disk, connections_of, disk_of, memory_of
from realm.amounts import counted, shown_size, shown_span
from realm.cli import peer_table, screen
from realm.cli.screen import at
from schemas.figures import Served, Spread
from schemas.keys import fingerprint
from schemas.operator import FiguresSeen

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

LOW: Final = 0.1
"""A disk with less than this part free, or"""
LOW_BYTES: Final = 2 << 30
"""less than this, is shown in red."""
QUANTILE: Final = 0.99
OUR_LINES: Final = 5
"""Besides facts and peers: the first, what is blank, the head of the table, and where one types."""


class Seen(NamedTuple):
    """What is known of a realm."""

    figures: FiguresSeen
    folder: Path
    settings: Path | None
    disk: Disk | None
    memory: int | None
    connections: dict[int, int] | None

    @classmethod
    def of(cls, figures: FiguresSeen, folder: Path, settings: Path | None) -> "Seen":
        """What the system says, too."""
        served = figures.served
        if served is None:
            return cls(figures, folder, settings, disk_of(folder), None, None)
        path = Path(served.settings) if served.settings else None
        ports = (served.door, served.commands, served.push)
        connections = connections_of(served.pid, ports)
        return cls(figures, folder, path, disk_of(folder), memory_of(served.pid), connections)


def to_json(seen: Seen) -> str:
    """One line: `running`, what `schemas.operator.FiguresSeen` has, and what the system says. Times are in ms."""
    told = msgspec.to_builtins(seen.figures)
    served = seen.figures.served
    for spare in ("id", "status"):
        del told[spare]
    ports = {} if served is None else {served.door: "door", served.commands: "commands", served.push: "push"}
    told |= {
        "running": served is not None,
        "fingerprint": fingerprint(seen.figures.key),
        "folder": str(seen.folder),
        "settings": None if seen.settings is None else str(seen.settings),
        "disk": None if seen.disk is None else seen.disk._asdict(),
        "memory": seen.memory,
        "connections": {ports[port]: count for port, count in (seen.connections or {}).items()},
    }
    return json.dumps(told)


def page(seen: Seen, lines: int) -> "RenderableType":
    """One screen of so many lines; further peers are counted."""
    from rich.console import Group
    from rich.text import Text

    figures, served = seen.figures, seen.figures.served
    head = Text().append(figures.realm, "bold")
    if served is None:
        head.append("  is not running: this is what its folder knows", "yellow")
    else:
        up = shown_span(max(0, figures.now - served.started_at))
        head.append("  runs", "green")
        head.append(f" since {at(served.started_at, figures.now)} ({up}), Bagan {served.version}, process {served.pid}")
    facts = _facts(seen) if served is None else [*_facts(seen), *_work(seen, served)]
    return Group(head, Text(), _columns(facts), Text(), _peers(figures, max(2, lines - OUR_LINES - len(facts))))


Fact = tuple[str, "Text | str"]


def _facts(seen: Seen) -> list[Fact]:
    figures, served = seen.figures, seen.figures.served
    found: list[Fact] = [("fingerprint", fingerprint(figures.key))]
    if served is not None:
        door = place(served.host, served.door)
        figures_at = f", figures {served.figures}" if served.figures else ""
        found.append(("listens at", f"{door}, commands {served.commands}, push {served.push}{figures_at}"))
        if figures.home != door:
            found.append(("reached at", figures.home))
    found.append(
        (
            "settings",
            "the defaults (`python -m realm init` writes a file)" if seen.settings is None else str(seen.settings),
        )
    )
    found.append(("folder", str(seen.folder.absolute())))
    if served is not None:
        found.append(("people", f"{counted(figures.active, 'user')} active, {counted(figures.sessions, 'session')}"))
        found.append(("messages", f"{served.last_minute:,} in the last minute, {served.last_hour:,} in the last hour"))
    else:
        found.append(("people", counted(figures.sessions, "session")))
    held = f"{shown_size(figures.file_bytes)} of {shown_size(figures.file_room)}"
    found.append(("files", f"{held}, {counted(figures.uploads, 'upload')} under way" if served else held))
    found.append(("disk", _disk(seen.disk)))
    return found


def _work(seen: Seen, served: Served) -> list[Fact]:
    from rich.text import Text

    memory = "unknown" if seen.memory is None else shown_size(seen.memory)
    if seen.connections is not None:
        commands, push = seen.connections[served.commands], seen.connections[served.push]
        memory += f"; connections: {commands:,} for commands, {push:,} for push"
    waiting = sum(pool.waiting for pool in served.pools)
    running = sum(pool.running for pool in served.pools)
    dropped = ", ".join(f"{count:,} {what}" for what, count in served.dropped.items() if count)
    errors: dict[str, int] = {}
    for one in served.replied:
        if one.code:
            errors[one.code] = errors.get(one.code, 0) + one.count
    told = ", ".join(f"{code} {count:,}" for code, count in sorted(errors.items(), key=lambda one: -one[1]))
    incidents = Text("none", "green")
    if served.failed:
        incidents = Text(f"{served.failed:,}: look for 'internal error' in the log", "red")
    return [
        ("memory", memory),
        ("turns", f"{_within(served.turns)}; commits {_within(served.commits)}"),
        ("jobs", f"{running:,} at work, {waiting:,} waiting"),
        ("dropped", dropped or "nothing"),
        ("refused", told or "nothing"),
        ("incidents", incidents),
    ]


def _columns(facts: list[Fact]) -> "Table":
    table = screen.table(heads=False)
    table.add_column(style="dim", no_wrap=True, min_width=max(len(name) for name, _ in facts))
    table.add_column(no_wrap=True, overflow="ellipsis")
    for name, value in facts:
        table.add_row(name, printable(value) if isinstance(value, str) else value)
    return table


def _peers(figures: FiguresSeen, most: int) -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    if not figures.peers:
        return Text("no peers", "dim")
    running = figures.served is not None
    worst = sorted(figures.peers, key=lambda peer: (peer.answers or not peer.allowed, -peer.queued))
    shown = worst if len(worst) <= most else worst[: most - 1]
    table = screen.table(heads=True)
    table.add_column("peer", no_wrap=True, min_width=max(4, *(len(peer.realm) for peer in shown)))
    table.add_column(
        "queued", no_wrap=True, min_width=max(6, *(len(f"{peer.queued:,}") for peer in shown)), justify="right"
    )
    table.add_column("oldest", no_wrap=True, min_width=6)
    table.add_column("state", no_wrap=True, overflow="ellipsis")
    for peer in shown:
        oldest = "-" if peer.oldest is None else shown_span(figures.now - peer.oldest)
        table.add_row(peer.realm, f"{peer.queued:,}", oldest, peer_table.state(peer, figures.now, running=running))
    if len(shown) == len(worst):
        return table
    return Group(table, Text(f"and {len(worst) - len(shown):,} more: python -m realm peers", "dim"))


def _disk(disk: Disk | None) -> "Text | str":
    from rich.text import Text

    if disk is None:
        return "unknown"
    low = disk.free < max(LOW_BYTES, LOW * disk.size)
    text = Text(f"database {shown_size(disk.database)}; ")
    text.append(f"{shown_size(disk.free)} of {shown_size(disk.size)} free", "red" if low else "")
    return text


def _within(spread: Spread) -> str:
    """In which time nearly all were done."""
    count = sum(spread.counts)
    if not count:
        return "none yet"
    so_far = 0
    for bound, one in zip(spread.bounds, spread.counts, strict=False):
        so_far += one
        if so_far >= QUANTILE * count:
            return f"99 % within {bound * 1000:g} ms"
    return f"1 % above {spread.bounds[-1] * 1000:g} ms"
