"""What was said, as rows of SQLite."""

import sqlite3
from typing import Any, Final

from msgspec import UNSET

from realm.store.conversations import ConversationRows
from realm.store.database import LOOK, translated
from realm.store.interface import DamagedError
from realm.store.outbox import OutboxRows
from realm.store.rows import Draft, EntryPage, RealmStanding, Received
from realm.store.writing import Row
from schemas.entries import CHAIN_START, Entry, body_of, bounce_body, file_body, follows, link, size, text_body
from schemas.names import ConversationId, Name, crosses

NUMBER_BITS: Final = 32
WIPED: Final = 1 << 20
"""About so many characters at most are erased or removed in one call: each byte is written anew, as nothing."""
NUMBER: Final = (1 << NUMBER_BITS) - 1

_ENTRY: Final = "place, id, sender, display, sent_at, kind, salt, chain, message, re, code, body"
_BEFORE: Final = "(SELECT b.chain FROM entries b WHERE b.place = e.place - 1)"
"""The chain that an entry, as `e`, goes on from; nothing where what was before it is removed."""
_NEW: Final = "place, id, sender, display, sent_at, kind, salt, chain, message, re, code, stored_at"

_FETCHED: Final = (
    "SELECT p.conversation AS conversation, p.conversation_id AS id, max(p.start, coalesce((SELECT i.seq"
    " FROM realm_inboxes i WHERE i.account = p.account AND i.realm = ?2 AND i.conversation = p.conversation_id), 0))"
    " AS fetched FROM participants p WHERE p.account = ?1"
)
"""How far a user has fetched what came from a realm, by conversation: no less than where the user joined it."""


def _place(conversation: int, seq: int) -> int:
    return conversation << NUMBER_BITS | seq


