"""The part of a turn that can be replayed: decide inside one transaction, commit, apply. No sockets, no clock."""

from collections.abc import Sequence
from typing import Final

from realm.core import Core
from realm.due import when
from realm.effects import Effect, Note
from realm.inputs import Input
from realm.store.interface import Store, StoreFullError

TOLD_EVERY_MS: Final = 60_000


class Turns:
    """A core and its store, taking turns together."""

    def __init__(self, core: Core, store: Store) -> None:
        self._core = core
        self._store = store
        self._tell_full_at = 0

    def take(self, now: int, inputs: Sequence[Input]) -> list[Effect]:
        """Decide and commit; return what is now to be done.

        On a full disk nothing of the turn was stored: it is decided again, with every write refused, so that
        readers are served and writers are told. Raises StoreError where the store has failed otherwise.
        """
        told: list[Effect] = []
        try:
            with self._store.transaction() as tx:
                decision = self._core.decide(tx, now, inputs)
        except StoreFullError:
            if when(self._tell_full_at, now, TOLD_EVERY_MS) <= now:
                self._tell_full_at = now + TOLD_EVERY_MS
                told.append(Note("warning", "disk full", {"advice": "make room: until then the realm only reads"}))
            with self._store.transaction(writable=False) as tx:
                decision = self._core.decide(tx, now, inputs)
        self._core.apply(decision.changes)
        return decision.effects + told
