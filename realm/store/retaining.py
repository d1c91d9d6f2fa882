"""Removing what was said long enough ago, as rows of SQLite. Numbers and chains go on as if it were there."""

from realm.store.entries import NUMBER, NUMBER_BITS, WIPED, EntryRows
from realm.store.rows import Kept
from schemas.names import ConversationId, crosses


class RetainingRows(EntryRows):
    """The part of `Tx` about how long what was said is kept."""

    def kept(self, after: int, limit: int) -> list[Kept]:
        """See `Tx.kept`."""
        rows = self._read(
            "SELECT id, name, first, head FROM conversations WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        return [Kept(*row) for row in rows]

    def expire(self, of: Kept, before: int, now: int, limit: int) -> tuple[int, bool]:
        """See `Tx.expire`."""
        first, end = of.number << NUMBER_BITS | of.first, of.number + 1 << NUMBER_BITS
        oldest = self._read(
            "SELECT coalesce(stored_at, sent_at) FROM entries WHERE place >= ? AND place < ? ORDER BY place LIMIT 1",
            (first, end),
        ).fetchone()
        if oldest is None or before <= oldest[0] <= now:
            return 0, False
        rows: list[tuple[int, str, str, str, int]] = []
        room = WIPED
        for *row, message in self._read(
            "SELECT place, id, sender, kind, coalesce(stored_at, sent_at), message FROM entries"
            " WHERE place >= ? AND place < ? ORDER BY place LIMIT ?",
            (first, end, limit),
        ):
            rows.append(tuple(row))
            room -= len(message or "")
            if room <= 0:
                break
        # What comes before an old one is as old, whatever a clock said.
        looked = len(rows)
        old = max((count for count, row in enumerate(rows, start=1) if row[-1] < before), default=0)
        del rows[old:]
        if crosses(of.conversation):
            waits = (at for at, (_, entry, sender, *_) in enumerate(rows) if self._is_queued(sender, entry))
            del rows[next(waits, len(rows)) :]
        if rows:
            self._remove(rows)
        return len(rows), len(rows) == looked and (looked == limit or room <= 0)

    def has_expired(self, of: ConversationId) -> bool:
        """See `Tx.has_expired`."""
        return self._read("SELECT 1 FROM conversations WHERE name = ? AND first > 1", (of,)).fetchone() is not None

    def _remove(self, rows: list[tuple[int, str, str, str, int]]) -> None:
        """Remove entries that are the oldest of one conversation."""
        first, last = rows[0][0], rows[-1][0]
        for place, _, _, kind, _ in rows:
            if kind == "file":
                self._detach(place)
        for realm in sorted({sender.rpartition("@")[2] for _, _, sender, *_ in rows}):
            self._write("DELETE FROM from_realms WHERE realm = ? AND place BETWEEN ? AND ?", (realm, first, last))
        with self.wiping():
            self._write("DELETE FROM entries WHERE place BETWEEN ? AND ?", (first, last))
        self._write("UPDATE conversations SET first = ? WHERE id = ?", ((last & NUMBER) + 1, last >> NUMBER_BITS))