class EntryRows(ConversationRows, OutboxRows):
    """The part of `Tx` about what was said."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._put["entries"] = self._put_entries

    def append(self, to: ConversationId, draft: Draft) -> Entry:
        """See `Tx.append`."""
        if not draft.drawn and (first := self.sent(draft.sender, draft.id)):
            return first
        head = self._head(to)
        if head is None:
            raise KeyError(to)
        seq = head.seq + 1
        message = None if draft.message is UNSET else draft.message
        body = _body_of(draft)
        chain = link(head.chain, to, seq, draft.id, draft.sender, draft.sent_at, draft.kind, body)
        place = _place(head.id, seq)
        if draft.file is not UNSET:
            self._attach(draft.file.id, place)
        stored_at = draft.sent_at if draft.stored_at is None else draft.stored_at
        told = (draft.salt, chain, message, draft.re, draft.code, draft.stored_at, draft.origin, stored_at)
        row = (place, draft.id, draft.sender, draft.display, draft.sent_at, draft.kind, *told)
        self._write_late(("entries", draft.id, draft.sender), row)
        head.seq, head.chain = seq, chain
        return Entry(
            conversation=to,
            seq=seq,
            id=draft.id,
            sender=draft.sender,
            name=draft.display,
            sent_at=draft.sent_at,
            kind=draft.kind,
            chain=chain,
            salt=draft.salt,
            message=draft.message,
            file=draft.file,
            re=UNSET if draft.re is None else draft.re,
            code=UNSET if draft.code is None else draft.code,
        )

    def _put_entries(self, rows: list[Row]) -> None:
        """Put late entries, and where their conversations end now."""
        self._connection.executemany(
            f"INSERT INTO entries ({_NEW}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [row[:-2] for row in rows]
        )
        if foreign := [(row[-2], row[0]) for row in rows if row[-2] is not None]:
            self._connection.executemany("INSERT INTO from_realms (realm, place) VALUES (?, ?)", foreign)
        ends = {row[0] >> NUMBER_BITS: (row[0] & NUMBER, row[7], self._order(row[-1])) for row in rows}
        self._connection.executemany(
            "UPDATE conversations SET head = ?, chain = ?, latest = ? WHERE id = ?",
            [(*end, conversation) for conversation, end in ends.items()],
        )

    @translated()
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
        low, high = 0, NUMBER
        if after is not None:
            low = min(after, NUMBER)
        elif before is not None:
            high = min(before, NUMBER)
        rows = self._read(
            f"SELECT {_ENTRY}, {_BEFORE} FROM entries e WHERE place > ? AND place < ?"
            f" ORDER BY place {'DESC' if after is None else 'ASC'} LIMIT ?",
            (_place(head.id, low), _place(head.id, high), limit + 1),
        )
        entries: list[Entry] = []
        taken = 0
        more = False
        for row in rows:
            entry = self._sound(of, row)
            if entry is None:
                if not entries:
                    raise _damaged(of, row[0])
                more = True
                break
            taken += size(entry)
            if entries and (len(entries) == limit or taken > max_bytes):
                more = True
                break
            entries.append(entry)
        if after is None:
            entries.reverse()
        return EntryPage(entries, more, taken)

    @translated()
    def received(self, of: ConversationId, own: str, *, after: int, limit: int, max_bytes: int, scan: int) -> Received:
        """See `Tx.received`."""
        head = self._head(of)
        if head is None:
            return Received([], after, 0)
        rows = self._read(
            f"SELECT {_ENTRY}, {_BEFORE} FROM"
            f" (SELECT {_ENTRY} FROM entries WHERE place > ? AND place < ? ORDER BY place LIMIT ?) e"
            " WHERE sender <> ? ORDER BY place LIMIT ?",
            (_place(head.id, after), _place(head.id + 1, 0), scan, own, limit + 1),
        )
        entries: list[Entry] = []
        taken = 0
        for row in rows:
            entry = self._sound(of, row)
            if entry is None:
                if not entries:
                    raise _damaged(of, row[0])
                return Received(entries, (row[0] & NUMBER) - 1, taken)
            weight = size(entry)
            if len(entries) == limit or (entries and taken + weight > max_bytes):
                return Received(entries, entry.seq - 1, taken)
            taken += weight
            entries.append(entry)
        return Received(entries, min(head.seq, after + scan), taken)

    def standings_from(self, account: int, realm: Name, limit: int) -> list[RealmStanding]:
        """See `Tx.standings_from`."""
        rows = self._read(
            f"SELECT conversation, id, fetched FROM ({_FETCHED}) WHERE EXISTS (SELECT 1 FROM from_realms f"
            f" WHERE f.realm = ?2 AND f.place > (id << {NUMBER_BITS} | fetched)"
            f" AND f.place < (id + 1 << {NUMBER_BITS})) ORDER BY conversation LIMIT ?3",
            (account, realm, limit),
        )
        return [RealmStanding(*row) for row in rows]

    @translated()
    def received_from(self, of: RealmStanding, realm: Name, *, limit: int, max_bytes: int) -> Received:
        """See `Tx.received_from`."""
        rows = self._read(
            f"SELECT {_ENTRY}, {_BEFORE} FROM from_realms f JOIN entries e USING (place)"
            " WHERE f.realm = ? AND f.place > ? AND f.place < ? ORDER BY f.place LIMIT ?",
            (realm, _place(of.number, of.fetched), _place(of.number + 1, 0), limit),
        )
        entries: list[Entry] = []
        taken = 0
        for row in rows:
            entry = self._sound(of.conversation, row)
            if entry is None:
                if not entries:
                    raise _damaged(of.conversation, row[0])
                break
            weight = size(entry)
            if entries and taken + weight > max_bytes:
                break
            taken += weight
            entries.append(entry)
        return Received(entries, entries[-1].seq if entries else of.fetched, taken)

    def move_realm_inbox(self, account: int, realm: Name, of: RealmStanding, seq: int) -> None:
        """See `Tx.move_realm_inbox`."""
        self._write(
            "INSERT INTO realm_inboxes (account, realm, conversation, seq) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET seq = excluded.seq",
            (account, realm, of.number, seq),
        )

    def unread(self, account: int, conversation: ConversationId, own: str, up_to: int, scan: int) -> tuple[int, int]:
        """See `Tx.unread`."""
        rows = self._read(
            "SELECT e.sender <> ? FROM participants p JOIN entries e"
            f" ON e.place > (p.conversation_id << {NUMBER_BITS} | p.read)"
            f" AND e.place < (p.conversation_id + 1 << {NUMBER_BITS})"
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
        if ("entries", entry, sender) in self._late:
            self._catch_up()
        row = self._execute(f"SELECT {_ENTRY} FROM entries WHERE id = ? AND sender = ?", (entry, sender)).fetchone()
        if row is None:
            return None
        name = self._read("SELECT name FROM conversations WHERE id = ?", (row[0] >> NUMBER_BITS,)).fetchone()[0]
        return self._entry(name, row)

    def _entry(self, conversation: ConversationId, row: Any) -> Entry:
        place, entry_id, sender, display, sent_at, kind, salt, chain, message, re, code, body = row
        return Entry(
            conversation=conversation,
            seq=place & NUMBER,
            id=entry_id,
            sender=sender,
            name=display,
            sent_at=sent_at,
            kind=kind,
            chain=chain,
            salt=UNSET if salt is None else salt,
            message=UNSET if message is None else message,
            file=self._attached(place) if kind == "file" and body is None else UNSET,
            re=UNSET if re is None else re,
            code=UNSET if code is None else code,
            erased=body is not None,
            body=UNSET if body is None else body,
            queued=crosses(conversation) and self._is_queued(sender, entry_id),
        )

    def _sound(self, conversation: ConversationId, row: Any) -> Entry | None:
        """An entry that goes on from the chain in the last column; None where it is not what was said."""
        entry, before = self._entry(conversation, row[:-1]), row[-1]
        if before is None:
            of = row[0] >> NUMBER_BITS
            first = self._execute("SELECT first FROM conversations WHERE id = ?", (of,)).fetchone()
            if first is None or first[0] != entry.seq:
                return None  # one is missing
            if entry.seq > 1:
                return entry
            before = CHAIN_START
        try:
            return entry if follows(before, entry) else None
        except (TypeError, AttributeError):  # a damaged row may have bytes for text
            return None

    def erase_entry(self, place: int) -> int:
        """Put the digest of what an entry says in its place, and let it name no file.

        Returns how many characters it had, and one; 0 where it was erased before.

        The name that its sender had goes too: what is shown is the one in the address.
        """
        row = self._read(f"SELECT {_ENTRY} FROM entries WHERE place = ?", (place,)).fetchone()
        entry = self._entry(ConversationId(""), row)
        if entry.erased:
            return 0
        self._write(
            "UPDATE entries SET body = ?, display = ?, salt = NULL, message = NULL, re = NULL, code = NULL"
            " WHERE place = ?",
            (body_of(entry), entry.sender.partition("@")[0], place),
        )
        if entry.kind == "file":
            self._detach(place)
        return 1 + len(entry.message or "")


def _damaged(conversation: ConversationId, place: int) -> DamagedError:
    return DamagedError(f"entry {place & NUMBER} of {conversation} is not what was said: {LOOK}")


def _body_of(draft: Draft) -> bytes:
    message = "" if draft.message is UNSET else draft.message
    if draft.re is not None:
        return bounce_body(draft.salt, draft.re, draft.code or "", message)
    return text_body(draft.salt, message) if draft.file is UNSET else file_body(draft.salt, draft.file)
