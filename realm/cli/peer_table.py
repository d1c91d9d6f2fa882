"""What `peers` shows: a table for people, or JSON for programs."""

import json
from typing import TYPE_CHECKING, Final

import msgspec

from broker.lookups import place, printable
from realm.amounts import shown_span
from realm.cli import screen
from realm.cli.screen import at
from schemas.operator import PeerSeen, PeersSeen

if TYPE_CHECKING:
    from rich.text import Text

_NONE: Final = (
    "no peers yet: `python -m realm accept STRING` adds one, by what `python -m realm invite` prints for its operator"
)


def to_json(seen: PeersSeen, *, running: bool) -> str:
    """One line: `running`, `realm`, `home`, and `peers` as in `schemas.operator.PeerSeen`. Times are in ms."""
    told = msgspec.to_builtins(seen)
    return json.dumps({"running": running, **{name: told[name] for name in ("realm", "home", "peers")}})


def to_text(seen: PeersSeen, now: int, *, running: bool) -> str:
    """Lines for people; `now` in ms."""
    head = f"{seen.realm}, which others reach at {seen.home}"
    if not running:
        head = f"{seen.realm} is not running: this is what its folder knows"
    return f"{head}\n{_table(seen.peers, now, running=running) if seen.peers else _NONE}"


def _table(peers: list[PeerSeen], now: int, *, running: bool) -> str:
    table = screen.table(heads=True)
    restored = any(peer.restored_at is not None for peer in peers)
    for title in ("realm", "address", "queued", "oldest", "last contact", *["restore noticed"] * restored, "state"):
        table.add_column(title, justify="right" if title == "queued" else "left")
    for peer in peers:
        heard = "never" if peer.heard_at is None else f"{shown_span(now - peer.heard_at)} ago"
        cells = [peer.realm, place(peer.address, peer.port), f"{peer.queued:,}"]
        cells += ["-" if peer.oldest is None else shown_span(now - peer.oldest), heard if running else "-"]
        cells += ["-" if peer.restored_at is None else at(peer.restored_at, now)] * restored
        table.add_row(*cells, state(peer, now, running=running))
    return screen.drawn(screen.console(), table)


def state(peer: PeerSeen, now: int, *, running: bool) -> "Text":
    """How the link to it fares, in a few words and the last error; `now` in ms."""
    from rich.text import Text

    if not running:
        return Text("-")
    if not peer.allowed:
        return Text("not spoken to: the settings say so", "yellow")
    if peer.down_since is not None:
        soon = "" if peer.next_try is None else f", next try in {shown_span(max(0, peer.next_try - now))}"
        return Text(f"unreachable since {at(peer.down_since, now)}{soon}: {printable(peer.error)}", "red")
    if not peer.answers:
        return Text("not tried yet", "yellow")
    return Text("answers", "green") if peer.speaks else Text("answers, has not greeted us yet", "yellow")
