"""What memory is at the start: who is logged in and active, uploads under way, peers and their links."""

from typing import Final

from realm import uploads
from realm.context import Rules
from realm.federation import link
from realm.federation.admission import is_allowed
from realm.federation.state import Link
from realm.memory import Memory, Started
from realm.session import Session
from realm.store.interface import Tx
from schemas.limits import ACTIVE_MS

_PAGE: Final = 1_000


def load(memory: Memory, rules: Rules, tx: Tx, now: int) -> None:
    """Fill an empty memory from the rows; what is left to erase is due at once."""
    _sessions(memory, rules, tx, now)
    _active(memory, tx, now)
    for state in uploads.unfinished(tx):
        memory.apply(state)
    _peers(memory, rules, tx, now)
    if tx.erasing(1):
        rules.erasing.due = now


def _sessions(memory: Memory, rules: Rules, tx: Tx, now: int) -> None:
    burst = rules.settings.limits.session_burst
    last = 0
    while rows := tx.sessions(last, _PAGE):
        for row in rows:
            memory.apply(Started(Session(row, rules.realm, burst, now)))
        last = rows[-1].id


def _active(memory: Memory, tx: Tx, now: int) -> None:
    last = 0
    while active := tx.active_accounts(now, last, _PAGE):
        memory.active.update((one.name, one.until) for one in active if one.until <= now + ACTIVE_MS)
        last = active[-1].account


def _peers(memory: Memory, rules: Rules, tx: Tx, now: int) -> None:
    last = 0
    while peers := tx.peers(last, _PAGE):
        for peer in peers:
            memory.apply(peer)
            if peer.forgotten_at is not None or is_allowed(rules.settings, peer):
                memory.apply(Link(peer.id, due=now))
            else:
                memory.apply(link.barred(peer.id))
        last = peers[-1].id
