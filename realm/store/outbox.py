"""What waits for other realms, as rows of SQLite. `enqueue` and `number` are the only source of link numbers."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET

from realm.store.database import LOOK
from realm.store.envelopes import OUTGOING, EnvelopeRows, outgoing_of
from realm.store.interface import DamagedError
from realm.store.rows import Outgoing, Post
from realm.store.writing import Row
from schemas.federation import HASH_START, Envelope, hash_of

_TO_CARRY: Final = "o.file IS NOT NULL AND o.n IS NULL AND o.result = ''"
"""What the peer is not known to hold the file of."""
_TO_NUMBER: Final = "o.file IS NULL AND o.n IS NULL AND o.result = ''"
"""Texts that were said while rows before them were still to be renumbered."""
_OPEN: Final = "o.copied = 0 AND o.settled_at IS NULL"
RECENT: Final = 256
"""So many rows at most are looked for among those that were just written: as many as may be on their way."""
REMEMBERED: Final = 4_096
"""Rows of all peers that are remembered after they were written,"""
SHORT: Final = 4_096
"""and how long a message may be for that."""
_changed = msgspec.structs.replace


class OutboxRows(EnvelopeRows):
    """The part of `Tx` about what is on its way to other realms."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._realm: str | None = None
        self._recent: dict[tuple[int, int], tuple[Outgoing, Envelope]] = {}
        """Rows that were just written, by peer and number: they are sent, and acknowledged, soon after."""
        self._last_place: int | None = None
        self._put["outbox"] = self._put_outbox

    def enqueue(self, post: Post) -> Outgoing:
        """See `Tx.enqueue`."""
        sending = self.sending(post.peer)
        row = Outgoing(0, None, b"", post, copied=False, settled=False, result="")
        n, digest, sealed = None, b"", None
        if post.file is UNSET and not sending.renumbering:
            sealed = self._sealed(row, sending)
            n, digest = sealed.n, sealed.hash
            sending = _changed(sending, last=n, hash=digest)
        place = self._next_place()
        message = None if post.message is UNSET else post.message
        file = None if post.file is UNSET else post.file
        said = (post.display, post.sent_at, post.to_group, post.recipient, message, file)
        row_of_it = (place, post.peer, sending.epoch, n, digest or None, post.id, post.account, *said)
        self._write_late(("outbox", post.id, post.account), row_of_it)
        self._set_sending(post.peer, _changed(sending, queued=sending.queued + 1))
        row = _changed(row, place=place, n=n, hash=digest)
        if sealed is not None:
            self._remember(row, sealed)
        return row

    def _next_place(self) -> int:
        if self._last_place is None:  # then no row is late
            self._last_place = self._execute("SELECT coalesce(max(place), 0) FROM outbox").fetchone()[0]
        self._last_place += 1
        return self._last_place

    def _put_outbox(self, rows: list[Row]) -> None:
        self._connection.executemany(
            "INSERT INTO outbox"
            " (place, peer, epoch, n, hash, id, account, display, sent_at, to_group, recipient, message, file)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )

    def number(self, row: Outgoing) -> Outgoing:
        """See `Tx.number`."""
        sending = self.sending(row.post.peer)
        sealed = self._sealed(row, sending)
        n, digest = sealed.n, sealed.hash
        self._write(
            "UPDATE outbox SET epoch = ?, n = ?, hash = ? WHERE place = ?", (sending.epoch, n, digest, row.place)
        )
        self._set_sending(row.post.peer, _changed(sending, last=n, hash=digest))
        return _changed(row, n=n, hash=digest)

    def envelope(self, row: Outgoing) -> Envelope:
        """See `Tx.envelope`."""
        assert row.n is not None
        known = self._recent.get((row.post.peer, row.n))
        if known is not None:
            return known[1]
        envelope = self._unsealed(row, self.sending(row.post.peer).epoch, row.n)
        before = HASH_START if row.n == 1 else self.hash_at(row.post.peer, row.n - 1)
        if before is None or hash_of(before, envelope) != row.hash:  # the peer would ask for it again and again
            raise DamagedError(f"message {row.n} that waits for another realm is not what was said: {LOOK}")
        msgspec.structs.force_setattr(envelope, "hash", row.hash)
        return envelope

    def outgoing(self, account: int, entry: str) -> Outgoing | None:
        """See `Tx.outgoing`."""
        if ("outbox", entry, account) in self._late:
            self._catch_up()
        row = self._execute(f"{OUTGOING} WHERE o.id = ? AND o.account = ?", (entry, account)).fetchone()
        return None if row is None else outgoing_of(row)

    def numbered(self, peer: int, after: int, upto: int) -> list[Outgoing]:
        """See `Tx.numbered`."""
        if upto - after <= RECENT:
            recent = [self._recent.get((peer, n)) for n in range(after + 1, upto + 1)]
            if None not in recent:
                return [known[0] for known in recent if known is not None]
        rows = self._read(
            f"{OUTGOING} WHERE o.peer = ? AND o.epoch = ? AND o.n > ? AND o.n <= ? ORDER BY o.n",
            (peer, self.sending(peer).epoch, after, upto),
        )
        return [outgoing_of(row) for row in rows.fetchall()]

    def uncopied(self) -> list[Outgoing]:
        """See `Tx.uncopied`."""
        found: list[Outgoing] = []
        for (peer,) in self._execute("SELECT id FROM peers ORDER BY id").fetchall():
            for which, _, values in self._unsettled(peer):
                rows = self._read(f"{OUTGOING} WHERE {which} AND {_OPEN}", values).fetchall()
                found += [outgoing_of(row) for row in rows]
        return sorted(found, key=lambda row: row.place)

    def unnumbered(self, peer: int, limit: int) -> list[Outgoing]:
        """See `Tx.unnumbered`."""
        rows = self._read(
            f"{OUTGOING} WHERE o.peer = ? AND {_TO_CARRY} ORDER BY o.place LIMIT ?", (peer, limit)
        ).fetchall()
        return [outgoing_of(row) for row in rows]

    def oldest_queued(self, peer: int) -> int | None:
        """See `Tx.oldest_queued`."""
        said = [
            self._read(
                f"SELECT sent_at FROM outbox o WHERE {which} AND o.settled_at IS NULL ORDER BY {order} LIMIT 1",
                values,
            ).fetchone()
            for which, order, values in self._unsettled(peer)
        ]
        return min((int(row[0]) for row in said if row), default=None)

    def take_back_number(self, row: Outgoing) -> None:
        """See `Tx.take_back_number`."""
        self._write("UPDATE outbox SET n = NULL WHERE place = ?", (row.place,))

    def set_copied(self, row: Outgoing) -> None:
        """See `Tx.set_copied`."""
        self._write("UPDATE outbox SET copied = 1 WHERE place = ?", (row.place,))
        known = self._recent.get((row.post.peer, row.n or 0))
        if known is not None:
            self._recent[row.post.peer, row.n or 0] = _changed(known[0], copied=True), known[1]

    def settle(self, rows: Sequence[Outgoing], codes: Sequence[str], now: int) -> None:
        """See `Tx.settle`."""
        refused = [(now, code, row.copied, row.place) for row, code in zip(rows, codes, strict=True) if code]
        if refused:
            self._write_many(
                "UPDATE outbox SET settled_at = coalesce(settled_at, ?), result = ?, n = NULL, copied = ?"
                " WHERE place = ?",
                refused,
            )
        taken = [row for row, code in zip(rows, codes, strict=True) if not code]
        if taken:  # by their range: one statement that touches no index costs a third of one for each
            peer = taken[0].post.peer
            self._write(
                "UPDATE outbox SET settled_at = ?, copied = 1"
                " WHERE peer = ? AND epoch = ? AND n BETWEEN ? AND ? AND settled_at IS NULL",
                (now, peer, self.sending(peer).epoch, taken[0].n, taken[-1].n),
            )
        for row in rows:
            self._recent.pop((row.post.peer, row.n or 0), None)
        for peer, count in Counter(row.post.peer for row in rows if not row.settled).items():
            self.fewer_queued(peer, count)

    def acknowledge(self, peer: int, upto: int) -> None:
        """See `Tx.acknowledge`."""
        sending = self.sending(peer)
        digest = self.hash_at(peer, upto)
        assert digest is not None
        self._set_sending(peer, _changed(sending, acked=upto, acked_hash=digest))

    def hash_at(self, peer: int, n: int) -> bytes | None:
        """See `Tx.hash_at`."""
        sending = self.sending(peer)
        if n in (sending.acked, sending.last):
            return sending.acked_hash if n == sending.acked else sending.hash
        row = self._read(
            "SELECT hash FROM outbox WHERE peer = ? AND epoch = ? AND n = ?", (peer, sending.epoch, n)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def renumber(self, peer: int, epoch: int, now: int | None) -> None:
        """See `Tx.renumber`."""
        self._recent.clear()
        before = self.sending(peer)
        fresh = _changed(
            before,
            epoch=epoch,
            last=0,
            hash=HASH_START,
            acked=0,
            acked_hash=HASH_START,
            restored_at=before.restored_at if now is None else now,
            renumbering=1,
        )
        self._set_sending(peer, fresh)

    def renumber_on(self, peer: int, limit: int) -> None:
        """See `Tx.renumber_on`."""
        if not self.sending(peer).renumbering:
            return
        rows = self._behind(peer, limit)
        for row in rows:
            if row.post.file is UNSET:
                self.number(row)
            else:  # it has to be brought again, or seen to be there
                self.take_back_number(row)
        if len(rows) < limit:
            self._set_sending(peer, _changed(self.sending(peer), renumbering=0))

    def untaken(self, peer: int, limit: int) -> list[Outgoing]:
        """See `Tx.untaken`."""
        sending = self.sending(peer)
        rows = self._read(
            f"{OUTGOING} WHERE o.peer = ? AND o.epoch = ? AND o.n > ? ORDER BY o.n LIMIT ?",
            (peer, sending.epoch, sending.acked, limit),
        ).fetchall()
        found = [outgoing_of(row) for row in rows]
        found += self._behind(peer, limit - len(found))
        return found + self.unnumbered(peer, limit - len(found))

    def _behind(self, peer: int, limit: int) -> list[Outgoing]:
        """The next rows that want a number, in the old order: those that had one, and then the texts said since.

        What got its number in the latest of the earlier epochs was before what had not, when that was ended too.
        """
        found: list[Any] = []
        for epoch in self._earlier_epochs(peer):
            found += self._read(
                f"{OUTGOING} WHERE o.peer = ? AND o.epoch = ? AND o.n IS NOT NULL ORDER BY o.n LIMIT ?",
                (peer, epoch, limit - len(found)),
            ).fetchall()
        found += self._read(
            f"{OUTGOING} WHERE o.peer = ? AND {_TO_NUMBER} ORDER BY o.place LIMIT ?", (peer, limit - len(found))
        ).fetchall()
        return [outgoing_of(row) for row in found]

    def _earlier_epochs(self, peer: int) -> list[int]:
        """Those of which rows still have their numbers, the latest first."""
        found: list[int] = []
        epoch = self.sending(peer).epoch
        while True:
            (before,) = self._read(
                "SELECT max(epoch) FROM outbox WHERE peer = ? AND n IS NOT NULL AND epoch < ?", (peer, epoch)
            ).fetchone()
            if before is None:
                return found
            epoch = int(before)
            found.append(epoch)

    def _unsettled(self, peer: int) -> list[tuple[str, str, tuple[int, ...]]]:
        """Where the rows are that may not be settled: a condition on `o`, an order of it by age, and its values."""
        sending = self.sending(peer)
        found: list[tuple[str, str, tuple[int, ...]]] = [
            ("o.peer = ? AND o.epoch = ? AND o.n > ?", "o.n", (peer, sending.epoch, sending.acked)),
            (f"o.peer = ? AND {_TO_CARRY}", "o.place", (peer,)),
        ]
        if sending.renumbering:
            found.append((f"o.peer = ? AND {_TO_NUMBER}", "o.place", (peer,)))
            # As many as wait; but for files that were brought again they are the last ones.
            last = "SELECT place FROM outbox WHERE peer = ? AND epoch = ? AND n IS NOT NULL ORDER BY n DESC LIMIT ?"
            found += [
                (f"o.place IN ({last})", "o.n", (peer, epoch, sending.queued)) for epoch in self._earlier_epochs(peer)
            ]
        return found

    def forget_settled(self, before: int, limit: int) -> int:
        """See `Tx.forget_settled`."""
        gone = 0
        for (peer,) in self._execute("SELECT id FROM peers ORDER BY id").fetchall():
            # By the mark that is remembered: its row may be late.
            gone += self._write(
                "DELETE FROM outbox WHERE place IN (SELECT o.place FROM outbox o WHERE o.peer = ? AND o.settled_at < ?"
                f" AND (o.n IS NULL OR (o.epoch = ? AND o.n <= ?)) AND NOT ({_TO_CARRY}) LIMIT ?)",
                (peer, before, self.sending(peer).epoch, self.sending(peer).acked, limit - gone),
            ).rowcount
        return gone

    def recent_gone(self, row: Outgoing) -> None:
        """A row is not remembered any more."""
        self._recent.pop((row.post.peer, row.n or 0), None)

    def fewer_queued(self, peer: int, by: int) -> None:
        """So many fewer wait for the peer."""
        sending = self.sending(peer)
        self._set_sending(peer, _changed(sending, queued=sending.queued - by))

    def forget(self) -> None:
        """See `Writing.forget`."""
        super().forget()
        self._recent.clear()
        self._last_place = None

    def _is_queued(self, sender: str, entry: str) -> bool:
        """Whether an entry is one that a peer has neither taken nor refused yet."""
        if self._realm is None:
            self._realm = str(self._execute("SELECT name FROM realm").fetchone()[0])
        if sender.rpartition("@")[2] != self._realm:
            return False
        row = self._read(
            "SELECT 1 FROM outbox o JOIN accounts a ON a.id = o.account WHERE o.id = ? AND o.settled_at IS NULL"
            " AND a.name || '@' || (SELECT name FROM realm) = ?",
            (entry, sender),
        ).fetchone()
        return row is not None

    def _remember(self, row: Outgoing, sealed: Envelope) -> None:
        if sealed.message is not UNSET and len(sealed.message) > SHORT:
            return
        if len(self._recent) >= REMEMBERED:
            self._recent.clear()
        self._recent[row.post.peer, sealed.n] = row, sealed
