"""Conversations and who takes part in them, as rows of SQLite."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from realm.store.rows import Standing
from realm.store.writing import Writing
from schemas.entries import CHAIN_START
from schemas.names import ConversationId

_HEADS_KEPT: Final = 100_000
_IN_ONE_MS_BITS: Final = 12

_STANDING: Final = "p.conversation, c.first, c.head, c.latest, p.inbox, p.read"
_STANDINGS: Final = (
    f"SELECT {_STANDING} FROM participants p JOIN conversations c ON c.id = p.conversation_id WHERE p.account = ?"
)


@dataclass(slots=True)
class Head:
    """Where a conversation ends; remembered, so that an append need not look it up."""

    id: int
    seq: int
    chain: bytes


class ConversationRows(Writing):
    """The part of `Tx` about conversations and how each user stands in them."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._heads: dict[str, Head] = {}
        self._latest = 0

    def open_conversation(self, conversation: ConversationId, accounts: Sequence[int], now: int) -> None:
        """See `Tx.open_conversation`."""
        if self._head(conversation) is not None:
            return
        new = self._write(
            "INSERT INTO conversations (name, chain, latest) VALUES (?, ?, ?) RETURNING id",
            (conversation, CHAIN_START, self._order(now)),
        ).fetchone()[0]
        for account in accounts:
            self._write(
                "INSERT INTO participants (account, conversation, conversation_id, inbox, read, joined)"
                " VALUES (?, ?, ?, 0, 0, 0)",
                (account, conversation, new),
            )

    def standing(self, account: int, conversation: ConversationId) -> Standing | None:
        """See `Tx.standing`."""
        row = self._read(f"{_STANDINGS} AND p.conversation = ?", (account, conversation)).fetchone()
        return Standing(*row) if row else None

    def standings_latest(self, account: int, before: tuple[int, str] | None, limit: int) -> list[Standing]:
        """See `Tx.standings_latest`."""
        latest, name = before or (1 << 62, "")
        return self._standings(
            "AND (c.latest, c.name) < (?, ?) ORDER BY c.latest DESC, c.name DESC LIMIT ?",
            (account, latest, name, limit),
        )

    def standings_named(self, account: int, after: str, limit: int) -> list[Standing]:
        """See `Tx.standings_named`."""
        return self._standings("AND p.conversation > ? ORDER BY p.conversation LIMIT ?", (account, after, limit))

    def standings_unfetched(self, account: int, limit: int) -> list[Standing]:
        """See `Tx.standings_unfetched`."""
        return self._standings("AND p.inbox < c.head ORDER BY p.conversation LIMIT ?", (account, limit))

    def total(self, account: int) -> int:
        """See `Tx.total`."""
        row = self._read(
            "SELECT a.left_total + (SELECT coalesce(sum(c.head), 0) FROM participants p"
            " JOIN conversations c ON c.id = p.conversation_id WHERE p.account = a.id)"
            " FROM accounts a WHERE a.id = ?",
            (account,),
        ).fetchone()
        return int(row[0])

    def move_inbox(self, account: int, conversation: ConversationId, seq: int) -> None:
        """See `Tx.move_inbox`."""
        self._write(
            "UPDATE participants SET inbox = ? WHERE account = ? AND conversation = ?",
            (seq, account, conversation),
        )

    def move_read(self, account: int, conversation: ConversationId, seq: int) -> None:
        """See `Tx.move_read`."""
        self._write(
            "UPDATE participants SET read = ? WHERE account = ? AND conversation = ?",
            (seq, account, conversation),
        )

    def _standings(self, rest: str, values: tuple[Any, ...]) -> list[Standing]:
        return [Standing(*row) for row in self._read(f"{_STANDINGS} {rest}", values)]

    def _head(self, conversation: ConversationId) -> Head | None:
        head = self._heads.get(conversation)
        if head is None:
            # Of a conversation that is not remembered no entry is late.
            row = self._execute("SELECT id, head, chain FROM conversations WHERE name = ?", (conversation,)).fetchone()
            if row is None:
                return None
            if len(self._heads) >= _HEADS_KEPT:
                self._catch_up()
                self._heads.clear()
            head = self._heads[conversation] = Head(*row)
        return head

    def forget(self) -> None:
        """See `Writing.forget`."""
        super().forget()
        self._heads.clear()
        self._latest = 0

    def _order(self, now: int) -> int:
        """By what conversations are listed, the latest first: when, and what came after what within one ms."""
        self._latest = max(now << _IN_ONE_MS_BITS, self._latest + 1)
        return self._latest
