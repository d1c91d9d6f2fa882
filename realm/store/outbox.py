"""What waits for other realms, as rows of SQLite. `enqueue` and `number` are the only source of link numbers."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from realm.store.files import FileRows
from realm.store.peers import PeerRows
from realm.store.rows import Outgoing, Post, Sending
from schemas.federation import HASH_START, Carried, Envelope, hash_of
from schemas.names import Address, Name

_ROW: Final = (
    "o.place, o.n, o.hash, o.copied, o.settled_at, o.result,"
    " o.peer, o.id, o.account, o.display, o.sent_at, o.to_group, o.recipient, o.message, o.file"
)
_ROWS: Final = f"SELECT {_ROW} FROM outbox o"
_TO_CARRY: Final = "o.file IS NOT NULL AND o.n IS NULL AND o.result = ''"
"""What the peer is not known to hold the file of."""
_OPEN: Final = "o.copied = 0 AND o.settled_at IS NULL"
_changed = msgspec.structs.replace


class OutboxRows(FileRows, PeerRows):
    """The part of `Tx` about what is on its way to other realms."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._addresses: dict[int, Address] = {}

    def enqueue(self, post: Post) -> Outgoing:
        """See `Tx.enqueue`."""
        sending = self.sending(post.peer)
        row = Outgoing(0, None, b"", post, copied=False, settled=False, result="")
        n, digest = None, b""
        if post.file is UNSET:
            n, digest = self._next(row, sending)
            sending = _changed(sending, last=n, hash=digest)
        place = self._write(
            "INSERT INTO outbox (peer, n, hash, id, account, display, sent_at, to_group, recipient, message, file)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                post.peer,
                n,
                digest or None,
                post.id,
                post.account,
                post.display,
                post.sent_at,
                post.to_group,
                post.recipient,
                None if post.message is UNSET else post.message,
                None if post.file is UNSET else post.file,
            ),
        ).lastrowid
        self._set_sending(post.peer, _changed(sending, queued=sending.queued + 1))
        return _changed(row, place=place, n=n, hash=digest)

    def number(self, row: Outgoing) -> Outgoing:
        """See `Tx.number`."""
        sending = self.sending(row.post.peer)
        n, digest = self._next(row, sending)
        self._write("UPDATE outbox SET n = ?, hash = ? WHERE place = ?", (n, digest, row.place))
        self._set_sending(row.post.peer, _changed(sending, last=n, hash=digest))
        return _changed(row, n=n, hash=digest)

    def envelope(self, row: Outgoing) -> Envelope:
        """See `Tx.envelope`."""
        assert row.n is not None
        return _changed(self._unsealed(row, self.sending(row.post.peer).epoch, row.n), hash=row.hash)

    def outgoing(self, account: int, entry: str) -> Outgoing | None:
        """See `Tx.outgoing`."""
        row = self._execute(f"{_ROWS} WHERE o.id = ? AND o.account = ?", (entry, account)).fetchone()
        return None if row is None else _outgoing(row)

    def numbered(self, peer: int, after: int, upto: int) -> list[Outgoing]:
        """See `Tx.numbered`."""
        rows = self._execute(f"{_ROWS} WHERE o.peer = ? AND o.n > ? AND o.n <= ? ORDER BY o.n", (peer, after, upto))
        return [_outgoing(row) for row in rows.fetchall()]

    def uncopied(self) -> list[Outgoing]:
        """See `Tx.uncopied`."""
        found: list[Outgoing] = []
        for (peer,) in self._execute("SELECT id FROM peers ORDER BY id").fetchall():
            acked = self.sending(peer).acked
            rows = self._execute(f"{_ROWS} WHERE o.peer = ? AND o.n > ? AND {_OPEN}", (peer, acked)).fetchall()
            rows += self._execute(f"{_ROWS} WHERE o.peer = ? AND {_TO_CARRY} AND {_OPEN}", (peer,)).fetchall()
            found += [_outgoing(row) for row in rows]
        return sorted(found, key=lambda row: row.place)

    def unnumbered(self, peer: int, limit: int) -> list[Outgoing]:
        """See `Tx.unnumbered`."""
        rows = self._execute(
            f"{_ROWS} WHERE o.peer = ? AND {_TO_CARRY} ORDER BY o.place LIMIT ?", (peer, limit)
        ).fetchall()
        return [_outgoing(row) for row in rows]

    def oldest_queued(self, peer: int) -> int | None:
        """See `Tx.oldest_queued`."""
        acked = self.sending(peer).acked
        said = [
            self._execute(
                f"SELECT sent_at FROM outbox o WHERE o.peer = ? AND {which} AND o.settled_at IS NULL"
                f" ORDER BY {order} LIMIT 1",
                values,
            ).fetchone()
            for which, order, values in (("o.n > ?", "o.n", (peer, acked)), (_TO_CARRY, "o.place", (peer,)))
        ]
        return min((int(row[0]) for row in said if row), default=None)

    def take_back_number(self, row: Outgoing) -> None:
        """See `Tx.take_back_number`."""
        self._write("UPDATE outbox SET n = NULL WHERE place = ?", (row.place,))

    def set_copied(self, row: Outgoing) -> None:
        """See `Tx.set_copied`."""
        self._write("UPDATE outbox SET copied = 1 WHERE place = ?", (row.place,))

    def settle(self, rows: Sequence[Outgoing], codes: Sequence[str], now: int) -> None:
        """See `Tx.settle`."""
        told = [
            (now, code, None if code else row.n, row.copied or not code, row.place)
            for row, code in zip(rows, codes, strict=True)
        ]
        self._write_many(
            "UPDATE outbox SET settled_at = coalesce(settled_at, ?), result = ?, n = ?, copied = ? WHERE place = ?",
            told,
        )
        for peer, count in Counter(row.post.peer for row in rows if not row.settled).items():
            sending = self.sending(peer)
            self._set_sending(peer, _changed(sending, queued=sending.queued - count))

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
        row = self._execute("SELECT hash FROM outbox WHERE peer = ? AND n = ?", (peer, n)).fetchone()
        return None if row is None else bytes(row[0])

    def renumber(self, peer: int, epoch: int, now: int) -> None:
        """See `Tx.renumber`."""
        rows = self.numbered(peer, 0, 1 << 62)
        self._write("UPDATE outbox SET n = NULL WHERE peer = ?", (peer,))
        fresh = _changed(
            self.sending(peer),
            epoch=epoch,
            last=0,
            hash=HASH_START,
            acked=0,
            acked_hash=HASH_START,
            restored_at=now,
        )
        self._set_sending(peer, fresh)
        for row in rows:
            if row.post.file is UNSET:  # a file has to be brought again, or seen to be there
                self.number(row)

    def forget_settled(self, before: int, limit: int) -> int:
        """See `Tx.forget_settled`."""
        if not self._attempting:  # else what is late stays so, and less is forgotten
            self._write_marks()
        return self._write(
            "DELETE FROM outbox WHERE place IN (SELECT o.place FROM outbox o JOIN peers p ON p.id = o.peer"
            f" WHERE o.settled_at < ? AND coalesce(o.n, 0) <= p.acked AND NOT ({_TO_CARRY}) ORDER BY o.place LIMIT ?)",
            (before, limit),
        ).rowcount

    def _is_queued(self, sender: str, entry: str) -> bool:
        """Whether an entry is one that a peer has neither taken nor refused yet."""
        row = self._execute(
            "SELECT 1 FROM outbox o JOIN accounts a ON a.id = o.account WHERE o.id = ? AND o.settled_at IS NULL"
            " AND a.name || '@' || (SELECT name FROM realm) = ?",
            (entry, sender),
        ).fetchone()
        return row is not None

    def _next(self, row: Outgoing, sending: Sending) -> tuple[int, bytes]:
        """The number after the last, and the running hash there, if this row gets it."""
        n = sending.last + 1
        return n, hash_of(sending.hash, self._unsealed(row, sending.epoch, n))

    def _address_of(self, account: int) -> Address:
        query = "SELECT name || '@' || (SELECT name FROM realm) FROM accounts WHERE id = ?"
        return Address(self._execute(query, (account,)).fetchone()[0])

    def _unsealed(self, row: Outgoing, epoch: int, n: int) -> Envelope:
        """A row as an envelope whose hash is still to be put in."""
        post = row.post
        address = self._addresses.get(post.account)
        if address is None:
            address = self._addresses[post.account] = self._address_of(post.account)
        carried: Carried | UnsetType = UNSET
        if post.file is not UNSET:
            file = self.file(post.file)
            assert file is not None, "a file that the outbox names is kept"
            carried = Carried(name=file.name, size=file.size, media_type=file.media_type, digest=file.digest)
        return Envelope(
            epoch=epoch,
            n=n,
            id=post.id,
            hash=HASH_START,
            kind="text" if post.file is UNSET else "file",
            sender=address,
            name=post.display,
            to=UNSET if post.to_group else post.recipient,
            group=post.recipient if post.to_group else UNSET,
            sent_at=post.sent_at,
            message=post.message,
            file=carried,
        )


def _outgoing(row: Any) -> Outgoing:
    place, n, digest, copied, settled_at, result, *post = row
    peer, entry, account, display, sent_at, to_group, recipient, message, file = post
    return Outgoing(
        place,
        n,
        digest or b"",
        Post(
            peer,
            entry,
            account,
            display,
            sent_at,
            bool(to_group),
            Name(recipient),
            UNSET if message is None else message,
            UNSET if file is None else file,
        ),
        copied=bool(copied),
        settled=settled_at is not None,
        result=result,
    )
