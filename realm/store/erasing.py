"""What is left of an account that is erased, as rows of SQLite: nothing but its name.

What goes is overwritten with zeros in the database file, not only left out of it.
"""

from collections.abc import Sequence
from typing import Final

from realm.store.accounts import AccountRows
from realm.store.entries import NUMBER_BITS, WIPED, EntryRows
from realm.store.envelopes import OUTGOING, outgoing_of
from realm.store.groups import GroupRows
from realm.store.rows import Erasing, Outgoing, Step
from schemas.names import ConversationId

_ERASING: Final = (
    "SELECT e.account, a.name, e.asked_at, e.step, e.place, e.entries, e.files"
    " FROM erasures e JOIN accounts a ON a.id = e.account"
)


class ErasingRows(AccountRows, GroupRows, EntryRows):
    """The part of `Tx` about erasing an account."""

    def begin_erasing(self, account: int, step: Step, now: int) -> None:
        """See `Tx.begin_erasing`."""
        with self.wiping():
            self._write(
                "UPDATE accounts SET display = '', country = '', password_hash = '', admin = 0, search = '',"
                " active_until = 0, active_at = 0, disabled_at = NULL, erased_at = ? WHERE id = ?",
                (now, account),
            )
            self.forget_keys(account)
        self._write("INSERT INTO erasures (account, asked_at, step) VALUES (?, ?, ?)", (account, now, step))
        self._accounts.clear()
        self._by_id.clear()

    def erasing(self, limit: int) -> list[Erasing]:
        """See `Tx.erasing`."""
        rows = self._read(f"{_ERASING} WHERE e.step <> 'done' ORDER BY e.asked_at, e.account LIMIT ?", (limit,))
        return [Erasing(*row) for row in rows]

    def erasing_of(self, account: int) -> Erasing | None:
        """See `Tx.erasing_of`."""
        row = self._read(f"{_ERASING} WHERE e.account = ?", (account,)).fetchone()
        return Erasing(*row) if row else None

    def erase_next(self, account: int, step: Step) -> None:
        """See `Tx.erase_next`."""
        self._write("UPDATE erasures SET step = ?, place = 0 WHERE account = ?", (step, account))

    # what waits for other realms

    def outgoing_by(self, account: int, scan: int) -> tuple[list[Outgoing], bool]:
        """See `Tx.outgoing_by`."""
        last = self._place_of(account)
        rows = self._read(
            "SELECT place, account FROM outbox WHERE place > ? ORDER BY place LIMIT ?", (last, scan)
        ).fetchall()
        found = [self._post_at(place) for place, by in rows if by == account]
        if rows:
            self._write("UPDATE erasures SET place = ? WHERE account = ?", (rows[-1][0], account))
        return found, len(rows) == scan

    def _post_at(self, place: int) -> Outgoing:
        return outgoing_of(self._read(f"{OUTGOING} WHERE o.place = ?", (place,)).fetchone())

    def withdraw(self, rows: Sequence[Outgoing]) -> None:
        """See `Tx.withdraw`."""
        with self.wiping():
            for row in rows:
                gone = self._write("DELETE FROM outbox WHERE place = ?", (row.place,)).rowcount
                self.recent_gone(row)
                if gone and not row.settled:
                    self.fewer_queued(row.post.peer, 1)

    def is_numbered(self, row: Outgoing) -> bool:
        """See `Tx.is_numbered`."""
        sending = self.sending(row.post.peer)
        found = self._read(
            "SELECT 1 FROM outbox WHERE place = ? AND epoch = ? AND n > ?", (row.place, sending.epoch, sending.acked)
        )
        return found.fetchone() is not None

    def withdraw_numbered(self, account: int, peer: int) -> int:
        """See `Tx.withdraw_numbered`."""
        sending = self.sending(peer)
        rows = self._read(
            f"{OUTGOING} WHERE o.peer = ? AND o.epoch = ? AND o.n > ? AND o.account = ?",
            (peer, sending.epoch, sending.acked, account),
        ).fetchall()
        self.withdraw([outgoing_of(row) for row in rows])
        return len(rows)

    # where it takes part

    def part_of(self, account: int) -> tuple[ConversationId, bool] | None:
        """See `Tx.part_of`."""
        row = self._read(
            "SELECT p.conversation, EXISTS (SELECT 1 FROM participants o WHERE o.conversation_id = p.conversation_id"
            " AND o.account <> p.account) FROM participants p WHERE p.account = ? ORDER BY p.conversation LIMIT 1",
            (account,),
        ).fetchone()
        return (ConversationId(row[0]), bool(row[1])) if row else None

    def end_part(self, account: int, conversation: ConversationId) -> None:
        """See `Tx.end_part`."""
        self._write("DELETE FROM participants WHERE account = ? AND conversation = ?", (account, conversation))
        self._members.pop(conversation, None)
        self._write("UPDATE erasures SET place = 0 WHERE account = ?", (account,))

    def forget_realm_inboxes(self, account: int, limit: int) -> int:
        """See `Tx.forget_realm_inboxes`."""
        return self._write(
            "DELETE FROM realm_inboxes WHERE (account, realm, conversation) IN"
            " (SELECT account, realm, conversation FROM realm_inboxes WHERE account = ? LIMIT ?)",
            (account, limit),
        ).rowcount

    # what was said

    def erase_conversation(self, account: int, conversation: ConversationId, limit: int) -> bool:
        """See `Tx.erase_conversation`."""
        head = self._head(conversation)
        if head is None:
            return False
        low = max(self._place_of(account), head.id << NUMBER_BITS)
        rows = self._read(
            "SELECT place FROM entries WHERE place > ? AND place < ? ORDER BY place LIMIT ?",
            (low, head.id + 1 << NUMBER_BITS, limit),
        ).fetchall()
        erased, wiped, place = 0, 0, low
        with self.wiping():
            for (place,) in rows:
                size = self.erase_entry(place)
                erased, wiped = erased + bool(size), wiped + size
                if wiped > WIPED:
                    break
        self._write("UPDATE erasures SET place = ?, entries = entries + ? WHERE account = ?", (place, erased, account))
        return len(rows) == limit or wiped > WIPED

    def erase_said_by(self, account: int, sender: str, scan: int, limit: int) -> bool:
        """See `Tx.erase_said_by`."""
        entry, by = self._read("SELECT entry, sender FROM erasures WHERE account = ?", (account,)).fetchone()
        # Through the index alone, which has no bodies.
        rows = self._read(
            "SELECT id, sender, place FROM entries WHERE (id, sender) > (?, ?) ORDER BY id, sender LIMIT ?",
            (entry, by, scan),
        ).fetchall()
        erased = wiped = 0
        with self.wiping():
            for entry, by, place in rows:  # noqa: B007 - where it stops, the next goes on
                size = self.erase_entry(place) if by == sender else 0
                erased, wiped = erased + bool(size), wiped + size
                if erased == limit or wiped > WIPED:
                    break
        self._write(
            "UPDATE erasures SET entry = ?, sender = ?, entries = entries + ? WHERE account = ?",
            (entry, by, erased, account),
        )
        return len(rows) == scan or erased == limit or wiped > WIPED

    # its files

    def drop_files_of(self, account: int, limit: int) -> int:
        """See `Tx.drop_files_of`."""
        with self.wiping():
            gone = self.drop_files("f.owner = ? AND f.uses = 0", (account,), limit)
        self._write("UPDATE erasures SET files = files + ? WHERE account = ?", (gone, account))
        if not gone:
            self._write("DELETE FROM usage WHERE owner = ?", (account,))
        return gone

    def _place_of(self, account: int) -> int:
        row = self._read("SELECT place FROM erasures WHERE account = ?", (account,)).fetchone()
        return int(row[0]) if row else 0
