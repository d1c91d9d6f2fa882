"""What `peers` shows: a table for people, or JSON for programs."""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from broker.lookups import place, printable
from schemas.operator import PeerSeen, PeersSeen

if TYPE_CHECKING:
    from rich.text import Text

PIPE_COLUMNS: Final = 1_000
"""In a pipe no line is broken."""
_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))
_NONE: Final = (
    "no peers yet: `python -m realm accept STRING` adds one, by what `python -m realm invite` prints for its operator"
)


def to_json(seen: PeersSeen, *, running: bool) -> str:
    """One line: `running`, `realm`, `home`, and `peers` as in `schemas.operator.PeerSeen`. Times are in ms."""
    told = msgspec.to_builtins(seen)
    return json.dumps({"running": running, **{name: told[name] for name in ("realm", "home", "peers")}})


def to_text(seen: PeersSeen, now: int, *, running: bool) -> str:
    """Lines for people, in colours at a terminal and as wide as that is; `now` in ms."""
    head = f"{seen.realm}, which others reach at {seen.home}"
    if not running:
        head = f"{seen.realm} is not running: this is what its folder knows"
    return f"{head}\n{_table(seen.peers, now, running=running) if seen.peers else _NONE}"


def _table(peers: list[PeerSeen], now: int, *, running: bool) -> str:
    from rich.console import Console  # it takes as long to load as all the rest
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    restored = any(peer.restored_at is not None for peer in peers)
    for title in ("realm", "address", "queued", "oldest", "last contact", *["restore noticed"] * restored, "state"):
        table.add_column(title, justify="right" if title == "queued" else "left")
    for peer in peers:
        heard = "never" if peer.heard_at is None else f"{span(now - peer.heard_at)} ago"
        cells = [peer.realm, place(peer.address, peer.port), f"{peer.queued:,}"]
        cells += ["-" if peer.oldest is None else span(now - peer.oldest), heard if running else "-"]
        cells += ["-" if peer.restored_at is None else at(peer.restored_at, now)] * restored
        table.add_row(*cells, _state(peer, now, running=running))
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def _state(peer: PeerSeen, now: int, *, running: bool) -> "Text":
    from rich.text import Text

    if not running:
        return Text("-")
    if not peer.allowed:
        return Text("not spoken to: the settings say so", "yellow")
    if peer.down_since is not None:
        soon = "" if peer.next_try is None else f", next try in {span(max(0, peer.next_try - now))}"
        return Text(f"unreachable since {at(peer.down_since, now)}{soon}: {printable(peer.error)}", "red")
    if not peer.answers:
        return Text("not tried yet", "yellow")
    return Text("answers", "green") if peer.speaks else Text("answers, has not greeted us yet", "yellow")


def span(ms: int) -> str:
    """So long, roughly: in the largest unit of which there is one."""
    for size, unit in _UNITS:
        if ms >= size:
            return f"{ms // size} {unit}"
    return "0 s"


def at(ms: int, now: int) -> str:
    """The time of day here; with the date where that is another."""
    then, today = datetime.fromtimestamp(ms / 1000), datetime.fromtimestamp(now / 1000)
    return f"{then:%H:%M}" if then.date() == today.date() else f"{then:%Y-%m-%d %H:%M}"
