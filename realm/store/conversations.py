"""Conversations, who takes part in them, and their entries, as rows of SQLite."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from msgspec import UNSET

from realm.store.rows import Draft, EntryPage, Received, Standing
from realm.store.writing import Row, Writing
from schemas.entries import CHAIN_START, Entry, link, size, text_body
from schemas.names import ConversationId

_NUMBER_BITS: Final = 32
_NUMBER: Final = (1 << _NUMBER_BITS) - 1
_HEADS_KEPT: Final = 100_000
_IN_ONE_MS_BITS: Final = 12

_ENTRY: Final = "place, id, sender, display, sent_at, kind, salt, chain, message"
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


def _place(conversation: int, seq: int) -> int:
    return conversation << _NUMBER_BITS | seq


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

    def _order(self, now: int) -> int:
        """By what conversations are listed, the latest first: when, and what came after what within one ms."""
        self._latest = max(now << _IN_ONE_MS_BITS, self._latest + 1)
        return self._latest


class EntryRows(ConversationRows):
    """The part of `Tx` about what was said."""

    def append(self, to: ConversationId, draft: Draft) -> Entry:
        """See `Tx.append`."""
        if not draft.drawn and (first := self.sent(draft.sender, draft.id)):
            return first
        head = self._head(to)
        if head is None:
            raise KeyError(to)
        seq = head.seq + 1
        body = text_body(draft.salt, draft.message)
        chain = link(head.chain, to, seq, draft.id, draft.sender, draft.sent_at, "text", body)
        place = _place(head.id, seq)
        row = (place, draft.id, draft.sender, draft.display, draft.sent_at, "text", draft.salt, chain, draft.message)
        self._write_late((draft.id, draft.sender), row)
        head.seq, head.chain = seq, chain
        return Entry(
            conversation=to,
            seq=seq,
            id=draft.id,
            sender=draft.sender,
            name=draft.display,
            sent_at=draft.sent_at,
            kind="text",
            chain=chain,
            salt=draft.salt,
            message=draft.message,
        )

    def _put(self, rows: list[Row]) -> None:
        """See `Writing._put`: the entries, and where their conversations end now."""
        self._connection.executemany(f"INSERT INTO entries ({_ENTRY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        ends = {row[0] >> _NUMBER_BITS: (row[0] & _NUMBER, row[7], self._order(row[4])) for row in rows}
        self._connection.executemany(
            "UPDATE conversations SET head = ?, chain = ?, latest = ? WHERE id = ?",
            [(*end, conversation) for conversation, end in ends.items()],
        )

    def history(
        self,
        of: ConversationId,
        *,
        limit: int,
        max_bytes: int,
        after: int | None = None,
        before: int | None = None,
    ) -> EntryPage:
        """See `Tx.history`."""
        head = self._head(of)
        if head is None:
            return EntryPage([], more=False)
        low, high = 0, _NUMBER
        if after is not None:
            low = min(after, _NUMBER)
        elif before is not None:
            high = min(before, _NUMBER)
        rows = self._read(
            f"SELECT {_ENTRY} FROM entries WHERE place > ? AND place < ?"
            f" ORDER BY place {'DESC' if after is None else 'ASC'} LIMIT ?",
            (_place(head.id, low), _place(head.id, high), limit + 1),
        )
        entries: list[Entry] = []
        taken = 0
        more = False
        for row in rows:
            entry = _entry(of, row)
            taken += size(entry)
            if entries and (len(entries) == limit or taken > max_bytes):
                more = True
                break
            entries.append(entry)
        if after is None:
            entries.reverse()
        return EntryPage(entries, more, taken)

    def received(self, of: ConversationId, own: str, *, after: int, limit: int, max_bytes: int, scan: int) -> Received:
        """See `Tx.received`."""
        head = self._head(of)
        if head is None:
            return Received([], after, 0)
        rows = self._read(
            f"SELECT {_ENTRY} FROM (SELECT {_ENTRY} FROM entries WHERE place > ? AND place < ? ORDER BY place LIMIT ?)"
            " WHERE sender <> ? ORDER BY place LIMIT ?",
            (_place(head.id, after), _place(head.id + 1, 0), scan, own, limit + 1),
        )
        entries: list[Entry] = []
        taken = 0
        for row in rows:
            entry = _entry(of, row)
            weight = size(entry)
            if len(entries) == limit or (entries and taken + weight > max_bytes):
                return Received(entries, entry.seq - 1, taken)
            taken += weight
            entries.append(entry)
        return Received(entries, min(head.seq, after + scan), taken)

    def unread(self, account: int, conversation: ConversationId, own: str, up_to: int, scan: int) -> tuple[int, int]:
        """See `Tx.unread`."""
        rows = self._read(
            "SELECT e.sender <> ? FROM participants p JOIN entries e"
            f" ON e.place > (p.conversation_id << {_NUMBER_BITS} | p.read)"
            f" AND e.place < (p.conversation_id + 1 << {_NUMBER_BITS})"
            " WHERE p.account = ? AND p.conversation = ? ORDER BY e.place LIMIT ?",
            (own, account, conversation, scan),
        )
        unread = looked = 0
        for (by_other,) in rows:
            looked += 1
            unread += by_other
            if unread == up_to:
                break
        return unread, looked

    def sent(self, sender: str, entry: str) -> Entry | None:
        """See `Tx.sent`."""
        if (entry, sender) in self._late:
            self._catch_up()
        row = self._execute(f"SELECT {_ENTRY} FROM entries WHERE id = ? AND sender = ?", (entry, sender)).fetchone()
        if row is None:
            return None
        name = self._read("SELECT name FROM conversations WHERE id = ?", (row[0] >> _NUMBER_BITS,)).fetchone()[0]
        return _entry(name, row)


def _entry(conversation: ConversationId, row: Any) -> Entry:
    place, entry_id, sender, display, sent_at, kind, salt, chain, message = row
    return Entry(
        conversation=conversation,
        seq=place & _NUMBER,
        id=entry_id,
        sender=sender,
        name=display,
        sent_at=sent_at,
        kind=kind,
        chain=chain,
        salt=UNSET if salt is None else salt,
        message=UNSET if message is None else message,
    )
